using System.Globalization;
using System.Reflection;
using System.Text;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using FsCheck;
using FsCheck.Fluent;

namespace Arcp.Core.Tests;

/// <summary>Makes arbitrary values from a seed; a failing property prints the seed.</summary>
internal sealed class Chance(int seed)
{
    private static readonly string[] Texts =
    [
        "", " ", "a", "name", "é", "😀", "\u0000", "\n", "\r\n", "\t", "\"", "\\", "/", "\u007f", "\u2028", "\uFFFD", "\uFEFF", "<&'+>", "null", "{}", "𝔘𝔫𝔦",
    ];

    private static readonly string[] Numbers =
    [
        "0", "-0", "1", "1.0", "1e5", "1E+2", "1e-7", "0.1", "0.10", "-123456789.123456789", "9007199254740993", "123456789012345678901234567890", "1e400",
    ];

    private readonly Random _random = new(seed);

    /// <summary>Seeds for properties.</summary>
    public static Arbitrary<int> Seeds { get; } = Gen.Choose(int.MinValue + 1, int.MaxValue).ToArbitrary();

    /// <summary>Checks a property for many seeds; throws with the seed that breaks it.</summary>
    public static void Check(int times, Action<Chance> property) => FsCheck.Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(times),
        Prop.ForAll(Seeds, seed =>
        {
            try
            {
                property(new Chance(seed));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
            }
        }));

    public int Below(int limit) => _random.Next(limit);

    public bool Coin() => _random.Next(2) == 0;

    public T Of<T>(IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];

    public T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] array = [.. items];
        _random.Shuffle(array);
        return array;
    }

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    public string Text()
    {
        var text = new StringBuilder();
        for (int i = Below(4); i >= 0; i--)
        {
            text.Append(Of(Texts));
        }

        return text.ToString();
    }

    public string IdText() => Text() is { Length: > 0 } text ? text : "id";

    /// <summary>A JSON text of at most the given depth, with odd but valid spelling.</summary>
    public string Json(int depth = 4) => Below(depth > 0 ? 7 : 4) switch
    {
        0 => Of(Numbers),
        1 => Of(["true", "false", "null"]),
        2 => JsonText(Text()),
        3 => "\"\\u00e9\\/\\ud83d\\ude00\"",
        4 or 5 => $"{{{string.Join(", ", Many(() => $"{JsonText(Text())} :{Json(depth - 1)}"))}}}",
        _ => $"[{string.Join(" ,", Many(() => Json(depth - 1)))}]",
    };

    public ArcpMessage Message(Type type) => type == typeof(JobEvent)
        ? new JobEvent { Ts = Coin() ? Moment() : null, Body = Event() }
        : (ArcpMessage)Record(type);

    public EventBody Event()
    {
        Type[] kinds = [.. typeof(EventBody).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(EventBody)))];
        return Of(kinds) switch
        {
            var type when type == typeof(RawEvent) => new RawEvent("x-vendor." + IdText(), RawJson.Parse(Json())),
            var type when type == typeof(ToolResultEvent) => Coin()
                ? new ToolResultEvent { CallId = Text(), Result = RawJson.Parse(Json()) }
                : new ToolResultEvent { CallId = Text(), Error = (ToolError)Record(typeof(ToolError)) },
            var type when type == typeof(ProgressEvent) => (ProgressEvent)Record(type) with { Current = Below(100) / 8.0 },
            var type => (EventBody)Record(type),
        };
    }

    public FrameHeader Header() => new()
    {
        Id = Coin() ? new MessageId(IdText()) : null,
        SessionId = Coin() ? new SessionId(IdText()) : null,
        JobId = Coin() ? new JobId(IdText()) : null,
        RequestId = Coin() ? new MessageId(IdText()) : null,
        Trace = Coin() ? TraceContext.New() : null,
        EventSeq = Coin() ? _random.NextInt64(long.MinValue, long.MaxValue) : null,
    };

    private static string JsonText(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private object Record(Type type)
    {
        object record = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite))
        {
            bool isRequired = property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute));
            if (isRequired || Coin())
            {
                property.SetValue(record, Value(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
            }
        }

        return record;
    }

    private object Value(Type type) => type switch
    {
        _ when type == typeof(string) => Text(),
        _ when type == typeof(bool) => Coin(),
        _ when type == typeof(int) => _random.Next(int.MinValue, int.MaxValue),
        _ when type == typeof(long) => _random.NextInt64(long.MinValue, long.MaxValue),
        _ when type == typeof(double) => Of([0.1, -0.5, 1e300, 5e-324, double.MaxValue, 3, _random.NextDouble()]),
        _ when type == typeof(decimal) => Amount(),
        _ when type == typeof(DateTimeOffset) => Moment(),
        _ when type == typeof(RawJson) => RawJson.Parse(Json()),
        _ when type == typeof(Lease) => new Lease(Map(Strings)),
        _ when type == typeof(JobStatus) => new JobStatus(Of(["pending", "running", "success", "error", "cancelled", "timed_out", Text()])),
        _ when type == typeof(ErrorCode) => new ErrorCode(Coin() ? "TIMEOUT" : Text()),
        _ when type == typeof(IReadOnlyList<string>) => Strings(),
        _ when type == typeof(IReadOnlyDictionary<string, string>) => Map(Text),
        _ when type == typeof(IReadOnlyDictionary<string, decimal>) => Map(Amount),
        _ when type.IsGenericType => List(type.GetGenericArguments()[0]),
        _ when type.IsValueType => Activator.CreateInstance(type, IdText())!,
        _ => Record(type),
    };

    private decimal Amount() => Of(Numbers[..^2]) is var text && Coin()
        ? decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)
        : Of([decimal.MaxValue, decimal.MinValue, 0.0000000000000000000000000001m, 5.00m]);

    private DateTimeOffset Moment() => new DateTimeOffset(_random.NextInt64(DateTime.MaxValue.Ticks), TimeSpan.Zero);

    private IReadOnlyList<string> Strings() => [.. Many(Text)];

    private Array List(Type element)
    {
        Array list = Array.CreateInstance(element, Below(3));
        for (int i = 0; i < list.Length; i++)
        {
            list.SetValue(Record(element), i);
        }

        return list;
    }

    private Dictionary<string, T> Map<T>(Func<T> value) => Many(() => KeyValuePair.Create(Text(), value())).DistinctBy(entry => entry.Key).ToDictionary();

    private IEnumerable<T> Many<T>(Func<T> one) => [.. Enumerable.Range(0, Below(4)).Select(_ => one())];
}
