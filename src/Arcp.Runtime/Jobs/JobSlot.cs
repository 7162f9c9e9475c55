using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Jobs;

/// <summary>A place among a principal's running jobs, kept while a job is being decided. Disposing gives it back, unless it was filled.</summary>
internal sealed class JobSlot(JobRegistry jobs, Principal principal) : IDisposable
{
    private bool _isUsed;

    /// <summary>Creates the job. From now on the place is the job's, until it ends.</summary>
    public Job Fill(JobSpec spec)
    {
        _isUsed = true;
        return jobs.Create(spec);
    }

    public void Dispose()
    {
        if (!_isUsed)
        {
            _isUsed = true;
            jobs.Release(principal);
        }
    }
}
