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

/// <summary>The transport that the endpoint makes of a request to Kestrel, as the first of the pair, against a client's.</summary>
[Trait("Section", "4")]
public sealed class EndpointTransportConformanceTests : TransportConformanceTests, IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ITransport>> _accepted = [];
    private int _count;
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

    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        using CancellationTokenSource patience = Patience.New();
        string path = $"/{Interlocked.Increment(ref _count)}";
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        _accepted[path] = accepted;
        ITransport client = await WebSocketTransport.ConnectAsync(new Uri(_address, path), null, patience.Token);
        return (await accepted.Task.WaitAsync(patience.Token), client);
    }

    private async Task ServeAsync(HttpContext context)
    {
        var transport = new HeldTransport(await WebSocketUpgrade.AcceptAsync(context, TimeSpan.Zero));
        _accepted[context.Request.Path].SetResult(transport);
        await transport.Disposed;
    }

    /// <summary>Keeps the request open as long as its transport.</summary>
    private sealed class HeldTransport(WebSocketTransport inner) : ITransport
    {
        private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Disposed => _disposed.Task;

        public ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken) => inner.ReadAsync(frame, cancellationToken);

        public ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => inner.WriteAsync(frame, cancellationToken);

        public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

        public async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            _disposed.TrySetResult();
        }
    }
}
