using System.Diagnostics;
using Warehouse.Engine.Audit;

namespace Warehouse.Benchmarks;

/// <summary>What the audit log costs: appends alone and shared, and reading all of it.</summary>
internal static class AuditFigures
{
    private const int Alone = 200, Together = 4096;

    /// <summary>Prints the figures. The folder is made and must not exist; the keys are those of any store.</summary>
    public static int Run(string folder, string keysPath, int count)
    {
        using var keys = AuditKeys.Open(keysPath);
        using (var log = AuditLog.Open(folder, keys, TimeProvider.System))
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < Alone; i++) log.Append([Entry(i)]);
            Console.WriteLine(FormattableString.Invariant($"one append alone: {watch.Elapsed.TotalMilliseconds / Alone:f2} ms"));
            watch.Restart();
            for (var done = Alone; done < count; done += Together)
                Task.WaitAll([.. Enumerable.Range(done, Math.Min(Together, count - done)).Select(i => log.AppendAsync([Entry(i)]))]);
            Console.WriteLine(FormattableString.Invariant($"{count - Alone} appends, {Together} at once: {watch.Elapsed.TotalSeconds:f2} s"));
        }
        var verify = Stopwatch.StartNew();
        var (entries, findings) = AuditVerifier.Verify(folder, keys, null, CancellationToken.None);
        Console.WriteLine(FormattableString.Invariant($"verify of {entries} entries: {verify.Elapsed.TotalSeconds:f2} s, {findings.Count} findings"));
        return findings.Count == 0 ? 0 : 3;
    }

    private static AuditEntry Entry(int number) => new()
    {
        Kind = AuditKind.End, Call = number.ToString("x32", System.Globalization.CultureInfo.InvariantCulture), Who = "somebody", Role = "owner", Verb = "carriers", Purpose = "operations", Snapshot = 7,
        Scope = new string('a', 64), Cohort = new string('b', 64), Query = new string('c', 32), Outcome = "done", Rows = number, DurationMs = 12, Result = new string('d', 64),
    };
}
