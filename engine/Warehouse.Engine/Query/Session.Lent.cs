using Warehouse.Engine.Catalog;

namespace Warehouse.Engine.Query;

/// <summary>What a server asks of sessions that it lends to one call after the other.</summary>
public sealed partial class Session
{
    /// <summary>The newest version of the store when the session was opened: that of its policy, whatever snapshot is asked.</summary>
    public long NewestVersion => _view.Version;

    /// <summary>Samples that the store has had so far, withdrawn ones and later ones too: their numbers are below it.</summary>
    public int SampleCount => _view.Catalog.Samples.Count;

    /// <summary>In place of <see cref="Access.SessionOptions.Shown"/>, for the call that the session is lent to; null = that one.</summary>
    public Action<string>? Shown { get; set; }

    /// <summary>The cohorts of the snapshot of which the scope sees a member, by name; of others nothing tells that they are there (I4). Of a few members, that they are in it is data of each; below the level record nobody may be told how many they are.</summary>
    public IReadOnlyList<CohortInfo> Cohorts()
    {
        BeginUncounted();
        var cohorts = new List<CohortInfo>();
        foreach (var cohort in _view.Catalog.Cohorts.Where(c => c.InForce(Snapshot)).OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            int[] members = [.. Members(cohort)];
            if (Detail == Access.Detail.Record) ShowsFew(members);
            if (members.Length > 0 || _scope.HidesNothing) cohorts.Add(new CohortInfo(cohort.Name, cohort.FromVersion, members.Length, cohort.Where));
        }
        return cohorts;
    }

    /// <summary>Says of whom a number of samples is data: where they are fewer than k, of each of them.</summary>
    /// <param name="samples">Their numbers; all are seen by the scope.</param>
    internal void ShowsFew(IReadOnlyCollection<int> samples)
    {
        if (samples.Count >= _scope.K) return;
        foreach (var sample in samples) Shows(_view.Catalog.Samples[sample].Name);
    }

    /// <summary>Names of the members of a cohort of the snapshot that the scope sees, in store order.</summary>
    /// <exception cref="InputException">There is none of that name, or the scope sees no member.</exception>
    public IReadOnlyList<string> CohortMembers(string name)
    {
        BeginUncounted();
        var cohort = _view.Catalog.Cohort(name, Snapshot);
        string[] members = cohort is null ? [] : [.. Members(cohort).Select(s => _view.Catalog.Samples[s].Name)];
        return members.Length > 0 || (cohort is not null && _scope.HidesNothing) ? members : throw Selection.UnknownCohort(name);
    }

    /// <summary>What spellings mean, in their order, without asking any sample: answers without state and figures. One that needs a damaged part of the store has its <see cref="SeenAnswer.Damage"/>.</summary>
    public IEnumerable<SeenAnswer> Resolve(IReadOnlyList<string> queries, CancellationToken stop = default)
    {
        BeginUncounted();
        foreach (var question in Interpret(queries, stop))
        {
            if (question.Damage is { } damage)
            {
                yield return Unanswered(damage.Damage) with { Query = question.Text };
                continue;
            }
            if (question.Fault is { } fault)
            {
                yield return new SeenAnswer { Query = question.Text, State = SeenState.NotAssessable, Reason = fault.Expected };
                continue;
            }
            var row = new FrequencyRow();
            Fill(row, question);
            yield return new SeenAnswer
            {
                Query = question.Text, State = SeenState.NotAssessable, Contig = row.Contig, Start = row.Start, Ref = row.Ref, Alt = row.Alt, End = row.End, TrimmedOnly = question.TrimmedOnly,
                MatchedAlleles = question.Symbolic is null ? null : 0,
            };
        }
    }

    private IEnumerable<int> Members(CohortEntry cohort) => cohort.Samples.Where(_scope.Sees);
}
