using System.Buffers.Text;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// The layout of ClinVar's VCF before 2018. A key, CLNALLE, lists numbers of alleles: 1 = the first ALT, 0 = REF, -1 = none of the record; each further key has one entry for each of them, parted by
/// commas, and in an entry one word for each report, parted by <c>|</c>. All of it from memory: the data of the tests have no such file, and their tables and derived VCF have one allele a line.
/// What fits no allele is left out and counted; a record whose lists do not fit each other is refused, since nobody can tell what it means. One thread.
/// </summary>
/// <param name="key">The key that lists the alleles.</param>
/// <param name="slot">Its place among the values found.</param>
/// <param name="lists">Places of the keys whose values are lists of as many entries.</param>
internal sealed class AlleleList(string key, int slot, int[] lists)
{
    private readonly List<int> _alleles = [];
    private readonly SortedSet<string> _leftOut = new(StringComparer.Ordinal);

    /// <summary>The allele of each entry: 1 and more = an ALT.</summary>
    public IReadOnlyList<int> Alleles => _alleles;

    /// <summary>What of the record gives no row.</summary>
    public IReadOnlyCollection<string> LeftOut => _leftOut;

    /// <summary>Reads the lists of a record.</summary>
    /// <returns>False when it has none: then nothing is said of any allele.</returns>
    /// <exception cref="InputException">They do not fit each other or the record.</exception>
    public bool Read(VcfRecord record, ReadOnlySpan<(int Start, int Length)> found)
    {
        var line = record.LineText.Span;
        _alleles.Clear();
        _leftOut.Clear();
        if (found[slot].Start == 0)
        {
            foreach (var list in lists)
                if (found[list].Start > 0) throw Bad(record, $"{key} is missing: nothing tells of which allele the record speaks");
            return false;
        }
        if (found[slot].Length <= 0) throw Bad(record, $"{key} has no value");
        var named = line.Slice(found[slot].Start, found[slot].Length);
        foreach (var range in named.Split((byte)','))
        {
            if (!Utf8Parser.TryParse(named[range], out int allele, out var used) || used != named[range].Length || allele < -1 || allele > record.Alts.Count)
                throw Bad(record, FormattableString.Invariant($"{key} names an allele that is not there: -1 to {record.Alts.Count}"));
            _alleles.Add(allele);
            if (allele < 1) _leftOut.Add(allele == 0 ? $"{key} is REF" : $"{key} is no allele of the record");
        }
        var reports = new int[_alleles.Count];
        foreach (var list in lists)
            if (found[list].Start > 0 && found[list].Length > 0) Check(record, line.Slice(found[list].Start, found[list].Length), reports);
        for (var allele = 1; allele <= record.Alts.Count; allele++)
            if (!_alleles.Contains(allele)) _leftOut.Add($"{key} does not name the allele");
        return true;
    }

    /// <summary>One entry of a list whose number of entries was checked.</summary>
    public static ReadOnlySpan<byte> ItemOf(ReadOnlySpan<byte> value, int entry)
    {
        if (value is [(byte)'.']) return value;
        for (; entry > 0; entry--) value = value[(value.IndexOf((byte)',') + 1)..];
        return value.IndexOf((byte)',') is >= 0 and var comma ? value[..comma] : value;
    }

    /// <summary>A list has as many entries as there are alleles, and an entry as many words as those of the other lists, or one for all.</summary>
    private void Check(VcfRecord record, ReadOnlySpan<byte> value, int[] reports)
    {
        if (value is [(byte)'.']) return;
        if (value.Count((byte)',') + 1 != _alleles.Count) throw Bad(record, FormattableString.Invariant($"{key} names {_alleles.Count} alleles, and a list beside it has {value.Count((byte)',') + 1} entries"));
        var at = 0;
        foreach (var range in value.Split((byte)','))
        {
            var words = value[range].Count((byte)'|') + 1;
            if (words > 1 && reports[at] > 1 && words != reports[at]) throw Bad(record, FormattableString.Invariant($"the lists beside {key} speak of {reports[at]} and of {words} reports on one allele"));
            reports[at] = Math.Max(reports[at++], words);
        }
    }

    private static InputException Bad(VcfRecord record, string what) => new("annotation-alleles", what, new InputPlace("", record.Line, record.OffsetBytes, "INFO"));
}
