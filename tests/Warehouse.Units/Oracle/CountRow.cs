using System.Globalization;

namespace Warehouse.Units.Oracle;

/// <summary>One line of <c>freq --format tsv</c>, however it was come by: printed by the product, computed naively, or derived from a foreign tool.</summary>
internal sealed record CountRow
{
    /// <summary>The integer figures in the order of the columns, without af and faf95.</summary>
    public static readonly string[] FigureNames =
        ["ac", "an", "n_het", "n_hom_alt", "n_hemi", "n_half", "carriers", "n_no_call", "n_not_assessed", "n_samples", "an_assumed"];

    private static readonly string[] Header =
        ["contig", "pos", "ref", "alt", "ac", "an", "af", "n_het", "n_hom_alt", "n_hemi", "n_half", "carriers", "n_no_call", "n_not_assessed", "n_samples", "an_assumed", "faf95"];

    public required string Contig { get; init; }

    /// <summary>1-based.</summary>
    public required long Position { get; init; }
    public required string Ref { get; init; }
    public required string Alt { get; init; }
    public string? Group { get; init; }

    /// <summary>In the order of <see cref="FigureNames"/>.</summary>
    public required long[] Figures { get; init; }

    /// <summary>As printed; null = derive from the figures.</summary>
    public string? AfPrinted { get; init; }

    /// <summary>As printed; null = derive from the figures.</summary>
    public string? FafPrinted { get; init; }

    public long Ac => Figures[0];
    public long An => Figures[1];
    public long NHet => Figures[2];
    public long NHomAlt => Figures[3];
    public long NHemi => Figures[4];
    public long NHalf => Figures[5];
    public long Carriers => Figures[6];
    public long NNoCall => Figures[7];
    public long NNotAssessed => Figures[8];
    public long NSamples => Figures[9];
    public long AnAssumed => Figures[10];

    /// <summary>Contig without chr, position, REF and ALT: what two spellings of one variant share.</summary>
    public string Key => $"{NaiveVcf.Plain(Contig)}:{Position}:{Ref}:{Alt}";

    /// <summary>The whole line, tab-separated, AF and FAF95 included: what rows are compared by.</summary>
    public string Text
    {
        get
        {
            var place = Group is null ? $"{Contig}\t{Position}\t{Ref}\t{Alt}" : $"{Contig}\t{Position}\t{Ref}\t{Alt}\t{Group}";
            var af = AfPrinted ?? (An == 0 ? "." : Printf.G((double)Ac / An, 6));
            var faf = FafPrinted ?? Printf.G(NaiveFigures.Faf95(Ac, An), 5);
            return string.Join('\t', [place, Ac.ToString(), An.ToString(), af, .. Figures[2..].Select(f => f.ToString()), faf]);
        }
    }

    /// <summary>Parses TSV with a header; the header must be the fixed one, with <c>group</c> after <c>alt</c> or not.</summary>
    public static List<CountRow> ParseTsv(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0) throw new FormatException("no header");
        var header = lines[0].Split('\t').ToList();
        var grouped = header.Count > 4 && header[4] == "group";
        if (grouped) header.RemoveAt(4);
        if (!header.SequenceEqual(Header)) throw new FormatException($"unexpected header: {lines[0]}");
        return [.. lines.Skip(1).Select(l => ParseLine(l, grouped))];
    }

    private static CountRow ParseLine(string line, bool grouped)
    {
        var f = line.Split('\t').ToList();
        string? group = null;
        if (grouped) { group = f[4]; f.RemoveAt(4); }
        if (f.Count != Header.Length) throw new FormatException($"{f.Count} columns in: {line}");
        var figures = new[] { 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15 }.Select(i => long.Parse(f[i], CultureInfo.InvariantCulture)).ToArray();
        return new CountRow { Contig = f[0], Position = long.Parse(f[1], CultureInfo.InvariantCulture), Ref = f[2], Alt = f[3], Group = group, Figures = figures, AfPrinted = f[6], FafPrinted = f[16] };
    }

    /// <summary>Null when both lists are the same lines in the same order; else the first difference, with the names of the columns that differ.</summary>
    public static string? FirstDifference(IReadOnlyList<CountRow> expected, IReadOnlyList<CountRow> actual)
    {
        for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
        {
            var e = i < expected.Count ? expected[i].Text : "(no more rows)";
            var a = i < actual.Count ? actual[i].Text : "(no more rows)";
            if (e == a) continue;
            var names = Header.ToList();
            if (i < expected.Count && expected[i].Group is not null) names.Insert(4, "group");
            var (ef, af) = (e.Split('\t'), a.Split('\t'));
            var columns = ef.Length == af.Length && ef.Length == names.Count ? string.Join(' ', names.Where((_, c) => ef[c] != af[c])) : "row";
            return $"row {i + 1} of {expected.Count} expected, {actual.Count} actual; differs in {columns}\nheader   {string.Join('\t', names)}\nexpected {e}\nactual   {a}";
        }
        return null;
    }
}

/// <summary>Numbers as C prints them.</summary>
internal static class Printf
{
    /// <summary><c>%.{digits}g</c> in the C locale: at most so many significant digits, no trailing zeros, an exponent of two digits below 1e-4.</summary>
    public static string G(double value, int digits)
    {
        if (value == 0) return "0";
        var scientific = value.ToString("E" + (digits - 1), CultureInfo.InvariantCulture);
        var at = scientific.IndexOf('E');
        var exponent = int.Parse(scientific[(at + 1)..], CultureInfo.InvariantCulture);
        if (exponent >= -4 && exponent < digits) return Strip(value.ToString("F" + (digits - 1 - exponent), CultureInfo.InvariantCulture));
        return $"{Strip(scientific[..at])}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string Strip(string s) => s.Contains('.') ? s.TrimEnd('0').TrimEnd('.') : s;
}
