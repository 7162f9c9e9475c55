using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "7.1")]
public class PassThroughTests
{
    public static TheoryData<string> Values =>
    [
        "1.0", "1e5", "1E+5", "-0", "-0.0", "123456789012345678901234567890", "0.1000000000000000000001", "1.0e-400",
        "null", "true", "false", "\"\"", "[]", "{}", "[1,2.50,3e0]",
        """{"b":1,"a":2,"B":3,"aB":4,"a_b":5}""",
        """{"z":{"y":{"x":[{"w":null}]}},"":0}""",
        "\"grüße 日本語 🎉\"",
        "\"\\u00fc\\n\\t\\\\\\/\\\"\\ud83c\\udf89 <&'+>\"",
        "\"\\ud800\"",
        "\"\u2028\u2029\u007f\"",
        """{"agent":"x","type":"job.cancel","payload":{"job_id":"y"},"$ref":"#","__proto__":{}}""",
        """[ 1 , { "a" :  2 } ]""",
    ];

    [Theory]
    [MemberData(nameof(Values))]
    public async Task Input_and_result_pass_through_unchanged(string json)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync($$$"""{"type":"job.submit","id":"1","payload":{"input":{{{json}}},"agent":"echo"}}""");
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        WireFrame result = (await client.ReadJobAsync(accepted.JobId!))[^1];

        result.Raw("result").Should().Be(json);
        result.FinalStatus.Should().Be("success");
    }

    [Theory]
    [MemberData(nameof(Values))]
    [Trait("Section", "8.2")]
    public async Task Tool_arguments_tool_results_attributes_and_vendor_bodies_pass_through_unchanged(string json)
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("emit", "1", async (job, _) =>
        {
            string call = await job.ToolCallAsync("t", job.Input);
            await job.ToolResultAsync(call, job.Input);
            await job.LogAsync("m", attributes: job.Input);
            await job.VendorEventAsync("x-vendor.acme.thing", job.Input);
            await job.EmitAsync(new RawEvent("x-vendor.b", job.Input));
            return null;
        }));
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync($$$"""{"type":"job.submit","id":"1","payload":{"input":{{{json}}},"agent":"emit"}}""");
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        static string Raw(WireFrame frame, string? member)
        {
            using var document = System.Text.Json.JsonDocument.Parse(frame.Raw("body"));
            return member is null ? document.RootElement.GetRawText() : document.RootElement.GetProperty(member).GetRawText();
        }

        frames.Select(frame => frame.Kind).Should().Equal("status", "tool_call", "tool_result", "log", "x-vendor.acme.thing", "x-vendor.b", null);
        Raw(frames[1], "args").Should().Be(json);
        Raw(frames[2], "result").Should().Be(json);
        Raw(frames[3], "attributes").Should().Be(json);
        Raw(frames[4], null).Should().Be(json);
        Raw(frames[5], null).Should().Be(json);
    }

    [Fact]
    public async Task Line_breaks_between_tokens_are_all_that_is_dropped()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync("{\"type\":\"job.submit\",\"payload\":{\"agent\":\"echo\",\"input\":{\r\n  \"b\": 1.0,\n  \"a\": \"x\\ny\"\n}}}");
        WireFrame accepted = await client.ExpectAsync("job.accepted");

        WireFrame result = (await client.ReadJobAsync(accepted.JobId!))[^1];
        result.Text.Should().NotContainAny("\r", "\n");
        result.Raw("result").Should().Be("""{  "b": 1.0,  "a": "x\ny"}""");
    }

    [Fact]
    public async Task An_absent_input_is_null_and_a_null_result_is_written_as_null()
    {
        RawJson? seen = null;
        await using var runtime = new TestRuntime(builder => builder.AddAgent("look", "1", (job, _) =>
        {
            seen = job.Input;
            return Task.FromResult<RawJson?>(null);
        }));
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("job.submit", new { agent = "look" });
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        WireFrame result = (await client.ReadJobAsync(accepted.JobId!))[^1];

        seen!.IsNull.Should().BeTrue();
        result.Raw("result").Should().Be("null");
        result.Text.Should().Contain("\"result\":null");
    }
}
