using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>Literal frames with the records that they mean: one for each message type and event kind, full and bare.</summary>
internal static class GoldenFrames
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, 125, TimeSpan.Zero);

    private static readonly FrameHeader Header = new()
    {
        Id = new MessageId("msg_1"),
        SessionId = new SessionId("sess_1"),
    };

    private static readonly FrameHeader JobHeader = Header with { JobId = new JobId("job_1"), Trace = TraceOf(Trace) };

    private static readonly FrameHeader SequencedHeader = JobHeader with { EventSeq = 17 };

    private static readonly Lease SomeLease = new(
    [
        new("fs.read", ["/data/**"]),
        new("cost.budget", ["USD:5.00"]),
    ]);

    public static IReadOnlyDictionary<string, GoldenFrame> All { get; } = Build().ToDictionary(frame => frame.Name);

    public static TheoryData<string> Names => [.. All.Keys];

    private static TraceContext TraceOf(string text) => TraceContext.TryParse(text, out TraceContext? trace) ? trace : throw new ArgumentException(text);

    private static IEnumerable<GoldenFrame> Build() => [.. ClientToRuntime(), .. RuntimeToClient(), .. EventKinds()];

    private static IEnumerable<GoldenFrame> ClientToRuntime()
    {
        yield return ToRuntime("session.hello", """
            {"client":{"name":"cli","version":"2.0"},
             "auth":{"scheme":"bearer","token":"t0ken"},
             "capabilities":{"encodings":["json"],"features":["heartbeat","ack"]},
             "resume":{"session_id":"sess_0","resume_token":"r1","last_event_seq":4},
             "resume_token":"r1","last_event_seq":4}
            """,
            new SessionHello
            {
                Client = new ClientInfo { Name = "cli", Version = "2.0" },
                Auth = new SessionAuth { Scheme = "bearer", Token = "t0ken" },
                Capabilities = new ClientCapabilities { Encodings = ["json"], Features = ["heartbeat", "ack"] },
                Resume = new ResumeRequest { SessionId = "sess_0", ResumeToken = "r1", LastEventSeq = 4 },
                ResumeToken = "r1",
                LastEventSeq = 4,
            });
        yield return ToRuntime("session.hello", "{}", new SessionHello(), "bare");
        yield return ToRuntime("session.resume", """{"resume_token":"r1","last_event_seq":0,"auth":{"scheme":"bearer","token":"t"}}""",
            new SessionResume { ResumeToken = "r1", LastEventSeq = 0, Auth = new SessionAuth { Scheme = "bearer", Token = "t" } });
        yield return ToRuntime("session.resume", """{"resume_token":"r1"}""", new SessionResume { ResumeToken = "r1" }, "bare");
        yield return ToRuntime("session.ping", """{"nonce":"n","sent_at":"2026-01-31T12:00:00.125Z"}""",
            new SessionPing { Nonce = "n", SentAt = Noon });
        yield return ToRuntime("session.pong", """{"ping_nonce":"n","received_at":"2026-01-31T12:00:00.125Z"}""",
            new SessionPong { PingNonce = "n", ReceivedAt = Noon });
        yield return ToRuntime("session.ack", """{"last_processed_seq":9007199254740993}""", new SessionAck { LastProcessedSeq = 9007199254740993 });
        yield return ToRuntime("session.list_jobs",
            """{"filter":{"status":["running","pending"],"agent":"report@1.0.0","created_after":"2026-01-31T12:00:00.125Z"},"limit":50,"cursor":"c"}""",
            new SessionListJobs
            {
                Filter = new JobFilter { Status = ["running", "pending"], Agent = "report@1.0.0", CreatedAfter = Noon },
                Limit = 50,
                Cursor = "c",
            });
        yield return ToRuntime("session.list_jobs", "{}", new SessionListJobs(), "bare");
        yield return ToRuntime("session.close", """{"reason":"done"}""", new SessionClose { Reason = "done" });
        yield return ToRuntime("session.close", "{}", new SessionClose(), "bare");
        yield return ToRuntime("job.submit", """
            {"agent":"report@1.0.0","input":{"b":1.0,"A":[1e5,-0]},
             "lease_request":{"fs.read":["/data/**"],"cost.budget":["USD:5.00"]},
             "lease_constraints":{"expires_at":"2026-01-31T12:00:00.125Z"},
             "idempotency_key":"k","max_runtime_sec":1.5,"parent_job_id":"job_0"}
            """,
            new JobSubmit
            {
                Agent = "report@1.0.0",
                Input = RawJson.Parse("""{"b":1.0,"A":[1e5,-0]}"""),
                LeaseRequest = SomeLease,
                LeaseConstraints = new LeaseConstraints { ExpiresAt = Noon },
                IdempotencyKey = "k",
                MaxRuntimeSec = 1.5,
                ParentJobId = new JobId("job_0"),
            });
        yield return ToRuntime("job.submit", """{"agent":"a"}""", new JobSubmit { Agent = "a" }, "bare");
        yield return ToRuntime("job.cancel", """{"job_id":"job_1","reason":"changed my mind"}""",
            new JobCancel { JobId = new JobId("job_1"), Reason = "changed my mind" });
        yield return ToRuntime("job.cancel", "{}", new JobCancel(), "bare");
        yield return ToRuntime("job.subscribe", """{"job_id":"job_1","from_event_seq":3,"history":true}""",
            new JobSubscribe { JobId = new JobId("job_1"), FromEventSeq = 3, History = true });
        yield return ToRuntime("job.unsubscribe", """{"job_id":"job_1"}""", new JobUnsubscribe { JobId = new JobId("job_1") });
    }

    private static IEnumerable<GoldenFrame> RuntimeToClient()
    {
        yield return ToClient("session.welcome", """
            {"runtime":{"name":"rt","version":"1.2"},"resume_token":"r2","resume_window_sec":600,"heartbeat_interval_sec":30,
             "capabilities":{"encodings":["json"],"features":["heartbeat"],
              "agents":[{"name":"report","versions":["1.0.0","1.10.0"],"default":"1.10.0"},{"name":"bare"}]}}
            """,
            new SessionWelcome
            {
                Runtime = new RuntimeInfo { Name = "rt", Version = "1.2" },
                ResumeToken = "r2",
                ResumeWindowSec = 600,
                HeartbeatIntervalSec = 30,
                Capabilities = new RuntimeCapabilities
                {
                    Encodings = ["json"],
                    Features = ["heartbeat"],
                    Agents = [new AgentInfo { Name = "report", Versions = ["1.0.0", "1.10.0"], Default = "1.10.0" }, new AgentInfo { Name = "bare" }],
                },
            });
        yield return ToClient("session.error",
            """{"code":"DUPLICATE_KEY","message":"The key is taken.","retryable":false,"details":{"existing_job_id":"job_1"},"request_id":"msg_0","job_id":"job_1"}""",
            new SessionError
            {
                Code = ErrorCode.DuplicateKey,
                Message = "The key is taken.",
                Retryable = false,
                Details = RawJson.Parse("""{"existing_job_id":"job_1"}"""),
                RequestId = new MessageId("msg_0"),
                JobId = new JobId("job_1"),
            });
        yield return ToClient("session.ping", """{"nonce":"n","sent_at":"2026-01-31T12:00:00.125Z"}""",
            new SessionPing { Nonce = "n", SentAt = Noon }, "from the runtime");
        yield return ToClient("session.pong", "{}", new SessionPong(), "from the runtime, bare");
        yield return ToClient("session.jobs", """
            {"request_id":"msg_0","jobs":[
              {"job_id":"job_1","agent":"report@1.0.0","status":"timed_out","lease":{},"parent_job_id":null,
               "created_at":"2026-01-31T12:00:00.125Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","last_event_seq":12},
              {"job_id":"job_2","parent_job_id":"job_1"}],
             "next_cursor":"c2"}
            """,
            new SessionJobs
            {
                RequestId = new MessageId("msg_0"),
                Jobs =
                [
                    new JobSummary
                    {
                        JobId = new JobId("job_1"),
                        Agent = "report@1.0.0",
                        Status = JobStatus.TimedOut,
                        Lease = Lease.Empty,
                        CreatedAt = Noon,
                        TraceId = Trace,
                        LastEventSeq = 12,
                    },
                    new JobSummary { JobId = new JobId("job_2"), ParentJobId = new JobId("job_1") },
                ],
                NextCursor = "c2",
            });
        yield return ToClient("session.jobs", """{"jobs":[],"next_cursor":null}""", new SessionJobs { Jobs = [] }, "last page");
        yield return ToClient("session.closed", """{"reason":"bye"}""", new SessionClosed { Reason = "bye" });
        yield return OfJob("job.accepted", """
            {"job_id":"job_1","agent":"report@1.0.0","lease":{"fs.read":["/data/**"],"cost.budget":["USD:5.00"]},
             "lease_constraints":{"expires_at":"2026-01-31T12:00:00.125Z"},"budget":{"USD":5.00},
             "credentials":[{"id":"cred_1","scheme":"bearer","value":"s3cret","endpoint":"https://x/","profile":"openai","constraints":{"model.use":["m/*"]}}],
             "accepted_at":"2026-01-31T12:00:00.125Z","parent_job_id":"job_0","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","request_id":"msg_0","delegate_id":"d"}
            """,
            new JobAccepted
            {
                JobId = new JobId("job_1"),
                Agent = "report@1.0.0",
                Lease = SomeLease,
                LeaseConstraints = new LeaseConstraints { ExpiresAt = Noon },
                Budget = new Dictionary<string, decimal> { ["USD"] = 5.00m },
                Credentials = [SomeCredential()],
                AcceptedAt = Noon,
                ParentJobId = new JobId("job_0"),
                TraceId = Trace,
                RequestId = new MessageId("msg_0"),
                DelegateId = "d",
            });
        yield return OfJob("job.accepted", """{"job_id":"job_1","lease":{}}""", new JobAccepted { JobId = new JobId("job_1"), Lease = Lease.Empty }, "bare");
        yield return Sequenced("job.result", """{"final_status":"success","result":{"z":1.0,"a":1E+2},"summary":"ok"}""",
            new JobResult { FinalStatus = JobStatus.Success, Result = RawJson.Parse("""{"z":1.0,"a":1E+2}"""), Summary = "ok" });
        yield return Sequenced("job.result", """{"final_status":"success","result":null}""",
            new JobResult { FinalStatus = JobStatus.Success, Result = RawJson.Null }, "null");
        yield return Sequenced("job.result", """{"final_status":"success","result_id":"res_1","result_size":12}""",
            new JobResult { FinalStatus = JobStatus.Success, ResultId = new ResultId("res_1"), ResultSize = 12 }, "streamed");
        yield return Sequenced("job.error",
            """{"job_id":"job_1","final_status":"timed_out","code":"TIMEOUT","message":"Too long.","retryable":false,"details":{"n":1.50}}""",
            new JobError
            {
                JobId = new JobId("job_1"),
                FinalStatus = JobStatus.TimedOut,
                Code = ErrorCode.Timeout,
                Message = "Too long.",
                Retryable = false,
                Details = RawJson.Parse("""{"n":1.50}"""),
            });
        yield return OfJob("job.cancelled", """{"job_id":"job_1","reason":"r","already_terminal":true,"final_status":"success"}""",
            new JobCancelled { JobId = new JobId("job_1"), Reason = "r", AlreadyTerminal = true, FinalStatus = JobStatus.Success });
        yield return OfJob("job.cancelled", """{"job_id":"job_1"}""", new JobCancelled { JobId = new JobId("job_1") }, "bare");
        yield return OfJob("job.subscribed", """
            {"job_id":"job_1","current_status":"running","agent":"report@1.0.0","lease":{"fs.read":["/data/**"],"cost.budget":["USD:5.00"]},
             "lease_constraints":{"expires_at":"2026-01-31T12:00:00.125Z"},"budget":{"USD":-0.125},"parent_job_id":"job_0",
             "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","subscribed_from":3,"replayed":true,
             "credentials":[{"id":"cred_1","scheme":"bearer","value":"s3cret","endpoint":"https://x/","profile":"openai","constraints":{"model.use":["m/*"]}}]}
            """,
            new JobSubscribed
            {
                JobId = new JobId("job_1"),
                CurrentStatus = JobStatus.Running,
                Agent = "report@1.0.0",
                Lease = SomeLease,
                LeaseConstraints = new LeaseConstraints { ExpiresAt = Noon },
                Budget = new Dictionary<string, decimal> { ["USD"] = -0.125m },
                ParentJobId = new JobId("job_0"),
                TraceId = Trace,
                SubscribedFrom = 3,
                Replayed = true,
                Credentials = [SomeCredential()],
            });
        yield return OfJob("job.subscribed", """{"job_id":"job_1","parent_job_id":null}""", new JobSubscribed { JobId = new JobId("job_1") }, "bare");
    }

    private static IEnumerable<GoldenFrame> EventKinds()
    {
        yield return Event("log", """{"level":"info","message":"hi \"there\" é 😀","attributes":{"n":1.0}}""",
            new LogEvent { Level = "info", Message = "hi \"there\" é 😀", Attributes = RawJson.Parse("""{"n":1.0}""") });
        yield return Event("thought", """{"text":"hm"}""", new ThoughtEvent { Text = "hm" });
        yield return Event("tool_call", """{"tool":"search","args":{"q":"x","n":1e2},"call_id":"c1"}""",
            new ToolCallEvent { Tool = "search", Args = RawJson.Parse("""{"q":"x","n":1e2}"""), CallId = "c1" });
        yield return Event("tool_result", """{"call_id":"c1","result":[1,2.0]}""",
            new ToolResultEvent { CallId = "c1", Result = RawJson.Parse("[1,2.0]") });
        yield return Event("tool_result", """{"call_id":"c1","result":null}""", new ToolResultEvent { CallId = "c1", Result = RawJson.Null }, "null");
        yield return Event("tool_result", """{"call_id":"c1","error":{"code":"PERMISSION_DENIED","message":"no","retryable":false}}""",
            new ToolResultEvent { CallId = "c1", Error = new ToolError { Code = ErrorCode.PermissionDenied, Message = "no", Retryable = false } }, "error");
        yield return Event("status", """{"phase":"running","message":"off we go"}""", new StatusEvent { Phase = "running", Message = "off we go" });
        yield return Event("status", """{"phase":"credential_rotated","id":"cred_1","value":"s3cret","credential_id":"cred_1","credential_value":"s3cret"}""",
            new StatusEvent
            {
                Phase = "credential_rotated",
                Id = new CredentialId("cred_1"),
                Value = "s3cret",
                CredentialId = new CredentialId("cred_1"),
                CredentialValue = "s3cret",
            },
            "rotation");
        yield return Event("metric", """{"name":"cost.tokens","value":0.10,"unit":"USD","dimensions":{"model":"m"}}""",
            new MetricEvent { Name = "cost.tokens", Value = 0.10m, Unit = "USD", Dimensions = new Dictionary<string, string> { ["model"] = "m" } });
        yield return Event("artifact_ref", """{"uri":"file:///a","content_type":"text/plain","byte_size":3,"sha256":"ab"}""",
            new ArtifactRefEvent { Uri = "file:///a", ContentType = "text/plain", ByteSize = 3, Sha256 = "ab" });
        yield return Event("delegate", """
            {"delegate_id":"d1","child_job_id":"job_2","agent":"a@1","lease_request":{"fs.read":["/data/**"],"cost.budget":["USD:5.00"]},
             "lease_constraints":{"expires_at":"2026-01-31T12:00:00.125Z"}}
            """,
            new DelegateEvent
            {
                DelegateId = "d1",
                ChildJobId = new JobId("job_2"),
                Agent = "a@1",
                LeaseRequest = SomeLease,
                LeaseConstraints = new LeaseConstraints { ExpiresAt = Noon },
            });
        yield return Event("progress", """{"current":0.5,"total":10,"units":"files","message":"m"}""",
            new ProgressEvent { Current = 0.5, Total = 10, Units = "files", Message = "m" });
        yield return Event("result_chunk", """{"result_id":"res_1","chunk_seq":0,"data":"aGk=","encoding":"base64","more":false}""",
            new ResultChunkEvent { ResultId = new ResultId("res_1"), ChunkSeq = 0, Data = "aGk=", Encoding = "base64", More = false });
        yield return Event("x-vendor.acme.thing", """{"Any":[1.0,{"b":1e5,"a":null}]}""",
            new RawEvent("x-vendor.acme.thing", RawJson.Parse("""{"Any":[1.0,{"b":1e5,"a":null}]}""")));
    }

    private static ProvisionedCredential SomeCredential() => new()
    {
        Id = new CredentialId("cred_1"),
        Scheme = "bearer",
        Value = "s3cret",
        Endpoint = "https://x/",
        Profile = "openai",
        Constraints = RawJson.Parse("""{"model.use":["m/*"]}"""),
    };

    private static GoldenFrame ToRuntime(string type, string payload, ArcpMessage message, string? variant = null) =>
        Make(Peer.Runtime, type, string.Empty, payload, new Envelope(Header, message), variant);

    private static GoldenFrame ToClient(string type, string payload, ArcpMessage message, string? variant = null) =>
        Make(Peer.Client, type, string.Empty, payload, new Envelope(Header, message), variant);

    private static GoldenFrame OfJob(string type, string payload, ArcpMessage message, string? variant = null) =>
        Make(Peer.Client, type, $"\"job_id\":\"job_1\",\"trace_id\":\"{Trace}\",\"request_id\":\"msg_0\",", payload, new Envelope(JobHeader with { RequestId = new MessageId("msg_0") }, message), variant);

    private static GoldenFrame Sequenced(string type, string payload, ArcpMessage message, string? variant = null) =>
        Make(Peer.Client, type, $"\"job_id\":\"job_1\",\"trace_id\":\"{Trace}\",\"event_seq\":17,", payload, new Envelope(SequencedHeader, message), variant);

    private static GoldenFrame Event(string kind, string body, EventBody record, string? variant = null) => Sequenced(
        "job.event",
        $$"""{"kind":"{{kind}}","ts":"2026-01-31T12:00:00.125Z","body":{{body}}}""",
        new JobEvent { Ts = Noon, Body = record },
        variant is null ? kind : $"{kind}, {variant}");

    private static GoldenFrame Make(Peer receiver, string type, string members, string payload, Envelope envelope, string? variant)
    {
        string json = $$"""{"arcp":"1.1","id":"msg_1","type":"{{type}}","session_id":"sess_1",{{members}}"payload":{{payload}}}""";
        return new GoldenFrame(variant is null ? type : $"{type} ({variant})", receiver, type, json.ReplaceLineEndings(string.Empty), envelope);
    }
}

/// <summary>A frame as text and as record.</summary>
internal sealed record GoldenFrame(string Name, Peer Receiver, string Type, string Json, Envelope Envelope);
