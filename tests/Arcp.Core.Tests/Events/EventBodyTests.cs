using Arcp.Core.Events;
using Arcp.Core.Messages;

namespace Arcp.Core.Tests.Events;

[Trait("Section", "8.2")]
public sealed class EventBodyTests
{
    [Theory]
    [InlineData("log", """{"level":"info"}""")]
    [InlineData("log", """{"level":5,"message":"m"}""")]
    [InlineData("log", """{"level":"info","message":"m","message":"n"}""")]
    [InlineData("log", """{"level":"info","message":"\ud800"}""")]
    [InlineData("log", "null")]
    [InlineData("log", "[]")]
    [InlineData("log", "\"line\"")]
    [InlineData("thought", "{}")]
    [InlineData("tool_call", """{"tool":"t"}""")]
    [InlineData("tool_call", """{"tool":null,"call_id":"c"}""")]
    [InlineData("tool_result", """{"call_id":"c"}""")]
    [InlineData("tool_result", """{"call_id":"c","result":1,"error":{"code":"X"}}""")]
    [InlineData("tool_result", """{"call_id":"c","error":null}""")]
    [InlineData("tool_result", """{"call_id":"c","error":{}}""")]
    [InlineData("tool_result", """{"result":1}""")]
    [InlineData("status", """{"message":"m"}""")]
    [InlineData("status", """{"phase":"credential_rotated","id":5,"value":"s3cret"}""")]
    [InlineData("metric", """{"name":"n"}""")]
    [InlineData("metric", """{"name":"n","value":"1"}""")]
    [InlineData("metric", """{"name":"n","value":1e400}""")]
    [InlineData("metric", """{"name":"n","value":1,"dimensions":{"a":1}}""")]
    [InlineData("artifact_ref", """{"uri":"u"}""")]
    [InlineData("artifact_ref", """{"uri":"u","content_type":"t","byte_size":1.5}""")]
    [InlineData("delegate", """{"delegate_id":"d","child_job_id":"","agent":"a"}""")]
    [InlineData("delegate", """{"delegate_id":"d","child_job_id":"j","agent":"a","lease_request":[]}""")]
    [InlineData("progress", """{"total":1}""")]
    [InlineData("progress", """{"current":-0.5}""")]
    [InlineData("progress", """{"current":1e999}""")]
    [InlineData("result_chunk", """{"result_id":"r","chunk_seq":"0","data":"","encoding":"utf8","more":true}""")]
    [InlineData("result_chunk", """{"result_id":"r","chunk_seq":0,"data":"","encoding":"utf8"}""")]
    public void A_body_that_is_not_what_its_kind_says_stays_raw_under_the_same_kind(string kind, string body)
    {
        JobEvent read = Read(kind, body);

        read.Body.Should().Be(new RawEvent(kind, RawJson.Parse(body)));
        Frames.PayloadText(read).Should().Be($$"""{"kind":"{{kind}}","body":{{body}}}""");
    }

    [Fact]
    public void An_event_without_a_body_is_raw_with_null()
    {
        JobEvent read = (JobEvent)Frames.Read("""{"type":"job.event","payload":{"kind":"log"}}""").Message;

        read.Body.Should().Be(new RawEvent("log", RawJson.Null));
    }

    [Theory]
    [InlineData("""{"call_id":"c","result":1,"error":null}""", "{\"call_id\":\"c\",\"result\":1}")]
    [InlineData("""{"call_id":"c","result":null,"error":{"code":"X"}}""", "{\"call_id\":\"c\",\"error\":{\"code\":\"X\"}}")]
    public void Null_beside_the_other_half_of_a_tool_result_is_absent(string body, string written)
    {
        JobEvent read = Read("tool_result", body);

        read.Body.Should().BeOfType<ToolResultEvent>();
        Frames.PayloadText(read).Should().Be($$"""{"kind":"tool_result","body":{{written}}}""");
    }

    [Theory]
    [InlineData("0.1", "0.1")]
    [InlineData("1.00", "1.00")]
    [InlineData("-5", "-5")]
    [InlineData("1e2", "100")]
    [InlineData("79228162514264337593543950335", "79228162514264337593543950335")]
    [InlineData("0.0000000000000000000000000001", "0.0000000000000000000000000001")]
    [Trait("Section", "9.6")]
    public void A_metric_s_value_is_decimal_exact(string number, string written)
    {
        JobEvent read = Read("metric", $$"""{"name":"n","value":{{number}}}""");

        Frames.PayloadText(read).Should().Contain($"\"value\":{written}}}");
    }

    [Theory]
    [InlineData("1.0")]
    [InlineData("1E+2")]
    [InlineData("\"\\u00e9\\/\"")]
    [InlineData("{ \"b\" : 1 ,\"a\":  2}")]
    [InlineData("null")]
    public void A_vendor_s_body_passes_unchanged(string body)
    {
        JobEvent read = Read("x-vendor.acme.x", body);

        Frames.PayloadText(read).Should().Be($$"""{"kind":"x-vendor.acme.x","body":{{body}}}""");
    }

    [Fact]
    public void Args_and_results_pass_unchanged()
    {
        const string value = "{\"z\":123456789012345678901234567890,\"A_b\":-0,\"a\":1e5,\"s\":\"\\u0041\\/\"}";

        Frames.PayloadText(Read("tool_call", $$"""{"tool":"t","args":{{value}},"call_id":"c"}""")).Should().Contain(value);
        Frames.PayloadText(Read("tool_result", $$"""{"call_id":"c","result":{{value}}}""")).Should().Contain(value);
    }

    private static JobEvent Read(string kind, string body) =>
        (JobEvent)Frames.Read($$"""{"type":"job.event","payload":{"kind":"{{kind}}","body":{{body}} } }""").Message;
}
