using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>What both encoders ask of a record before they write it, and the order in which they write. Faults are the caller's: <see cref="ArgumentException"/>. One thread.</summary>
internal sealed class VcfWriterRules(VcfParsedHeader parsed)
{
    /// <summary>The integer columns in the order in which they follow GT.</summary>
    public static readonly (FormatFields Field, string Name)[] Columns =
    [
        (FormatFields.Ad, "AD"), (FormatFields.Dp, "DP"), (FormatFields.Gq, "GQ"), (FormatFields.Len, "LEN"), (FormatFields.MinDp, "MIN_DP"), (FormatFields.Rgq, "RGQ"),
    ];

    private byte[] _filterText = [];
    private string[] _filters = [];

    /// <summary>Values of a column, all samples.</summary>
    public static ReadOnlySpan<int> Values(VcfRecord record, FormatFields field)
    {
        var values = field == FormatFields.Ad ? record.Ad : VcfSampleColumns.Integers(record, field).Column;
        return values.AsSpan(0, record.SampleCount * Width(record, field));
    }

    /// <summary>Values per sample.</summary>
    public static int Width(VcfRecord record, FormatFields field) => field == FormatFields.Ad ? 1 + record.Alts.Count : 1;

    /// <summary>Refuses FORMAT keys that are not declared, the columns not as integers.</summary>
    public void CheckFormat(VcfRecord record)
    {
        if (record.HasGt && !parsed.Format.ContainsKey("GT")) throw new ArgumentException("the header does not declare FORMAT/GT");
        foreach (var (field, name) in Columns)
            if (record.Fields.HasFlag(field) && !(parsed.Format.TryGetValue(name, out var definition) && definition.Type == "Integer"))
                throw new ArgumentException($"the header does not declare FORMAT/{name} as Integer");
    }

    /// <summary>Refuses an INFO key that is not declared or does not fit its declaration; gives the declared type.</summary>
    public string CheckInfo(in VcfInfoEntry entry)
    {
        if (!parsed.Info.TryGetValue(entry.Key, out var definition)) throw new ArgumentException($"the header does not declare INFO/{entry.Key}");
        if (entry.IsFlag != (definition.Type == "Flag")) throw new ArgumentException($"INFO/{entry.Key} is declared as {definition.Type}");
        if (!entry.IsFlag && entry.Text.IsEmpty && entry.Integers.IsEmpty) throw new ArgumentException($"INFO/{entry.Key} has no value");
        if (!entry.Integers.IsEmpty && definition.Type is not ("Integer" or "Float")) throw new ArgumentException($"INFO/{entry.Key} is declared as {definition.Type}, the values are integers");
        if (VcfText.HasControl(entry.Text.Span) || entry.Text.Span.IndexOfAny((byte)'\t', (byte)';') >= 0) throw new ArgumentException($"INFO/{entry.Key} has a character that must be percent-encoded");
        return definition.Type;
    }

    /// <summary>The names in FILTER; none for <c>.</c>.</summary>
    public ReadOnlySpan<string> Filters(VcfRecord record)
    {
        var text = record.Filter.Span;
        if (text is [] or [(byte)'.']) return [];
        if (text.SequenceEqual(_filterText)) return _filters;
        var names = Encoding.UTF8.GetString(text).Split(';');
        if (names.Any(n => n != "PASS" && !parsed.Filters.Contains(n))) throw new ArgumentException("the header does not declare a FILTER of the record");
        (_filterText, _filters) = (text.ToArray(), names);
        return names;
    }

    /// <summary>An allele code must be that of an allele of the record.</summary>
    public static void CheckAllele(int allele, VcfRecord record)
    {
        if (allele < -1 || allele > record.Alts.Count) throw new ArgumentException("a genotype has an allele number above the number of ALT alleles");
    }

    /// <summary>End on the reference, 0-based exclusive: INFO END when there is one beyond the start, else that of REF.</summary>
    public static int End(VcfRecord record, ReadOnlySpan<VcfInfoEntry> info)
    {
        foreach (var entry in info)
        {
            if (entry.Key != "END") continue;
            var end = entry.Integers.Length == 1 ? entry.Integers.Span[0] : VcfText.TryDigits(entry.Text.Span, out var digits) ? digits : -1;
            if (end > record.Start) return end;
        }
        return record.Start + record.Ref.Length;
    }
}
