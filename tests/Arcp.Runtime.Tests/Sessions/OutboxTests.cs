using System.Text;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

public class OutboxTests
{
    private static readonly ControlFrame Accepted = new(Encoding.UTF8.GetBytes("accepted"), OutlivesConnection: true) { IsCommitted = true, UntilReceived = true };

    [Fact]
    [Trait("Section", "7.1")]
    public async Task An_acceptance_is_sent_with_the_first_entry_of_the_jobs_log()
    {
        SessionOutbox outbox = await BegunAsync();
        Job job = TestJob.Create();
        Task woken = outbox.WaitAsync().AsTask();

        outbox.Open(job, Accepted);
        woken.IsCompleted.Should().BeFalse("the job is about to start, and that wakes the writer");
        job.TryApply(JobSignal.AgentStarted);

        await woken.WaitAsync(WireClient.Patience);
        List<string> frames = Collect(outbox);
        frames.Should().HaveCount(2);
        frames[0].Should().Be("accepted");
        frames[1].Should().Contain("\"running\"");
    }

    [Fact]
    [Trait("Section", "7.1")]
    public async Task An_acceptance_of_a_job_that_has_ended_meanwhile_is_sent_at_once()
    {
        SessionOutbox outbox = await BegunAsync();
        Job job = TestJob.Create();
        job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown));
        Task woken = outbox.WaitAsync().AsTask();

        outbox.Open(job, Accepted);

        await woken.WaitAsync(WireClient.Patience);
        List<string> frames = Collect(outbox);
        frames.Should().HaveCount(2);
        frames[0].Should().Be("accepted");
        frames[1].Should().Contain("\"job.error\"");
    }

    [Fact]
    [Trait("Section", "6.3")]
    public void Answers_come_again_until_they_were_sent_and_acceptances_until_they_were_received()
    {
        var queue = new ControlQueue();
        queue.Add(Accepted, mark: 0);
        queue.Add(new ControlFrame(Encoding.UTF8.GetBytes("repeated"), OutlivesConnection: true), mark: 0);
        Collect(queue, highestSent: 5, floor: 0).Should().Equal("accepted", "repeated");

        Restart(queue).Should().Equal("welcome", "accepted", "repeated"); // nobody knows what of it was sent
        Collect(queue, highestSent: 5, floor: 0).Should().BeEmpty();
        Restart(queue).Should().Equal("welcome", "accepted");
        Collect(queue, highestSent: 8, floor: 5).Should().BeEmpty();
        Restart(queue).Should().Equal("welcome", "accepted");
        Collect(queue, highestSent: 8, floor: 6).Should().BeEmpty();
        Restart(queue).Should().Equal("welcome");
    }

    [Theory]
    [Trait("Section", "7.2")]
    [InlineData("plain")]
    [InlineData("\",\"payload\":{\"x\":1},\"")]
    [InlineData("\\\"payload\":\\")]
    public void The_payload_of_a_frame_is_found_whatever_its_header_says(string requestId)
    {
        var message = new JobAccepted { JobId = new JobId("job_\"payload\":"), Agent = "a", Lease = Arcp.Core.Leases.Lease.Empty };
        ReadOnlyMemory<byte> frame = ControlFrames.Frame(message, new FrameHeader
        {
            Id = new MessageId("\"payload\":"),
            SessionId = new SessionId("s\"payload\":"),
            JobId = message.JobId,
            RequestId = new MessageId(requestId),
        }, TimeProvider.System);

        Encoding.UTF8.GetString(ControlFrames.PayloadOf(frame.Span)).Should().Be(Encoding.UTF8.GetString(FrameWriter.WritePayload(message)));
    }

    private static async Task<SessionOutbox> BegunAsync()
    {
        SessionOutbox outbox = new SessionFactory(new ArcpRuntimeOptions(), null, TimeProvider.System)
            .Create(SessionId.New(TimeProvider.System), Principal.Named("alice")).Outbox;
        outbox.TryBegin(new SilentConnection(), Features.None, Encoding.UTF8.GetBytes("welcome"), lastEventSeq: null).Should().BeTrue();
        await outbox.WaitAsync();
        Collect(outbox).Should().Equal("welcome");
        return outbox;
    }

    private static List<string> Collect(SessionOutbox outbox)
    {
        var batch = new FrameBatch();
        outbox.Collect(batch);
        return Texts(batch);
    }

    private static List<string> Collect(ControlQueue queue, long highestSent, long floor)
    {
        var batch = new FrameBatch();
        queue.Collect(batch, committed: 0, highestSent, floor, mayBeLast: true);
        return Texts(batch);
    }

    // Sends again from the number 5 on, which all that was sent before it comes with.
    private static List<string> Restart(ControlQueue queue)
    {
        queue.Restart(new ControlFrame(Encoding.UTF8.GetBytes("welcome"), OutlivesConnection: false), lastEventSeq: 5);
        return Collect(queue, highestSent: 5, floor: 0);
    }

    private static List<string> Texts(FrameBatch batch) => [.. Enumerable.Range(0, batch.Count).Select(i => Encoding.UTF8.GetString(batch[i].Span))];
}
