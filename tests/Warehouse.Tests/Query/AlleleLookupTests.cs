using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Simulate;
using Warehouse.Tests.Compact;
using Xunit;

namespace Warehouse.Tests.Query;

/// <summary>Look-ups from whole columns against the scan that counts sample by sample where it must.</summary>
public sealed class AlleleLookupTests
{
    [Fact]
    public void Random_stores_answer_a_look_up_as_they_answer_seen_and_freq()
    {
        for (var seed = 7101; seed <= 7130; seed++)
        {
            var random = new RandomStore(seed);
            using var store = new EngineStore(random);
            foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
            var dice = new Random(seed);
            var asked = store.AllelesToAsk();
            for (var i = 0; i < 3; i++) asked.AddRange(random.AllelesToAsk(dice).Select(v => $"{v.Contig}-{v.Start + 1}-{v.Ref}-{v.Alt}"));
            AssertLookups(store.Store, asked, dice, $"seed {seed}");
            if (seed % 2 == 0) store.Store.Withdraw([random.Samples[dice.Next(random.Samples.Count)].Name]);
            if (seed % 3 == 0) store.Store.Compact();
            AssertLookups(store.Store, asked, dice, $"seed {seed}, later");
        }
    }

    [Fact]
    public void Many_blocks_answer_most_look_ups_from_columns_and_all_of_them_right()
    {
        using var folder = new TempFolder();
        Simulator.Run(new SimulationOptions { Folder = folder["sim"], Samples = 24, Variants = 24_000, Seed = 7201, FamilyShare = 0, HalfCallRate = 0.0001 }, null, default);
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh37" });
        store.Ingest(new IngestRequest { Files = [folder["sim/cohort.vcf.gz"]] });
        var dice = new Random(7202);
        List<string> asked;
        using (var session = store.OpenSession())
        {
            var listed = session.Frequencies(new FrequencyRequest()).Select(r => (r.Contig, r.Start, r.Ref, r.Alt)).Where((_, i) => i % 7 == 0).ToList();
            asked = [.. listed.SelectMany(r => new[] { r, (r.Contig, Start: r.Start + dice.Next(-3, 4), Ref: "ACGT"[dice.Next(4)].ToString(), Alt: "N"), (r.Contig, r.Start, Ref: r.Ref + "A", r.Alt) }).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}")];
        }
        var (quick, all) = AssertLookups(store, asked, dice, "seed 7201");
        Assert.True(quick > all / 2, $"only {quick} of {all} look-ups were answered from columns");
    }

    [Fact]
    public void A_look_up_reports_how_many_questions_it_was_asked_and_keeps_its_bound()
    {
        using var folder = new TempFolder();
        Simulator.Run(new SimulationOptions { Folder = folder["sim"], Samples = 4, Variants = 40_000, Seed = 7301, FamilyShare = 0, SexChromosomes = false }, null, default);
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh37" });
        store.Ingest(new IngestRequest { Files = [folder["sim/cohort.vcf.gz"]] });
        var events = new List<string>();
        using var session = store.OpenSession(new Engine.Access.SessionOptions { Sink = e => events.Add($"{e.Operation} {e.Rows}") });
        using (var wide = session.PrepareLookup(SampleChoice.All))
        using (var tight = session.PrepareLookup(SampleChoice.All, new LookupMemory(0, inOrder: false)))
            for (var start = 1_000_000; start > 0; start -= 3331)
            {
                var expected = wide.Find("1", start, "A"u8, "C"u8, out var figures);
                Assert.Equal((expected, figures), (tight.Find("chr1", start, "A"u8, "C"u8, out var others), others));
            }
        Assert.Equal(["lookup 301", "lookup 301"], events);
        using var lookup = session.PrepareLookup(SampleChoice.All);
        Assert.Equal(SeenState.NotAssessable, lookup.Find("no such contig", 1, "A"u8, "C"u8, out var nowhere));
        Assert.Equal((4, 4, 0L), (nowhere.NSamples, nowhere.NNotAssessed, nowhere.An));
        Assert.Throws<InputException>(() => lookup.Find("NC_000001.99", 1, "A"u8, "C"u8, out _));
    }

    /// <summary>One question after the other by a session that keeps what it opened, against one pass in order; and when carriers were loaded, against the carriers themselves.</summary>
    private static void AssertAnyOrder(VariantStore store, SampleChoice choice, SeenAnswer[] asked, string about)
    {
        using var session = store.OpenSession(new Engine.Access.SessionOptions { AnyOrder = true });
        foreach (var expected in asked)
        {
            var answer = Assert.Single(session.Seen([expected.Query], choice));
            Assert.True(TextOf(expected) == TextOf(answer), $"{about}: {TextOf(expected)} in order, {TextOf(answer)} in any order");
        }
        if (choice != SampleChoice.All) return;
        foreach (var (expected, carried) in asked.Zip(session.Carriers(asked.Select(a => a.Query))))
            Assert.True(TextOf(expected) == TextOf(carried.Seen), $"{about}: {TextOf(expected)} by columns, {TextOf(carried.Seen)} by carriers");
    }

    private static string TextOf(SeenAnswer a) => $"{a.Query} {a.State} {a.Reason} {a.Contig} {a.Start} {a.Ref} {a.Alt} {a.End} {a.FirstSeen:O} {a.LastSeen:O} {a.OverlappingCount} {string.Join(',', a.Overlapping)} {a.Figures.Ac} {a.Figures.An} {a.Figures.NHet} {a.Figures.NHomAlt} {a.Figures.NHemi} {a.Figures.NHalf} {a.Figures.NNoCall} {a.Figures.NNotAssessed} {a.Figures.NSamples}";

    /// <summary>Asks in a random order, over several choices of samples; tells how many were answered by columns.</summary>
    private static (int Quick, int All) AssertLookups(VariantStore store, List<string> spellings, Random dice, string about)
    {
        var (quick, all) = (0, 0);
        using var session = store.OpenSession();
        var names = session.View.Catalog.Samples.Where(s => s.WithdrawnVersion == 0).Select(s => s.Name).ToList();
        foreach (var choice in new[] { SampleChoice.All, new SampleChoice { Names = [.. names.Where(_ => dice.Next(2) == 0)] } })
        {
            var asked = session.Seen(spellings, choice).Where(a => a.Contig is not null).ToArray();
            var figures = session.Frequencies(new FrequencyRequest { Variants = [.. asked.Select(a => a.Query)], Samples = choice }).Select(r => r.Figures).ToArray();
            var order = Enumerable.Range(0, asked.Length).ToArray();
            dice.Shuffle(order);
            AssertAnyOrder(store, choice, [.. order.Select(i => asked[i])], about);
            using var lookup = session.PrepareLookup(choice, new LookupMemory(dice.Next(2) == 0 ? 0 : AlleleLookup.DefaultMaxBytes, inOrder: dice.Next(2) == 0));
            foreach (var i in order)
            {
                var (reference, alternate) = (Encoding.ASCII.GetBytes(asked[i].Ref), Encoding.ASCII.GetBytes(asked[i].Alt));
                var state = lookup.Find(asked[i].Contig!, asked[i].Start, reference, alternate, out var found);
                Assert.True(state == asked[i].State, $"{about}: {asked[i].Query} is {asked[i].State}, looked up {state}");
                Assert.True(found.Equals(figures[i]), $"{about}: figures of {asked[i].Query}: AC {figures[i].Ac} AN {figures[i].An}, looked up AC {found.Ac} AN {found.An}");
                all++;
                if (lookup.Canonical(session.CanonicalOf(asked[i].Contig!)).TryFind(asked[i].Start, reference, alternate, out _, out _)) quick++;
            }
        }
        return (quick, all);
    }
}
