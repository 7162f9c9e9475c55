using System.Buffers;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using BenchmarkDotNet.Attributes;

namespace Arcp.Benchmarks.Micro;

/// <summary>Reading and writing single frames.</summary>
public class FrameBenchmarks
{
    private static readonly byte[] Submit = InProcessSession.Bytes("job.submit", "{\"agent\":\"echo\",\"input\":{\"text\":\"hello\"}}");
    private static readonly byte[] Ack = InProcessSession.Bytes("session.ack", "{\"last_processed_seq\":4711}");

    private readonly ArrayBufferWriter<byte> _output = new(4096);
    private readonly SequencedFrameHead _head = new(SessionId.New(TimeProvider.System));
    private readonly JobId _jobId = JobId.New(TimeProvider.System);
    private readonly TraceContext _trace = TraceContext.New();
    private readonly LogEvent _line = new() { Level = "info", Message = new string('x', 30) };
    private readonly RepeatedHeader _repeated = new();
    private readonly Envelope _submit;
    private readonly byte[] _event;
    private readonly byte[] _tail;
    private long _seq;

    public FrameBenchmarks()
    {
        _submit = Read(Submit, Peer.Runtime);
        SequencedFrameWriter.WriteEventTail(_output, TimeProvider.System.GetUtcNow(), _line);
        _tail = _output.WrittenSpan.ToArray();
        _output.ResetWrittenCount();
        _event = [.. _head.For(4711, _jobId, _trace), .. _tail];
    }

    [Benchmark]
    public Envelope ReadSubmit() => Read(Submit, Peer.Runtime);

    [Benchmark]
    public Envelope ReadAck() => Read(Ack, Peer.Runtime);

    [Benchmark]
    public Envelope ReadEvent() => Read(_event, Peer.Client);

    [Benchmark]
    public Envelope ReadNextEvent() =>
        FrameReader.TryRead(_event, Peer.Client, _repeated, out Envelope? envelope, out FrameError? error) ? envelope : throw new InvalidOperationException(error.Message);

    [Benchmark]
    public int WriteSubmit()
    {
        _output.ResetWrittenCount();
        FrameWriter.Write(_output, _submit);
        return _output.WrittenCount;
    }

    [Benchmark]
    public int WriteEventTail()
    {
        _output.ResetWrittenCount();
        SequencedFrameWriter.WriteEventTail(_output, DateTimeOffset.UnixEpoch, _line);
        return _output.WrittenCount;
    }

    [Benchmark]
    public int WriteSequenced()
    {
        _output.ResetWrittenCount();
        _output.Write(_head.For(++_seq, _jobId, _trace));
        _output.Write(_tail);
        return _output.WrittenCount;
    }

    private static Envelope Read(byte[] frame, Peer receiver) =>
        FrameReader.TryRead(frame, receiver, out Envelope? envelope, out FrameError? error) ? envelope : throw new InvalidOperationException(error.Message);
}
