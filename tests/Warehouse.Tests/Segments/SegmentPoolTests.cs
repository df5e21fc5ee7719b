using Warehouse.Engine.Query;
using Warehouse.Tests.Compact;
using Xunit;

namespace Warehouse.Tests.Segments;

/// <summary>Sessions of one store share decoded blocks; what is kept, and who asks at the same time, changes no answer.</summary>
public sealed class SegmentPoolTests
{
    [Fact]
    public void A_tiny_bound_changes_no_answer_and_is_kept()
    {
        for (var seed = 5101; seed <= 5104; seed++)
        {
            using var store = Ingested(seed);
            var asked = store.AllelesToAsk();
            var expected = store.Answers(store.Store.Version, asked);
            Assert.True(store.Store.Pool.HeldBytes > 0, $"seed {seed}: nothing is kept");
            foreach (var bound in new[] { 5000, 0 })
            {
                store.Store.Pool.Bound(bound);
                Assert.Equal(expected, store.Answers(store.Store.Version, asked));
                Assert.True(store.Store.Pool.HeldBytes <= bound, $"seed {seed}: {store.Store.Pool.HeldBytes} bytes held");
            }
        }
    }

    [Fact]
    public void Two_threads_that_ask_one_store_at_once_get_equal_answers()
    {
        for (var seed = 5201; seed <= 5204; seed++)
        {
            using var store = Ingested(seed);
            using var other = Ingested(seed);
            var expected = Lines(other.Store.OpenSession());
            store.Store.Pool.Bound(seed % 2 == 0 ? 20_000 : long.MaxValue);
            using var together = new Barrier(2);
            var sessions = new[] { store.Store.OpenSession(), store.Store.OpenSession() };
            var answers = new List<string>[2];
            var threads = sessions.Select((session, i) => new Thread(() =>
            {
                together.SignalAndWait();
                answers[i] = Lines(session);
            })).ToList();
            threads.ForEach(t => t.Start());
            threads.ForEach(t => t.Join());
            foreach (var answer in answers) Assert.Equal(expected, answer);
        }
    }

    [Fact]
    public void Files_of_older_versions_close_with_the_last_session_that_uses_them()
    {
        for (var seed = 5301; seed <= 5303; seed++)
        {
            using var store = Ingested(seed);
            var before = store.Store.CatalogNow.Segments.Count;
            var held = store.Store.OpenSession();
            var expected = held.Frequencies(new FrequencyRequest()).Count();
            var open = store.Store.Pool.OpenFiles;
            Assert.InRange(open, 1, before);
            store.Store.Compact();
            Assert.Equal(expected, held.Frequencies(new FrequencyRequest()).Count());
            var named = store.Store.CatalogNow.Segments.Select(s => s.File).ToHashSet();
            using (var now = store.Store.OpenSession()) Assert.Equal(expected, now.Frequencies(new FrequencyRequest()).Count());
            held.Dispose();
            Assert.InRange(store.Store.Pool.OpenFiles, 1, named.Count);
            store.Store.Dispose();
            Assert.Equal((0, 0L), (store.Store.Pool.OpenFiles, store.Store.Pool.HeldBytes));
        }
    }

    private static EngineStore Ingested(int seed)
    {
        var random = new RandomStore(seed);
        var store = new EngineStore(random);
        foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
        return store;
    }

    private static List<string> Lines(Session session)
    {
        using (session)
            return
            [
                .. new[] { new CountRules(), new CountRules { Adj = true }, new CountRules { PassOnly = true, PerSample = true } }.SelectMany(rules =>
                    session.Frequencies(new FrequencyRequest { Rules = rules }).Select(r => $"{r.Contig} {r.Start} {r.Ref} {r.Alt} {r.Figures.Ac} {r.Figures.An} {r.Figures.NNoCall} {r.Figures.NHet}")),
            ];
    }
}
