using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>Notices the same allele in two records near each other, trimmed but not left-aligned: only a hint. One thread.</summary>
internal sealed class VcfRepeatLint
{
    private const int WindowBases = 1 << 16;
    private const int MostAllelesKept = 1 << 16;
    private HashSet<(int Start, string Alleles)> _near = [];
    private HashSet<(int Start, string Alleles)> _before = [];
    private int _contig = -1;
    private int _from;

    /// <summary>Remembers the alleles of a record; true when one of them was there already.</summary>
    public bool IsRepeat(VcfRecord record)
    {
        if (record.ContigIndex != _contig) (_before, _near, _contig, _from) = ([], [], record.ContigIndex, record.Start);
        if (record.Start - _from > WindowBases || _near.Count > MostAllelesKept) (_before, _near, _from) = (_near, [], record.Start);
        var repeat = false;
        var reference = Encoding.ASCII.GetString(record.Ref.Span).ToUpperInvariant();
        foreach (var alt in record.Alts)
        {
            if (!VcfText.IsBases(alt.Span)) continue;
            var key = Trim(record.Start, reference, Encoding.ASCII.GetString(alt.Span).ToUpperInvariant());
            repeat |= _before.Contains(key) || !_near.Add(key);
        }
        return repeat;
    }

    private static (int Start, string Alleles) Trim(int start, string reference, string alt)
    {
        var end = 0;
        while (end < Math.Min(reference.Length, alt.Length) - 1 && reference[^(end + 1)] == alt[^(end + 1)]) end++;
        (reference, alt) = (reference[..^end], alt[..^end]);
        var same = 0;
        while (same < Math.Min(reference.Length, alt.Length) - 1 && reference[same] == alt[same]) same++;
        return (start + same, $"{reference[same..]}>{alt[same..]}");
    }
}
