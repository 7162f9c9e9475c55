using System.Collections.Concurrent;
using Arcp.AspNetCore.Tests.Support;
using Arcp.Conformance;
using Arcp.Core.Transports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests;

/// <summary>The transport that the endpoint makes of a request to Kestrel, against a client's.</summary>
/// <remarks>It is the second of the pair; what the two sides do differently is checked with them exchanged as well.</remarks>
[Trait("Section", "4")]
public sealed class EndpointTransportConformanceTests : TransportConformanceTests, IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ITransport>> _accepted = [];
    private int _count;
    private bool _isServerFirst;
    private WebApplication _app = null!;
    private Uri _address = null!;

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(ServeAsync);
        await _app.StartAsync();
        _address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Theory]
    [InlineData(nameof(Many_frames_between_two_flushes_arrive))]
    [InlineData(nameof(Unicode_text_is_not_changed))]
    [InlineData(nameof(Ten_thousand_frames_of_random_sizes_arrive_both_ways_at_once))]
    [InlineData(nameof(A_writer_waits_while_nobody_reads_and_then_goes_on))]
    [InlineData(nameof(A_direction_that_nobody_reads_does_not_hold_up_the_other_one))]
    [InlineData(nameof(After_a_frame_that_is_too_large_sending_works_and_reading_only_waits_for_the_end))]
    [InlineData(nameof(After_a_close_the_peer_reads_everything_and_then_closed))]
    [InlineData(nameof(A_side_that_has_closed_still_reads))]
    [InlineData(nameof(After_its_close_a_side_may_close_and_flush_but_not_write))]
    [InlineData(nameof(Writes_to_a_peer_that_is_gone_fail_in_the_end))]
    [InlineData(nameof(A_pending_write_to_a_peer_that_goes_fails))]
    [InlineData(nameof(Reads_from_a_peer_that_is_gone_give_what_is_left_and_then_end))]
    [InlineData(nameof(A_call_with_a_cancelled_token_does_nothing))]
    [InlineData(nameof(A_pending_read_can_be_cancelled_which_ends_the_transport))]
    [InlineData(nameof(A_pending_write_can_be_cancelled_which_ends_the_transport))]
    [InlineData(nameof(Disposing_ends_a_pending_read))]
    [InlineData(nameof(Disposing_ends_a_pending_write))]
    [InlineData(nameof(After_disposal_every_call_throws))]
    [InlineData(nameof(A_close_before_the_disposal_reaches_the_peer))]
    [InlineData(nameof(Disposing_from_many_threads_while_calls_are_under_way_is_harmless))]
    public Task The_server_is_the_first_one(string test)
    {
        _isServerFirst = true;
        return (Task)GetType().GetMethod(test)!.Invoke(this, null)!;
    }

    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        using CancellationTokenSource patience = Patience.New();
        string path = $"/{Interlocked.Increment(ref _count)}";
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        _accepted[path] = accepted;
        ITransport client = await WebSocketTransport.ConnectAsync(new Uri(_address, path), null, patience.Token);
        ITransport server = await accepted.Task.WaitAsync(patience.Token);
        return _isServerFirst ? (server, client) : (client, server);
    }

    private async Task ServeAsync(HttpContext context)
    {
        var transport = new HeldTransport(await WebSocketUpgrade.AcceptAsync(context, TimeSpan.Zero, System.Threading.Timeout.InfiniteTimeSpan));
        _accepted[context.Request.Path].SetResult(transport);
        await transport.Disposed;
    }

    /// <summary>Keeps the request open as long as its transport, which sends in all ways that it has, and until what was being sent has ended: the connection's memory is the server's again then.</summary>
    private sealed class HeldTransport(WebSocketTransport inner) : LaidOutTransport(inner)
    {
        private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _sending = new(1, 1);

        public Task Disposed => _disposed.Task;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => SendAsync(() => base.WriteAsync(frame, cancellationToken));

        public override ValueTask FlushAsync(CancellationToken cancellationToken) => SendAsync(() => base.FlushAsync(cancellationToken));

        public override ValueTask CloseAsync(CancellationToken cancellationToken) => SendAsync(() => base.CloseAsync(cancellationToken));

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await SendAsync(() => ValueTask.CompletedTask);
            _disposed.TrySetResult();
        }

        private async ValueTask SendAsync(Func<ValueTask> send)
        {
            await _sending.WaitAsync();
            try
            {
                await send();
            }
            finally
            {
                _sending.Release();
            }
        }
    }
}
