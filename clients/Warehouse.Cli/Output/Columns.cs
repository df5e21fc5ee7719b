using Warehouse.Engine.Export;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>The columns of answers and their cells, in the order that other tools rely on (COUNTS.md).</summary>
internal static class Columns
{
    /// <summary>The figures, as <see cref="RowWriter.Figures"/> writes them.</summary>
    private static readonly Column[] Figures =
    [
        new("ac", ColumnKind.Integer), new("an", ColumnKind.Integer), new("af", ColumnKind.Real, 6), new("n_het", ColumnKind.Integer),
        new("n_hom_alt", ColumnKind.Integer), new("n_hemi", ColumnKind.Integer), new("n_half", ColumnKind.Integer), new("carriers", ColumnKind.Integer),
        new("n_no_call", ColumnKind.Integer), new("n_not_assessed", ColumnKind.Integer), new("n_samples", ColumnKind.Integer),
        new("an_assumed", ColumnKind.Integer), new("faf95", ColumnKind.Real, 5),
    ];

    private static readonly Column[] Place =
        [new("contig", ColumnKind.FreeText), new("pos", ColumnKind.Integer), new("ref", ColumnKind.Text), new("alt", ColumnKind.Text)];

    /// <summary>Of <c>freq</c>.</summary>
    public static Column[] Frequency(bool symbolic, bool grouped) =>
    [
        .. Place,
        .. symbolic ? [new Column("end", ColumnKind.Integer)] : Array.Empty<Column>(),
        .. grouped ? [new Column("group", ColumnKind.FreeText)] : Array.Empty<Column>(),
        .. Figures,
    ];

    /// <summary>Of <c>seen</c>.</summary>
    public static Column[] Seen() =>
    [
        new("query", ColumnKind.FreeText), new("answer", ColumnKind.Text), .. Place, new("n_assessed", ColumnKind.Integer), .. Figures,
        new("af_upper95", ColumnKind.Real, 6), new("first_seen", ColumnKind.Text), new("last_seen", ColumnKind.Text), new("note", ColumnKind.FreeText),
    ];

    /// <summary>Of <c>seen</c> in JSON: more about the variant, and what the answer rests on.</summary>
    public static Column[] SeenInFull() =>
    [
        .. Seen(), new("end", ColumnKind.Integer), new("matched_alleles", ColumnKind.Integer), new("overlapping", ColumnKind.FreeText), new("n_overlapping", ColumnKind.Integer),
        new("vrs", ColumnKind.Text), new("spdi", ColumnKind.Text), new("hgvs_g", ColumnKind.Text), new("variant_key", ColumnKind.Text),
        new("assembly", ColumnKind.FreeText), new("refget", ColumnKind.Text), new("normalizer", ColumnKind.Integer), new("trimmed_only", ColumnKind.Integer),
        new("snapshot", ColumnKind.Integer), new("snapshot_digest", ColumnKind.Text), new("scope_digest", ColumnKind.Text),
        new("withdrawn_digest", ColumnKind.Text), new("samples_digest", ColumnKind.Text),
    ];

    /// <summary>Of <c>carriers</c>.</summary>
    public static Column[] Carriers() =>
    [
        new("query", ColumnKind.FreeText), .. Place, new("sample", ColumnKind.FreeText), new("zygosity", ColumnKind.Text), new("gt", ColumnKind.Text),
        new("gq", ColumnKind.Integer), new("dp", ColumnKind.Integer), new("ad_ref", ColumnKind.Integer), new("ad_alt", ColumnKind.Integer),
    ];

    /// <summary>Of <c>export</c> as rows.</summary>
    public static Column[] Genotypes() =>
    [
        .. Place, new("sample", ColumnKind.FreeText), new("gt", ColumnKind.Text), new("zygosity", ColumnKind.Text),
        new("gq", ColumnKind.Integer), new("dp", ColumnKind.Integer), new("ad_ref", ColumnKind.Integer), new("ad_alt", ColumnKind.Integer),
    ];

    /// <summary>Of <c>case-control</c>.</summary>
    public static Column[] CaseControl() =>
    [
        .. Place, new("ac_cases", ColumnKind.Integer), new("an_cases", ColumnKind.Integer), new("af_cases", ColumnKind.Real, 6),
        new("ac_controls", ColumnKind.Integer), new("an_controls", ColumnKind.Integer), new("af_controls", ColumnKind.Real, 6),
        new("odds_ratio", ColumnKind.Real, 6), new("p", ColumnKind.Real, 6),
    ];

    /// <summary>One row of <c>freq</c>.</summary>
    public static void Write(RowWriter writer, FrequencyRow row, bool symbolic, bool grouped, ReleasedCells? released = null, JoinedCells? joined = null)
    {
        WritePlace(writer, row.Contig, row.Start, row.Ref, row.Alt);
        // Half-open 0-based and 1-based inclusive ends are the same number.
        if (symbolic) writer.Integer(row.End < 0 ? null : (long?)row.End);
        if (grouped) writer.Text(row.Group);
        if (row.Damage is null && released is not null) released.Write(writer);
        else if (row.Damage is null) writer.Figures(row.Figures);
        else WriteMissing(writer, Figures.Length);
        joined?.Write(writer, row.Contig, row.Start, row.Ref, row.End < 0 ? row.Alt : "");
        writer.EndRow();
    }

    /// <summary>One row of <c>seen</c>.</summary>
    public static void Write(RowWriter writer, SeenAnswer answer, ReleasedCells? released = null, JoinedCells? joined = null)
    {
        WriteSeen(writer, answer, released);
        joined?.Write(writer, answer);
        writer.EndRow();
    }

    /// <summary>One row of <c>seen</c> with the columns of <see cref="SeenInFull"/>.</summary>
    public static void WriteInFull(RowWriter writer, SeenAnswer answer, ReleasedCells? released = null, JoinedCells? joined = null)
    {
        WriteSeen(writer, answer, released);
        writer.Integer(answer.End < 0 ? null : (long?)answer.End);
        writer.Integer(answer.MatchedAlleles);
        writer.Texts(answer.Overlapping);
        writer.Integer(answer.OverlappingCount);
        foreach (var name in (ReadOnlySpan<string?>)[answer.Identifiers?.Vrs, answer.Identifiers?.Spdi, answer.Identifiers?.HgvsG, answer.Identifiers?.VariantKey]) writer.Text(name);
        writer.Text(answer.Context?.Assembly);
        writer.Text(answer.RefgetAccession);
        writer.Integer(answer.Context?.NormalizerVersion);
        writer.Integer(answer.Context is { } known ? known.TrimmedOnly ? 1L : 0L : null);
        writer.Integer(answer.Context?.Snapshot);
        foreach (var digest in (ReadOnlySpan<string?>)[answer.Context?.SnapshotDigest, answer.Context?.ScopeDigest, answer.Context?.WithdrawnDigest, answer.Context?.SamplesDigest]) writer.Text(digest);
        joined?.Write(writer, answer);
        writer.EndRow();
    }

    private static void WriteSeen(RowWriter writer, SeenAnswer answer, ReleasedCells? released)
    {
        writer.Text(answer.Query);
        writer.Text(released?.Told ?? answer.State switch { SeenState.Seen => "seen", SeenState.NotSeen => "not seen", _ => "not assessable" });
        if (answer.Contig is null) WriteMissing(writer, Place.Length + 1 + Figures.Length);
        else
        {
            WritePlace(writer, answer.Contig, answer.Start, answer.Ref, answer.Alt);
            if (released is not null)
            {
                writer.Missing();
                released.Write(writer);
            }
            else
            {
                writer.Integer(answer.Figures.NSamples - answer.Figures.NNoCall - answer.Figures.NNotAssessed);
                writer.Figures(answer.Figures);
            }
        }
        writer.Real(answer.State == SeenState.NotSeen && answer.Figures.An > 0 ? 3.0 / answer.Figures.An : double.NaN);
        writer.Text(Time(answer.FirstSeen));
        writer.Text(Time(answer.LastSeen));
        writer.Text(Note(answer, released));
    }

    private static string? Note(SeenAnswer answer, ReleasedCells? released)
    {
        var notes = new List<string>();
        if (answer.Reason is { } reason) notes.Add(reason);
        else if (answer.TrimmedOnly) notes.Add("trimmed only: the store has no reference");
        if (released?.Note is { } band) notes.Add(band);
        if (answer.MatchedAlleles is { } matched) notes.Add(matched == 1 ? "matches 1 stored allele" : FormattableString.Invariant($"matches {matched} stored alleles"));
        if (answer.OverlappingCount > 0)
            notes.Add($"overlaps {FormattableString.Invariant($"{answer.OverlappingCount}")} other stored: {string.Join(' ', answer.Overlapping)}{(answer.OverlappingCount > answer.Overlapping.Count ? " …" : "")}");
        return notes.Count == 0 ? null : string.Join("; ", notes);
    }

    /// <summary>The rows of one query of <c>carriers</c>.</summary>
    public static void Write(RowWriter writer, CarrierAnswer answer, JoinedCells? joined = null)
    {
        foreach (var carrier in answer.Carriers)
        {
            writer.Text(answer.Seen.Query);
            WritePlace(writer, answer.Seen.Contig, answer.Seen.Start, answer.Seen.Ref, answer.Seen.Alt);
            writer.Text(carrier.Sample);
            writer.Text(carrier.Zygosity);
            writer.Text(carrier.Genotype);
            writer.Integer(carrier.Gq);
            writer.Integer(carrier.Dp);
            writer.Integer(carrier.DepthRef);
            writer.Integer(carrier.DepthAlt);
            joined?.Write(writer, answer.Seen);
            writer.EndRow();
        }
    }

    /// <summary>One row of <c>export</c>.</summary>
    public static void Write(RowWriter writer, GenotypeRow row, JoinedCells? joined = null)
    {
        WritePlace(writer, row.Contig, row.Start, row.Ref, row.Alt);
        writer.Text(row.Sample);
        writer.Text(row.Genotype);
        writer.Text(row.Zygosity switch { Zygosity.Het => "het", Zygosity.Hom => "hom_alt", Zygosity.Hemi => "hemi", _ => "half" });
        writer.Integer(row.Gq);
        writer.Integer(row.Dp);
        writer.Integer(row.DepthRef);
        writer.Integer(row.DepthAlt);
        joined?.Write(writer, row.Contig, row.Start, row.Ref, row.Alt);
        writer.EndRow();
    }

    /// <summary>One row of <c>case-control</c>.</summary>
    public static void Write(RowWriter writer, CaseControlRow row)
    {
        WritePlace(writer, row.Contig, row.Start, row.Ref, row.Alt);
        foreach (var figures in (ReadOnlySpan<CountFigures>)[row.Cases, row.Controls])
        {
            writer.Integer(figures.Ac);
            writer.Integer(figures.An);
            writer.Real(Af(figures));
        }
        writer.Real(row.OddsRatio);
        writer.Real(row.PValue);
        writer.EndRow();
    }

    /// <summary>
    /// What stands for the rows of a range that could not be judged, behind all others: its place, REF missing, and as ALT the range and the
    /// damaged file; every other cell is missing.
    /// </summary>
    public static void WriteUnavailable(RowWriter writer, UnavailableRange range)
    {
        writer.Text(range.Contig);
        writer.Integer(range.Start + 1L);
        writer.Text(null);
        writer.Text(FormattableString.Invariant($"<UNAVAILABLE:{range.Start + 1L}-{range.End}:{range.File}>"));
        WriteMissing(writer, writer.ColumnCount - Place.Length);
        writer.EndRow();
    }

    private static void WritePlace(RowWriter writer, string? contig, int start, string @ref, string alt)
    {
        writer.Text(contig);
        writer.Integer(start + 1L);
        writer.Text(@ref);
        writer.Text(alt);
    }

    /// <summary>AC over AN; NaN without an allele.</summary>
    internal static double Af(in CountFigures figures) => figures.An == 0 ? double.NaN : (double)figures.Ac / figures.An;

    private static void WriteMissing(RowWriter writer, int count)
    {
        for (var i = 0; i < count; i++) writer.Missing();
    }

    internal static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
