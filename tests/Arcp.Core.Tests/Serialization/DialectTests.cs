using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>What clients and runtimes in the field send besides the contract's own form.</summary>
[Trait("Section", "CL")]
public sealed class DialectTests
{
    [Fact]
    public void Session_bye_is_read_as_session_close()
    {
        Frames.Read("""{"type":"session.bye","payload":{"reason":"r"}}""", Peer.Runtime).Message.Should().Be(new SessionClose { Reason = "r" });
        Frames.WriteText(new Envelope(new SessionClose())).Should().Contain("\"session.close\"");
    }

    [Fact]
    public void A_hello_may_name_the_client_flat_and_carry_resume_data_in_three_places()
    {
        var hello = (SessionHello)Frames.Read("""
            {"type":"session.hello","payload":{"client_name":"go","client_version":"3","auth":{"scheme":"none"},
             "resume":{"token":"t","last_event_seq":-1},"resume_token":"r","last_event_seq":5,"x":{}}}
            """, Peer.Runtime).Message;

        hello.ClientName.Should().Be("go");
        hello.ClientVersion.Should().Be("3");
        hello.Auth!.Scheme.Should().Be("none");
        hello.Resume!.Token.Should().Be("t");
        hello.Resume.LastEventSeq.Should().Be(-1);
        hello.ResumeToken.Should().Be("r");
        hello.LastEventSeq.Should().Be(5);
    }

    [Fact]
    public void A_client_block_with_members_of_its_own_is_read()
    {
        var hello = (SessionHello)Frames.Read("""{"type":"session.hello","payload":{"client":{"name":"c","os":"x","pid":5}}}""", Peer.Runtime).Message;

        hello.Client.Should().Be(new ClientInfo { Name = "c" });
    }

    [Fact]
    public void A_welcome_may_name_the_runtime_flat_and_list_agents_as_strings_or_objects()
    {
        var welcome = (SessionWelcome)Frames.Read("""
            {"type":"session.welcome","payload":{"runtime_name":"rb","runtime_version":"0.3",
             "capabilities":{"features":["heartbeat","telepathy"],"agents":["a",{"name":"b"},null,{"name":"c","versions":null,"default":null,"tags":[1]}]}}}
            """).Message;

        welcome.RuntimeName.Should().Be("rb");
        welcome.RuntimeVersion.Should().Be("0.3");
        welcome.ResumeWindowSec.Should().BeNull();
        welcome.HeartbeatIntervalSec.Should().BeNull();
        welcome.Capabilities!.Agents.Should().Equal(new AgentInfo { Name = "a" }, new AgentInfo { Name = "b" }, new AgentInfo { Name = "c" });
        FeatureNames.Parse(welcome.Capabilities.Features).Should().Be(Features.Heartbeat);
    }

    [Fact]
    public void Intervals_may_be_integers_or_fractions()
    {
        var welcome = (SessionWelcome)Frames.Read("""{"type":"session.welcome","payload":{"resume_window_sec":600.0,"heartbeat_interval_sec":0.5}}""").Message;

        welcome.ResumeWindowSec.Should().Be(600);
        welcome.HeartbeatIntervalSec.Should().Be(0.5);
    }

    [Theory]
    [InlineData("job.accepted")]
    [InlineData("job.subscribed")]
    [InlineData("job.cancelled")]
    public void The_job_of_an_answer_may_stand_on_the_envelope_only(string type)
    {
        Frames.Read($$$"""{"type":"{{{type}}}","job_id":"job_1","payload":{}}""").Header.JobId.Should().Be(new JobId("job_1"));
    }

    [Fact]
    public void The_answered_request_may_be_named_reply_to()
    {
        Frames.Read("""{"type":"job.accepted","reply_to":"msg_9","payload":{"job_id":"j"}}""").Header.RequestId.Should().Be(new MessageId("msg_9"));
    }

    [Theory]
    [InlineData("job.error", """{"final_status":"timedout","code":"TIMEOUT"}""")]
    [InlineData("job.error", """{"final_status":"timed_out","code":"TIMEOUT"}""")]
    public void Timedout_is_timed_out(string type, string payload)
    {
        var error = (JobError)Frames.Read($$"""{"type":"{{type}}","payload":{{payload}} }""").Message;

        error.FinalStatus.Should().Be(JobStatus.TimedOut);
        error.FinalStatus!.Value.IsTerminal.Should().BeTrue();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"jobs":null,"next_cursor":null}""")]
    public void A_listing_without_jobs_is_read(string payload)
    {
        Frames.Read($$"""{"type":"session.jobs","payload":{{payload}} }""").Message.Should().Be(new SessionJobs());
    }

    [Fact]
    public void Null_entries_of_lists_and_maps_do_not_get_through()
    {
        var jobs = (SessionJobs)Frames.Read("""{"type":"session.jobs","payload":{"jobs":[null,{"job_id":"j"},null]}}""").Message;
        var accepted = (JobAccepted)Frames.Read("""{"type":"job.accepted","payload":{"job_id":"j","credentials":[null]}}""").Message;
        var metric = (MetricEvent)ReadEvent("""{"kind":"metric","body":{"name":"n","value":1,"dimensions":{"a":null,"b":"c"}}}""").Body;

        jobs.Jobs.Should().ContainSingle();
        accepted.Credentials.Should().BeEmpty();
        metric.Dimensions.Should().BeEquivalentTo(new Dictionary<string, string> { ["b"] = "c" });
    }

    [Fact]
    public void A_result_may_be_called_output()
    {
        var result = (JobResult)Frames.Read("""{"type":"job.result","payload":{"output":{"a":1.0}}}""").Message;

        result.Output!.ToString().Should().Be("""{"a":1.0}""");
        result.Result.Should().BeNull();
    }

    [Fact]
    public void A_null_result_is_told_apart_from_an_absent_one()
    {
        ((JobResult)Frames.Read("""{"type":"job.result","payload":{"result":null}}""").Message).Result.Should().BeSameAs(RawJson.Null);
        ((JobResult)Frames.Read("""{"type":"job.result","payload":{}}""").Message).Result.Should().BeNull();
    }

    [Fact]
    public void The_facts_of_an_error_may_be_a_string_called_detail()
    {
        var error = (JobError)Frames.Read("""{"type":"job.error","payload":{"code":"X","details":null,"detail":"text"}}""").Message;

        (error.Details ?? error.Detail)!.ToString().Should().Be("\"text\"");
    }

    [Theory]
    [InlineData("job.error", """{"details":null,"detail":null,"message":null,"retryable":null,"final_status":null,"job_id":null}""")]
    [InlineData("session.error", """{"details":null,"message":null,"retryable":null,"request_id":null,"job_id":null,"code":null}""")]
    [InlineData("session.hello", """{"client":null,"auth":null,"capabilities":null,"resume":null,"resume_token":null,"last_event_seq":null}""")]
    [InlineData("session.welcome", """{"runtime":null,"capabilities":null,"heartbeat_interval_sec":null,"resume_window_sec":null}""")]
    [InlineData("session.list_jobs", """{"filter":null,"limit":null,"cursor":null}""")]
    [InlineData("session.ping", """{"nonce":null,"sent_at":null}""")]
    [InlineData("job.cancel", """{"job_id":null,"reason":null}""")]
    [Trait("Section", "5")]
    public void Null_for_an_optional_member_of_a_payload_equals_absent(string type, string payload)
    {
        Peer receiver = type is "session.hello" or "session.list_jobs" or "job.cancel" ? Peer.Runtime : Peer.Client;

        Envelope withNulls = Frames.Read($$"""{"type":"{{type}}","payload":{{payload}} }""", receiver);

        withNulls.Should().Be(Frames.Read($$"""{"type":"{{type}}"}""", receiver));
        Frames.PayloadText(withNulls.Message).Should().NotContain("null");
    }

    [Fact]
    public void Codes_kinds_and_states_that_are_unknown_keep_their_text()
    {
        var error = (JobError)Frames.Read("""{"type":"job.error","payload":{"code":"RATE_LIMITED","final_status":"evicted"}}""").Message;

        error.Code.Should().Be(new ErrorCode("RATE_LIMITED"));
        error.Code.IsRetryableByDefault.Should().BeFalse();
        error.FinalStatus!.Value.Value.Should().Be("evicted");
        ReadEvent("""{"kind":"dream","body":[1]}""").Body.Should().Be(new RawEvent("dream", RawJson.Parse("[1]")));
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z")]
    [InlineData("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z")]
    [InlineData("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.1234568Z")]
    [InlineData("2026-01-31T14:30:00.000+02:30", "2026-01-31T12:00:00.000Z")]
    [InlineData("2026-01-31T07:00:00-05:00", "2026-01-31T12:00:00.000Z")]
    [InlineData("2026-01-31T13:00:00+0100", "2026-01-31T12:00:00.000Z")]
    [InlineData("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000Z")]
    [Trait("Section", "5")]
    public void Timestamps_with_any_offset_and_fraction_are_read_and_written_in_UTC(string text, string written)
    {
        var pong = (SessionPong)Frames.Read($$"""{"type":"session.pong","payload":{"received_at":"{{text}}"} }""").Message;

        Frames.PayloadText(pong).Should().Be($$"""{"received_at":"{{written}}"}""");
        ReadEvent($$"""{"kind":"thought","ts":"{{text}}","body":{"text":"t"} }""").Ts.Should().Be(pong.ReceivedAt);
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", 0)]
    [InlineData("2026-01-31T12:00:00+00:00", 0)]
    [InlineData("2026-01-31T12:00:00+01:00", 60)]
    [Trait("Section", "9.5")]
    public void The_offset_of_a_lease_s_end_is_kept_so_that_UTC_can_be_demanded(string text, int minutes)
    {
        var submit = (JobSubmit)Frames.Read($$"""{"type":"job.submit","payload":{"agent":"a","lease_constraints":{"expires_at":"{{text}}"} } }""", Peer.Runtime).Message;

        submit.LeaseConstraints!.ExpiresAt!.Value.Offset.Should().Be(TimeSpan.FromMinutes(minutes));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"ts\":null,")]
    [InlineData("\"ts\":1767182400000,")]
    [InlineData("\"ts\":\"soon\",")]
    [InlineData("\"ts\":\"2026-01-31T12:00:00\",")]
    [InlineData("\"ts\":{\"a\":[1]},")]
    [InlineData("\"ts\":\"\\ud800\",")]
    [Trait("Section", "8.1")]
    public void An_event_whose_time_is_missing_or_unreadable_is_not_lost(string ts)
    {
        ReadEvent($$"""{ {{ts}}"kind":"thought","body":{"text":"t"} }""")
            .Should().Be(new JobEvent { Body = new ThoughtEvent { Text = "t" } });
    }

    [Fact]
    [Trait("Section", "8.1")]
    public void The_members_of_an_event_come_in_any_order_beside_unknown_ones()
    {
        ReadEvent("""{"x":[{"kind":"log"}],"body":{"text":"t","y":{}},"z":null,"kind":"thought"}""")
            .Should().Be(new JobEvent { Body = new ThoughtEvent { Text = "t" } });
    }

    [Fact]
    public void A_metric_s_dimensions_may_be_called_dims()
    {
        var metric = (MetricEvent)ReadEvent("""{"kind":"metric","body":{"name":"n","value":1,"dims":{"a":"b"}}}""").Body;

        metric.Dimensions.Should().BeEquivalentTo(new Dictionary<string, string> { ["a"] = "b" });
        Frames.PayloadText(new JobEvent { Body = metric }).Should().Contain("\"dimensions\"").And.NotContain("\"dims\"");
    }

    [Theory]
    [InlineData("""{"dims":{"a":"alias"},"dimensions":{"a":"own"}}""")]
    [InlineData("""{"dimensions":{"a":"own"},"dims":{"a":"alias"}}""")]
    public void Dimensions_win_over_dims_in_either_order(string members)
    {
        var metric = (MetricEvent)ReadEvent($$"""{"kind":"metric","body":{"name":"n","value":1,{{members[1..]}} }""").Body;

        metric.Dimensions!["a"].Should().Be("own");
    }

    private static JobEvent ReadEvent(string payload) => (JobEvent)Frames.Read($$"""{"type":"job.event","payload":{{payload}} }""").Message;
}
