using System.Buffers;
using System.Globalization;

namespace Warehouse.Engine.Variants;

/// <summary>
/// Genomic HGVS (recommendations 21): substitution, del, dup, ins, delins and inv on a contig or its accession. Positions are 1-based;
/// indels are written at their rightmost place. Transcripts and proteins are another question and are refused. Any thread.
/// </summary>
public static class Hgvs
{
    private static readonly SearchValues<char> BaseLetters = SearchValues.Create("ACGTNacgtn");

    /// <summary>The g. (for MT m.) description of a variant.</summary>
    /// <returns>Null when the assembly knows no accession for the contig, or it is an indel and there is no reference to move it right in.</returns>
    public static string? Format(Variant variant, Assembly assembly, ReferenceGenome? reference)
    {
        if (assembly.Accession(variant.Contig) is not { } accession) return null;
        var trimmed = JustifiedAllele.Trim(variant.Start, variant.Ref, variant.Alt);
        var prefix = accession + (variant.Contig == "MT" ? ":m." : ":g.");
        if (!trimmed.IsIndel) return prefix + Replacement(trimmed);
        if (reference is null || !reference.Has(variant.Contig)) return null;
        var allele = JustifiedAllele.Of(variant, reference);
        var (start, bases) = allele.Rightmost();
        if (allele.Alt.Length == 0) return $"{prefix}{Range(start, start + bases.Length)}del";
        if (start >= bases.Length && bases == Text(reference, variant.Contig, start - bases.Length, start)) return $"{prefix}{Range(start - bases.Length, start)}dup";
        var contigBases = reference.Length(variant.Contig) ?? 0;
        if (start == 0) return $"{prefix}1delins{bases}{Text(reference, variant.Contig, 0, 1)}";
        if (start == contigBases) return $"{prefix}{Range(start - 1, start)}delins{Text(reference, variant.Contig, start - 1, start)}{bases}";
        return FormattableString.Invariant($"{prefix}{start}_{start + 1}ins{bases}");
    }

    /// <summary>True when the text has <c>:g.</c> or its like after the sequence.</summary>
    internal static bool IsHgvs(string text) => Marker(text) > 0;

    internal static Variant Parse(string text, VariantContext context)
    {
        var marker = Marker(text);
        if (text[marker + 1] is not ('g' or 'm'))
            throw VariantContext.Bad("variant-hgvs", $"only genomic descriptions (g. and m.) can be asked for, not {text[marker + 1]}.");
        var contig = context.Contig(text[..marker]);
        var rest = text.AsSpan(marker + 3);
        if (rest.ContainsAny("()?")) throw VariantContext.Bad("variant-hgvs", "uncertain positions cannot be looked up: ask for contig:POS-END <DEL>");
        if (rest.ContainsAny("[];")) throw VariantContext.Bad("variant-hgvs", "one change at a time, and repeats as ins, dup or del");
        var first = Number(ref rest, text);
        var last = first;
        var isRange = rest is ['_', ..];
        if (isRange)
        {
            rest = rest[1..];
            last = Number(ref rest, text);
        }
        if (first == 0) throw VariantContext.Bad("variant-position", "HGVS positions count from 1");
        context.RequireInside(contig, first - 1L, last);
        return Change(text, rest, new Place(contig, first - 1, last, isRange), context);
    }

    private static Variant Change(string text, ReadOnlySpan<char> change, Place place, VariantContext context)
    {
        if (Skip(ref change, "delins")) return context.FromEdit(place.Contig, place.Start, Deleted("", place, context), Inserted(change, text));
        if (Skip(ref change, "del"))
        {
            var deleted = Deleted(TakeBases(ref change), place, context);
            if (Skip(ref change, "ins")) return context.FromEdit(place.Contig, place.Start, deleted, Inserted(change, text));
            return change.IsEmpty ? context.FromEdit(place.Contig, place.Start, deleted, "") : throw NotUnderstood(text);
        }
        if (Skip(ref change, "dup"))
        {
            var copied = Deleted(TakeBases(ref change), place, context);
            if (!change.IsEmpty) throw NotUnderstood(text);
            new Normalizer(context.Reference).RequireRef(place.Contig, place.Start, System.Text.Encoding.ASCII.GetBytes(copied));
            return context.FromEdit(place.Contig, place.End, "", copied);
        }
        if (Skip(ref change, "ins"))
        {
            if (!place.IsRange || place.End != place.Start + 2) throw VariantContext.Bad("variant-hgvs", "an insertion stands between two neighbours, such as 100_101insAC");
            return context.FromEdit(place.Contig, place.Start + 1, "", Inserted(change, text));
        }
        if (change is "inv")
        {
            var turned = Deleted("", place, context);
            return context.FromEdit(place.Contig, place.Start, turned, ReverseComplement(turned));
        }
        if (change is "=") throw VariantContext.Bad("variant-same", "= says that nothing changes");
        var reference = TakeBases(ref change);
        if (reference.Length == 0 || !Skip(ref change, ">")) throw NotUnderstood(text);
        if (place.IsRange && reference.Length != place.End - place.Start) throw WrongLength(reference, place);
        return context.FromEdit(place.Contig, place.Start, reference, Inserted(change, text));
    }

    /// <summary>The bases of a range: as stated, else from the reference.</summary>
    private static string Deleted(string stated, Place place, VariantContext context)
    {
        if (stated.Length == 0) return context.ReferenceBases(place.Contig, place.Start, place.End);
        return stated.Length == place.End - place.Start ? stated : throw WrongLength(stated, place);
    }

    private static string Inserted(ReadOnlySpan<char> change, string text)
    {
        var bases = TakeBases(ref change);
        return bases.Length > 0 && change.IsEmpty ? bases : throw NotUnderstood(text);
    }

    private static string Replacement(JustifiedAllele allele)
    {
        var range = Range(allele.Start, allele.Start + allele.Ref.Length);
        if (allele.Ref.Length == 1 && allele.Alt.Length == 1) return $"{range}{allele.Ref}>{allele.Alt}";
        return allele.Ref.Length > 1 && allele.Alt == ReverseComplement(allele.Ref) ? $"{range}inv" : $"{range}delins{allele.Alt}";
    }

    private static string Range(int start, int end) =>
        end - start == 1 ? FormattableString.Invariant($"{end}") : FormattableString.Invariant($"{start + 1}_{end}");

    private static string Text(ReferenceGenome reference, string contig, int start, int end) => System.Text.Encoding.ASCII.GetString(reference.Bases(contig, start, end));

    private static string ReverseComplement(string bases) => string.Create(bases.Length, bases, static (into, from) =>
    {
        for (var i = 0; i < into.Length; i++) into[i] = from[^(i + 1)] switch { 'A' => 'T', 'C' => 'G', 'G' => 'C', 'T' => 'A', _ => 'N' };
    });

    /// <summary>Offset of the colon before <c>g.</c>, or -1.</summary>
    private static int Marker(string text)
    {
        for (var at = text.IndexOf(':', StringComparison.Ordinal); at >= 0 && at + 2 < text.Length; at = text.IndexOf(':', at + 1))
            if (text[at + 1] is 'g' or 'm' or 'c' or 'n' or 'r' or 'p' or 'o' && text[at + 2] == '.') return at;
        return -1;
    }

    private static int Number(ref ReadOnlySpan<char> rest, string text)
    {
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? rest : rest[..end];
        rest = rest[digits.Length..];
        if (digits.IsEmpty) throw NotUnderstood(text);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw VariantContext.Bad("variant-position", $"position {VariantContext.Quote(digits.ToString())} is larger than any contig");
    }

    private static string TakeBases(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOfAnyExcept(BaseLetters);
        var bases = (end < 0 ? rest : rest[..end]).ToString().ToUpperInvariant();
        rest = rest[bases.Length..];
        return bases;
    }

    private static bool Skip(ref ReadOnlySpan<char> rest, string word)
    {
        if (!rest.StartsWith(word)) return false;
        rest = rest[word.Length..];
        return true;
    }

    private static InputException WrongLength(string stated, Place place) => VariantContext.Bad("variant-hgvs",
        FormattableString.Invariant($"{stated.Length} bases are stated for a range of {place.End - place.Start}"));

    private static InputException NotUnderstood(string text) => VariantContext.Bad("variant-hgvs",
        $"{VariantContext.Quote(text)} is no g. description that is understood: 100A>G, 100_102del, 100dup, 100_101insAC, 100_102delinsAC, 100_103inv");

    /// <summary>Where a change stands: 0-based half-open.</summary>
    private readonly record struct Place(string Contig, int Start, int End, bool IsRange);
}
