namespace Arcp.Client.Tests.Model;

/// <summary>A session of the model: its numbers, what it has sent, and which jobs it follows.</summary>
internal sealed class ModelSession(string id)
{
    private readonly List<string> _sent = [];
    private readonly OrderedDictionary<ModelJob, int> _followed = [];

    public string Id => id;

    public string Token { get; set; } = string.Empty;

    public ModelConnection? Connection { get; set; }

    public int LastSeq => _sent.Count;

    public bool Follows(ModelJob job) => _followed.ContainsKey(job);

    public void Follow(ModelJob job, int after) => _followed[job] = after;

    /// <summary>Ends what a subscription began; the submitter's own stream takes no notice.</summary>
    public void Unfollow(ModelJob job)
    {
        if (job.Submitter != id)
        {
            _followed.Remove(job);
        }
    }

    /// <summary>Sends what the session has not been sent yet.</summary>
    public void Deliver()
    {
        foreach ((ModelJob job, int position) in _followed.ToArray())
        {
            for (int n = position + 1; n <= job.Length; n++)
            {
                Send("job.event", job, $$$"""{"kind":"log","body":{"level":"info","message":"{{{n}}}"}}""");
            }

            _followed[job] = job.Length;
            if (job.End is not null)
            {
                (string type, string payload) = job.Terminal;
                Send(type, job, payload);
                _followed.Remove(job);
            }
        }
    }

    /// <summary>Sends again what stands above a number.</summary>
    public void Replay(int after)
    {
        foreach (string frame in _sent.Skip(after))
        {
            Connection?.Send(frame);
        }
    }

    private void Send(string type, ModelJob job, string payload)
    {
        string frame = $$"""{"arcp":"1.1","type":"{{type}}","session_id":"{{id}}","job_id":"{{job.Id}}","trace_id":"{{job.Trace}}","event_seq":{{_sent.Count + 1}},"payload":{{payload}}}""";
        _sent.Add(frame);
        Connection?.Send(frame);
    }
}
