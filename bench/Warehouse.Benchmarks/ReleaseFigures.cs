using System.Diagnostics;
using Warehouse.Engine.Release;

namespace Warehouse.Benchmarks;

/// <summary>What the rules of release cost: a variant by number of groups, a charge alone and shared, and reading a ledger again.</summary>
internal static class ReleaseFigures
{
    private const int Samples = 50_000, Batch = 1000, Alone = 200, Projects = 20;

    private static readonly ReleasePolicy Wide = new() { PeoplePerUnit = 1, RareUnits = 1, SharedFactor = Projects };

    /// <summary>Prints the figures. The folder is made and must not exist; the keys are those of any store.</summary>
    public static int Run(string folder, string keysPath)
    {
        using (var ledger = ReleaseLedger.Open(folder, keysPath))
        {
            ledger.OpenEpoch(1, Samples);
            var releaser = new Releaser(ledger, TimeProvider.System);
            foreach (var groups in (ReadOnlySpan<int>)[0, 2, 5, 7, 26]) Listing(releaser, groups);
            Single(releaser);
            ledger.OpenEpoch(2, Samples);
            for (var p = 0; p < Projects; p++) Listing(releaser, 0, epoch: 2, count: Samples, project: $"full {p}");
        }
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        using var again = ReleaseLedger.Open(folder, keysPath);
        var bytes = new DirectoryInfo(Path.Combine(folder, ReleaseLedger.FolderName)).GetFiles().Max(f => f.Length);
        Console.WriteLine(FormattableString.Invariant($"reading {Projects * Samples} charges again: {watch.Elapsed.TotalSeconds:f2} s, {bytes / 1e6:f0} MB on disk, {(GC.GetTotalMemory(forceFullCollection: true) - before) / 1e6:f0} MB in memory"));
        return 0;
    }

    private static void Listing(Releaser releaser, int groups, long epoch = 1, int count = 20_000, string? project = null)
    {
        var each = Samples / Math.Max(1, groups);
        var request = new ReleaseRequest
        {
            Project = project ?? $"groups {groups}", Epoch = epoch, Policy = Wide,
            Cohort = Range(0, Math.Max(1, groups) * each), Groups = [.. Enumerable.Range(0, groups).Select(g => Range(g * each, each))],
        };
        var call = releaser.Open(request);
        var random = new Random(1);
        var watch = new Stopwatch();
        count = Math.Min(count, each - Batch);
        for (var done = 0; done < count; done += Batch)
        {
            var keys = Enumerable.Range(done, Batch).Select(v => $"22:{v}:A:T").ToArray();
            var cells = keys.SelectMany(_ => Cells(random, groups, each)).ToArray();
            watch.Start();
            call.Release(keys, cells);
            watch.Stop();
        }
        if (project is null) Console.WriteLine(FormattableString.Invariant($"{groups} groups: {watch.Elapsed.TotalNanoseconds / count:f0} ns per variant, {Batch} in a charge"));
    }

    private static void Single(Releaser releaser)
    {
        var call = releaser.Open(new ReleaseRequest { Project = "single", Epoch = 1, Policy = Wide, Cohort = Range(0, Samples) });
        var cells = Cells(new Random(1), 0, Samples).ToArray();
        var watch = Stopwatch.StartNew();
        for (var v = 0; v < Alone; v++) call.Release([$"alone {v}"], cells);
        Console.WriteLine(FormattableString.Invariant($"one variant alone: {watch.Elapsed.TotalMilliseconds / Alone:f2} ms"));
        watch.Restart();
        Task.WaitAll([.. Enumerable.Range(0, 4096).Select(v => call.ReleaseAsync([$"together {v}"], cells))]);
        Console.WriteLine(FormattableString.Invariant($"4096 at once: {watch.Elapsed.TotalMicroseconds / 4096:f1} us each"));
        watch.Restart();
        for (var v = 0; v < 4096; v++) call.Release([$"together {v}"], cells);
        Console.WriteLine(FormattableString.Invariant($"the same again, free: {watch.Elapsed.TotalMicroseconds / 4096:f2} us each"));
    }

    private static IEnumerable<BaseCells> Cells(Random random, int groups, int each)
    {
        var parts = Enumerable.Range(0, Math.Max(1, groups)).Select(_ => random.Next(4) == 0 ? random.Next(11) : random.Next(20, each / 4)).Select(one => BaseCells.Of(each, one, 0, 0, (one, 2L * each))).ToArray();
        var total = parts.Aggregate((a, b) => a + b);
        return groups == 0 ? [total] : [total, .. parts];
    }

    private static CohortSet Range(int first, int count) => CohortSet.Of(Samples, Enumerable.Range(first, count));
}
