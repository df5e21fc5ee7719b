using System.IO.Compression;

namespace Warehouse.Units.Oracle;

/// <summary>A normalised biallelic allele. Start is 0-based, the contig without chr, M as MT.</summary>
internal readonly record struct NaiveVariant(string Contig, int Start, string Ref, string Alt)
{
    public int End => Start + Ref.Length;
}

/// <summary>What a row says about its samples: a reference block (or reference site), a record with a base or <c>*</c> allele, or neither.</summary>
internal enum NaiveRowKind { Block, Record, OtherClass }

/// <summary>One line of a VCF, split at tabs and commas; genotypes are looked at when asked. Start 0-based, End exclusive (REF span as written).</summary>
internal sealed class NaiveRow
{
    public required NaiveFile File { get; init; }
    public required string Contig { get; init; }
    public required string ContigWritten { get; init; }
    public required int Start { get; init; }
    public required string Ref { get; init; }
    public required string[] Alts { get; init; }
    public required bool FilterPasses { get; init; }
    public required string Info { get; init; }
    public required string[] Keys { get; init; }
    public required string[] Cells { get; init; }
    public required NaiveRowKind Kind { get; init; }
    public int End => Start + Ref.Length;

    /// <summary>The split and normalised base alleles, by the ALT number of GT.</summary>
    public List<(int Number, NaiveVariant Variant)> Variants { get; } = [];

    public NaiveCall Call(int column) => new(this, Cells[column].Split(':'));
}

/// <summary>One sample's cell of a row.</summary>
internal sealed class NaiveCall
{
    private readonly NaiveRow _row;
    private readonly string[] _values;

    public NaiveCall(NaiveRow row, string[] values)
    {
        (_row, _values) = (row, values);
        Text = Field("GT") ?? ".";
        Alleles = Text.TrimStart('/', '|').Split('/', '|');
        Called = [.. Alleles.Where(a => a != ".")];
    }

    /// <summary>GT as written; <c>.</c> when there is none.</summary>
    public string Text { get; }

    /// <summary>GT split into alleles, missing ones included: as many as the written ploidy.</summary>
    public string[] Alleles { get; }
    public string[] Called { get; }

    public string? Field(string key)
    {
        var i = Array.IndexOf(_row.Keys, key);
        return i >= 0 && i < _values.Length && _values[i] is not ("." or "") ? _values[i] : null;
    }

    public double? Number(string key) => Field(key) is { } v ? double.Parse(v, System.Globalization.CultureInfo.InvariantCulture) : null;
}

/// <summary>A loaded file and what the operator said of it.</summary>
internal sealed class NaiveFile
{
    public required string[] Samples { get; init; }
    public required NaiveIngest Ingest { get; init; }
    public List<NaiveRow> Rows { get; } = [];
}

/// <summary>What one ingest command says of its files.</summary>
internal sealed record NaiveIngest
{
    public bool AssumeReference { get; init; }
    public int BlockGq { get; init; } = 20;

    /// <summary>Text of a BED file, or null.</summary>
    public string? Callable { get; init; }

    /// <summary>Text of a sample sheet, or null.</summary>
    public string? Sheet { get; init; }
}

/// <summary>Reads VCF text the dull way: split at tabs. Written from the VCF specification and COUNTS.md; shares nothing with the engine.</summary>
internal static class NaiveVcf
{
    public static string Plain(string contig)
    {
        var c = contig.StartsWith("chr", StringComparison.OrdinalIgnoreCase) ? contig[3..] : contig;
        return c == "M" ? "MT" : c;
    }

    /// <summary>The lines of a file, gzip or BGZF or plain.</summary>
    public static IEnumerable<string> Lines(string path)
    {
        using var file = System.IO.File.OpenRead(path);
        var zipped = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
        file.Position = 0;
#pragma warning disable RS0030 // The engine's own readers are what this oracle judges; a truncated test file would show as missing rows.
        using var text = new StreamReader(zipped ? new GZipStream(file, CompressionMode.Decompress) : file);
#pragma warning restore RS0030
        while (text.ReadLine() is { } line) yield return line;
    }

    public static bool IsBases(string allele) => allele.Length > 0 && allele.All(c => "ACGTNacgtn".Contains(c));

    public static bool IsAnyOther(string allele) => allele is "<*>" or "<NON_REF>";

    public static NaiveFile Read(IEnumerable<string> lines, NaiveIngest ingest, Func<NaiveVariant, NaiveVariant> normalise)
    {
        NaiveFile? file = null;
        foreach (var line in lines)
        {
            if (line.StartsWith("##", StringComparison.Ordinal) || line.Length == 0) continue;
            var f = line.TrimEnd('\r').Split('\t');
            if (line[0] == '#') file = new NaiveFile { Samples = f.Length > 9 ? f[9..] : [], Ingest = ingest };
            else if (file is null) throw new FormatException("no header line");
            else if (file.Samples.Length > 0) file.Rows.Add(Row(file, f, normalise));
        }
        return file ?? throw new FormatException("no header line");
    }

    private static NaiveRow Row(NaiveFile file, string[] f, Func<NaiveVariant, NaiveVariant> normalise)
    {
        string[] alts = f[4] == "." ? [] : f[4].Split(',');
        var row = new NaiveRow
        {
            File = file, Contig = Plain(f[0]), ContigWritten = f[0], Start = int.Parse(f[1]) - 1, Ref = f[3].ToUpperInvariant(), Alts = alts,
            FilterPasses = f[6] is "PASS" or ".", Info = f[7], Keys = f[8].Split(':'), Cells = f[9..],
            Kind = alts.All(IsAnyOther) ? NaiveRowKind.Block : alts.Any(a => IsBases(a) || a == "*") ? NaiveRowKind.Record : NaiveRowKind.OtherClass,
        };
        for (var i = 0; i < alts.Length; i++)
            if (IsBases(alts[i])) row.Variants.Add((i + 1, normalise(new NaiveVariant(row.Contig, row.Start, row.Ref, alts[i].ToUpperInvariant()))));
        return row;
    }

    /// <summary>Exclusive end of a block for one sample: FORMAT LEN, else INFO END, else the REF span.</summary>
    public static int BlockEnd(NaiveRow row, NaiveCall call)
    {
        if (call.Number("LEN") is { } length) return row.Start + (int)length;
        var end = row.Info.Split(';').FirstOrDefault(i => i.StartsWith("END=", StringComparison.Ordinal));
        return end is null ? row.End : int.Parse(end[4..]);
    }

    /// <summary>
    /// Tan 2015, by the definition and not by a loop over both rules: cut the common suffix and prefix, then move an insertion or deletion left
    /// one base at a time while the base before equals its last base, and give it the base before as padding. Without a reference only trimmed,
    /// leaving at least one base on each side, from the right first.
    /// </summary>
    public static NaiveVariant Normalise(NaiveVariant v, string? sequence)
    {
        var (start, r, a) = (v.Start, v.Ref, v.Alt);
        if (r == a) return v;
        var keep = sequence is null ? 1 : 0;
        while (r.Length > keep && a.Length > keep && r[^1] == a[^1]) (r, a) = (r[..^1], a[..^1]);
        while (r.Length > keep && a.Length > keep && r[0] == a[0]) (r, a, start) = (r[1..], a[1..], start + 1);
        if (sequence is null || r.Length > 0 && a.Length > 0) return v with { Start = start, Ref = r, Alt = a };
        var moved = r.Length > 0 ? r : a;
        while (start > 0 && sequence[start - 1] == moved[^1]) (moved, start) = (moved[^1] + moved[..^1], start - 1);
        if (start == 0) throw new NotSupportedException("an allele at the first base of a contig: padding after it is not part of this oracle");
        var padding = sequence[start - 1].ToString();
        return v with { Start = start - 1, Ref = r.Length > 0 ? padding + moved : padding, Alt = r.Length > 0 ? padding : padding + moved };
    }
}
