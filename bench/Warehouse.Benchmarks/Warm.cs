using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Query;

namespace Warehouse.Benchmarks;

/// <summary>
/// Frequency questions asked again and again in one process: the store is open, the cohort prepared, the blocks decoded. Prints per question
/// <c>name TAB median TAB min TAB max</c> in milliseconds of CPU time of the process over 21 runs.
/// </summary>
internal static class Warm
{
    private const int Runs = 21;

    /// <summary>Asks. Arguments: a store, [--tenth FILE of sample names], [--by COLUMN], [--only NAME of a question].</summary>
    public static int Run(string[] arguments)
    {
        string? Option(string name) => Array.IndexOf(arguments, name) is >= 0 and var i && i + 1 < arguments.Length ? arguments[i + 1] : null;
        using var store = VariantStore.Open(arguments[0]);
        using var session = store.OpenSession();
        var first = session.FrequencyBatches(new FrequencyRequest()).Select(b => (b.Contig, Start: b.Start(0))).FirstOrDefault();
        var questions = new List<(string Name, FrequencyRequest Request)> { ("all", new FrequencyRequest()) };
        if (Option("--tenth") is { } list) questions.Add(("tenth", new FrequencyRequest { Samples = new SampleChoice { Names = File.ReadAllLines(list) } }));
        questions.Add(("all --no-precomputed", new FrequencyRequest { Rules = new CountRules { NoPrecomputed = true } }));
        var by = Option("--by") ?? "ancestry";
        questions.Add(($"by {by}", new FrequencyRequest { By = by }));
        foreach (var (name, request) in questions.Take(2).ToList())
            questions.Add(($"{name}, 100 kb", request with { Regions = [new Region(first.Contig, first.Start + 1_000_000, first.Start + 1_100_000)] }));
        foreach (var (name, request) in questions)
        {
            if (Option("--only") is { } only && only != name) continue;
            try
            {
                Console.WriteLine(Line(name, session, request));
            }
            catch (InputException unknown) when (unknown.Code == "unknown-column")
            {
                Console.Error.WriteLine($"{name}: {unknown.Message}");
            }
        }
        return 0;
    }

    private static string Line(string name, Session session, FrequencyRequest request)
    {
        var (times, sum) = (new double[Runs], Sum(session, request));
        for (var warm = 0; warm < 40; warm++) Ask(session, request);
        var repeats = 1;
        for (var timing = Stopwatch.StartNew(); timing.ElapsedMilliseconds < 20; repeats++) Ask(session, request);
        for (var run = 0; run < Runs; run++)
        {
            var before = Environment.CpuUsage.TotalTime;
            for (var i = 0; i < repeats; i++) Ask(session, request);
            times[run] = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / repeats;
        }
        Array.Sort(times);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {sum.Rows} rows, AC {sum.Ac}, AN {sum.An}"));
        return string.Create(CultureInfo.InvariantCulture, $"{name}\t{times[Runs / 2]:F3}\t{times[0]:F3}\t{times[^1]:F3}");
    }

    /// <summary>Takes all batches: their columns are computed then.</summary>
    private static long Ask(Session session, FrequencyRequest request)
    {
        var rows = 0L;
        foreach (var batch in session.FrequencyBatches(request)) rows += batch.Count;
        return rows;
    }

    /// <summary>Adds up what the batches hold, to compare runs and machines by.</summary>
    private static (long Rows, long Ac, long An) Sum(Session session, FrequencyRequest request)
    {
        var (rows, ac, an) = (0L, 0L, 0L);
        foreach (var batch in session.FrequencyBatches(request))
        {
            rows += batch.Count;
            foreach (var value in batch.Ac.Values) ac += value;
            foreach (var value in batch.An.Values) an += value;
        }
        return (rows, ac, an);
    }
}
