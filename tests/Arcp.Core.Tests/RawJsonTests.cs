using System.Text;
using System.Text.Json;

namespace Arcp.Core.Tests;

[Trait("Section", "7.1")]
public sealed class RawJsonTests
{
    [Theory]
    [InlineData("1.0")]
    [InlineData("1e5")]
    [InlineData("1E+2")]
    [InlineData("-0")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("0.30000000000000000000000000000000000004")]
    [InlineData("1e999")]
    [InlineData("true")]
    [InlineData("\"\"")]
    [InlineData("\"\\u0041\\u00e9\\/\\ud83d\\ude00\\\"\"")]
    [InlineData("\"é😀\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"b\":1,\"a\":2,\"b\":3,\"A\":null}")]
    [InlineData("[ 1 ,\t2 ]")]
    public void A_value_passes_through_unchanged(string json)
    {
        RawJson.Parse(json).ToString().Should().Be(json);
        JsonSerializer.Serialize(JsonSerializer.Deserialize<Holder>($$"""{"Json":{{json}}}"""), Plain).Should().Be($$"""{"Json":{{json}}}""");
    }

    [Theory]
    [InlineData("{\r\n  \"a\" : [\n1,\r2 ]\n}", "{  \"a\" : [1,2 ]}")]
    [InlineData("\n5\n", "5")]
    [InlineData(" \"\\n\" ", "\"\\n\"")]
    public void Line_breaks_between_tokens_and_white_space_around_are_dropped(string json, string expected)
    {
        RawJson.Parse(json).ToString().Should().Be(expected);
        JsonSerializer.Deserialize<Holder>($$"""{"Json":{{json}}}""")!.Json!.ToString().Should().Be(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("nul")]
    [InlineData("1 2")]
    [InlineData("{}{}")]
    [InlineData("{\"a\":}")]
    [InlineData("[1,]")]
    [InlineData("01")]
    [InlineData("1.")]
    [InlineData("+1")]
    [InlineData("NaN")]
    [InlineData("'a'")]
    [InlineData("\"a\nb\"")]
    [InlineData("\"\\x\"")]
    [InlineData("[1] // c")]
    [InlineData("\uFEFF1")]
    public void What_is_not_one_JSON_value_is_refused(string json)
    {
        Action parse = () => RawJson.Parse(json);

        parse.Should().Throw<JsonException>();
    }

    [Fact]
    public void A_string_that_is_not_Unicode_is_refused_rather_than_changed()
    {
        Action parse = () => RawJson.Parse("\"\ud800\"");

        parse.Should().Throw<JsonException>();
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_refused()
    {
        Action parse = () => RawJson.Parse([(byte)'"', 0xFF, (byte)'"']);

        parse.Should().Throw<JsonException>();
    }

    [Fact]
    [Trait("Section", "4")]
    public void A_value_of_60_levels_is_taken_and_a_deeper_one_refused()
    {
        Action parse = () => RawJson.Parse(Nested(61));
        Action from = () => RawJson.From(JsonSerializer.Deserialize<JsonElement>(Nested(61)));

        RawJson.Parse(Nested(60)).ToString().Should().Be(Nested(60));
        RawJson.From(JsonSerializer.Deserialize<JsonElement>(Nested(60))).ToString().Should().Be(Nested(60));
        parse.Should().Throw<JsonException>();
        from.Should().Throw<JsonException>();
    }

    [Fact]
    public void Null_is_one_instance_however_it_came()
    {
        RawJson.Parse(" null ").Should().BeSameAs(RawJson.Null);
        RawJson.From<string?>(null).Should().BeSameAs(RawJson.Null);
        JsonSerializer.Deserialize<Holder>("""{"Json":null}""")!.Json.Should().BeSameAs(RawJson.Null);
        RawJson.Null.IsNull.Should().BeTrue();
        RawJson.Parse("0").IsNull.Should().BeFalse();
        RawJson.Parse("\"null\"").IsNull.Should().BeFalse();
    }

    [Fact]
    public void Users_types_are_written_with_the_users_naming_and_never_with_line_breaks()
    {
        RawJson.From(new { FirstName = "A", LastName = "B" }).ToString().Should().Be("""{"firstName":"A","lastName":"B"}""");
        RawJson.From(new { FirstName = "A" }, new JsonSerializerOptions { WriteIndented = true }).ToString().Should().NotContainAny("\n", "\r").And.Contain("FirstName");
    }

    [Fact]
    public void A_copy_is_kept_and_not_the_caller_s_buffer()
    {
        byte[] buffer = "[1]"u8.ToArray();
        RawJson json = RawJson.Parse(buffer);

        buffer[1] = (byte)'2';

        json.ToString().Should().Be("[1]");
    }

    [Fact]
    public void Equality_is_that_of_the_text()
    {
        RawJson.Parse("1.0").Should().Be(RawJson.Parse("1.0")).And.NotBe(RawJson.Parse("1.00"));
        RawJson.Parse("[1]").GetHashCode().Should().Be(RawJson.Parse(" [1]").GetHashCode());
    }

    [Fact]
    public void Values_are_read_back_into_types_and_elements()
    {
        RawJson json = RawJson.Parse("""{"a":[1,2]}""");

        json.Deserialize<Dictionary<string, int[]>>()!["a"].Should().Equal(1, 2);
        json.ToElement().GetProperty("a")[1].GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task A_value_is_read_from_a_stream_in_pieces()
    {
        string value = $$"""{"text":"{{new string('x', 50_000)}}","numbers":[1.0,1e5]}""";
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes($$"""{"Json":{{value}},"Rest":"{{new string('y', 50_000)}}"}"""));

        Holder? holder = await JsonSerializer.DeserializeAsync<Holder>(stream, SmallPieces);

        holder!.Json!.ToString().Should().Be(value);
    }

    private static readonly JsonSerializerOptions Plain = new();
    private static readonly JsonSerializerOptions SmallPieces = new() { DefaultBufferSize = 16 };

    private static string Nested(int levels) => new string('[', levels) + new string(']', levels);

    private sealed record Holder
    {
        public RawJson? Json { get; init; }
    }
}
