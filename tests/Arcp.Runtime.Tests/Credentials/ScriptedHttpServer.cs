using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>An HTTP server on the loopback that answers each request with whatever bytes a test wants, or never.</summary>
internal sealed class ScriptedHttpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Func<ReceivedRequest, Task<string?>> _answer;
    private readonly Task _accepting;

    /// <summary>Starts; an answer of null = never.</summary>
    public ScriptedHttpServer(Func<ReceivedRequest, Task<string?>> answer)
    {
        _answer = answer;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/llm");

    public ConcurrentQueue<ReceivedRequest> Requests { get; } = new();

    public static string Http(int status, string body, string contentType = "application/json") =>
        string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} X\r\nContent-Type: {contentType}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}");

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _accepting;
        await Task.WhenAll(_connections);
        _closing.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_closing.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            // the end
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                ReceivedRequest request = await ReadAsync(stream);
                Requests.Enqueue(request);
                if (await _answer(request) is { } answer)
                {
                    await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _closing.Token);
                    return;
                }

                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _closing.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                // the client, or the test, has gone
            }
        }
    }

    private async Task<ReceivedRequest> ReadAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[8192];
        int headEnd;
        while ((headEnd = text.ToString().IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            await ReadMoreAsync();
        }

        string[] lines = text.ToString()[..headEnd].Split("\r\n");
        Dictionary<string, string> headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        int length = int.Parse(headers["Content-Length"], CultureInfo.InvariantCulture);
        while (text.Length < headEnd + 4 + length)
        {
            await ReadMoreAsync();
        }

        return new ReceivedRequest(lines[0], headers, JsonElement.Parse(text.ToString()[(headEnd + 4)..]));

        async Task ReadMoreAsync()
        {
            int read = await stream.ReadAsync(buffer, _closing.Token);
            text.Append(Encoding.ASCII.GetString(buffer, 0, read > 0 ? read : throw new IOException("The client has gone.")));
        }
    }
}

internal sealed record ReceivedRequest(string Line, IReadOnlyDictionary<string, string> Headers, JsonElement Body);
