using System.Numerics;
using System.Text;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// Who carries alleles, and nothing else of it: the samples that <see cref="Session.Carriers"/> lists, its twin, without genotypes and texts. Asked in the order of alleles each block
/// is opened once; a question that steps back begins its contig anew. Made by <see cref="Session.PrepareCarriers"/>, whose snapshot and scope it keeps. Of the session's thread; valid until the
/// session is disposed of. Dispose it to report the number of carriers to the session's sink.
/// </summary>
public sealed class CarrierLookup : IDisposable
{
    private readonly Session _session;
    private readonly Selection _everyone;
    private readonly ulong[] _carriers;
    private readonly bool[] _shown;
    private readonly int[] _found;
    private ContigScan? _scan;
    private string _contig = "";
    private int _last;
    private long _rows;

    internal CarrierLookup(Session session, Selection everyone)
    {
        (_session, _everyone) = (session, everyone);
        (_carriers, _shown, _found) = (new ulong[(everyone.SlotCount + 63) / 64], new bool[everyone.SlotCount], new int[everyone.SlotCount]);
        Samples = [.. everyone.SampleOf.Select(s => session.View.Catalog.Samples[s].Name)];
    }

    /// <summary>Names of the samples that are asked, in store order.</summary>
    public IReadOnlyList<string> Samples { get; }

    /// <summary>The samples that carry an allele.</summary>
    /// <param name="allele">Normalised, as the store's own alleles are.</param>
    /// <returns>Their places in <see cref="Samples"/>, ascending, each once; valid until the next call.</returns>
    /// <exception cref="InputException">The contig is an accession of another assembly.</exception>
    /// <exception cref="InvalidDataException">The store is damaged there.</exception>
    public ReadOnlySpan<int> Find(Variant allele)
    {
        if (_scan is null || allele.Contig != _contig || allele.Start < _last) Begin(allele.Contig);
        _last = allele.Start;
        if (_scan is null) return [];
        var row = _scan.Find(allele.Start, Encoding.ASCII.GetBytes(allele.Ref), Encoding.ASCII.GetBytes(allele.Alt));
        if (row.Rows.Count == 0) return [];
        Array.Clear(_carriers);
        _scan.MarkCarriers(row, _carriers);
        var count = 0;
        for (var word = 0; word < _carriers.Length; word++)
            for (var left = _carriers[word]; left != 0; left &= left - 1) _found[count++] = (64 * word) + BitOperations.TrailingZeroCount(left);
        foreach (var slot in _found.AsSpan(0, count))
        {
            if (_shown[slot]) continue;
            _session.Shows(Samples[slot]);
            _shown[slot] = true;
        }
        _rows += count;
        return _found.AsSpan(0, count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_rows > 0) _session.Report("carriers", _rows);
        _rows = 0;
    }

    private void Begin(string contig)
    {
        var canonical = _session.CanonicalOf(contig);
        var index = _session.View.Catalog.ContigIndex(canonical);
        _session.Touch(canonical);
        (_contig, _scan) = (contig, index < 0 ? null : new ContigScan(_session.View, index, _everyone, new CountRules { PerSample = true }));
    }
}
