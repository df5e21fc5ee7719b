using System.Globalization;
using Warehouse.Cli.Output;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>Messages and rows of a server as the engine's records. Coordinates: those of VCF outside, 0-based half-open here. Stateless.</summary>
internal static class RemoteRows
{
    public static V1.Region Of(Region region)
    {
        var wire = new V1.Region { Contig = region.Contig, Start = region.Start };
        if (region.End != Region.Unbounded) wire.End = region.End;
        return wire;
    }

    public static V1.CountRules Of(CountRules rules) => new() { Adj = rules.Adj, PassOnly = rules.PassOnly, PloidyAsCalled = rules.PloidyAsCalled, PerSample = rules.PerSample };

    public static SeenAnswer Of(Client.SeenAnswer answer)
    {
        var wire = answer.Message;
        return new SeenAnswer
        {
            Query = answer.Query,
            // What is told in place of "not seen" stands in ReleasedCells.Told; for the exit code fewer than k match nothing, and withheld is not answered.
            State = answer switch { Client.SeenAnswer.Seen => SeenState.Seen, Client.SeenAnswer.NotSeen or Client.SeenAnswer.FewerThanK => SeenState.NotSeen, _ => SeenState.NotAssessable },
            Reason = Text(wire.Reason), Damage = Text(wire.Damage), Contig = Text(wire.Contig), Start = wire.Pos - 1, Ref = wire.Ref, Alt = wire.Alt,
            End = wire.HasEnd ? wire.End : -1, MatchedAlleles = wire.HasMatchedAlleles ? wire.MatchedAlleles : null, Figures = Of(wire.Figures),
            FirstSeen = wire.FirstSeen?.ToDateTimeOffset(), LastSeen = wire.LastSeen?.ToDateTimeOffset(), TrimmedOnly = wire.TrimmedOnly,
            Overlapping = wire.Overlapping, OverlappingCount = wire.OverlappingCount, Context = Of(answer.Context), RefgetAccession = Text(wire.RefgetAccession),
            Identifiers = wire.Identifiers is { } names ? new VariantIdentifiers(Text(names.Vrs), Text(names.Spdi), Text(names.HgvsG), Text(names.VariantKey)) : null,
        };
    }

    public static CarrierRow Of(V1.Carrier wire) => new()
    {
        Sample = wire.Sample, Zygosity = wire.Zygosity, Genotype = wire.Genotype, Gq = wire.HasGq ? wire.Gq : null, Dp = wire.HasDp ? wire.Dp : null,
        DepthRef = wire.HasDepthRef ? wire.DepthRef : null, DepthAlt = wire.HasDepthAlt ? wire.DepthAlt : null,
    };

    /// <summary>What stands in the place of exact figures; null when the answer has those, or is about no variant.</summary>
    public static ReleasedCells? Released(Client.SeenAnswer answer) => Released(answer.Message.Figures, answer.Message.Released, answer.Message.Contig) is not { } cells ? null : cells with
    {
        Told = answer switch { Client.SeenAnswer.FewerThanK => "fewer than k", Client.SeenAnswer.Withheld => "withheld", _ => null },
    };

    /// <summary>The same of a row of frequencies.</summary>
    public static ReleasedCells? Released(V1.Figures? exact, V1.ReleasedFigures? released, string contig)
    {
        if (exact is not null || contig.Length == 0) return null;
        if (released is null) return new ReleasedCells { Note = "figures are not part of this level of detail" };
        return new ReleasedCells
        {
            Carriers = released.HasCarriers ? released.Carriers : null, Ac = released.HasAc ? released.Ac : null, An = released.HasAn ? released.An : null,
            HomAlt = released.HasNHomAlt ? released.NHomAlt : null, Af = released.HasAf ? released.Af : null,
        };
    }

    public static void Fill(FrequencyRow row, V1.FrequencyRow wire)
    {
        (row.Contig, row.Start, row.Ref, row.Alt, row.End) = (wire.Contig, wire.Pos - 1, wire.Ref, wire.Alt, wire.HasEnd ? wire.End : -1);
        (row.Group, row.Figures, row.Damage) = (wire.HasGroup ? wire.Group : null, Of(wire.Figures), Text(wire.Damage));
    }

    public static void Fill(CaseControlRow row, ArrowBatch batch, int at)
    {
        (row.Contig, row.Start, row.Ref, row.Alt) = Place(batch, at);
        row.Cases = new CountFigures { Ac = batch.Columns[4].Int64(at), An = batch.Columns[5].Int64(at) };
        row.Controls = new CountFigures { Ac = batch.Columns[7].Int64(at), An = batch.Columns[8].Int64(at) };
        (row.OddsRatio, row.PValue) = (Real(batch.Columns[10], at), Real(batch.Columns[11], at));
    }

    public static void Fill(GenotypeRow row, ArrowBatch batch, int at)
    {
        (row.Contig, row.Start, row.Ref, row.Alt) = Place(batch, at);
        (row.Sample, row.Genotype) = (batch.Columns[4].Text(at)!, batch.Columns[5].Text(at)!);
        row.Zygosity = batch.Columns[6].Text(at) switch { "het" => Zygosity.Het, "hom_alt" => Zygosity.Hom, "hemi" => Zygosity.Hemi, _ => Zygosity.Half };
        (row.Gq, row.Dp, row.DepthRef, row.DepthAlt) = (Number(batch.Columns[7], at), Number(batch.Columns[8], at), Number(batch.Columns[9], at), Number(batch.Columns[10], at));
    }

    public static (string Contig, int Start, string Ref, string Alt) Place(ArrowBatch batch, int at) =>
        (batch.Columns[0].Text(at)!, (int)batch.Columns[1].Int64(at) - 1, batch.Columns[2].Text(at)!, batch.Columns[3].Text(at)!);

    private static int? Number(ArrowColumn column, int at) => column.IsNull(at) ? null : checked((int)column.Int64(at));

    private static double Real(ArrowColumn column, int at) => column.IsNull(at) ? double.NaN : column.Float64(at);

    private static string? Text(string text) => text.Length == 0 ? null : text;

    /// <summary>A release of annotations.</summary>
    public static AnnotationRelease Of(V1.AnnotationRelease wire) => new()
    {
        Source = wire.Source, Date = DateOnly.ParseExact(wire.Date, "yyyy-MM-dd", CultureInfo.InvariantCulture), Number = wire.Number, SourceSha256 = wire.SourceSha256, MappingSha256 = wire.MappingSha256, ContentSha256 = wire.ContentSha256,
        FromVersion = wire.FromVersion, UntilVersion = wire.UntilVersion, IsPurged = wire.IsPurged, IsIntervals = wire.IsIntervals, TrimmedOnly = wire.TrimmedOnly, Records = wire.Records, Rows = wire.Rows,
        LeftOut = [.. wire.LeftOut.Select(l => (l.Reason, l.Count))], Lineage = [.. wire.Lineage],
        Fields = [.. wire.Fields.Select(f => new AnnotationField(f.Name, f.Type == V1.AnnotationType.Unspecified ? AnnotationType.Text : (AnnotationType)((int)f.Type - 1), Description: f.Description))],
    };

    /// <summary>Exact figures.</summary>
    public static CountFigures Of(V1.Figures? wire) => wire is null ? default : new CountFigures
    {
        Ac = wire.Ac, An = wire.An, NHet = wire.NHet, NHomAlt = wire.NHomAlt, NHemi = wire.NHemi, NHalf = wire.NHalf, NNoCall = wire.NNoCall, NNotAssessed = wire.NNotAssessed,
        NSamples = wire.NSamples, AnAssumed = wire.AnAssumed,
    };

    private static AnswerContext? Of(V1.AnswerContext? wire) => wire is null ? null : new AnswerContext
    {
        Assembly = wire.Assembly, NormalizerVersion = wire.NormalizerVersion, TrimmedOnly = wire.TrimmedOnly, Snapshot = wire.Snapshot, SnapshotDigest = wire.SnapshotDigest,
        ScopeDigest = wire.ScopeDigest, WithdrawnDigest = wire.WithdrawnDigest, SamplesDigest = wire.SamplesDigest, RefgetAccessions = wire.RefgetAccessions,
    };
}

/// <summary>Where the columns of a listing of frequencies are.</summary>
internal sealed class FrequencyColumns
{
    private static readonly string[] Exact = ["n_het", "n_hemi", "n_half", "n_no_call", "n_not_assessed", "n_samples", "an_assumed"];

    private readonly int _end, _group, _ac, _an, _af, _homAlt, _carriers;
    private readonly int[] _exact;

    public FrequencyColumns(ArrowSchema schema)
    {
        int Find(string name)
        {
            for (var at = 0; at < schema.Fields.Count; at++)
                if (schema.Fields[at].Name == name) return at;
            return -1;
        }
        (_end, _group, _ac, _an, _af, _homAlt, _carriers) = (Find("end"), Find("group"), Find("ac"), Find("an"), Find("af"), Find("n_hom_alt"), Find("carriers"));
        _exact = [.. Exact.Select(Find)];
    }

    /// <summary>Fills a row; returns what stands in the place of exact figures when one of those is missing.</summary>
    public ReleasedCells? Fill(FrequencyRow row, ArrowBatch batch, int at)
    {
        (row.Contig, row.Start, row.Ref, row.Alt) = RemoteRows.Place(batch, at);
        row.End = (int)(Number(batch, _end, at) ?? -1);
        row.Group = _group < 0 ? null : batch.Columns[_group].Text(at);
        row.Damage = null;
        var (ac, an, homAlt) = (Number(batch, _ac, at), Number(batch, _an, at), Number(batch, _homAlt, at));
        Span<long?> rest = stackalloc long?[Exact.Length];
        var isExact = ac is not null && an is not null && homAlt is not null;
        for (var column = 0; column < rest.Length; column++) isExact &= (rest[column] = Number(batch, _exact[column], at)) is not null;
        if (!isExact)
            return new ReleasedCells { Ac = ac, An = an, HomAlt = homAlt, Carriers = Number(batch, _carriers, at), Af = _af < 0 || batch.Columns[_af].IsNull(at) ? null : batch.Columns[_af].Float64(at) };
        int Of(long? figure) => checked((int)figure!.Value);
        row.Figures = new CountFigures
        {
            Ac = ac!.Value, An = an!.Value, NHet = Of(rest[0]), NHomAlt = Of(homAlt), NHemi = Of(rest[1]), NHalf = Of(rest[2]), NNoCall = Of(rest[3]), NNotAssessed = Of(rest[4]),
            NSamples = Of(rest[5]), AnAssumed = rest[6]!.Value,
        };
        return null;
    }

    private static long? Number(ArrowBatch batch, int column, int at) => column < 0 || batch.Columns[column].IsNull(at) ? null : batch.Columns[column].Int64(at);
}
