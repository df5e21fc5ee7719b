using System.Text;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// What alleles are found by: a symbol of a gene, or the part of an HGVS text behind its sequence (<c>c.316+5G&gt;A</c>), as hashes. A hash
/// only leads to rows; whether a row is meant, its text tells (<see cref="Matches"/>).
/// </summary>
internal static class SearchTerm
{
    private const byte GenePrefix = (byte)'g', HgvsPrefix = (byte)'h';

    /// <summary>Hashes of all terms of a cell.</summary>
    public static ulong[] HashesOf(AnnotationTerms terms, ReadOnlySpan<byte> cell)
    {
        var hashes = new List<ulong>();
        foreach (var item in Items(cell))
        {
            if (terms == AnnotationTerms.Gene && GeneOf(cell[item]) is { Length: > 0 } gene) hashes.Add(HashOf(terms, gene));
            else if (terms == AnnotationTerms.Hgvs && ChangeOf(cell[item]) is { Length: > 0 } change) hashes.Add(HashOf(terms, change));
        }
        return [.. hashes.Distinct()];
    }

    /// <summary>Hash of a symbol in upper case, or of a change.</summary>
    public static ulong HashOf(AnnotationTerms terms, string term)
    {
        var hash = (14695981039346656037UL ^ (terms == AnnotationTerms.Gene ? GenePrefix : HgvsPrefix)) * 1099511628211UL;
        foreach (var b in Encoding.UTF8.GetBytes(term)) hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }

    /// <summary>Whether a cell names what is asked.</summary>
    /// <param name="terms">What the field holds.</param>
    /// <param name="cell">Its text.</param>
    /// <param name="sequence">Of HGVS: the sequence with or without its version, or empty for any.</param>
    /// <param name="term">Symbol in upper case, or change.</param>
    public static bool Matches(AnnotationTerms terms, ReadOnlySpan<byte> cell, string sequence, string term)
    {
        foreach (var range in Items(cell))
        {
            var item = cell[range];
            if (terms == AnnotationTerms.Gene)
            {
                if (GeneOf(item) == term) return true;
                continue;
            }
            if (ChangeOf(item) != term) continue;
            var written = SequenceOf(Encoding.UTF8.GetString(item));
            if (sequence.Length == 0 || written == sequence || (!sequence.Contains('.', StringComparison.Ordinal) && WithoutVersion(written) == sequence)) return true;
        }
        return false;
    }

    /// <summary>Sequence and change of an HGVS text as it is searched for; the sequence is empty when none is named.</summary>
    public static (string Sequence, string Change) Split(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.Trim());
        return (SequenceOf(text.Trim()), ChangeOf(bytes));
    }

    /// <summary>The change of an HGVS text: without sequence and parentheses, letters by three, a stop as <c>Ter</c>, no change as <c>=</c>.</summary>
    public static string ChangeOf(ReadOnlySpan<byte> item)
    {
        var colon = item.LastIndexOf((byte)':');
        var text = Encoding.UTF8.GetString(item[(colon + 1)..]).Replace("%3D", "=", StringComparison.OrdinalIgnoreCase);
        if (text.Length < 3 || text[1] != '.') return "";
        return text[0] == 'p' ? InThreeLetters(text.Replace("(", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal)).Replace("*", "Ter", StringComparison.Ordinal) : text;
    }

    /// <summary><c>p.G12D</c> as <c>p.Gly12Asp</c>; what has three letters already, or is written otherwise, stays.</summary>
    private static string InThreeLetters(string text)
    {
        if (text.Length < 4 || !char.IsAsciiDigit(text[3]) || NameOf(text[2]) is not { } first) return text;
        var end = 3;
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        var rest = text[end..];
        return $"p.{first}{text[3..end]}{(rest.Length == 1 && NameOf(rest[0]) is { } last ? last : rest)}";
    }

    private static string? NameOf(char aminoAcid) => aminoAcid switch
    {
        'A' => "Ala", 'C' => "Cys", 'D' => "Asp", 'E' => "Glu", 'F' => "Phe", 'G' => "Gly", 'H' => "His", 'I' => "Ile", 'K' => "Lys", 'L' => "Leu", 'M' => "Met",
        'N' => "Asn", 'P' => "Pro", 'Q' => "Gln", 'R' => "Arg", 'S' => "Ser", 'T' => "Thr", 'V' => "Val", 'W' => "Trp", 'Y' => "Tyr", '*' => "Ter", _ => null,
    };

    private static string GeneOf(ReadOnlySpan<byte> item)
    {
        var colon = item.IndexOf((byte)':');
        var text = Encoding.UTF8.GetString(colon < 0 ? item : item[..colon]).ToUpperInvariant();
        return text is "." or "-" ? "" : text;
    }

    /// <summary>What stands before the colon, without a gene in parentheses: <c>NM_000059.4(BRCA2)</c> is <c>NM_000059.4</c>.</summary>
    private static string SequenceOf(string item)
    {
        var colon = item.LastIndexOf(':');
        if (colon <= 0) return "";
        var open = item.IndexOf('(', StringComparison.Ordinal);
        return open > 0 && open < colon ? item[..open] : item[..colon];
    }

    private static string WithoutVersion(string sequence) => sequence.LastIndexOf('.') is > 0 and var dot ? sequence[..dot] : sequence;

    private static List<Range> Items(ReadOnlySpan<byte> cell)
    {
        var items = new List<Range>();
        foreach (var range in cell.SplitAny((byte)',', (byte)'|', (byte)'&')) items.Add(range);
        return items;
    }
}
