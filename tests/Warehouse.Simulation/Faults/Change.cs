using System.Globalization;
using System.Text;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Events;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;

namespace Warehouse.Simulation.Faults;

/// <summary>What a change of the store does.</summary>
internal enum ChangeKind
{
    /// <summary>Loads files of new samples.</summary>
    Ingest,

    /// <summary>Loads files of samples that are there.</summary>
    Replace,

    /// <summary>Withdraws samples.</summary>
    Withdraw,

    /// <summary>Sets a cohort.</summary>
    Cohort,

    /// <summary>Merges segments, drops what nothing shows, collects.</summary>
    Compact,

    /// <summary>The same, and forgets all snapshots but the newest.</summary>
    Purge,

    /// <summary>Collects garbage.</summary>
    Collect,

    /// <summary>Puts a new master key in the place of the old one.</summary>
    Rotate,

    /// <summary>Loads a release of annotations.</summary>
    Annotate,

    /// <summary>Retires one.</summary>
    Retire,

    /// <summary>Appends events to the log, all in one batch.</summary>
    Log,

    /// <summary>Begins, submits and signs an assessment: three batches.</summary>
    Assess,

    /// <summary>Merges the files of the log and brings its index up to date.</summary>
    Index,
}

/// <summary>One change of a store; as text its kind and names, apart by spaces.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Names">Files for loads (see <see cref="SampleFiles"/>), samples for a withdrawal, the cohort's name and its samples for a cohort, the edition of a release, number and length of a batch, position of an assessed allele.</param>
internal sealed record Change(ChangeKind Kind, params string[] Names)
{
    /// <summary>True when a version of the store must come of it.</summary>
    internal bool Commits => Kind is ChangeKind.Ingest or ChangeKind.Replace or ChangeKind.Withdraw or ChangeKind.Cohort or ChangeKind.Annotate or ChangeKind.Retire;

    /// <summary>True when a version may come of it.</summary>
    internal bool MayCommit => Kind is not (ChangeKind.Collect or ChangeKind.Rotate or ChangeKind.Log or ChangeKind.Assess or ChangeKind.Index);

    /// <summary>The batches of events that it appends, one after the other; an event as <see cref="EventLedger.TextOf"/> has it.</summary>
    internal IEnumerable<string[]> Batches => Kind switch
    {
        ChangeKind.Log => [[.. Enumerable.Range(0, Number(1)).Select(i => $"{EventLedger.Note} {Names[0]}.{i}")]],
        ChangeKind.Assess => [["assess/draft"], ["assess/submit"], ["assess/sign"]],
        _ => [],
    };

    public override string ToString() => string.Join(' ', Names.Prepend(Kind.ToString()));

    internal static Change Parse(string line) => line.Split(' ') is var words ? new Change(Enum.Parse<ChangeKind>(words[0]), words[1..]) : null!;

    /// <summary>Does it; returns the newest version afterwards.</summary>
    internal long Do(VariantStore store, IStorage disk, IStorage keys, SampleFiles files)
    {
        switch (Kind)
        {
            case ChangeKind.Ingest or ChangeKind.Replace:
                return store.Ingest(new IngestRequest { Files = [.. Names.Select(files.PathOf)], Threads = 1, Replace = Kind == ChangeKind.Replace }).Version;
            case ChangeKind.Withdraw:
                return store.Withdraw(Names);
            case ChangeKind.Cohort:
                return store.SetCohort(Names[0], Names[1..], null).Version;
            case ChangeKind.Collect:
                using (var folder = StoreFolder.Open(disk, keys, TimeProvider.System)) folder.CollectGarbage();
                return store.Version;
            case ChangeKind.Rotate:
                store.RotateKeys();
                return store.Version;
            case ChangeKind.Annotate:
                return store.LoadAnnotations(new AnnotationRequest { Source = SampleFiles.Source, Date = SampleFiles.DateOf(Number(0)), File = files.ReleaseOf(Number(0)) }).Version;
            case ChangeKind.Retire:
                store.RetireAnnotations(FormattableString.Invariant($"{SampleFiles.Source}@{SampleFiles.DateOf(Number(0)):yyyy-MM-dd}"));
                return store.Version;
            case ChangeKind.Log or ChangeKind.Assess or ChangeKind.Index:
                DoInLog(store);
                return store.Version;
            default:
                return store.Compact(Kind == ChangeKind.Purge ? store.Version : null).Version;
        }
    }

    private void DoInLog(VariantStore store)
    {
        var actor = AccessActor.Owner("lab");
        switch (Kind)
        {
            case ChangeKind.Log:
                store.Events.Append(new EventBatch { Actor = actor.Id, ManifestVersion = store.Version, Events = [.. Batches.Single().Select(text => new NewEvent(EventLedger.Note, 1, Encoding.ASCII.GetBytes(text[(EventLedger.Note.Length + 1)..])))] });
                break;
            case ChangeKind.Assess:
                var desk = new AssessmentDesk(store);
                var draft = desk.Begin(actor, new AssessmentContent { Allele = AssessedAllele.Parse($"1-{Names[0]}-A-C"), ConditionId = "MONDO:0005267", Class = Tier.LikelyPathogenic, Criteria = [new CriterionUse("PVS1", Strength.VeryStrong, "")] });
                desk.Submit(actor, draft.Id, 1);
                desk.Sign(actor, draft.Id, 2, SignatureMeaning.Approved, "read");
                break;
            default:
                store.Events.Compact();
                store.Events.SaveIndex(AssessmentEvent.Index);
                break;
        }
    }

    private int Number(int at) => int.Parse(Names[at], CultureInfo.InvariantCulture);
}
