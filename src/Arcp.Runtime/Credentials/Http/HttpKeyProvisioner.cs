using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core;

namespace Arcp.Runtime.Credentials.Http;

/// <summary>Issues keys of an HTTP key service of the LiteLLM kind, one per job: bounded by the lease's budget, models and expiry (§9.8).</summary>
/// <remarks>
/// Thread-safe. A rotation makes a second key; the runtime has the first one deleted. What fails is an <see cref="ArcpException"/> that names
/// the status and quotes nothing of the answer, because answers can hold keys. A generate whose answer is lost may leave a key behind:
/// keep <see cref="HttpClient.Timeout"/> above <see cref="Configuration.CredentialOptions.IssueTimeout"/>, so that a slow answer is still
/// read and its key deleted, and set <see cref="HttpKeyProvisionerOptions.MaxLifetime"/>. The key's metadata name the job.
/// </remarks>
public sealed class HttpKeyProvisioner : ICredentialProvisioner
{
    private const int MaxBodyBytes = 64 * 1024;

    private readonly HttpClient _http;
    private readonly HttpKeyProvisionerOptions _options;
    private readonly TimeProvider _clock;
    private readonly Uri _generate;
    private readonly Uri _delete;
    private readonly string _endpoint;

    /// <summary>Makes a provisioner.</summary>
    /// <param name="http">Carries the requests; the caller's, and not disposed. Its default headers and base address are not needed.</param>
    /// <param name="options">Where the service is.</param>
    /// <param name="clock">Tells how long a key lives; null = the system's.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message says what is accepted.</exception>
    public HttpKeyProvisioner(HttpClient http, HttpKeyProvisionerOptions options, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(options);
        string[] errors = [.. options.FindErrors()];
        if (errors.Length > 0)
        {
            throw new ArgumentException($"The key service's options are wrong: {string.Join(" ", errors)}", nameof(options));
        }

        _http = http;
        _options = options;
        _clock = clock ?? TimeProvider.System;
        var below = new Uri($"{options.BaseAddress.AbsoluteUri.TrimEnd('/')}/");
        _generate = new Uri(below, "key/generate");
        _delete = new Uri(below, "key/delete");
        _endpoint = (options.Endpoint ?? options.BaseAddress).AbsoluteUri;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return [await GenerateAsync(request, cancellationToken).ConfigureAwait(false)];
    }

    /// <inheritdoc/>
    public async ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return await GenerateAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(credential);
        var body = new DeleteKeysRequest([credential.Value.Length > 0 ? credential.Value : credential.ProviderKey ?? string.Empty]);
        (HttpStatusCode status, byte[] answer) = await PostAsync(_delete, body, KeyServiceJsonContext.Default.DeleteKeysRequest, cancellationToken).ConfigureAwait(false);
        if (status == HttpStatusCode.NotFound)
        {
            return; // it is gone, which is all that is wanted
        }

        // A proxy's page with status 200 is no confirmation.
        if (!IsSuccess(status) || (answer.Length > 0 && !IsObject(answer)))
        {
            throw Failed("key/delete", status);
        }
    }

    private async Task<IssuedCredential> GenerateAsync(CredentialRequest request, CancellationToken cancellationToken)
    {
        GenerateKeyRequest body = KeyRequests.For(request, _options, _clock.GetUtcNow());
        (HttpStatusCode status, byte[] answer) = await PostAsync(_generate, body, KeyServiceJsonContext.Default.GenerateKeyRequest, cancellationToken).ConfigureAwait(false);
        if (UpstreamErrors.TryTranslate(status, Encoding.UTF8.GetString(answer), out ArcpException? exhausted))
        {
            throw exhausted;
        }

        GenerateKeyResponse? issued = IsSuccess(status) ? Read(answer) : null;
        return string.IsNullOrWhiteSpace(issued?.Key)
            ? throw Failed("key/generate", status)
            : new IssuedCredential
            {
                Value = issued.Key,
                Endpoint = _endpoint,
                Profile = _options.Profile,
                Constraints = KeyConstraints.Of(request, body.MaxBudget, _options.BudgetCurrency),
                ProviderKey = issued.TokenId ?? issued.Token,
            };
    }

    private async Task<(HttpStatusCode Status, byte[] Body)> PostAsync<T>(Uri address, T body, JsonTypeInfo<T> typeInfo, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _options.MasterKey);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, typeInfo));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        return (response.StatusCode, await ReadBodyAsync(response.Content, cancellationToken).ConfigureAwait(false));
    }

    private static async Task<byte[]> ReadBodyAsync(HttpContent content, CancellationToken cancellationToken)
    {
        Stream stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var buffer = new byte[MaxBodyBytes + 1];
            int length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return length <= MaxBodyBytes ? buffer[..length] : throw new ArcpException(ErrorCode.InternalError, $"The key service answered with more than {MaxBodyBytes} bytes.");
        }
    }

    private static GenerateKeyResponse? Read(byte[] answer)
    {
        try
        {
            return JsonSerializer.Deserialize(answer, KeyServiceJsonContext.Default.GenerateKeyResponse);
        }
        catch (JsonException)
        {
            return null; // its message could quote the answer
        }
    }

    private static bool IsObject(byte[] answer)
    {
        try
        {
            return JsonElement.Parse(answer).ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsSuccess(HttpStatusCode status) => (int)status is >= 200 and < 300;

    private static ArcpException Failed(string call, HttpStatusCode status) => new(
        ErrorCode.InternalError,
        IsSuccess(status) ? $"The key service's answer to {call} is not understood." : $"The key service answered {call} with status {(int)status}.");
}
