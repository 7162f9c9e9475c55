namespace Arcp.Client.Tests.Model;

/// <summary>A job as it truly is. Its log has the messages 1 to <see cref="Length"/>.</summary>
internal sealed class ModelJob(string id, int input, string trace, string submitter)
{
    public string Id => id;

    /// <summary>What was submitted: the number of the submit.</summary>
    public int Input => input;

    public string Trace => trace;

    /// <summary>The session that may cancel it.</summary>
    public string Submitter => submitter;

    public int Length { get; set; }

    /// <summary>History begins above this.</summary>
    public int Evicted { get; set; }

    /// <summary>How it has ended.</summary>
    public JobEnd? End { get; set; }

    public string Status => End switch { null => "running", JobEnd.Success => "success", JobEnd.Failure => "error", _ => "cancelled" };

    /// <summary>Type and payload of the terminal frame.</summary>
    public (string Type, string Payload) Terminal => End switch
    {
        JobEnd.Success => ("job.result", $$"""{"final_status":"success","result":{{input}}}"""),
        JobEnd.Failure => ("job.error", """{"final_status":"error","code":"BUDGET_EXHAUSTED","message":"m"}"""),
        _ => ("job.error", """{"final_status":"cancelled","code":"CANCELLED","message":"m"}"""),
    };
}

internal enum JobEnd
{
    Success,
    Failure,
    Cancelled,
}
