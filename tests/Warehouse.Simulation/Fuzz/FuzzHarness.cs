using System.Diagnostics;
using System.Globalization;

namespace Warehouse.Simulation.Fuzz;

/// <summary>
/// <c>soak fuzz [--minutes N] [--seed S] [--target NAME] [--iteration I | --input FILE | --count C] [--artifacts FOLDER]</c>: all targets, or one,
/// in turns until the time is over; or one input alone, made again from seed and iteration or read from the file of a finding.
/// </summary>
internal static class FuzzHarness
{
    private const int TurnInputs = 50_000;

    /// <summary>All targets. Their files lie in the folder.</summary>
    public static IReadOnlyList<FuzzTarget> Targets(string folder) => [.. VariantTargets.All(), .. new TextTargets(folder).All(), new IngestTarget(folder).Target(), .. new StoreTargets(new StoreSeeds(folder)).All(), .. new KeyTargets().All()];

    /// <summary>Runs the harness; 0 when nothing was found.</summary>
    public static int Run(SoakOptions options)
    {
        using var scratch = new Scratch();
        var targets = Targets(scratch.Path).Where(t => options.Target is null || t.Name == options.Target).ToList();
        if (targets.Count == 0) throw new ArgumentException($"there is no target {options.Target}");
        if (options.InputPath is { } path) return Print(targets[0], new Fuzzer(targets[0], options.Seed, options.Artifacts).RunOne(File.ReadAllBytes(path)));
        if (options.Iteration is { } only) return Print(targets[0], new Fuzzer(targets[0], options.Seed, options.Artifacts).Run(only, i => i > only));
        var until = Stopwatch.StartNew();
        var totals = targets.Select(_ => new FuzzReport()).ToList();
        for (long first = 0; !IsOver(); first += TurnInputs)
            for (var i = 0; i < targets.Count && !IsOver(); i++)
            {
                var count = Math.Min(TurnInputs, options.Count is { } most ? most - first : TurnInputs);
                Add(totals[i], new Fuzzer(targets[i], options.Seed, options.Artifacts).Run(first, n => n >= first + count));
            }
        return targets.Select((t, i) => Print(t, totals[i])).ToList().Max();

        bool IsOver() => options.Count is { } count ? totals[^1].Inputs >= count || totals.Exists(t => t.Findings.Count > 0) : until.Elapsed > options.Time;
    }

    private static void Add(FuzzReport total, FuzzReport turn)
    {
        total.Inputs += turn.Inputs;
        total.Accepted += turn.Accepted;
        foreach (var (code, count) in turn.Refused) total.Refused[code] = total.Refused.GetValueOrDefault(code) + count;
        total.Findings.AddRange(turn.Findings);
        total.Took += turn.Took;
        total.Bytes += turn.Bytes;
        if (turn.Slowest > total.Slowest) total.Slowest = turn.Slowest;
        total.MostBytes = Math.Max(total.MostBytes, turn.MostBytes);
    }

    private static int Print(FuzzTarget target, FuzzReport report)
    {
        var rate = report.Took > TimeSpan.Zero ? report.Inputs / report.Took.TotalSeconds : 0;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target.Name}: {report.Inputs} inputs ({rate:f0}/s), {report.Accepted} taken, {report.Inputs - report.Accepted} refused by {report.Refused.Count} rules, slowest {report.Slowest.TotalMilliseconds:f1} ms, allocated {report.Bytes / Math.Max(1, report.Inputs)} bytes, most {report.MostBytes >> 10} KiB, {report.Findings.Count} findings"));
        Console.WriteLine("  " + string.Join(", ", report.Refused.OrderByDescending(r => r.Value).Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Key} {r.Value}"))));
        foreach (var finding in report.Findings) Console.WriteLine("  FINDING " + finding);
        return report.Findings.Count > 0 ? 1 : 0;
    }

    /// <summary>A folder in memory where there is one, gone at the end.</summary>
    internal sealed class Scratch : IDisposable
    {
        public Scratch()
        {
            var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
            Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, "warehouse-fuzz-" + Guid.NewGuid().ToString("n"))).FullName;
        }

        public string Path { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
