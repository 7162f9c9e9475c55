using Arcp.Runtime.Configuration;
using Polly;
using Polly.Retry;

namespace Arcp.Runtime.Credentials;

/// <summary>Tries something again, with waits that double and are jittered, on the runtime's clock.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class BackoffRetry
{
    private static readonly ResiliencePropertyKey<RetryNotice> NoticeKey = new("arcp.notice");

    private readonly ResiliencePipeline _pipeline;

    /// <summary>Makes a policy.</summary>
    /// <param name="options">The waits.</param>
    /// <param name="attempts">How many attempts there are; at least 1.</param>
    /// <param name="clock">The clock to wait on.</param>
    public BackoffRetry(CredentialOptions options, int attempts, TimeProvider clock)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = clock };
        if (attempts > 1)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = attempts - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.RevocationBackoff,
                MaxDelay = options.MaxRevocationBackoff,

                // A cancellation that we did not ask for, such as HttpClient's time-out, is a failure like any other.
                ShouldHandle = static retry => new(retry.Outcome.Exception is not null && !retry.Context.CancellationToken.IsCancellationRequested),
                OnRetry = static retry =>
                {
                    retry.Context.Properties.GetValue(NoticeKey, NoNotice)(retry.Outcome.Exception!, retry.AttemptNumber + 1, retry.RetryDelay);
                    return default;
                },
            });
        }

        _pipeline = builder.Build();
    }

    /// <summary>Tries until an attempt succeeds, or fails as the last one did.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> attempt, RetryNotice notice, CancellationToken cancellationToken)
    {
        ResilienceContext context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(NoticeKey, notice);
        try
        {
            await _pipeline.ExecuteAsync(static async (context, attempt) => await attempt(context.CancellationToken).ConfigureAwait(false), context, attempt).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static void NoNotice(Exception exception, int attempt, TimeSpan delay)
    {
    }
}

/// <summary>Told of each attempt that failed and is followed by another.</summary>
internal delegate void RetryNotice(Exception exception, int attempt, TimeSpan delay);
