using System.Text;
using System.Text.RegularExpressions;

namespace Warehouse.Engine.Vcf;

/// <summary>Checks records that were understood for what no count depends on: values against their definitions, spelling, repeats. Slow by design; one thread.</summary>
internal sealed partial class VcfRecordLint(VcfParsedHeader parsed, VcfFaults faults)
{
    private const string Undeclared = "the header does not declare it";
    private const int MostNames = 1_000;
    private readonly int _version = parsed.Header.Version;
    private readonly HashSet<(string Code, string Field, string Name)> _named = [];
    private readonly VcfRepeatLint _repeats = new();

    /// <summary>Checks one record.</summary>
    /// <param name="record">As parsed.</param>
    /// <param name="chrom">CHROM as written.</param>
    /// <param name="info">INFO as written.</param>
    /// <param name="formatAndSamples">FORMAT and the sample columns; empty for none.</param>
    public void Check(VcfRecord record, ReadOnlySpan<byte> chrom, ReadOnlySpan<byte> info, ReadOnlySpan<byte> formatAndSamples)
    {
        if (VcfHeaderLint.OddContigName(Encoding.ASCII.GetString(chrom), _version)) Warn("vcf-chrom", "CHROM", "a contig name with characters that it must not have");
        if (record.Qual < 0) Warn("vcf-qual", "QUAL", "QUAL is negative");
        CheckId(Encoding.UTF8.GetString(record.Id.Span));
        CheckFilter(Encoding.UTF8.GetString(record.Filter.Span));
        if (info is not [(byte)'.']) CheckInfo(Encoding.UTF8.GetString(info), record.Alts.Count);
        if (!formatAndSamples.IsEmpty) CheckSamples(Encoding.UTF8.GetString(formatAndSamples).Split('\t'), record.Alts.Count);
        if (_repeats.IsRepeat(record)) Warn("vcf-duplicate", "ALT", "the same allele as in a record before");
    }

    private void CheckId(string text)
    {
        var ids = text.Split(';');
        if (ids.Any(i => i.Length == 0)) Warn("vcf-id", "ID", "an empty name among the IDs");
        if (ids.Distinct(StringComparer.Ordinal).Count() != ids.Length) Warn("vcf-id", "ID", "the same ID twice");
    }

    private void CheckFilter(string text)
    {
        if (text is "." or "PASS") return;
        var names = text.Split(';');
        if (names.Any(n => n is "." or "PASS" or "0")) Warn("vcf-filter", "FILTER", "PASS, . or 0 among filter names");
        if (names.Distinct(StringComparer.Ordinal).Count() != names.Length) Warn("vcf-filter", "FILTER", "the same filter twice");
        foreach (var name in names)
            if (!parsed.Filters.Contains(name)) Once("vcf-filter-undeclared", "FILTER", name, Undeclared);
    }

    private void CheckInfo(string text, int altCount)
    {
        foreach (var entry in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            var (key, value) = equals < 0 ? (entry, null) : (entry[..equals], entry[(equals + 1)..]);
            var field = "INFO/" + key;
            if (!InfoKey().IsMatch(key)) Once("vcf-info-key", "INFO", key, "a key with characters that it must not have");
            if (value is "") Warn("vcf-info-value", field, "an empty value");
            if (value is not null && value.Any(c => char.IsControl(c))) Warn("vcf-control", field, "a control character");
            var declared = parsed.Info.TryGetValue(key, out var definition);
            if (!declared) Once("vcf-info-undeclared", "INFO", key, Undeclared);
            if (!declared && VcfReserved.Info(key, _version) is { } reserved) (declared, definition) = (true, reserved);
            if (declared && VcfValueLint.Problem(value, definition, altCount, ploidy: 0) is { } problem) Warn("vcf-info-value", field, problem);
            if (VcfReserved.IsNeverNegative(key) && value is not null && value.Split(',').Any(v => v.Length > 1 && v[0] == '-')) Warn("vcf-info-value", field, "a negative value");
            if (key == "CIGAR" && value is not null && !Cigar().IsMatch(value)) Warn("vcf-info-value", field, "a value that is no CIGAR");
        }
    }

    private void CheckSamples(string[] columns, int altCount)
    {
        var keys = columns[0].Split(':');
        var definitions = new VcfDefinition?[keys.Length];
        for (var k = 0; k < keys.Length; k++)
        {
            if (keys[k] != "." && !(_version >= 403 ? FormatKey() : FormatKeyBefore43()).IsMatch(keys[k])) Once("vcf-format-key", "FORMAT", keys[k], "a key with characters that this version does not allow");
            var declared = parsed.Format.TryGetValue(keys[k], out var definition);
            if (!declared && keys[k] != ".") Once("vcf-format-undeclared", "FORMAT", keys[k], Undeclared);
            definitions[k] = declared ? definition : VcfReserved.Format(keys[k], _version);
        }
        for (var s = 1; s < columns.Length; s++)
        {
            var values = columns[s].Split(':');
            var genotype = keys[0] == "GT" ? values[0] : "";
            var ploidy = genotype is "" or "." ? 2 : genotype.AsSpan(1).Count('/') + genotype.AsSpan(1).Count('|') + 1;
            for (var k = keys[0] == "GT" ? 1 : 0; k < Math.Min(values.Length, keys.Length); k++)
                if (definitions[k] is { } definition && VcfValueLint.Problem(values[k], definition, altCount, ploidy) is { } problem)
                {
                    Warn("vcf-format-value", "FORMAT/" + keys[k], $"sample {s}: {problem}");
                    definitions[k] = null;
                }
        }
    }

    /// <summary>Warns of a name the first time only.</summary>
    private void Once(string code, string field, string name, string text)
    {
        if (_named.Count < MostNames && _named.Add((code, field, name))) Warn(code, $"{field}/{InputException.Quote(Encoding.UTF8.GetBytes(name)).Trim('\'')}", text);
    }

    private void Warn(string code, string field, string text) => faults.Warn(code, field, text);

    [GeneratedRegex(@"^([A-Za-z_][0-9A-Za-z_.]*|1000G)$", RegexOptions.NonBacktracking)]
    private static partial Regex InfoKey();

    [GeneratedRegex(@"^[A-Za-z_][0-9A-Za-z_.]*$", RegexOptions.NonBacktracking)]
    private static partial Regex FormatKey();

    [GeneratedRegex(@"^[0-9A-Za-z]+$", RegexOptions.NonBacktracking)]
    private static partial Regex FormatKeyBefore43();

    [GeneratedRegex(@"^((\d+[MIDNSHPX=])+|\.)(,((\d+[MIDNSHPX=])+|\.))*$", RegexOptions.NonBacktracking)]
    private static partial Regex Cigar();
}
