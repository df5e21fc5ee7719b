using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>Spellings of symbolic alleles (<c>22:1000-2000 &lt;DEL></c>) and breakends (<c>22:1000 N ]13:500]N</c>), POS and END as in VCF.</summary>
internal static class SymbolicText
{
    private const int CurrentVersion = 405;

    public static SymbolicAllele Parse(string text, VariantContext context)
    {
        var bracket = text.AsSpan().IndexOfAny("[]");
        var angle = text.IndexOf('<', StringComparison.Ordinal);
        return bracket >= 0 && (angle < 0 || bracket < angle) ? ParseBreakend(text, bracket, context) : ParseInterval(text, angle, context);
    }

    private static SymbolicAllele ParseInterval(string text, int angle, VariantContext context)
    {
        var type = Encoding.UTF8.GetBytes(text[angle..]);
        var kind = AlleleKinds.Classify(type);
        if (kind == AlleleKind.Unspecified) throw VariantContext.Bad("variant-symbolic", $"{InputException.Quote(type)} stands for any other allele and is no variant of its own");
        if (kind != AlleleKind.Symbolic) throw VariantContext.Bad("variant-symbolic", $"{InputException.Quote(type)} is no symbolic allele such as <DEL>");
        var rest = text.AsSpan(0, angle);
        VariantQuery.TakeSeparator(ref rest);
        if (VariantQuery.TakeLetters(ref rest).Length > 0) VariantQuery.TakeSeparator(ref rest);   // REF may be given, as in a VCF line
        var last = VariantQuery.TakePosition(ref rest, text);
        int? first = null;
        var beforeLast = rest;
        if (VariantQuery.TakeSeparator(ref rest) != 0 && !rest.IsEmpty && char.IsAsciiDigit(rest[^1]) && rest.ContainsAny(":- \t"))
            first = VariantQuery.TakePosition(ref rest, text);
        else rest = beforeLast;
        if (VariantQuery.TakeSeparator(ref rest) == 0) throw VariantQuery.Unknown(text, "contig and POS should be two words");
        var contig = context.Contig(rest.ToString());
        var insertion = text.AsSpan(angle).StartsWith("<INS", StringComparison.OrdinalIgnoreCase);
        if (first is null && !insertion) throw VariantContext.Bad("variant-symbolic", $"{InputException.Quote(type)} needs an end: contig:POS-END {Encoding.UTF8.GetString(type)}");
        var position = first ?? last;
        context.RequireInside(contig, position - 1L, last);
        return SymbolicAllele.Create(context.Assembly, contig, position - 1, type, new SymbolicFields { RefBases = 1, InfoEnd = insertion ? 0 : last, HeaderVersion = CurrentVersion });
    }

    private static SymbolicAllele ParseBreakend(string text, int bracket, VariantContext context)
    {
        var from = text.AsSpan(0, bracket).LastIndexOfAny(" \t-:") + 1;
        var type = Encoding.UTF8.GetBytes(text[from..]);
        if (AlleleKinds.Classify(type) != AlleleKind.Breakend) throw VariantContext.Bad("variant-symbolic", $"{InputException.Quote(type)} is no breakend such as ]13:500]N");
        var rest = text.AsSpan(0, from);
        VariantQuery.TakeSeparator(ref rest);
        if (VariantQuery.TakeLetters(ref rest).Length > 0) VariantQuery.TakeSeparator(ref rest);
        var position = VariantQuery.TakePosition(ref rest, text);
        if (VariantQuery.TakeSeparator(ref rest) == 0) throw VariantQuery.Unknown(text, "contig and POS should be two words");
        var contig = context.Contig(rest.ToString());
        context.RequireInside(contig, position - 1L, position);
        var allele = SymbolicAllele.Create(context.Assembly, contig, position - 1, type, new SymbolicFields { RefBases = 1, HeaderVersion = CurrentVersion });
        if (allele.Mate is { IsSingle: false } mate) context.Contig(mate.MateContig);
        return allele;
    }
}
