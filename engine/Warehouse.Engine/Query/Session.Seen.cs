using System.Text;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    /// <summary>Queries answered from one pass over the contigs they name.</summary>
    private const int SeenBatch = 65_536;

    /// <summary>Answers queries in their order. "Seen" asks every visible sample, counting or not; the figures keep one sample a person.</summary>
    public IEnumerable<SeenAnswer> Seen(IEnumerable<string> queries, SampleChoice samples, CancellationToken stop = default)
    {
        var rows = 0L;
        foreach (var batch in queries.Chunk(SeenBatch))
        {
            foreach (var answer in Answer(batch, samples, carriers: null, stop))
            {
                rows++;
                yield return answer;
            }
        }
        Report("seen", rows);
    }

    /// <summary>Answers queries in their order, each with every visible sample that carries the variant.</summary>
    public IEnumerable<CarrierAnswer> Carriers(IEnumerable<string> queries, CancellationToken stop = default)
    {
        var rows = 0L;
        foreach (var batch in queries.Chunk(SeenBatch))
        {
            var carriers = new List<CarrierRow>[batch.Length];
            var answers = Answer(batch, SampleChoice.All, carriers, stop);
            for (var i = 0; i < answers.Length; i++)
            {
                rows += carriers[i]?.Count ?? 0;
                yield return new CarrierAnswer(answers[i], carriers[i] is { } list ? list : []);
            }
        }
        Report("carriers", rows);
    }

    private SeenAnswer[] Answer(string[] queries, SampleChoice samples, List<CarrierRow>[]? carriers, CancellationToken stop)
    {
        var rules = new CountRules();
        var figures = Selection.Build(_view.Catalog, _scope, Snapshot, samples, rules, null);
        var everyone = Selection.Build(_view.Catalog, _scope, Snapshot, samples, rules with { PerSample = true }, null);
        var answers = new SeenAnswer[queries.Length];
        var variants = new (int Index, Variant Variant, bool TrimmedOnly)[queries.Length];
        var count = 0;
        for (var i = 0; i < queries.Length; i++)
        {
            if (TryResolve(queries[i], out var variant, out var trimmed, out var reason)) variants[count++] = (i, variant!, trimmed);
            else answers[i] = new SeenAnswer { Query = queries[i], State = SeenState.NotAssessable, Reason = reason };
        }
        foreach (var group in variants.Take(count).GroupBy(v => v.Variant.Contig))
        {
            var contig = _view.Catalog.ContigIndex(group.Key);
            var asker = contig < 0 ? null : new SeenContig(_view, contig, figures, everyone);
            foreach (var (index, variant, trimmed) in group.OrderBy(v => v.Variant.Start))
            {
                stop.ThrowIfCancellationRequested();
                var answer = asker?.Ask(variant, carriers is null ? null : carriers[index] = []) ?? Nowhere(variant, figures);
                answers[index] = answer with { Query = queries[index], TrimmedOnly = trimmed };
            }
        }
        return answers;
    }

    private static SeenAnswer Nowhere(Variant variant, Selection selection) => new()
    {
        Query = "", State = SeenState.NotAssessable, Reason = "no sample was assessed there", Contig = variant.Contig, Start = variant.Start, Ref = variant.Ref, Alt = variant.Alt,
        Figures = new CountFigures { NSamples = selection.SlotCount, NNotAssessed = selection.SlotCount },
    };

    private bool TryResolve(string text, out Variant? variant, out bool trimmedOnly, out string? reason)
    {
        (variant, trimmedOnly, reason) = (null, false, null);
        try
        {
            var query = VariantQuery.Parse(text, Context);
            (variant, trimmedOnly) = (query.Variant, query.TrimmedOnly);
            if (variant is null) reason = "the query could not be interpreted as a base allele";
        }
        catch (InputException bad)
        {
            reason = bad.Expected;
        }
        return variant is not null;
    }
}

/// <summary>Asks one contig about single alleles, in ascending order of start. One thread.</summary>
internal sealed class SeenContig(StoreView view, int contig, Selection figures, Selection everyone)
{
    private readonly ContigScan _counted = new(view, contig, figures, new CountRules());
    private readonly ContigScan _all = new(view, contig, everyone, new CountRules { PerSample = true });
    private readonly CountFigures[] _figures = new CountFigures[1];

    public SeenAnswer Ask(Variant variant, List<CarrierRow>? carriers)
    {
        var (reference, alternate) = (Encoding.ASCII.GetBytes(variant.Ref), Encoding.ASCII.GetBytes(variant.Alt));
        _counted.Count(_counted.Find(variant.Start, reference, alternate), _figures);
        var result = _figures[0];
        var found = _all.Find(variant.Start, reference, alternate);
        _all.Count(found, _figures);
        var state = _figures[0].Carriers > 0 ? SeenState.Seen : _figures[0].NSamples - _figures[0].NNoCall - _figures[0].NNotAssessed > 0 ? SeenState.NotSeen : SeenState.NotAssessable;
        DateTimeOffset? first = null, last = null;
        if (state == SeenState.Seen)
        {
            foreach (var carrier in _all.Carriers(found))
            {
                var loaded = DateTimeOffset.FromUnixTimeMilliseconds(view.Catalog.Batches[view.Catalog.Ordinals[carrier.Ordinal].Batch].LoadedUnixMs);
                if (first is null || loaded < first) first = loaded;
                if (last is null || loaded > last) last = loaded;
                carriers?.Add(RowOf(carrier));
            }
            carriers?.Sort((a, b) => string.CompareOrdinal(a.Sample, b.Sample));
        }
        return new SeenAnswer
        {
            Query = "", State = state, Reason = state == SeenState.NotAssessable ? "no sample was assessed there" : null,
            Contig = view.Catalog.Contigs[contig].Spelling, Start = variant.Start, Ref = variant.Ref, Alt = variant.Alt,
            Figures = result, FirstSeen = first, LastSeen = last,
        };
    }

    private CarrierRow RowOf(CarrierCall carrier)
    {
        var known = carrier.Detail;
        return new CarrierRow
        {
            Sample = view.Catalog.Samples[view.Catalog.Ordinals[carrier.Ordinal].Sample].Name,
            Zygosity = carrier.Zygosity switch { Zygosity.Het => "het", Zygosity.Hom => "hom_alt", Zygosity.Hemi => "hemi", _ => "half" },
            Genotype = carrier.Genotype,
            Gq = known is { Gq: >= 0 } ? known.Value.Gq : null,
            Dp = known is { Dp: >= 0 } ? known.Value.Dp : null,
            DepthRef = known is { Ad.Length: > 0 } && known.Value.Ad[0] >= 0 ? known.Value.Ad[0] : null,
            DepthAlt = known is { } d && d.Ad.Length > carrier.Alt && d.Ad[carrier.Alt] >= 0 ? d.Ad[carrier.Alt] : null,
        };
    }
}
