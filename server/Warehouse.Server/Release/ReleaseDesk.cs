using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Release;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Release;

/// <summary>
/// Where answers of the levels exists and aggregate leave: from the data of the release epoch that is open, over cohorts that the rules of release
/// admit, each variant charged to the project before it is shown. Any thread.
/// </summary>
internal sealed class ReleaseDesk(StoreHost host, ReleaseLedger ledger, TimeProvider clock)
{
    private readonly Releaser _releaser = new(ledger, clock);
    private readonly Lock _gate = new();

    /// <summary>
    /// Opens a question: the session of the epoch, and the call that judges its figures. In the order of the rules nothing is counted before the
    /// cohort is admitted.
    /// </summary>
    /// <exception cref="ReleaseRefusedException">A rule of release refuses it.</exception>
    /// <exception cref="LedgerRefusedException">The ledger cannot be written: nothing is released.</exception>
    public ReleasedQuestion Open(Call call, V1.Asking asking, (SampleChoice Samples, CountRules Rules, string? By) of, bool isListing)
    {
        if (asking.HasSnapshot) throw Refusals.BadRequest("snapshot");
        if (of.Samples.Names is not null) throw Refusals.BadRequest("samples");
        var policy = host.Policy;
        var epoch = policy.Epoch ?? throw new ReleaseRefusedException(ReleaseRule.NoEpoch);
        var session = call.AskAtLevel(new V1.Asking(asking) { Snapshot = epoch.Snapshot }, isListing);
        Follow(epoch.Number, session.SampleCount);
        if (ledger.Lost is { } lost) throw lost;
        var people = session.PeopleOf(of.Samples, of.Rules, of.By);
        if (people.IsCut) throw new ReleaseRefusedException(ReleaseRule.Withdrawn);
        var groups = people.Groups.Select(g => CohortSet.Of(ledger.Samples, g.Samples)).ToList();
        var request = new ReleaseRequest
        {
            Project = ProjectOf(policy, asking, call), Epoch = epoch.Number, Cohort = CohortSet.Of(ledger.Samples, people.Samples), Groups = groups,
            Policy = (policy.Settings.ChargesByVariant ? ReleasePolicy.Research : ReleasePolicy.ByInformation) with { K = policy.Settings.K, MinimumCohort = policy.Settings.MinCohort },
        };
        try
        {
            return new ReleasedQuestion(session, _releaser.Open(request), [.. people.Groups.Select(g => g.Name)], policy.Settings.K, epoch.Number, NoteHead);
        }
        finally
        {
            NoteHead(); // a refusal is in the ledger too
        }

        void NoteHead()
        {
            if (ledger.Lost is null) call.Audit.Note = StoreAudit.NoteOf(ledger.Head);
        }
    }

    /// <summary>The ledger's epoch follows the policy's, which alone says when one is opened.</summary>
    private void Follow(long epoch, int samples)
    {
        lock (_gate)
        {
            if (ledger.Epoch < epoch) ledger.OpenEpoch(epoch, samples);
        }
    }

    /// <summary>Whose budget it is: that of the project's collusion group; without a project the caller's own.</summary>
    private static string ProjectOf(Policy policy, V1.Asking asking, Call call) =>
        asking.Project.Length == 0 ? "caller:" + call.Who.Caller.Id : policy.ProjectOf(asking.Project) is { CollusionGroup: { Length: > 0 } group } ? "group:" + group : "project:" + asking.Project;
}

/// <summary>A question that the rules of release have admitted.</summary>
/// <param name="Session">The session of the epoch.</param>
/// <param name="Call">Judges figures and charges for them.</param>
/// <param name="Groups">Names of the groups; none without grouping.</param>
/// <param name="K">Least number of people that is shown.</param>
/// <param name="Epoch">Number of the epoch.</param>
/// <param name="NoteCharge">Puts into the audit entry how far the ledger goes: one that was cut back since does not go so far.</param>
internal sealed record ReleasedQuestion(Session Session, ReleaseCall Call, IReadOnlyList<string> Groups, int K, long Epoch, Action NoteCharge)
{
    /// <summary>The figures of one variant over the cohort, and over each group, as the rules take them.</summary>
    public void Add(List<BaseCells> cells, ReadOnlySpan<CountFigures> groups)
    {
        if (Groups.Count == 0)
        {
            cells.Add(Of(groups[0]));
            return;
        }
        var all = default(BaseCells);
        foreach (var group in groups) all += Of(group);
        cells.Add(all);
        foreach (var group in groups) cells.Add(Of(group));
    }

    /// <summary>What is shown of a row.</summary>
    public V1.ReleasedFigures Show(ReleasedRow row)
    {
        var wire = new V1.ReleasedFigures { IsBanded = row.IsBanded, K = K };
        if (row.IsBanded) return wire;
        (wire.Carriers, wire.Ac, wire.NHomAlt, wire.An, wire.Af) = (row.Carriers, row.Ac, row.Hom, row.An, row.Frequency);
        return wire;
    }

    /// <summary>Stops where the rules did: what was answered before is whole, the rest is refused.</summary>
    public void Check(ReleaseRule stopped)
    {
        NoteCharge();
        if (stopped != ReleaseRule.None) throw new ReleaseRefusedException(stopped);
    }

    /// <summary>The key of a normalised variant in the ledger.</summary>
    public static string KeyOf(string contig, int start, string reference, string alternate) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{contig}-{start + 1}-{reference}-{alternate}");

    private static BaseCells Of(in CountFigures f) => BaseCells.Of(f.NSamples, f.NHet + f.NHemi + f.NHalf, f.NHomAlt, f.NNoCall + f.NNotAssessed, (f.Ac, f.An));
}
