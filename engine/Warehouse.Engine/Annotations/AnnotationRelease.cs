using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Annotations;

/// <summary>A release of a source of annotations, as the catalog knows it.</summary>
public sealed record AnnotationRelease
{
    /// <summary>Name of the source: <c>clinvar</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Day of the release, as its source gives it. Of several the one with the latest day is the newest, in whatever order they were loaded.</summary>
    public required DateOnly Date { get; init; }

    /// <summary>Number of the release among those of the source, from 1 in the order of loading; never reused.</summary>
    public required int Number { get; init; }

    /// <summary>SHA-256 of the source file, lower-case hex.</summary>
    public required string SourceSha256 { get; init; }

    /// <summary>SHA-256 of the mapping by which it was read, lower-case hex: the same file by another mapping is another release.</summary>
    public required string MappingSha256 { get; init; }

    /// <summary>SHA-256 of the content of its file in the store, lower-case hex.</summary>
    public required string ContentSha256 { get; init; }

    /// <summary>Manifest version that loaded it.</summary>
    public required long FromVersion { get; init; }

    /// <summary>Manifest version that retired it; 0 = in force.</summary>
    public long UntilVersion { get; init; }

    /// <summary>Whether its bytes are gone: retired, and no snapshot that may be asked shows it.</summary>
    public bool IsPurged { get; init; }

    /// <summary>Whether its rows are intervals, not alleles.</summary>
    public required bool IsIntervals { get; init; }

    /// <summary>Whether its alleles were only trimmed.</summary>
    public required bool TrimmedOnly { get; init; }

    /// <summary>Records of the source file.</summary>
    public required long Records { get; init; }

    /// <summary>Rows stored: one per allele of a record, or per interval.</summary>
    public required long Rows { get; init; }

    /// <summary>What was not stored, by reason, and how often.</summary>
    public required IReadOnlyList<(string Reason, long Count)> LeftOut { get; init; }

    /// <summary>Lines of the source that say what it is; at most 32.</summary>
    public required IReadOnlyList<string> Lineage { get; init; }

    /// <summary>The fields.</summary>
    public required IReadOnlyList<AnnotationField> Fields { get; init; }

    /// <summary>Whether a snapshot shows it.</summary>
    public bool InForce(long version) => FromVersion <= version && (UntilVersion == 0 || version < UntilVersion);

    /// <summary>Source, day and number: <c>clinvar 2024-01-07 (release 3)</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Source} {Date:yyyy-MM-dd} (release {Number})");
}

/// <summary>
/// The releases of a store: the part <c>annotations</c>, absent in a store that never had one. u8 version, 1; list of releases in the order of loading:
/// text source, var day (days since 0001-01-01), var number, 3 × 32 bytes SHA-256 (source file, mapping, content), var from version, var until version
/// (0 = in force), bool purged, bool intervals, bool trimmed only, var records, var rows, list of text reason and var count, list of text lineage, fields as in the file.
/// Programs of before leave the part and its files as they are.
/// </summary>
internal static class AnnotationCatalog
{
    public const string Part = "annotations";

    private const byte Version = 1;

    /// <exception cref="InvalidDataException">It is not what was written.</exception>
    public static IReadOnlyList<AnnotationRelease> Decode(byte[]? part)
    {
        if (part is null) return [];
        var from = new ByteReader(part);
        if (from.Byte() != Version) throw new InvalidDataException("the list of annotation releases has an unknown version");
        var releases = new AnnotationRelease[from.Count(part.Length)];
        for (var i = 0; i < releases.Length; i++) releases[i] = Read(ref from);
        from.End();
        return releases;
    }

    public static byte[] Encode(IReadOnlyList<AnnotationRelease> releases)
    {
        var to = new ByteWriter(1024);
        to.Byte(Version);
        to.Var(releases.Count);
        foreach (var release in releases) Write(to, release);
        return to.ToArray();
    }

    private static AnnotationRelease Read(ref ByteReader from) => new()
    {
        Source = from.Text(), Date = DateOnly.FromDayNumber(from.Count(DateOnly.MaxValue.DayNumber)), Number = from.Count(), SourceSha256 = Hex(ref from), MappingSha256 = Hex(ref from), ContentSha256 = Hex(ref from),
        FromVersion = (long)from.Var(), UntilVersion = (long)from.Var(), IsPurged = from.Bool(), IsIntervals = from.Bool(), TrimmedOnly = from.Bool(), Records = (long)from.Var(), Rows = (long)from.Var(),
        LeftOut = ReadLeftOut(ref from), Lineage = ReadLineage(ref from), Fields = AnnotationFile.ReadFields(ref from),
    };

    private static void Write(ByteWriter to, AnnotationRelease release)
    {
        to.Text(release.Source);
        to.Var(release.Date.DayNumber);
        to.Var(release.Number);
        foreach (var digest in (ReadOnlySpan<string>)[release.SourceSha256, release.MappingSha256, release.ContentSha256]) to.Raw(Convert.FromHexString(digest));
        to.Var((ulong)release.FromVersion);
        to.Var((ulong)release.UntilVersion);
        to.Bool(release.IsPurged);
        to.Bool(release.IsIntervals);
        to.Bool(release.TrimmedOnly);
        to.Var((ulong)release.Records);
        to.Var((ulong)release.Rows);
        to.Var(release.LeftOut.Count);
        foreach (var (reason, count) in release.LeftOut)
        {
            to.Text(reason);
            to.Var((ulong)count);
        }
        to.Var(release.Lineage.Count);
        foreach (var line in release.Lineage) to.Text(line);
        AnnotationFile.WriteFields(to, release.Fields);
    }

    private static string Hex(ref ByteReader from) => Convert.ToHexStringLower(from.Raw(32));

    private static (string, long)[] ReadLeftOut(ref ByteReader from)
    {
        var list = new (string, long)[from.Count(from.Remaining)];
        for (var i = 0; i < list.Length; i++) list[i] = (from.Text(), (long)from.Var());
        return list;
    }

    private static string[] ReadLineage(ref ByteReader from)
    {
        var list = new string[from.Count(from.Remaining)];
        for (var i = 0; i < list.Length; i++) list[i] = from.Text();
        return list;
    }
}
