using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// Makes the identity sketches of the samples of a file. All share one range of hashes; it is halved when the samples have more than
/// <see cref="IdentitySketch.MeanEntries"/> entries on average, so memory is bounded by 4 bytes for each of those, and after the first
/// records most are left out by their hash alone. One thread.
/// </summary>
internal sealed class SketchBuilder(int samples)
{
    /// <summary>
    /// Most samples of a file that get sketches. Beyond it, sketches would outweigh the genotypes (measured: 50,000 samples x 20,000 sites
    /// take 18 MB, their sketches took 100 MB and four times the ingest); the receipt says that nobody was compared.
    /// </summary>
    public const int MaxSamples = 8192;

    private readonly Dictionary<ulong, int[]> _carriers = [];
    private readonly List<int> _found = [];
    private bool _isAutosome;
    private ulong _seed;
    private int _level;
    private ulong _limit = IdentitySketch.LimitOf(0);
    private long _entries;

    public void Enter(string canonical) => (_isAutosome, _seed) = (Assembly.ClassOf(canonical) == ContigClass.Autosome, IdentitySketch.SeedOf(canonical));

    /// <summary>Adds the SNV alleles of a record that passes its filters.</summary>
    public void Add(VcfRecord record, ReadOnlySpan<byte> referenceUpper, IReadOnlyList<NormalizedRow> rows)
    {
        if (samples > MaxSamples || !_isAutosome || !record.HasGt || !record.Passes) return;
        for (var i = 0; i < rows.Count && i < VcfRecord.MaxRegularAllele; i++)
        {
            var row = rows[i];
            if (row.Kind != AlleleKind.Bases) continue;
            var isWritten = row.Ref.IsEmpty && row.Alt.IsEmpty;
            var reference = isWritten ? referenceUpper : row.Ref.Span;
            var alternate = isWritten ? row.WrittenAlt.Span : row.Alt.Span;
            if (reference.Length != 1 || alternate.Length != 1) continue;
            var hash = IdentitySketch.HashOf(_seed, row.Start, reference[0], alternate[0]);
            if (hash < _limit && !_carriers.ContainsKey(hash)) Keep(hash, record, i + 1);
        }
    }

    /// <summary>The sketches, in column order; none when the file has too many samples.</summary>
    public IReadOnlyList<IdentitySketch> Complete()
    {
        if (samples > MaxSamples) return [];
        var counts = new int[samples];
        foreach (var carriers in _carriers.Values)
            foreach (var carrier in carriers) counts[carrier >> 1]++;
        var entries = counts.Select(c => new ulong[c]).ToArray();
        Array.Clear(counts);
        foreach (var (hash, carriers) in _carriers.OrderBy(c => c.Key))
            foreach (var carrier in carriers) entries[carrier >> 1][counts[carrier >> 1]++] = hash << 1 | ((ulong)(uint)carrier & 1);
        return [.. entries.Select(e => new IdentitySketch(_level, e))];
    }

    private void Keep(ulong hash, VcfRecord record, int allele)
    {
        Find(record, (byte)(allele + 1));
        foreach (var call in record.Irregular) AddIrregular(call, allele);
        if (_found.Count == 0) return;
        _carriers.Add(hash, [.. _found]);
        _entries += _found.Count;
        while (_entries > (long)samples * IdentitySketch.MeanEntries) Halve();
    }

    /// <summary>Carriers of an allele: sample times two, and one when it has no other allele. A half-call tells too little.</summary>
    private void Find(VcfRecord record, byte code)
    {
        _found.Clear();
        ReadOnlySpan<byte> first = record.First.AsSpan(0, samples), second = record.Second.AsSpan(0, samples);
        for (var s = Next(first, code, 0); s < samples; s = Next(first, code, s + 1))
            if (second[s] != 0) _found.Add(2 * s + (second[s] == code || second[s] == VcfRecord.NoAllele ? 1 : 0));
        for (var s = Next(second, code, 0); s < samples; s = Next(second, code, s + 1))
            if (first[s] != code && first[s] is not (0 or VcfRecord.IrregularMark)) _found.Add(2 * s);
    }

    private static int Next(ReadOnlySpan<byte> column, byte code, int from)
    {
        var at = column[from..].IndexOf(code);
        return at < 0 ? column.Length : from + at;
    }

    private void AddIrregular(IrregularCall call, int allele)
    {
        var copies = call.Alleles.Count(a => a == allele);
        if (copies > 0 && !call.Alleles.Contains(-1)) _found.Add(2 * call.Sample + (copies == call.Alleles.Length ? 1 : 0));
    }

    private void Halve()
    {
        _limit = IdentitySketch.LimitOf(++_level);
        foreach (var hash in _carriers.Keys.Where(h => h >= _limit).ToList())
        {
            _entries -= _carriers[hash].Length;
            _carriers.Remove(hash);
        }
    }
}
