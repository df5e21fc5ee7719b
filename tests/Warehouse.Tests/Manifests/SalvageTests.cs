using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Manifests;

/// <summary>F15: whatever is damaged of a store, a salvage brings back all that is provably whole, and names the rest; no answer is ever lower.</summary>
public sealed class SalvageTests(ITestOutputHelper output)
{
    private static readonly string[] Damages = ["gone", "half", "first", "middle", "last", "another's"];

    private string _answer = "";

    [Fact]
    public void Each_file_however_damaged_leaves_a_store_whose_answers_are_right_or_say_what_they_lack()
    {
        using var store = new SalvageStore();
        HashSet<string> needed, lists;
        using (var folder = StoreFolder.Open(store.Disk, store.Keys, TimeProvider.System))
            (needed, lists) = ([.. folder.Current.Named.Select(f => f.Name), .. store.Contents.Keys.Where(n => n[0] is 'm' or 's' or 'k')], [.. folder.Current.Files.Chunks.Select(c => c.ListFile.Name)]);
        var tally = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, good) in store.Contents.Where(f => f.Value.Length > 0))
            foreach (var damage in Damages)
            {
                store.Poke(name, Damage(good, damage, store.Contents.Values.First(b => b.Length > 0 && !b.AsSpan().SequenceEqual(good))));
                _answer = "";
                var outcome = Check(store, [name], $"{name} {damage}");
                Assert.True(needed.Contains(name) == (outcome != "whole"), $"{name} {damage}: {outcome}");
                if (lists.Contains(name)) Assert.Equal(("newest, something lost", ""), (outcome, _answer)); // which files there are is found out without it
                tally[outcome] = tally.GetValueOrDefault(outcome) + 1;
                store.Mend();
            }
        foreach (var (outcome, count) in tally) output.WriteLine($"{outcome}: {count}");
        foreach (var outcome in (string[])["whole", "newest, something lost", "older", "nothing"]) Assert.True(tally.ContainsKey(outcome), outcome);
        Assert.Equal("whole", Check(store, [], "no damage"));
    }

    [Fact]
    public void Several_damages_at_once_leave_a_store_whose_answers_are_right_or_say_what_they_lack()
    {
        const int seed = 20261129, cases = 100;
        using var store = new SalvageStore();
        var (random, names) = (new Random(seed), store.Contents.Where(f => f.Value.Length > 0 && f.Key != "keys/master-00000001").Select(f => f.Key).ToList());
        for (var i = 0; i < cases; i++)
        {
            var damaged = Enumerable.Range(0, random.Next(2, 6)).Select(_ => names[random.Next(names.Count)]).Distinct().ToList();
            foreach (var name in damaged) store.Poke(name, Random(store.Contents[name], random, store.Contents[names[random.Next(names.Count)]]));
            Check(store, damaged, $"seed {seed}, case {i}: {string.Join(' ', damaged)}");
            store.Mend();
        }
    }

    /// <summary>Salvages and holds what comes out against what the store answered; returns what became of it.</summary>
    private string Check(SalvageStore store, IReadOnlyList<string> damaged, string what)
    {
        try
        {
            var before = store.Now();
            var outcome = Judge(store, damaged);
            Assert.Equal(before, store.Now());
            return outcome;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}: {(e.Message.Length > 2000 ? e.Message[..2000] : e.Message)}\n{_answer}", e);
        }
    }

    private string Judge(SalvageStore store, IReadOnlyList<string> damaged)
    {
        SalvageReport report;
        SimDisk disk, keys;
        try
        {
            (report, disk, keys) = store.Salvage();
        }
        catch (DamagedStoreException e)
        {
            Assert.Contains("master-", e.File, StringComparison.Ordinal);
            return "nothing";
        }
        if (!report.IsWhole) Assert.Contains(report.Findings, f => f.Kind is SalvageKind.File or SalvageKind.Snapshot);
        if (report.Version == 0)
        {
            Assert.Contains(report.Findings, f => f.Kind == SalvageKind.Refused);
            Assert.Empty(disk.AllFiles());
            Assert.Empty(keys.AllFiles());
            var first = report;
            (report, disk, keys) = store.Salvage(acceptOlder: true, assembly: "toy1");
            if (report.Version == 0)
            {
                Assert.Contains(report.Findings, f => f.Problem.Contains("the catalog of no snapshot is whole", StringComparison.Ordinal));
                return "nothing";
            }
            // Its name stands in the report that refuses, and again in the one of what was taken.
            foreach (var one in (SalvageReport[])[first, report]) Assert.Contains(one.Findings, f => damaged.Any(d => f.Name == d || f.Problem.Contains(d, StringComparison.Ordinal)));
        }
        using var salvaged = SalvageStore.Open(disk, keys);
        Assert.Equal(report.Version, salvaged.Version);
        var isLower = Compare(store, salvaged, report);
        // What the new store lacks is what verify finds in it, and nothing else.
        var lost = salvaged.Verify().Where(f => f.Kind != FindingKind.Surplus).Select(f => f.File).Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.Equal(report.Findings.Where(f => f.Kind == SalvageKind.Range).Select(f => f.Name).Distinct().Order(StringComparer.Ordinal), lost);
        Assert.Equal(report.Version, salvaged.Snapshots()[^1].Version);
        if (report.IsWhole) Assert.False(isLower);
        return report.IsWhole ? "whole" : report.Version == store.Newest ? "newest, something lost" : "older";
    }

    /// <summary>Each answer is what the damaged store gave when the version was its newest, or says that it met damage in a range that the report names.</summary>
    private bool Compare(SalvageStore store, VariantStore salvaged, SalvageReport report)
    {
        var (answers, then) = (SalvageStore.Answers(salvaged), store.AnswersThen(report.Version));
        // Whom a lost version withdrew stays withdrawn where that can be read: then the answers are those of the snapshot as it would be asked now.
        if (report.Findings.Any(f => f.Name == "withdrawn samples"))
        {
            var now = store.Now();
            store.Mend();
            using (var whole = store.Open()) then = SalvageStore.Answers(whole, report.Version);
            foreach (var (name, _) in store.Contents) store.Poke(name, now.GetValueOrDefault(name));
        }
        var lacking = false;
        for (var i = 0; i < then.Count; i++)
        {
            if (answers[i] == then[i]) continue;
            lacking = true;
            _answer = $"now {answers[i]}\nthen {then[i]}";
            Assert.EndsWith(SalvageStore.Damaged, answers[i], StringComparison.Ordinal);
            var (contig, position) = (answers[i].Split('-', ':')[0], int.Parse(answers[i].Split('-', ':')[1]));
            Assert.Contains(report.Findings, f => f.Kind == SalvageKind.Range && f.Range!.Split(':')[0] == contig && (answers[i].Contains(':', StringComparison.Ordinal) || IsIn(f.Range, position)));
        }
        return lacking;
    }

    private static bool IsIn(string range, int position)
    {
        var ends = range.Split(':')[1].Split('-');
        return position >= int.Parse(ends[0]) && position <= int.Parse(ends[1]);
    }

    private static byte[]? Damage(byte[] good, string how, byte[] other) => how switch
    {
        "gone" => null, "half" => good[..(good.Length / 2)], "another's" => other,
        "first" => Flipped(good, good.Length > 60 ? 50 : 0), "middle" => Flipped(good, good.Length / 2), _ => Flipped(good, good.Length - 1),
    };

    private static byte[]? Random(byte[] good, Random random, byte[] other) => random.Next(8) switch
    {
        0 => null, 1 => good[..(random.Next(2) * random.Next(good.Length))], 2 => other, 3 => [.. good, 7], 4 => new byte[good.Length], _ => Flipped(good, random.Next(good.Length)),
    };

    private static byte[] Flipped(byte[] good, int at)
    {
        var bad = (byte[])good.Clone();
        bad[at] ^= 16;
        return bad;
    }
}
