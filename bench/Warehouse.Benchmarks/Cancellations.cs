using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Warehouse.Rpc.Client;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// Listings that a client gives up while others ask: the time from then to the end of the server's work, its last entry in the audit log included.
/// Half of the listings are read until then, so that the server computes; the other half is not, so that it waits for room.
/// </summary>
internal static class Cancellations
{
    private const int Each = 300, Load = 32, LongestMs = 60;

    /// <summary>A person has room for twenty calls a second.</summary>
    private const int PauseMs = 55;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    public static async Task MeasureAsync(Process server, (RpcChannel Machine, RpcChannel Person) channels, string[] queries)
    {
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| given up beside {Load} calls of Seen at a time | calls | p50 | p99 | longest |"));
        Console.WriteLine("|---|---|---|---|---|");
        using var over = new CancellationTokenSource();
        var client = new V1.Variants.VariantsClient(channels.Machine);
        // All genotypes go to persons alone: a machine has no second factor.
        var person = new V1.Variants.VariantsClient(channels.Person);
        var next = 0;
        var load = Enumerable.Range(0, Load).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested) await client.SeenAsync(Served.Unary(queries[Interlocked.Increment(ref next) % queries.Length]));
        })).ToList();
        foreach (var isRead in new[] { true, false })
        {
            var random = new Random(1);
            var times = new List<double>();
            for (var i = 0; i < Each; i++)
            {
                var format = i % 2 == 0 ? V1.ExportFormat.Vcf : V1.ExportFormat.Arrow;
                await Task.Delay(PauseMs);
                using var call = person.Export(new V1.ExportRequest { Asking = Served.Asking, Format = format });
                await call.ResponseStream.MoveNext(default);
                var reading = isRead ? ReadAsync(call.ResponseStream) : Task.CompletedTask;
                await Task.Delay(random.Next(LongestMs));
                var begun = Stopwatch.GetTimestamp();
                call.Dispose();
                var ended = long.Parse((await server.StandardOutput.ReadLineAsync().WaitAsync(Longest))!.Split(' ')[1], CultureInfo.InvariantCulture);
                times.Add(Stopwatch.GetElapsedTime(begun, ended).TotalMilliseconds);
                await reading;
            }
            times.Sort();
            var name = isRead ? "Export that is read" : "Export that is not read";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Each} | {times[Each / 2]:N1} ms | {times[Each * 99 / 100]:N1} ms | {times[^1]:N1} ms |"));
        }
        await over.CancelAsync();
        await Task.WhenAll(load);
    }

    private static async Task ReadAsync(IAsyncStreamReader<V1.Chunk> replies)
    {
        try
        {
            while (await replies.MoveNext(default)) continue;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled)
        {
            // As it should be.
        }
    }
}
