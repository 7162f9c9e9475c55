using System.Reflection;
using System.Runtime.CompilerServices;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Messages;

/// <summary>§9.8: secrets are at no time part of a text that people read.</summary>
[Trait("Section", "9.8")]
public sealed class SecretTests
{
    private const string Marker = "s3cret-marker";

    private static readonly string[] SecretNames = ["Token", "ResumeToken", "Value", "CredentialValue"];

    public static TheoryData<string> RecordTypes => [.. Records().Select(type => type.FullName!)];

    [Theory]
    [MemberData(nameof(RecordTypes))]
    public void No_record_shows_a_secret_in_its_text(string typeName)
    {
        object filled = Filled(typeof(ArcpMessage).Assembly.GetType(typeName)!);

        filled.ToString().Should().NotContain(Marker);
        if (filled is ArcpMessage message)
        {
            new Envelope(message).ToString().Should().NotContain(Marker);
        }

        if (filled is EventBody body)
        {
            new JobEvent { Body = body }.ToString().Should().NotContain(Marker);
        }
    }

    [Fact]
    public void The_check_meets_every_record_that_holds_a_secret()
    {
        Records().Where(type => type.GetProperties().Any(IsSecret)).Select(type => type.Name).Should().BeEquivalentTo(
            nameof(SessionAuth), nameof(ResumeRequest), nameof(SessionHello), nameof(SessionResume), nameof(SessionWelcome),
            nameof(ProvisionedCredential), nameof(StatusEvent));
    }

    [Fact]
    public void A_rotation_that_cannot_be_read_shows_no_secret_either()
    {
        Envelope envelope = Frames.Read($$"""{"type":"job.event","payload":{"kind":"status","body":{"phase":"credential_rotated","id":5,"value":"{{Marker}}"} } }""");

        ((JobEvent)envelope.Message).Body.Should().BeOfType<RawEvent>();
        envelope.ToString().Should().NotContain(Marker);
    }

    private static IEnumerable<Type> Records() => typeof(ArcpMessage).Assembly.GetExportedTypes().Where(type =>
        type is { IsClass: true, IsAbstract: false } && type.GetMethod("<Clone>$") is not null
        && type.Namespace is "Arcp.Core.Messages" or "Arcp.Core.Events");

    private static bool IsSecret(PropertyInfo property) => property.PropertyType == typeof(string) && property.CanWrite && SecretNames.Contains(property.Name);

    private static object Filled(Type type)
    {
        if (type == typeof(RawEvent))
        {
            return new RawEvent("x-vendor.a", RawJson.Parse($"\"{Marker}\""));
        }

        object record = RuntimeHelpers.GetUninitializedObject(type);
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite))
        {
            object? value = property.PropertyType switch
            {
                var text when text == typeof(string) => IsSecret(property) ? Marker : "text",
                var body when body == typeof(EventBody) => Filled(typeof(StatusEvent)),
                var inner when Records().Contains(inner) => Filled(inner),
                var list when ElementOf(list) is { } element => ListOf(element, Filled(element)),
                _ => null,
            };
            if (value is not null)
            {
                property.SetValue(record, value);
            }
        }

        return record;
    }

    private static Array ListOf(Type element, object item)
    {
        Array list = Array.CreateInstance(element, 1);
        list.SetValue(item, 0);
        return list;
    }

    private static Type? ElementOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) && Records().Contains(type.GetGenericArguments()[0])
            ? type.GetGenericArguments()[0]
            : null;
}
