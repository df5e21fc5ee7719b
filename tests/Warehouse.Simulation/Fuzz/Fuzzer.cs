using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Simulate;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>What a run has seen.</summary>
internal sealed class FuzzReport
{
    /// <summary>Inputs run.</summary>
    public long Inputs { get; set; }

    /// <summary>Inputs that the parser took.</summary>
    public long Accepted { get; set; }

    /// <summary>Refusals by rule, or by the exception where it names none.</summary>
    public SortedDictionary<string, long> Refused { get; } = new(StringComparer.Ordinal);

    /// <summary>What must not happen: target, seed, iteration, what, and the file with the input.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>Time of all.</summary>
    public TimeSpan Took { get; set; }

    /// <summary>Longest time of an input.</summary>
    public TimeSpan Slowest { get; set; }

    /// <summary>Bytes allocated for all.</summary>
    public long Bytes { get; set; }

    /// <summary>Most bytes allocated for one.</summary>
    public long MostBytes { get; set; }

    /// <summary>Takes what another run of the target has seen.</summary>
    public void Add(FuzzReport other)
    {
        Inputs += other.Inputs;
        Accepted += other.Accepted;
        foreach (var (code, count) in other.Refused) Refused[code] = Refused.GetValueOrDefault(code) + count;
        Findings.AddRange(other.Findings);
        Took += other.Took;
        Bytes += other.Bytes;
        if (other.Slowest > Slowest) Slowest = other.Slowest;
        MostBytes = Math.Max(MostBytes, other.MostBytes);
    }
}

/// <summary>
/// Runs inputs of a target and watches each one: the exceptions that its contract names are the only ones, it takes less than a second
/// (measured again before it is believed), it allocates no more than its bound, and it ends. Input i of a seed follows from both
/// alone, so any finding can be run again by itself. One call at a time per target.
/// </summary>
/// <param name="target">What is attacked.</param>
/// <param name="seed">Where the draws start.</param>
/// <param name="artifacts">Where the inputs of findings are written.</param>
internal sealed class Fuzzer(FuzzTarget target, ulong seed, string artifacts)
{
    private const int StackBytes = 1 << 20;
    private const int MostFindings = 20;
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Endless = TimeSpan.FromSeconds(60);

    private readonly Mutator _mutator = new();
    private readonly FuzzReport _report = new();
    private long _iteration;
    private long _startedAt;
    private byte[] _input = [];

    /// <summary>Runs the inputs first, first + 1, … until <paramref name="isDone"/>, or until there are too many findings.</summary>
    public FuzzReport Run(long first, Func<long, bool> isDone)
    {
        var thread = new Thread(() =>
        {
            for (_iteration = first; !isDone(_iteration) && _report.Findings.Count < MostFindings; _iteration++) RunOne(Input(_iteration));
        }, StackBytes) { IsBackground = true, Name = "fuzz " + target.Name };
        var start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _startedAt, start);
        thread.Start();
        while (!thread.Join(TimeSpan.FromSeconds(1)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _startedAt)) < Endless) continue;
            Find("an input that does not end");
            return _report; // the thread stays behind: nothing can stop it
        }
        _report.Took = Stopwatch.GetElapsedTime(start);
        return _report;
    }

    /// <summary>The input of an iteration.</summary>
    public byte[] Input(long iteration)
    {
        var random = new Prng(seed ^ ((ulong)Crc32.Compute(System.Text.Encoding.ASCII.GetBytes(target.Name)) << 32), (ulong)iteration);
        return target.Make?.Invoke(random, _mutator) ?? _mutator.Make(random, target.Seeds, target.Words);
    }

    /// <summary>Runs one input and notes what it does.</summary>
    public FuzzReport RunOne(byte[] input)
    {
        Volatile.Write(ref _input, input);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var failure = Measure(input, out var took);
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        _report.Inputs++;
        if (failure is null) _report.Accepted++;
        else if (!target.Expects(failure)) Find(failure.ToString());
        else Count(failure is InputException refused ? refused.Code : failure.GetType().Name);
        _report.Bytes += bytes;
        if (bytes > _report.MostBytes) _report.MostBytes = bytes;
        if (bytes > target.MaxAllocatedBytes && AllocatesAgain(input)) Find(string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes allocated for {input.Length}"));
        // Another process or a collection may have taken the time: only what is slow three times is slow.
        for (var again = 0; again < 2 && took > Slow; again++)
        {
            Measure(input, out var repeated);
            if (repeated < took) took = repeated;
        }
        if (took > _report.Slowest) _report.Slowest = took;
        if (took > Slow) Find(string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:f1} s for {input.Length} bytes"));
        return _report;
    }

    private Exception? Measure(byte[] input, out TimeSpan took)
    {
        var start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _startedAt, start);
        Exception? failure = null;
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            failure = e;
        }
        took = Stopwatch.GetElapsedTime(start);
        return failure;
    }

    /// <summary>A buffer of a pool is new once and used again then: what counts is what an input allocates every time.</summary>
    private bool AllocatesAgain(byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Measure(input, out _);
        return GC.GetAllocatedBytesForCurrentThread() - before > target.MaxAllocatedBytes;
    }

    private void Count(string code) => _report.Refused[code] = _report.Refused.GetValueOrDefault(code) + 1;

    private void Find(string what)
    {
        Directory.CreateDirectory(artifacts);
        var file = Path.Combine(artifacts, string.Create(CultureInfo.InvariantCulture, $"{target.Name}-{seed}-{_iteration}.bin"));
        File.WriteAllBytes(file, Volatile.Read(ref _input));
        _report.Findings.Add(string.Create(CultureInfo.InvariantCulture, $"{target.Name}: seed {seed}, iteration {_iteration}, input in {file}: {what}"));
    }
}
