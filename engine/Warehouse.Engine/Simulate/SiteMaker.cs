using System.Text;

namespace Warehouse.Engine.Simulate;

/// <summary>
/// Draws the sites of a contig in order: 86 % SNVs, 10 % indels, 0.5 % MNVs, 3 % with two or three ALTs. No normalised
/// allele comes twice, and written starts always grow.
/// </summary>
internal sealed class SiteMaker(Contig contig, bool unnormalised, Prng random)
{
    private const double MultiAllelicShare = 0.03;
    private const double IndelShare = 0.10;
    private const double MnvShare = 0.005;
    private const int SnvOnlyBases = 60;
    private const int RecentBases = 500;
    private const int MaxShiftBases = 20;

    private readonly Queue<Allele> _recent = new();
    private readonly HashSet<Allele> _known = [];
    private Site? _long;
    private int _lastStart = -1;

    /// <summary>Every site, ascending by written start.</summary>
    public IEnumerable<Site> Sites()
    {
        for (var i = 0; i < contig.SiteCount; i++)
        {
            var start = Math.Max(_lastStart + 1, Place(i));
            Site? spanning = null;
            if (_long is { } last && start < last.End)
            {
                if (last.Alts.Contains(last.Ref[..1]) && random.Chance(0.5)) spanning = last;
                else start = last.End;
            }
            if (start >= contig.End + 200) yield break;
            var site = Make(start, spanning);
            foreach (var allele in site.Alleles) Remember(allele);
            if (site.Ref.Length > 1) _long = site;
            _lastStart = site.Start;
            yield return site;
        }
    }

    /// <summary>Place of a site in its cell; on X and Y one at each side of the PAR's end.</summary>
    private int Place(int index)
    {
        var cell = contig.Start + (index * contig.CellBases);
        if (contig.ParEnd > 0 && cell == contig.ParEnd) return cell;
        if (contig.ParEnd > 0 && cell + contig.CellBases == contig.ParEnd) return contig.ParEnd - 1;
        // Some sites come soon after the one before, and some inside a deletion.
        if (_long is { } last && last.Start == _lastStart && random.Chance(0.3)) return last.Start + 1 + random.Below(last.Ref.Length - 1);
        if (_lastStart >= 0 && random.Chance(0.1)) return _lastStart + 1 + random.Below(8);
        return cell + random.Below(contig.CellBases);
    }

    private Site Make(int start, Site? spanning)
    {
        var snvOnly = spanning is not null || (contig.ParEnd > 0 && Math.Abs(start - contig.ParEnd) < SnvOnlyBases);
        var kind = random.Unit();
        var multi = random.Chance(MultiAllelicShare);
        if (!snvOnly && kind < IndelShare)
        {
            if (Indel(start, multi) is { } indel) return indel;
        }
        else if (!snvOnly && kind < IndelShare + MnvShare) return Mnv(start);
        return Snv(start, multi ? random.Chance(0.15) ? 3 : 2 : 1, spanning);
    }

    private Site Snv(int start, int altCount, Site? spanning)
    {
        var reference = (char)contig.Sequence[start];
        var bases = "ACGT".Replace(reference.ToString(), "", StringComparison.Ordinal).ToCharArray();
        for (var i = 0; i < altCount; i++)
        {
            // Two of three SNVs are transitions.
            var j = i == 0 && random.Chance(0.5) ? Array.IndexOf(bases, Transition(reference)) : i + random.Below(3 - i);
            (bases[i], bases[j]) = (bases[j], bases[i]);
        }
        var alts = bases.Take(altCount).Select(b => b.ToString()).ToArray();
        var alleles = Array.ConvertAll(alts, a => new Allele(start, reference.ToString(), a));
        if (spanning is not null) alts = [.. alts, "*"];
        return Finish(start, reference.ToString(), alts, alleles, spanning);
    }

    private static char Transition(char b) => b switch { 'A' => 'G', 'G' => 'A', 'C' => 'T', _ => 'C' };

    private Site Mnv(int start)
    {
        var text = Text(start, 2 + random.Below(2));
        var alt = text.ToCharArray();
        alt[0] = Transition(alt[0]);
        alt[^1] = Transition(alt[^1]);
        return Finish(start, text, [new string(alt)], [new Allele(start, text, new string(alt))], null);
    }

    /// <summary>An insertion or deletion at its normalised place, or null when that place is taken.</summary>
    private Site? Indel(int start, bool multi)
    {
        var length = 1 + Math.Min(MaxShiftBases - 1, random.Failures(0.35));
        var deletion = multi || random.Chance(0.55);
        if (multi) length = Math.Max(2, length);
        var proposed = deletion
            ? new Allele(start, Text(start, length + 1), Text(start, 1))
            : new Allele(start, Text(start, 1), Text(start, 1) + (random.Chance(0.5) ? Text(start + 1, length) : RandomBases(length)));
        var allele = Normalise(proposed);
        if (allele.Start < contig.Start || _known.Contains(allele)) return null;
        if (!multi) return unnormalised ? Unnormalise(allele) : allele.Start > Math.Max(_lastStart, (_long?.End ?? 0) - 1) ? Finish(allele.Start, allele.Ref, [allele.Alt], [allele], null) : null;
        // Two deletions of one anchor, the second leaving the last base: the record as a whole cannot be shortened.
        if (allele.Start <= Math.Max(_lastStart, (_long?.End ?? 0) - 1)) return null;
        var other = allele.Alt + allele.Ref[^1];
        var shorter = Normalise(new Allele(allele.Start, allele.Ref, other));
        return shorter == allele || _known.Contains(shorter) ? null : Finish(allele.Start, allele.Ref, [allele.Alt, other], [allele, shorter], null);
    }

    /// <summary>The same change written further right in its repeat, or with a shared base behind.</summary>
    private Site? Unnormalise(Allele allele)
    {
        var (start, longer) = (allele.Start, allele.Ref.Length > 1 ? allele.Ref : allele.Alt);
        var deletion = allele.Ref.Length > 1;
        for (var shift = random.Below(MaxShiftBases); shift > 0; shift--)
        {
            var next = (char)contig.Sequence[start + (deletion ? longer.Length : 1)];
            if (longer[1] != next) break;
            longer = longer[1..] + next;
            start++;
        }
        var (reference, alt) = deletion ? (longer, longer[..1]) : (longer[..1], longer);
        if (random.Chance(0.4))
        {
            var behind = (char)contig.Sequence[start + reference.Length];
            (reference, alt) = (reference + behind, alt + behind);
        }
        var free = start > Math.Max(_lastStart, (_long?.End ?? 0) - 1);
        return free ? Finish(start, reference, [alt], [allele], null) : null;
    }

    private Site Finish(int start, string reference, string[] alts, Allele[] alleles, Site? spanning) => new()
    {
        Contig = contig, Start = start, Ref = reference, Alts = alts, Alleles = alleles, Spanning = spanning,
        Qual = 30 + random.Below(3000), Passes = !random.Chance(0.01),
    };

    /// <summary>Shortest form, furthest left (Tan 2015). The simulator's own: the truth must not rest on the engine's.</summary>
    private Allele Normalise(Allele allele)
    {
        var (start, reference, alt) = allele;
        while (reference[^1] == alt[^1] && start > 0)
        {
            (reference, alt) = (reference[..^1], alt[..^1]);
            if (reference.Length > 0 && alt.Length > 0) continue;
            start--;
            var before = (char)contig.Sequence[start];
            (reference, alt) = (before + reference, before + alt);
        }
        while (reference.Length > 1 && alt.Length > 1 && reference[0] == alt[0]) (start, reference, alt) = (start + 1, reference[1..], alt[1..]);
        return new Allele(start, reference, alt);
    }

    private void Remember(Allele allele)
    {
        _known.Add(allele);
        _recent.Enqueue(allele);
        while (_recent.Peek().Start < allele.Start - RecentBases) _known.Remove(_recent.Dequeue());
    }

    private string Text(int start, int length) => Encoding.ASCII.GetString(contig.Sequence, start, length);

    private string RandomBases(int length)
    {
        Span<char> bases = stackalloc char[length];
        for (var i = 0; i < length; i++) bases[i] = "ACGT"[random.Below(4)];
        return new string(bases);
    }
}
