namespace Warehouse.Engine.Access;

/// <summary>Something that an access review has to look at.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Word"><c>overdue</c>, <c>suspended</c>, <c>review-break-glass</c>, <c>awaits-approval</c>, <c>attest</c>, <c>elevated</c>, <c>broken-glass</c>, <c>approved-by-its-maker</c> or <c>assigned</c>.</param>
/// <param name="Due">When it is due, or when it ends or ended; null = at no moment.</param>
public sealed record ReviewFinding(PolicyEntry Entry, EntryState State, string Word, DateTimeOffset? Due);

/// <summary>What an access review has to look at (C4, C19).</summary>
public static class PolicyReview
{
    /// <summary>Findings: those that are overdue first, then in the order of entries.</summary>
    public static IReadOnlyList<ReviewFinding> Of(Policy policy, DateTimeOffset nowUtc)
    {
        var findings = new List<ReviewFinding>();
        foreach (var entry in policy.Entries)
        {
            var state = policy.StateOf(entry, nowUtc);
            if (Finding(entry, state, nowUtc) is ({ } word, var due)) findings.Add(new(entry, state, word, due));
        }
        return [.. findings.OrderBy(f => f.Word is "overdue" or "suspended" ? 0 : 1)];
    }

    private static (string? Word, DateTimeOffset? Due) Finding(PolicyEntry entry, EntryState state, DateTimeOffset nowUtc) => entry switch
    {
        Grant { Kind: GrantKind.BreakGlass, Reviewed: null } glass => glass.Made.Utc + PolicySettings.ReviewWithin is var due && nowUtc >= due ? ("overdue", due) : ("review-break-glass", due),
        _ when state == EntryState.Awaiting => ("awaits-approval", null),
        Grant { Kind: GrantKind.Standing } grant when state == EntryState.Suspended => ("suspended", Policy.LapseOf(grant)),
        Grant { Kind: GrantKind.Standing } grant when state is EntryState.InForce or EntryState.NotYet => ("attest", Policy.LapseOf(grant)),
        Grant { Kind: GrantKind.Elevation } grant when state is EntryState.InForce or EntryState.NotYet => ("elevated", Policy.EndOf(grant)),
        Grant { Kind: GrantKind.BreakGlass } glass when state == EntryState.InForce => ("broken-glass", Policy.EndOf(glass)),
        { IsBootstrap: true } when state == EntryState.InForce => ("approved-by-its-maker", null),
        RoleAssignment when state == EntryState.InForce => ("assigned", null),
        _ => (null, null),
    };
}
