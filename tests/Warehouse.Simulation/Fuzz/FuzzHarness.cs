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
    private static readonly TimeSpan TurnTime = TimeSpan.FromSeconds(2);

    /// <summary>All targets. Their files lie in the folder.</summary>
    public static IReadOnlyList<FuzzTarget> Targets(string folder) => [.. VariantTargets.All(), .. new TextTargets(folder).All(), new IngestTarget(folder).Target(), .. new StoreTargets(new StoreSeeds(folder)).All(), .. new KeyTargets().All(), .. new EventTargets().All(), .. ClinicTargets.All()];

    /// <summary>Runs the harness: how many inputs, and how many findings.</summary>
    public static (long Runs, long Failures) Run(SoakOptions options)
    {
        using var scratch = new Scratch();
        var targets = Targets(scratch.Path).Where(t => options.Target is null || t.Name == options.Target).ToList();
        if (targets.Count == 0) throw new ArgumentException($"there is no target {options.Target}");
        if (options.InputPath is { } path) return Print(targets[0], new Fuzzer(targets[0], options.Seed, options.Artifacts).RunOne(File.ReadAllBytes(path)));
        if (options.Iteration is { } only) return Print(targets[0], new Fuzzer(targets[0], options.Seed, options.Artifacts).Run(only, i => i > only));
        var until = Stopwatch.StartNew();
        var totals = targets.Select(_ => new FuzzReport()).ToList();
        do
        {
            for (var i = 0; i < targets.Count && !IsLate(); i++) totals[i].Add(Turn(targets[i], totals[i].Inputs, options));
        }
        while (options.Count is { } count ? totals.Exists(t => t.Inputs < count) && !totals.Exists(t => t.Findings.Count > 0) : !IsLate());
        for (var i = 0; i < targets.Count; i++) Print(targets[i], totals[i]);
        return (totals.Sum(t => t.Inputs), totals.Sum(t => (long)t.Findings.Count));

        bool IsLate() => options.Count is null && until.Elapsed > options.Time;
    }

    /// <summary>Goes on where the turn before ended; a slow target has fewer inputs in its turn.</summary>
    private static FuzzReport Turn(FuzzTarget target, long first, SoakOptions options)
    {
        var last = options.Count is { } most ? Math.Min(first + TurnInputs, most) : first + TurnInputs;
        var clock = Stopwatch.StartNew();
        return new Fuzzer(target, options.Seed, options.Artifacts).Run(first, n => n >= last || (options.Count is null && clock.Elapsed > TurnTime));
    }

    private static (long Runs, long Failures) Print(FuzzTarget target, FuzzReport report)
    {
        var rate = report.Took > TimeSpan.Zero ? report.Inputs / report.Took.TotalSeconds : 0;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target.Name}: {report.Inputs} inputs ({rate:f0}/s), {report.Accepted} taken, {report.Inputs - report.Accepted} refused by {report.Refused.Count} rules, slowest {report.Slowest.TotalMilliseconds:f1} ms, allocated {report.Bytes / Math.Max(1, report.Inputs)} bytes, most {report.MostBytes >> 10} KiB, {report.Findings.Count} findings"));
        Console.WriteLine("  " + string.Join(", ", report.Refused.OrderByDescending(r => r.Value).Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Key} {r.Value}"))));
        foreach (var finding in report.Findings) Console.WriteLine("  FINDING " + finding);
        return (report.Inputs, report.Findings.Count);
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
