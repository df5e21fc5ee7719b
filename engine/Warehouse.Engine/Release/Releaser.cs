namespace Warehouse.Engine.Release;

/// <summary>For whom, from which data, and of whom figures are asked.</summary>
public sealed record ReleaseRequest
{
    /// <summary>Groups of a call, at most.</summary>
    public const int MaxGroups = LedgerRecord.MaxSets - 2;

    /// <summary>The registered project, on which budget and guard lie: everybody who works for it has one memory. 1 to 512 bytes of UTF-8.</summary>
    public required string Project { get; init; }

    /// <summary>The release epoch whose snapshot was counted.</summary>
    public required long Epoch { get; init; }

    /// <summary>The numbers of the rules.</summary>
    public ReleasePolicy Policy { get; init; } = ReleasePolicy.Research;

    /// <summary>The cohort, over the samples of the epoch.</summary>
    public required CohortSet Cohort { get; init; }

    /// <summary>Disjoint parts of the cohort; who is in none of them is a further group that is not shown. Empty = the cohort alone.</summary>
    public IReadOnlyList<CohortSet> Groups { get; init; } = [];

    /// <summary>Samples withdrawn since the epoch was opened; null = none.</summary>
    public CohortSet? Withdrawn { get; init; }
}

/// <summary>
/// The one door through which figures of cohorts leave. <see cref="Open"/> looks at who is asked about, before anything is counted; the
/// <see cref="ReleaseCall"/> that it gives judges figures, variant by variant. Any thread.
/// <para>
/// A refusal depends on members and on what was answered before, never on the genotypes asked for; what depends on these is
/// shown or banded, and the reasons of a band are not told apart.
/// </para>
/// </summary>
public sealed class Releaser(ReleaseLedger ledger, TimeProvider clock)
{
    /// <summary>Different cohorts and groups of one project in an epoch, at most.</summary>
    public const int MaxSetsOfProject = 256;

    /// <summary>Different cohorts and groups of all projects in an epoch take so many bytes at most.</summary>
    public const long MaxSetBytes = 256L << 20;

    internal ReleaseLedger Ledger => ledger;

    /// <summary>Admits a cohort and its groups; durable on return. Asking again for the same costs nothing.</summary>
    /// <exception cref="ReleaseRefusedException">A rule refuses it; where that counts, it is recorded first.</exception>
    /// <exception cref="LedgerRefusedException">The ledger cannot be written.</exception>
    /// <exception cref="LedgerLostException">The ledger is not whole.</exception>
    /// <exception cref="ArgumentException">Groups overlap or are not in the cohort, or sets are of another number of samples than the epoch.</exception>
    public ReleaseCall Open(ReleaseRequest request)
    {
        ReleaseLedger.CheckText(request.Project, nameof(request));
        var rest = RestOf(request);
        Task done;
        bool mustWrite;
        ReleaseCall? call = null;
        ReleaseRule rule;
        lock (ledger.Gate)
        {
            ledger.RequireWhole();
            var state = ledger.State;
            (var sets, rule) = Judge(request, rest, state);
            if (rule != ReleaseRule.None && !ReleaseRules.Counts(rule)) throw new ReleaseRefusedException(rule);
            if (rule != ReleaseRule.None) (done, mustWrite) = Refuse(request, rule);
            else
            {
                var guard = state.ProjectOf(request.Project).Guard;
                (done, mustWrite) = sets.All(guard.Has) ? (ledger.Newest(), false) : ledger.Record(new AdmitRecord(request.Project, sets), isApplied: false);
                call = new ReleaseCall(this, request, [.. sets.Select(state.NumberOf)], rest is not null);
            }
        }
        if (mustWrite) ledger.Write();
        ReleaseLedger.Finish(done);
        return call ?? throw new ReleaseRefusedException(rule);
    }

    /// <summary>Records a refusal, under the gate.</summary>
    internal (Task Done, bool MustWrite) Refuse(ReleaseRequest request, ReleaseRule rule)
    {
        if (!ReleaseRules.Counts(rule)) return (ledger.Newest(), false);
        var (day, refusals, _) = ledger.State.ProjectOf(request.Project).Record;
        var today = Math.Max(day, ReleaseLedger.DayOf(clock)); // a clock that goes back gives no refusals back
        refusals = today == day ? refusals + 1 : 1;
        return ledger.Record(new RefusalRecord(request.Project, today, refusals, refusals >= request.Policy.RefusalsPerDay));
    }

    /// <summary>Who is in none of the groups; null when nobody is, or when there are no groups.</summary>
    private static CohortSet? RestOf(ReleaseRequest request)
    {
        if (request.Groups.Count == 0) return null;
        var people = 0;
        foreach (var group in request.Groups)
        {
            if (group.CountBoth(request.Cohort) != group.People) throw new ArgumentException("a group is not in the cohort", nameof(request));
            people += group.People;
        }
        var rest = request.Cohort.Without(request.Groups);
        if (people + rest.People != request.Cohort.People) throw new ArgumentException("groups overlap", nameof(request));
        return rest.People == 0 ? null : rest;
    }

    private static (List<CohortSet> Sets, ReleaseRule Rule) Judge(ReleaseRequest request, CohortSet? rest, LedgerState state)
    {
        var sets = new List<CohortSet> { request.Cohort };
        sets.AddRange(request.Groups.Where(g => g.Digest != request.Cohort.Digest));
        if (rest is not null) sets.Add(rest);
        return (sets, RuleOf());

        ReleaseRule RuleOf()
        {
            if (state.Epoch == 0) return ReleaseRule.NoEpoch;
            if (state.Epoch != request.Epoch) return ReleaseRule.OtherEpoch;
            if (request.Cohort.Samples != state.Samples) throw new ArgumentException("the cohort is not over the samples of the epoch", nameof(request));
            var project = state.ProjectOf(request.Project);
            if (project.Record.IsLocked) return ReleaseRule.ProjectLocked;
            if (request.Withdrawn is { } gone && EpochRule.IsWithdrawn(request.Cohort, gone)) return ReleaseRule.Withdrawn;
            if (request.Cohort.People < request.Policy.MinimumCohort) return ReleaseRule.CohortTooSmall;
            if (request.Groups.Count > ReleaseRequest.MaxGroups) return ReleaseRule.TooManyCohorts;
            if (sets.Skip(1).Any(s => s.People < request.Policy.MinimumGroup)) return ReleaseRule.GroupTooSmall;
            var (isNew, bytes) = (sets.Count(s => !project.Guard.Has(s)), ((state.Samples + 7L) / 8) + 64);
            if (project.Guard.Count + isNew > MaxSetsOfProject || (state.SetCount + isNew) * bytes > MaxSetBytes) return ReleaseRule.TooManyCohorts;
            return project.Guard.Admits(sets, request.Policy.K) ? ReleaseRule.None : ReleaseRule.IsolatesFew;
        }
    }
}
