using Warehouse.Engine;
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
}

/// <summary>One change of a store; as text its kind and names, apart by spaces.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Names">Files for loads (see <see cref="SampleFiles"/>), samples for a withdrawal, the cohort's name and its samples for a cohort.</param>
internal sealed record Change(ChangeKind Kind, params string[] Names)
{
    /// <summary>True when a version of the store must come of it.</summary>
    internal bool Commits => Kind is ChangeKind.Ingest or ChangeKind.Replace or ChangeKind.Withdraw or ChangeKind.Cohort;

    /// <summary>True when a version may come of it.</summary>
    internal bool MayCommit => Kind is not (ChangeKind.Collect or ChangeKind.Rotate);

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
            default:
                return store.Compact(Kind == ChangeKind.Purge ? store.Version : null).Version;
        }
    }
}
