using Warehouse.Engine.Release;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Release;

/// <summary>The level exists: whether k people carry a variant, and when that is not told.</summary>
public sealed class PresenceTests : IDisposable
{
    private const int Seed = 71, K = 11;

    private readonly ITestOutputHelper _output;
    private readonly SimLedger _sim = new();
    private ReleaseLedger _ledger;

    public PresenceTests(ITestOutputHelper output) => (_output, _ledger) = (output, _sim.Open());

    public void Dispose() => _ledger.Dispose();

    /// <summary>Whatever else of the row is small, and whatever is asked first, carriers alone say which of the two it is.</summary>
    [Theory]
    [InlineData(85, 5, 0, Presence.Reached)] // few homozygous
    [InlineData(90, 0, 3, Presence.Reached)] // few missing
    [InlineData(3, 87, 0, Presence.Reached)] // few with one copy
    [InlineData(495, 0, 0, Presence.Reached)] // few without it
    [InlineData(11, 0, 0, Presence.Reached)]
    [InlineData(10, 0, 0, Presence.Fewer)]
    [InlineData(6, 4, 100, Presence.Fewer)]
    [InlineData(0, 0, 0, Presence.Fewer)]
    public void Carriers_alone_decide(int one, int hom, int missing, Presence expected)
    {
        var cohort = SimLedger.Range(0, 500);
        var cells = new BaseCells(500 - one - hom - missing, one, hom, missing, one + (2L * hom), 2L * (500 - missing));
        Assert.Equal([expected], SimLedger.Tell(Call(cohort), ["v"], [cells]).States);
        var isBanded = Call(cohort).Release(["v"], [cells]).Rows[0].IsBanded;
        Assert.Equal(one != 11, isBanded);
        Assert.Equal(isBanded, Call(cohort).Release(["w"], [cells]).Rows[0].IsBanded);
        Assert.Equal([expected, expected], SimLedger.Tell(Call(cohort), ["w", "v"], [cells, cells]).States);
    }

    [Fact]
    public void Either_answer_is_paid_once_as_the_dearest_and_outlives_the_process()
    {
        var (one, other) = (SimLedger.Range(0, 500), SimLedger.Range(500, 500));
        var batch = SimLedger.Tell(Call(one), ["many", "few"], [SimLedger.Carriers(one, 300), SimLedger.Carriers(one, 3)]);
        Assert.Equal([Presence.Reached, Presence.Fewer], batch.States);
        Assert.Equal(10, _ledger.UnitsOf("p", one));
        _ledger.Dispose();
        _ledger = _sim.Open();
        Assert.Equal([Presence.Fewer, Presence.Reached], SimLedger.Tell(Call(one), ["few", "many"], [SimLedger.Carriers(one, 3), SimLedger.Carriers(one, 300)]).States);
        Assert.False(Call(one).Release(["many"], [SimLedger.Carriers(one, 300)]).Rows[0].IsBanded); // figures of what was told cost nothing more
        Assert.Equal(10, _ledger.UnitsOf("p", one));
        Assert.Equal([Presence.Reached], SimLedger.Tell(Call(other), ["many"], [SimLedger.Carriers(other, 40)]).States); // nobody in both
        var rest = SimLedger.Tell(Call(one), [.. Enumerable.Range(0, 20).Select(v => $"v{v}")], [.. Enumerable.Repeat(SimLedger.Carriers(one, 300), 20)]);
        Assert.Equal((8, ReleaseRule.OverBudget), (rest.Answered, rest.Stopped)); // 50 units
        Assert.Throws<InvalidOperationException>(() => SimLedger.Tell(new Releaser(_ledger, TimeProvider.System).Open(SimLedger.Request(groups: SimLedger.Groups)), [], []));
    }

    [Fact]
    public void What_overlaps_is_told_where_it_follows_and_withheld_where_it_does_not()
    {
        var (inner, outer) = (SimLedger.Range(0, 500), SimLedger.Range(0, 800));
        // k in a part are k in the whole; fewer in the whole are fewer in a part; and nothing more is paid.
        Assert.Equal([Presence.Reached], Tell(inner, "a", 20));
        Assert.Equal([Presence.Reached], Tell(outer, "a", 25));
        Assert.Equal([Presence.Fewer], Tell(outer, "b", 5));
        Assert.Equal([Presence.Fewer], Tell(inner, "b", 5));
        Assert.Equal((5, 5), (_ledger.UnitsOf("p", inner), _ledger.UnitsOf("p", outer)));
        // Ten in the part and eleven in the whole would be one of the others.
        Assert.Equal([Presence.Fewer], Tell(inner, "c", 10));
        Assert.Equal([Presence.Withheld], Tell(outer, "c", 11));
        Assert.True(Call(outer).Release(["c"], [SimLedger.Carriers(outer, 200)]).Rows[0].IsBanded);
        Assert.Equal([Presence.Reached], Tell(outer, "d", 12));
        Assert.Equal([Presence.Withheld], Tell(inner, "d", 11));
        Assert.Equal([Presence.Withheld], Tell(inner, "d", 3));
        // The same beside figures.
        Assert.False(Call(outer).Release(["e"], [SimLedger.Carriers(outer, 12)]).Rows[0].IsBanded);
        Assert.Equal([Presence.Withheld], Tell(inner, "e", 11));
        Assert.Equal([Presence.Reached], Tell(outer, "e", 12));
        Assert.False(Call(inner).Release(["f"], [SimLedger.Carriers(inner, 12)]).Rows[0].IsBanded);
        Assert.Equal([Presence.Reached], Tell(outer, "f", 13));
        // What was banded tells nothing, so it keeps nothing back.
        Assert.True(Call(outer).Release(["g"], [SimLedger.Carriers(outer, 3)]).Rows[0].IsBanded);
        Assert.Equal([Presence.Fewer], Tell(inner, "g", 3));
    }

    /// <summary>
    /// Cohorts that differ by one person: ten others of whom the attacker knows that they carry it, and the victim, who makes it eleven or not. The guard refuses
    /// the second cohort, whichever it is; where only the threshold holds, every victim is told.
    /// </summary>
    [Fact]
    public void Cohorts_that_differ_by_one_person_tell_of_nobody()
    {
        const int Victims = 200;
        var (random, recovered, control) = (new Random(Seed), 0, 0);
        for (var v = 0; v < Victims; v++)
        {
            var isCarrier = random.Next(2) == 0;
            var (without, with) = (SimLedger.Range(0, 500), SimLedger.Range(0, 501));
            var carriers = CohortSet.Of(SimLedger.Samples, [.. Enumerable.Range(20, K - 1), .. isCarrier ? [500] : Array.Empty<int>()]);
            if (with.CountBoth(carriers) >= K == isCarrier && without.CountBoth(carriers) < K) control++;
            using var ledger = new SimLedger().Open();
            var releaser = new Releaser(ledger, TimeProvider.System);
            var told = new List<Presence>();
            foreach (var cohort in random.Next(2) == 0 ? [without, with] : new[] { with, without })
            {
                try
                {
                    told.Add(SimLedger.Tell(releaser.Open(SimLedger.Request(cohort)), ["v"], [SimLedger.Carriers(cohort, carriers)]).States[0]);
                }
                catch (ReleaseRefusedException e) when (e.Rule == ReleaseRule.IsolatesFew)
                {
                    // The first alone says that ten or eleven of 501 carry it, or ten of 500.
                }
            }
            if (told.Count > 1) recovered++;
        }
        _output.WriteLine($"one person more, seed {Seed}: {recovered} of {Victims} recovered; {control} where only counts below k are hidden");
        Assert.Equal((0, Victims), (recovered, control));
    }

    /// <summary>
    /// Random cohorts of four blocks of eight people, k = 3, asked in turn for figures and for presence. Against all tables of integers that agree with what was
    /// told: of no union of blocks does a presence leave fewer than k values, if it leaves fewer than the figures alone.
    /// </summary>
    [Fact]
    public void No_union_of_what_was_told_is_left_with_fewer_than_k_values()
    {
        const int Blocks = 4, Size = 8, Few = 3;
        var policy = ReleasePolicy.Research with { K = Few, MinimumCohort = Size, PeoplePerUnit = 1, RareUnits = 1, SharedFactor = 1_000_000 };
        var tables = Enumerable.Range(0, (int)Math.Pow(Size + 1, Blocks)).Select(t => Enumerable.Range(0, Blocks).Select(b => t / (int)Math.Pow(Size + 1, b) % (Size + 1)).ToArray()).ToArray();
        var (random, counts) = (new Random(Seed), new Dictionary<string, int>());
        for (var run = 0; run < 300; run++)
        {
            var truth = Enumerable.Range(0, Blocks).Select(_ => random.Next(3) == 0 ? random.Next(Size + 1) : random.Next(4)).ToArray();
            var releaser = new Releaser(_ledger, TimeProvider.System);
            var (figures, presences) = (new List<(int Blocks, int Carriers)>(), new List<(int Blocks, bool IsReached)>());
            for (var turn = 0; turn < 8; turn++)
            {
                var mask = random.Next(1, 1 << Blocks);
                var cohort = CohortSet.Of(SimLedger.Samples, Enumerable.Range(0, Blocks * Size).Where(s => (mask >> (s / Size) & 1) != 0));
                var call = releaser.Open(SimLedger.Request(cohort, project: $"run {run}") with { Policy = policy });
                var cells = SimLedger.Carriers(cohort, SumOf(truth, mask));
                if (random.Next(2) == 0)
                {
                    var batch = call.Release([$"v{run}"], [cells]);
                    if (batch.Answered == 1 && !batch.Rows[0].IsBanded) figures.Add((mask, batch.Rows[0].Carriers));
                    continue;
                }
                var told = SimLedger.Tell(call, [$"v{run}"], [cells]);
                if (told.Answered == 0) continue;
                counts[$"{told.States[0]}"] = counts.GetValueOrDefault($"{told.States[0]}") + 1;
                if (told.States[0] == Presence.Withheld) continue;
                Assert.Equal(cells.Carriers >= Few, told.States[0] == Presence.Reached);
                presences.Add((mask, told.States[0] == Presence.Reached));
            }
            var byFigures = tables.Where(t => figures.All(f => SumOf(t, f.Blocks) == f.Carriers)).ToArray();
            var byAll = byFigures.Where(t => presences.All(p => SumOf(t, p.Blocks) >= Few == p.IsReached)).ToArray();
            for (var mask = 1; mask < 1 << Blocks; mask++)
            {
                var (before, after) = (byFigures.Select(t => SumOf(t, mask)).ToHashSet(), byAll.Select(t => SumOf(t, mask)).ToHashSet());
                Assert.True(after.Count == before.Count || after.Count >= Few, $"seed {Seed}, run {run}: blocks {mask:b} have one of {string.Join(' ', after.Order())}");
            }
        }
        _output.WriteLine(string.Join(", ", counts.Select(c => $"{c.Key} {c.Value}")));
        foreach (var state in (ReadOnlySpan<string>)["Fewer", "Reached", "Withheld"]) Assert.InRange(counts[state], 50, 2000);

        static int SumOf(int[] table, int mask) => table.Where((_, b) => (mask >> b & 1) != 0).Sum();
    }

    /// <summary>Stores that differ in genotypes alone, and of which the same was told so far, are withheld the same, refused the same and left the same.</summary>
    [Fact]
    public void Withheld_follows_from_members_and_earlier_answers()
    {
        var (random, withheld, same) = (new Random(Seed), 0, 0);
        for (var run = 0; run < 200; run++)
        {
            using var one = new SimLedger().Open();
            using var two = new SimLedger().Open();
            var worlds = Enumerable.Range(0, 4).Select(_ => CohortSet.Of(SimLedger.Samples, Enumerable.Range(0, 1000).Where(_ => random.Next(30) == 0))).ToArray();
            for (var turn = 0; turn < 12; turn++)
            {
                var cohort = SimLedger.Range(random.Next(4) * 100, (random.Next(4) + 2) * 100);
                var (isFigures, variant) = (random.Next(3) == 0, random.Next(2));
                var (a, b) = (Ask(one, worlds[variant]), Ask(two, worlds[2 + variant]));
                if (a == "Withheld" || b == "Withheld")
                {
                    Assert.Equal(a, b);
                    withheld++;
                }
                Assert.Equal(a.StartsWith("refused", StringComparison.Ordinal), b.StartsWith("refused", StringComparison.Ordinal));
                if (a != b) break;
                same++;
                if (a.StartsWith("refused", StringComparison.Ordinal)) continue;
                Assert.Equal(one.UnitsOf("p", cohort), two.UnitsOf("p", cohort));

                string Ask(ReleaseLedger ledger, CohortSet carriers)
                {
                    try
                    {
                        var call = new Releaser(ledger, TimeProvider.System).Open(SimLedger.Request(cohort));
                        if (!isFigures) return SimLedger.Tell(call, [$"v{variant}"], [SimLedger.Carriers(cohort, carriers)]) is { Answered: 1 } told ? $"{told.States[0]}" : "refused over budget";
                        var batch = call.Release([$"v{variant}"], [SimLedger.Carriers(cohort, carriers)]);
                        return batch.Answered == 1 ? $"{batch.Rows[0]}" : $"refused {batch.Stopped}";
                    }
                    catch (ReleaseRefusedException e)
                    {
                        return $"refused {e.Rule}";
                    }
                }
            }
        }
        _output.WriteLine($"{same} equal answers, {withheld} withheld");
        Assert.InRange(withheld, 30, 5000);
    }

    private Presence[] Tell(CohortSet cohort, string variant, int carriers) => SimLedger.Tell(Call(cohort), [variant], [SimLedger.Carriers(cohort, carriers)]).States;

    private ReleaseCall Call(CohortSet cohort) => new Releaser(_ledger, TimeProvider.System).Open(SimLedger.Request(cohort));
}
