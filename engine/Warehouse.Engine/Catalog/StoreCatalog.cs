using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// What a store holds, as of its newest manifest, with the history that older snapshots need: every entry says from which
/// version until which it is in force. Changed by making a copy inside a commit. Immutable, any thread.
/// </summary>
internal sealed record StoreCatalog
{
    public static StoreCatalog Empty { get; } = new();

    public IReadOnlyList<ContigEntry> Contigs { get; init; } = [];

    public IReadOnlyList<SampleEntry> Samples { get; init; } = [];

    public IReadOnlyList<SheetEntry> Sheets { get; init; } = [];

    /// <summary>Class of every sheet column ever loaded: column to whether it is aggregate.</summary>
    public IReadOnlyDictionary<string, bool> Columns { get; init; } = new Dictionary<string, bool>();

    public IReadOnlyList<OrdinalEntry> Ordinals { get; init; } = [];

    public IReadOnlyList<BatchEntry> Batches { get; init; } = [];

    /// <summary>Per batch the header lines that name reference, source and tools, as written. Nothing but its own reader looks at them.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Lineages { get; init; } = [];

    public IReadOnlyList<SegmentEntry> Segments { get; init; } = [];

    public IReadOnlyList<CallableEntry> Callables { get; init; } = [];

    public IReadOnlyList<CohortEntry> Cohorts { get; init; } = [];

    /// <summary>Snapshots before this version were purged and are refused.</summary>
    public long PurgedBefore { get; init; }

    /// <summary>Index of a contig by canonical name, or -1.</summary>
    public int ContigIndex(string canonical)
    {
        for (var i = 0; i < Contigs.Count; i++)
            if (Contigs[i].Canonical == canonical) return i;
        return -1;
    }

    /// <summary>Reads every page now, to find what cannot be read.</summary>
    public StoreCatalog ReadAll()
    {
        foreach (var pages in (IEnumerable<object>[])[Samples, Batches, Lineages, Sheets.SelectMany(s => s.Values.Keys), Ordinals.Cast<object>()])
            foreach (var _ in pages)
            {
            }
        return this;
    }

    /// <summary>Sheet values of every sample at a version, later entries first.</summary>
    public Dictionary<int, IReadOnlyDictionary<string, string>> SheetAt(long version)
    {
        var values = new Dictionary<int, IReadOnlyDictionary<string, string>>();
        foreach (var entry in Sheets)
            if (entry.FromVersion <= version) values[entry.Sample] = entry.Values;
        return values;
    }

    /// <summary>
    /// Digest of what a version holds, in lower-case hexadecimal SHA-256: loaded files and whose they are, sheet values, cohorts; without
    /// samples withdrawn since, and blind to how segments are cut.
    /// </summary>
    public string DigestAt(long version)
    {
        var to = new ByteWriter(4096);
        to.Var((ulong)version);
        foreach (var ordinal in Ordinals)
        {
            if (!ordinal.InForce(version) || Samples[ordinal.Sample].WithdrawnVersion != 0) continue;
            to.Text(Samples[ordinal.Sample].Name);
            to.Raw(Batches[ordinal.Batch].InputSha256);
            to.Bool(Batches[ordinal.Batch].AssumeReference);
            to.Var(Batches[ordinal.Batch].BlockGq);
            if (Batches[ordinal.Batch].Callable >= 0) to.Raw(Callables[Batches[ordinal.Batch].Callable].Sha256);
        }
        foreach (var (sample, values) in SheetAt(version).Where(s => Samples[s.Key].WithdrawnVersion == 0).OrderBy(s => s.Key))
            foreach (var (column, value) in values.OrderBy(v => v.Key, StringComparer.Ordinal)) to.Text($"{sample}\t{column}\t{value}");
        foreach (var cohort in Cohorts.Where(c => c.InForce(version)).OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            to.Text(cohort.Name);
            foreach (var sample in cohort.Samples) to.Var(sample);
        }
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(to.Written));
    }

    /// <summary>The cohort of a name at a version, or null.</summary>
    public CohortEntry? Cohort(string name, long version) => Cohorts.FirstOrDefault(c => c.Name == name && c.InForce(version));
}
