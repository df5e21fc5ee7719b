using System.Runtime.InteropServices;

namespace Warehouse.Engine.Segments;

/// <summary>
/// One block of a file while it is collected, all panels: filled by one thread, then encoded by another or the same, then filled again.
/// After an exception of <see cref="Encode"/> it is of no use.
/// </summary>
internal sealed class CollectedBlock
{
    private readonly List<(long Line, long Offset)> _places = [];
    private Errand[] _work = [];

    /// <summary>Starts an empty block.</summary>
    /// <param name="panels">First sample and number of samples of each panel.</param>
    public CollectedBlock(IEnumerable<(int First, int Count)> panels) =>
        Panels = [.. panels.Select(p => new Panel(p.First, p.Count, new CallColumns(p.First, p.Count), new EvidenceBuilder(p.Count)))];

    /// <summary>Contig of every record.</summary>
    public int Contig { get; set; } = -1;

    public SiteTableBuilder Sites { get; } = new();

    public Panel[] Panels { get; }

    public bool IsEmpty => Sites.RecordCount == 0 && Panels.All(p => p.Evidence.Count == 0);

    /// <summary>Remembers where the last record of <see cref="Sites"/> came from.</summary>
    public void AddPlace(long line, long offsetBytes) => _places.Add((line, offsetBytes));

    /// <summary>Empties it, keeps its memory.</summary>
    public void Clear()
    {
        Sites.Clear();
        _places.Clear();
        _work = [];
        foreach (var panel in Panels)
        {
            panel.Phase.Clear();
            panel.Evidence.Clear();
        }
    }

    /// <summary>Judges repeated alleles, then encodes every panel.</summary>
    /// <param name="skipBad">An allele repeated with other genotypes is skipped and counted instead of refused.</param>
    /// <param name="isShared">Other threads may take panels.</param>
    /// <returns>One encoded block per panel, and how many rows repeat an allele with the same and with other genotypes.</returns>
    /// <exception cref="InputException">An allele is repeated with other genotypes.</exception>
    public (EncodedBlock[] Panels, int Collapsed, int Skipped) Encode(bool skipBad, bool isShared)
    {
        var table = Sites.Build(Panels[0].Phase);
        var repeats = FindRepeats(table, skipBad);
        var sites = new Lazy<EncodedSites>[Panels.Length];
        for (var i = 0; i < sites.Length; i++)
        {
            var panel = Panels[i];
            var same = i == 0 ? -1 : Array.FindIndex(Panels, 0, i, p => CollectionsMarshal.AsSpan(p.Phase).SequenceEqual(CollectionsMarshal.AsSpan(panel.Phase)));
            sites[i] = same >= 0 ? sites[same] : new Lazy<EncodedSites>(() => EncodeSites(panel == Panels[0] ? table : Sites.Build(panel.Phase), repeats));
        }
        var encoded = new EncodedBlock[Panels.Length];
        void EncodeOne(int i) => encoded[i] = BlockEncoder.Encode(Contig, sites[i].Value, Panels[i].Evidence, Panels[i].Calls.Finish());
        if (isShared && encoded.Length > 1)
        {
            var work = Enumerable.Range(0, encoded.Length).Select(i => Errand.Start(() => EncodeOne(i))).ToArray();
            Volatile.Write(ref _work, work);
            foreach (var errand in work) errand.Finish();
        }
        else
        {
            for (var i = 0; i < encoded.Length; i++) EncodeOne(i);
        }
        return (encoded, repeats.Count(r => !r.Skipped), repeats.Count(r => r.Skipped));
    }

    /// <summary>Encodes panels that nobody has begun; for a thread that would wait for <see cref="Encode"/> on another.</summary>
    public void Help()
    {
        foreach (var errand in Volatile.Read(ref _work)) errand.TryDo();
    }

    /// <summary>Rows that repeat an earlier row of the block: the better ranked one stays (COUNTS.md: starts at its place, shortest, then as text).</summary>
    private List<(int Row, bool Skipped)> FindRepeats(SiteTable table, bool skipBad)
    {
        var repeats = new List<(int, bool)>();
        for (var i = 1; i < table.SortedRows.Length; i++)
        {
            var (a, b) = (table.SortedRows[i - 1], table.SortedRows[i]);
            if (table.CompareRows(a, b) != 0) continue;
            var (recordA, recordB) = (table.RowRecord[a], table.RowRecord[b]);
            if (recordA == recordB) throw Refuse("vcf-alt-twice", "two ALT items of the record are the same allele", recordB);
            var same = Panels.All(p => p.Calls.SameCalls((a, recordA, table.AltIndex(a)), (b, recordB, table.AltIndex(b))));
            if (!same && !skipBad) throw Refuse("vcf-repeated-allele", $"the allele of line {_places[recordA].Line} again, with other genotypes", recordB);
            var (keep, drop) = same && Rank(table, b, a) < 0 ? (b, a) : (a, b);
            repeats.Add((drop, !same));
            table.SortedRows[i] = keep;
        }
        return repeats;
    }

    private static int Rank(SiteTable table, int a, int b)
    {
        var (recordA, recordB) = (table.RowRecord[a], table.RowRecord[b]);
        var start = table.RowStart[a];
        var byStart = (table.RecordStart[recordA] != start).CompareTo(table.RecordStart[recordB] != start);
        if (byStart != 0) return byStart;
        var byLength = (table.RecordEnd[recordA] - table.RecordStart[recordA]).CompareTo(table.RecordEnd[recordB] - table.RecordStart[recordB]);
        return byLength != 0 ? byLength : table.CompareText(recordA, recordB);
    }

    private InputException Refuse(string code, string text, int record) => new(code, text, new InputPlace("", _places[record].Line, _places[record].Offset, "ALT"));

    private EncodedSites EncodeSites(SiteTable table, List<(int Row, bool Skipped)> repeats)
    {
        foreach (var (row, skipped) in repeats)
        {
            table.RowCollapsed[row] = true;
            if (skipped) table.Flags[table.RowRecord[row]] &= ~RecordFlags.Speaks;
        }
        if (repeats.Count > 0) table.Index();
        return BlockEncoder.Encode(table, Sites.Ids);
    }

    /// <summary>The samples [First, First + Count) of the block.</summary>
    internal sealed record Panel(int First, int Count, CallColumns Calls, EvidenceBuilder Evidence)
    {
        /// <summary>Phase flags per record.</summary>
        public List<RecordFlags> Phase { get; } = [];
    }
}
