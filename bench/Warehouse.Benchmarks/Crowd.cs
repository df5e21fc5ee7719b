using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Rpc.Client;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// More at once than there is room for (F60): ten thousand clients on two hundred connections ask one variant each, all at the same time, and whoever is
/// refused asks again when the server said. Prints how many were answered, and right, within a minute, how long a refusal took, for its client and
/// for the server, and what memory the server's process has had at most.
/// </summary>
internal static class Crowd
{
    private const int Connections = 200, CallsEach = 50, ConnectingAtOnce = 8;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    /// <summary>Measures a server.</summary>
    /// <param name="of">Its process, and the port of its operator's pages.</param>
    /// <param name="connect">Makes a connection.</param>
    /// <param name="store">The store that it serves.</param>
    /// <param name="queries">Stored variants.</param>
    public static async Task MeasureAsync((Process Process, int Pages) of, Func<RpcChannel> connect, string store, string[] queries)
    {
        var server = of.Process;
        var expected = Expected(store, queries[..Math.Min(queries.Length, Connections * CallsEach)]);
        var channels = Enumerable.Range(0, Connections).Select(_ => connect()).ToArray();
        var clients = channels.Select(c => new V1.Variants.VariantsClient(c)).ToArray();
        // Two hundred handshakes at once are another question.
        await Parallel.ForEachAsync(clients, new ParallelOptions { MaxDegreeOfParallelism = ConnectingAtOnce }, async (client, stop) => await client.SeenAsync(Served.Unary(queries[0]), cancellationToken: stop));
        await server.StandardInput.WriteLineAsync("begin");
        await server.StandardInput.FlushAsync();
        var (before, start) = (PeakMegabytes(server.Id), Stopwatch.GetTimestamp());
        var (right, wrong, late, slow, refusals) = (0, 0, 0, 0, new List<double>[Connections * CallsEach]);
        await Task.WhenAll(Enumerable.Range(0, Connections * CallsEach).Select(i => Task.Run(async () =>
        {
            var (mine, want, wait) = (refusals[i] = [], expected[i % expected.Length], new Random(i));
            while (Stopwatch.GetElapsedTime(start) < Within)
            {
                var sent = Stopwatch.GetTimestamp();
                try
                {
                    var answer = (await clients[i % Connections].SeenAsync(Served.Unary(want.Query), deadline: DateTime.UtcNow + Within)).Answers[0];
                    var isRight = want.State == (int)answer.State && want.Ac == (answer.Figures?.Ac ?? 0) && want.An == (answer.Figures?.An ?? 0);
                    if (!isRight) Interlocked.Increment(ref wrong);
                    else if (Stopwatch.GetElapsedTime(start) <= Within) Interlocked.Increment(ref right);
                    else Interlocked.Increment(ref late);
                    return;
                }
                catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
                {
                    mine.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                    var after = int.Parse(e.Trailers.GetValue("grpc-retry-pushback-ms")!, CultureInfo.InvariantCulture);
                    await Task.Delay(after + wait.Next(after));
                }
                catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
                {
                    // Something that the server needs did not answer in time.
                    Interlocked.Increment(ref slow);
                    await Task.Delay(wait.Next(2000));
                }
            }
        })));
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var times = refusals.SelectMany(r => r).Order().ToArray();
        Console.WriteLine("| asked at once | right within 60 s | wrong | late | told UNAVAILABLE | all answered after | refused | p50 | p99 | longest | server's peak memory before | after |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {Connections * CallsEach:N0} | {right:N0} | {wrong} | {late} | {slow:N0} | {elapsed:N1} s | {times.Length:N0} | {At(times, 0.5):N1} ms | {At(times, 0.99):N1} ms | {At(times, 1):N1} ms | {before:N0} MB | {PeakMegabytes(server.Id):N0} MB |"));
        await server.StandardInput.WriteLineAsync("end");
        await server.StandardInput.FlushAsync();
        await RefusalsAsync(of.Pages, (await server.StandardOutput.ReadLineAsync())!.Split(' '));
        foreach (var channel in channels) channel.Dispose();
    }

    /// <summary>What the server's own figures say of refusals, from a call's headers on, and how long its work waited for a thread meanwhile.</summary>
    private static async Task RefusalsAsync(int pages, string[] waits)
    {
        const string Bucket = "warehouse_refusal_duration_seconds_bucket{outcome=\"resource_exhausted\",le=\"";
        using var http = new HttpClient();
        var lines = (await http.GetStringAsync(new Uri($"http://127.0.0.1:{pages}/metrics"))).Split('\n');
        var buckets = lines.Where(l => l.StartsWith(Bucket, StringComparison.Ordinal)).Select(l => l[Bucket.Length..].Split("\"} ")).Select(l => (Bound: l[0] == "+Inf" ? double.PositiveInfinity : Number(l[0]) * 1e3, Count: Number(l[1]))).ToList();
        var count = buckets[^1].Count;
        string Within(double part) => string.Create(CultureInfo.InvariantCulture, $"{buckets.First(b => b.Count >= count * part).Bound} ms");
        Console.WriteLine();
        Console.WriteLine("| refused, by the server's own figures | p50 at most | p99 at most | within 50 ms | work waited for a thread: p50 | p99 | longest |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {count:N0} | {Within(0.5)} | {Within(0.99)} | {100 * buckets.Last(b => b.Bound <= 50).Count / count:N2} % | {Number(waits[2]):N1} ms | {Number(waits[3]):N1} ms | {Number(waits[4]):N1} ms |"));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static double At(double[] times, double part) => times.Length == 0 ? 0 : times[Math.Min(times.Length - 1, (int)(times.Length * part))];

    internal static (string Query, int State, long Ac, long An)[] Expected(string path, string[] queries)
    {
        using var store = VariantStore.Open(path);
        using var session = store.OpenSession();
        return [.. session.Seen(queries, SampleChoice.All).Select(a => (a.Query, (int)a.State + 1, (long)a.Figures.Ac, (long)a.Figures.An))];
    }

    /// <summary>Most memory that a process has had (VmHWM).</summary>
    private static double PeakMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1000;
    }
}
