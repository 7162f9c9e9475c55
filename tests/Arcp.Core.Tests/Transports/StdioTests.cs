using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

/// <summary>The console is the whole process's: tests that replace its parts do not run beside others.</summary>
[CollectionDefinition("Console", DisableParallelization = true)]
public sealed class ConsoleTestsRunAlone;

/// <summary>§4: standard output carries envelopes only.</summary>
[Collection("Console")]
public sealed class StdioTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Over_the_console_stray_output_goes_to_standard_error_and_input_stays_with_the_transport()
    {
        (TextReader input, TextWriter output, TextWriter error) = (Console.In, Console.Out, Console.Error);
        using var errors = new StringWriter();
        Console.SetError(errors);
        try
        {
            await using StreamTransport transport = StreamTransport.OverConsole();
            Console.WriteLine("stray");
            errors.ToString().Should().Be("stray" + Environment.NewLine);
            (await Console.In.ReadLineAsync()).Should().BeNull();
        }
        finally
        {
            Console.SetIn(input);
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    [Fact]
    public async Task A_child_process_is_a_peer()
    {
        // A program that gives back every line is the smallest peer there is.
        using var process = Process.Start(new ProcessStartInfo(OperatingSystem.IsWindows() ? "findstr" : "cat", OperatingSystem.IsWindows() ? ["^"] : [])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        await using var transport = new StreamTransport(process.StandardOutput.BaseStream, process.StandardInput.BaseStream);
        using var timeout = new CancellationTokenSource(Patience, TimeProvider.System);
        using var frame = new FrameBuffer(1000);
        for (int i = 1; i <= 100; i++)
        {
            await transport.WriteAsync(Enumerable.Repeat((byte)'x', i).ToArray(), timeout.Token);
        }

        await transport.CloseAsync(timeout.Token);
        for (int i = 1; i <= 100; i++)
        {
            (await transport.ReadAsync(frame, timeout.Token)).Should().Be(FrameReadStatus.Frame);
            frame.Length.Should().Be(i);
        }

        (await transport.ReadAsync(frame, timeout.Token)).Should().Be(FrameReadStatus.Closed);
        await process.WaitForExitAsync(timeout.Token);
    }

    [Fact]
    public async Task A_read_from_a_silent_child_process_ends_when_the_transport_is_disposed()
    {
        using var process = Process.Start(new ProcessStartInfo(OperatingSystem.IsWindows() ? "findstr" : "cat", OperatingSystem.IsWindows() ? ["^"] : [])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var transport = new StreamTransport(process.StandardOutput.BaseStream, process.StandardInput.BaseStream);
        using var frame = new FrameBuffer(1000);
        Task reading = transport.ReadAsync(frame, default).AsTask();
        await transport.DisposeAsync().AsTask().WaitAsync(Patience, TimeProvider.System);
        Func<Task> end = () => reading.WaitAsync(Patience, TimeProvider.System);
        await end.Should().ThrowAsync<TransportException>();
        using var timeout = new CancellationTokenSource(Patience, TimeProvider.System);
        await process.WaitForExitAsync(timeout.Token);
    }

    [Fact]
    public async Task A_close_over_TLS_leaves_the_other_direction_open()
    {
        (NetworkStream client, NetworkStream server) = await Loopback.ConnectSocketsAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        var secureClient = new SslStream(client, leaveInnerStreamOpen: false);
        var secureServer = new SslStream(server, leaveInnerStreamOpen: false);
        await Task.WhenAll(
            secureServer.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }),
            secureClient.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                RemoteCertificateValidationCallback = (_, presented, _, _) => presented!.GetCertHashString() == certificate.GetCertHashString(),
            }));

        await using var first = new StreamTransport(secureClient, secureClient);
        await using var second = new StreamTransport(secureServer, secureServer);
        using var timeout = new CancellationTokenSource(Patience, TimeProvider.System);
        using var frame = new FrameBuffer(1000);
        await first.CloseAsync(timeout.Token);
        (await second.ReadAsync(frame, timeout.Token)).Should().Be(FrameReadStatus.Closed);
        await second.WriteAsync("bye"u8.ToArray(), timeout.Token);
        await second.FlushAsync(timeout.Token);
        (await first.ReadAsync(frame, timeout.Token)).Should().Be(FrameReadStatus.Frame);
    }
}
