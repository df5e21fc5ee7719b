using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;
using Warehouse.Units.Oracle;
using Xunit;

namespace Warehouse.Units.Query;

public sealed class CarrierLookupTests
{
    /// <summary>Carriers by whole columns against the list of carriers, which reads each call; in order, and in none; before and after compaction.</summary>
    [Fact]
    public void Samples_that_carry_are_those_that_carriers_lists()
    {
        var carried = 0;
        for (var seed = 1401; seed <= 1412; seed++)
        {
            var (random, dice) = (new RandomStore(seed), new Random(seed));
            using var store = MemoryStore.Of(random);
            for (var round = 0; round < 2; round++)
            {
                using var session = store.Store.OpenSession();
                var spelled = session.Frequencies(new FrequencyRequest()).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").Concat(random.AllelesToAsk(dice).Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}")).ToList();
                // As the store spells them, whatever they were asked as.
                var listed = new Dictionary<Variant, List<string>>();
                foreach (var answer in session.Carriers(spelled).Where(a => a.Seen is { Contig: not null, MatchedAlleles: null }))
                    listed[Variant.FromNormalized(session.CanonicalOf(answer.Seen.Contig!), answer.Seen.Start, answer.Seen.Ref, answer.Seen.Alt)] = [.. answer.Carriers.Select(c => c.Sample).Distinct()];
                foreach (var isOrdered in new[] { true, false })
                {
                    var order = listed.Keys.ToArray();
                    if (isOrdered) Array.Sort(order);
                    else dice.Shuffle(order);
                    var shown = new HashSet<string>();
                    using var told = store.Store.OpenSession(new SessionOptions { Shown = s => shown.Add(s) });
                    using var lookup = told.PrepareCarriers();
                    var all = new HashSet<string>();
                    foreach (var allele in order)
                    {
                        var found = new List<string>();
                        foreach (var sample in lookup.Find(allele)) found.Add(lookup.Samples[sample]);
                        Assert.True(listed[allele].SequenceEqual(found.Order(StringComparer.Ordinal)), $"seed {seed}, round {round}, {allele}: {string.Join(' ', listed[allele])}; {string.Join(' ', found)}");
                        all.UnionWith(found);
                        carried += found.Count;
                    }
                    Assert.True(all.SetEquals(shown), $"seed {seed}: data of samples was used without their being named");
                }
                store.Store.Compact();
            }
        }
        Assert.InRange(carried, 100, int.MaxValue);
    }
}
