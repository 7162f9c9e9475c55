using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Leases;

namespace Arcp.Runtime.Jobs;

/// <summary>What many jobs of a session have in common, held once for all of them where it is the same.</summary>
/// <param name="Principal">Whose job it is.</param>
/// <param name="SubmittedBy">The session that submitted it: the one with authority to cancel (§7.4).</param>
/// <param name="Agent">What runs it.</param>
/// <param name="Guard">Checks what it wants to do against its lease (§9).</param>
internal sealed record JobOrigin(Principal Principal, SessionId SubmittedBy, JobAgent Agent, LeaseGuard Guard);
