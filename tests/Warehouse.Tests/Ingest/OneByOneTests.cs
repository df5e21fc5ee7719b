using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>Samples that come one by one are merged as they pile up; no answer about any snapshot changes.</summary>
public sealed class OneByOneTests
{
    [Fact]
    public void The_64th_sample_that_came_alone_takes_the_others_into_one_segment()
    {
        using var store = new IngestStore();
        store.Ingest(store.Vcf("joint.vcf", "J1 J2", "1 100 A C 0/1 1/1"));
        var answers = new Dictionary<long, List<string>>();
        for (var i = 1; i <= 70; i++)
        {
            store.Ingest(store.Vcf($"f{i}.vcf", $"S{i}", $"1 {100 + (i % 3)} A C 0/1", "1 500 T G 1/1"));
            if (i == 20) store.Store.Withdraw(["S7"]);
            answers[store.Store.Version] = AnswersOf(store, store.Store.Version);
            Assert.Equal(i < 64 ? i + 1 : 2 + i - 64, store.Store.CatalogNow.Segments.Count);
        }
        foreach (var (version, answer) in answers.Where(a => a.Key > 22)) Assert.Equal(answer, AnswersOf(store, version));
        store.Store.Withdraw(["S9"]);
        var before = AnswersOf(store, 30);
        store.Store.Compact();
        Assert.Equal(before, AnswersOf(store, 30));
        Assert.DoesNotContain(store.Store.Verify(null, CancellationToken.None), f => f.Kind == Warehouse.Engine.Manifests.FindingKind.Damaged);
    }

    private static List<string> AnswersOf(IngestStore store, long snapshot)
    {
        using var session = store.Store.OpenSession(new SessionOptions { Snapshot = snapshot });
        return [.. session.Frequencies(new FrequencyRequest()).Select(r => $"{r.Start} {r.Figures.Ac} {r.Figures.An} {r.Figures.NHomAlt}")];
    }
}
