using Google.Protobuf.WellKnownTypes;
using Warehouse.Engine.Query;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>Between messages and the engine's types. Coordinates: 0-based half-open inside, those of VCF in answers. Stateless.</summary>
internal static class Wire
{
    /// <summary>The samples that a request names.</summary>
    public static SampleChoice Of(V1.Samples? samples)
    {
        if (samples is null || (samples.Cohort.Length == 0 && samples.Names.Count == 0)) return SampleChoice.All;
        if (samples.Cohort.Length > 0 && samples.Names.Count > 0) throw Refusals.BadRequest("samples");
        return samples.Cohort.Length > 0 ? new SampleChoice { Cohort = samples.Cohort } : new SampleChoice { Names = [.. samples.Names] };
    }

    /// <summary>The regions that a request names.</summary>
    public static IReadOnlyList<Region> Of(IEnumerable<V1.Region> regions) => [.. regions.Select(r =>
        r.Contig.Length == 0 || r.Start < 0 || (r.HasEnd && r.End < r.Start) ? throw Refusals.BadRequest("region") : new Region(r.Contig, r.Start, r.HasEnd ? r.End : Region.Unbounded))];

    /// <summary>The rules that a request states.</summary>
    public static CountRules Of(V1.CountRules? rules) => rules is null ? new CountRules() : new CountRules { Adj = rules.Adj, PassOnly = rules.PassOnly, PloidyAsCalled = rules.PloidyAsCalled, PerSample = rules.PerSample };

    /// <summary>Exact figures.</summary>
    public static V1.Figures Of(in CountFigures f) => new()
    {
        Ac = f.Ac, An = f.An, NHet = f.NHet, NHomAlt = f.NHomAlt, NHemi = f.NHemi, NHalf = f.NHalf, NNoCall = f.NNoCall, NNotAssessed = f.NNotAssessed, NSamples = f.NSamples, AnAssumed = f.AnAssumed,
    };

    /// <summary>What an answer rests on.</summary>
    public static V1.AnswerContext Of(AnswerContext context, Session session)
    {
        var wire = new V1.AnswerContext
        {
            Assembly = context.Assembly, NormalizerVersion = context.NormalizerVersion, TrimmedOnly = context.TrimmedOnly, Snapshot = context.Snapshot, SnapshotDigest = context.SnapshotDigest,
            ScopeDigest = context.ScopeDigest, WithdrawnDigest = context.WithdrawnDigest, SamplesDigest = context.SamplesDigest, PolicyVersion = session.PolicyVersion ?? 0, Detail = Of(session.Detail),
        };
        foreach (var (contig, accession) in context.RefgetAccessions) wire.RefgetAccessions.Add(contig, accession);
        return wire;
    }

    /// <summary>A level of detail.</summary>
    public static V1.Detail Of(Engine.Access.Detail detail) => detail switch
    {
        Engine.Access.Detail.Exists => V1.Detail.Exists, Engine.Access.Detail.Aggregate => V1.Detail.Aggregate, Engine.Access.Detail.Record => V1.Detail.Record, _ => V1.Detail.Linkage,
    };

    /// <summary>One of the three answers.</summary>
    public static V1.SeenState Of(SeenState state) => state switch { SeenState.Seen => V1.SeenState.Seen, SeenState.NotSeen => V1.SeenState.NotSeen, _ => V1.SeenState.NotAssessable };

    /// <summary>An answer of <c>seen</c> at the level record.</summary>
    public static V1.SeenAnswer Of(SeenAnswer answer)
    {
        var wire = new V1.SeenAnswer
        {
            Query = answer.Query, Reason = answer.Reason ?? "", Damage = answer.Damage ?? "", TrimmedOnly = answer.TrimmedOnly, OverlappingCount = answer.OverlappingCount, RefgetAccession = answer.RefgetAccession ?? "",
            State = Of(answer.State),
            FirstSeen = answer.FirstSeen is { } first ? Timestamp.FromDateTimeOffset(first) : null, LastSeen = answer.LastSeen is { } last ? Timestamp.FromDateTimeOffset(last) : null,
        };
        if (answer.Contig is { } contig)
        {
            (wire.Contig, wire.Pos, wire.Ref, wire.Alt, wire.Figures) = (contig, answer.Start + 1, answer.Ref, answer.Alt, Of(answer.Figures));
            if (answer.End >= 0) wire.End = answer.End;
        }
        if (answer.MatchedAlleles is { } matched) wire.MatchedAlleles = matched;
        wire.Overlapping.AddRange(answer.Overlapping);
        if (answer.Identifiers is { } names) wire.Identifiers = Of(names);
        return wire;
    }

    /// <summary>Names in other systems.</summary>
    public static V1.Identifiers Of(VariantIdentifiers names) => new() { Vrs = names.Vrs ?? "", Spdi = names.Spdi ?? "", HgvsG = names.HgvsG ?? "", VariantKey = names.VariantKey ?? "" };

    /// <summary>A carrier.</summary>
    public static V1.Carrier Of(CarrierRow row)
    {
        var wire = new V1.Carrier { Sample = row.Sample, Zygosity = row.Zygosity, Genotype = row.Genotype };
        if (row.Gq is { } gq) wire.Gq = gq;
        if (row.Dp is { } dp) wire.Dp = dp;
        if (row.DepthRef is { } reference) wire.DepthRef = reference;
        if (row.DepthAlt is { } alternate) wire.DepthAlt = alternate;
        return wire;
    }

    /// <summary>A reply that tells its caller of damage which was met on the way.</summary>
    public static bool SpeaksOfDamage(Google.Protobuf.IMessage reply) => reply switch
    {
        V1.SeenReply seen => seen.Answers.Any(a => a.Damage.Length > 0),
        V1.SeenStreamReply { End.Damage.Length: > 0 } or V1.Chunk { End.Completeness.Unavailable.Count: > 0 } or V1.InfoReply { Damage.Count: > 0 } => true,
        V1.FrequenciesOfReply figures => figures.Rows.Any(r => r.Damage.Length > 0),
        V1.CarriersReply { Seen.Damage.Length: > 0 } => true,
        V1.ResolveReply meanings => meanings.Resolutions.Any(r => r.Damage.Length > 0),
        V1.VerifyReply { Finding: { } finding } => finding.Kind != "surplus",
        _ => false,
    };

    /// <summary>Whether answers to single alleles are whole: each says by itself what is damaged.</summary>
    public static V1.Completeness Of(IEnumerable<string> damage) => new() { IsWhole = damage.All(d => d.Length == 0) };

    /// <summary>Whether a listing is whole.</summary>
    public static V1.Completeness Of(IReadOnlyList<UnavailableRange> unavailable)
    {
        var wire = new V1.Completeness { IsWhole = unavailable.Count == 0 };
        foreach (var range in unavailable) wire.Unavailable.Add(new V1.UnavailableRange { Contig = range.Contig, Start = range.Start, End = range.End, Damage = range.Damage, File = range.File });
        return wire;
    }
}
