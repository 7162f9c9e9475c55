using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Tests.Support;

/// <summary>A transport that takes laid-out frames only.</summary>
public sealed class LayingTransport(ITransport inner) : WrappedTransport(inner), ITransport
{
    private readonly TaskCompletionSource _isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FrameLayout Layout { get; } = new CountedLayout();

    /// <summary>What the next writes wait for.</summary>
    public Task MayWrite { get; set; } = Task.CompletedTask;

    /// <summary>Ends when a write waits.</summary>
    public Task IsHeld => _isHeld.Task;

    public int Blocks { get; private set; }

    public int Flushes { get; private set; }

    public int Frames { get; private set; }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken)
    {
        Blocks++;
        if (!MayWrite.IsCompleted)
        {
            _isHeld.TrySetResult();
            await MayWrite.WaitAsync(cancellationToken);
        }

        foreach (string frame in CountedLayout.Split(frames))
        {
            Frames++;
            await base.WriteAsync(Encoding.UTF8.GetBytes(frame), cancellationToken);
        }
    }

    public override ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        Flushes++;
        return base.FlushAsync(cancellationToken);
    }
}
