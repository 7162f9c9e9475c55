using System.Buffers;
using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Tests.Support;

/// <summary>A transport that takes laid-out frames only.</summary>
/// <param name="inner">Where they go, one by one.</param>
/// <param name="lends">Whether frames may be put together in its own memory.</param>
public sealed class LayingTransport(ITransport inner, bool lends = false) : WrappedTransport(inner), ITransport
{
    private readonly ArrayBufferWriter<byte> _lent = new();
    private readonly TaskCompletionSource _isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FrameLayout Layout { get; } = new CountedLayout();

    /// <summary>What the next writes wait for.</summary>
    public Task MayWrite { get; set; } = Task.CompletedTask;

    /// <summary>Ends when a write waits.</summary>
    public Task IsHeld => _isHeld.Task;

    public int Blocks { get; private set; }

    public int Flushes { get; private set; }

    public int Frames { get; private set; }

    /// <summary>How often frames were begun in its own memory.</summary>
    public int Begun { get; private set; }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IBufferWriter<byte>? TryBeginFrames()
    {
        if (!lends)
        {
            return null;
        }

        Begun++;
        return _lent;
    }

    public async ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken)
    {
        Blocks++;
        if (!MayWrite.IsCompleted)
        {
            _isHeld.TrySetResult();
            await MayWrite.WaitAsync(cancellationToken);
        }

        await SendAsync(frames, cancellationToken);
    }

    public override async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        Flushes++;
        await SendAsync(_lent.WrittenMemory, cancellationToken);
        _lent.ResetWrittenCount();
        await base.FlushAsync(cancellationToken);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken)
    {
        foreach (string frame in CountedLayout.Split(frames))
        {
            Frames++;
            await base.WriteAsync(Encoding.UTF8.GetBytes(frame), cancellationToken);
        }
    }
}
