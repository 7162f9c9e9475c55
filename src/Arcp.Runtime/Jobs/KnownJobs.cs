namespace Arcp.Runtime.Jobs;

/// <summary>Makes what jobs are known by, many at a time, so that they lie side by side.</summary>
/// <remarks>
/// Thread-safe. Of all that a job needs this alone stays for long. Made one by one, with what each job needs for a moment in between, they cost the collector several
/// times as much: it finds each on a page of its own, and moves each by itself.
/// </remarks>
/// <param name="environment">What their jobs share.</param>
internal sealed class KnownJobs(JobEnvironment environment)
{
    private const int MadeTogether = 64;

    private readonly Lock _lock = new();
    private readonly KnownJob?[] _made = new KnownJob?[MadeTogether];
    private int _left;

    /// <summary>Gives a job what it is known by from now on.</summary>
    public KnownJob Add(Job job)
    {
        KnownJob known;
        lock (_lock)
        {
            if (_left == 0)
            {
                for (; _left < MadeTogether; _left++)
                {
                    _made[_left] = new KnownJob(environment);
                }
            }

            known = _made[--_left]!;
            _made[_left] = null;
        }

        known.Begin(job);
        return known;
    }
}
