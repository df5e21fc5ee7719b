namespace Warehouse.Engine.Annotations;

/// <summary>Tells spellings that only annotations can explain: symbols of genes, and HGVS of transcripts and proteins.</summary>
public static class NotationQuery
{
    private const int MaxGeneLength = 30, KeyLength = 16;

    /// <summary>Whether a text is HGVS of a transcript or protein: <c>NM_000059.4:c.316+5G&gt;A</c>, <c>c.316+5G&gt;A</c>, <c>p.Gly12Asp</c>.</summary>
    public static bool IsHgvs(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var change = text[(text.LastIndexOf(':') + 1)..].TrimStart();
        return change.Length > 2 && change[1] == '.' && (change[0] is 'c' or 'n' or 'p');
    }

    /// <summary>Whether a text may be the symbol of a gene: a letter first, then letters, digits and at most two dashes; no VariantKey, no contig with a place.</summary>
    public static bool IsGene(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is 0 or > MaxGeneLength || !char.IsAsciiLetter(text[0]) || text.Any(c => !(char.IsAsciiLetterOrDigit(c) || c == '-'))) return false;
        return text.Count(c => c == '-') <= 2 && !(text.Length == KeyLength && text.All(char.IsAsciiHexDigit));
    }
}
