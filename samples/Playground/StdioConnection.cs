using Arcp.Core.Transports;

namespace Playground;

/// <summary>Standard input and output as a connection that goes on sending after its input has ended, until the playground closes it.</summary>
/// <remarks>
/// To the runtime the end of the input would be the end of the connection, and answers to what was asked last would stay unsent.
/// Nor can the parent see our close before the process is gone, so closing does not wait for its own.
/// </remarks>
internal sealed class StdioConnection(StreamTransport console) : ITransport
{
    private readonly TaskCompletionSource _inputEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasFrame;

    /// <summary>Ends when there is no more input behind at least one frame.</summary>
    public Task InputEnded => _inputEnded.Task;

    public async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        FrameReadStatus status = await console.ReadAsync(frame, cancellationToken);
        _hasFrame |= status is FrameReadStatus.Frame;
        if (status is FrameReadStatus.Closed && _hasFrame)
        {
            _inputEnded.TrySetResult();
            await _closed.Task.WaitAsync(cancellationToken);
        }

        return status;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => console.WriteAsync(frame, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken) => console.FlushAsync(cancellationToken);

    public async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        await console.CloseAsync(cancellationToken);
        await DisposeAsync();
    }

    public ValueTask DisposeAsync()
    {
        _closed.TrySetResult();
        return console.DisposeAsync();
    }
}
