using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core;
using Arcp.Core.Leases;

namespace Playground.Agents;

/// <summary>How inputs and results are read and written, made at compile time: native AOT has no reflection to make it later.</summary>
/// <remarks>Inputs have their defaults at constructor parameters: what the compiler generates overwrites the initialiser of an init-only property that is not given.</remarks>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ChunkerAgent.Input), TypeInfoPropertyName = "ChunkerInput")]
[JsonSerializable(typeof(CounterAgent.Input), TypeInfoPropertyName = "CounterInput")]
[JsonSerializable(typeof(CounterAgent.Output), TypeInfoPropertyName = "CounterOutput")]
[JsonSerializable(typeof(DelegatorAgent.Input), TypeInfoPropertyName = "DelegatorInput")]
[JsonSerializable(typeof(DelegatorAgent.Output), TypeInfoPropertyName = "DelegatorOutput")]
[JsonSerializable(typeof(DelegatorAgent.Constraints))]
[JsonSerializable(typeof(FailerAgent.Input), TypeInfoPropertyName = "FailerInput")]
[JsonSerializable(typeof(FloodAgent.Input), TypeInfoPropertyName = "FloodInput")]
[JsonSerializable(typeof(FloodAgent.Output), TypeInfoPropertyName = "FloodOutput")]
[JsonSerializable(typeof(GateAgent.Input), TypeInfoPropertyName = "GateInput")]
[JsonSerializable(typeof(GateAgent.Output), TypeInfoPropertyName = "GateOutput")]
[JsonSerializable(typeof(ModelAgent.Input), TypeInfoPropertyName = "ModelInput")]
[JsonSerializable(typeof(RotatorAgent.Input), TypeInfoPropertyName = "RotatorInput")]
[JsonSerializable(typeof(RotatorAgent.Output), TypeInfoPropertyName = "RotatorOutput")]
[JsonSerializable(typeof(SleeperAgent.Input), TypeInfoPropertyName = "SleeperInput")]
[JsonSerializable(typeof(SleeperAgent.Output), TypeInfoPropertyName = "SleeperOutput")]
[JsonSerializable(typeof(SpenderAgent.Input), TypeInfoPropertyName = "SpenderInput")]
[JsonSerializable(typeof(SpenderAgent.Output), TypeInfoPropertyName = "SpenderOutput")]
[JsonSerializable(typeof(SpenderAgent.Charge))]
[JsonSerializable(typeof(StubbornAgent.Input), TypeInfoPropertyName = "StubbornInput")]
[JsonSerializable(typeof(StubbornAgent.Output), TypeInfoPropertyName = "StubbornOutput")]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(RawJson))]
internal sealed partial class AgentJsonContext : JsonSerializerContext;
