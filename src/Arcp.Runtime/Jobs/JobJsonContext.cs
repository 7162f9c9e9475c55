using System.Text.Json.Serialization;

namespace Arcp.Runtime.Jobs;

[JsonSerializable(typeof(string))]
internal sealed partial class JobJsonContext : JsonSerializerContext;
