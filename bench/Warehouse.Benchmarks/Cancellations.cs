using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Protocol.Flight;
using Warehouse.Rpc.Client;
using Action = System.Action;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// Calls that may take long, of each method that reads, that a client gives up while others ask: the time from then to the end of the server's work, its last entry in the audit log
/// included. What is read until then keeps the server at work; what is not read makes it wait for room.
/// </summary>
internal static class Cancellations
{
    private const int Each = 300, EachOther = 100, Load = 32, LongestMs = 60, Queries = 1000;

    /// <summary>A person has room for twenty calls a second.</summary>
    private const int PauseMs = 55;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    public static async Task MeasureAsync(Process server, (RpcChannel Machine, RpcChannel Person) channels, string[] queries)
    {
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| given up beside {Load} calls of Seen at a time | calls | p50 | p99 | longest |"));
        Console.WriteLine("|---|---|---|---|---|");
        using var over = new CancellationTokenSource();
        var client = new V1.Variants.VariantsClient(channels.Machine);
        var next = 0;
        var load = Enumerable.Range(0, Load).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested) await client.SeenAsync(Served.Unary(queries[Interlocked.Increment(ref next) % queries.Length]));
        })).ToList();
        // All genotypes go to persons alone: a machine has no second factor.
        foreach (var (name, count, begin) in Methods(channels.Person, queries))
        {
            var (random, times, ending) = (new Random(1), new List<double>(), default(Task<string?>));
            for (var i = 0; times.Count < count && i < 2 * count; i++)
            {
                await Task.Delay(PauseMs);
                var (giveUp, work) = await begin(i);
                await Task.WhenAny(work, Task.Delay(random.Next(LongestMs)));
                var isOver = work.IsCompleted; // one that had ended before was not given up
                var begun = Stopwatch.GetTimestamp();
                giveUp();
                await work;
                if (isOver) continue;
                // A line that does not come is of a call that had ended meanwhile; it is waited for with the next one.
                ending ??= server.StandardOutput.ReadLineAsync();
                if (await Task.WhenAny(ending, Task.Delay(Longest)) != ending) continue;
                times.Add(Stopwatch.GetElapsedTime(begun, Number((await ending)!)).TotalMilliseconds);
                ending = null;
            }
            times.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {times.Count} | {times[times.Count / 2]:N1} ms | {times[times.Count * 99 / 100]:N1} ms | {times[^1]:N1} ms |"));
        }
        await over.CancelAsync();
        await Task.WhenAll(load);
    }

    private static long Number(string line) => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);

    /// <summary>What is begun: how it is given up, and the client's own part of it, which ends with it.</summary>
    private static IEnumerable<(string Name, int Count, Func<int, Task<(Action GiveUp, Task Work)>> Begin)> Methods(RpcChannel channel, string[] queries)
    {
        var variants = new V1.Variants.VariantsClient(channel);
        V1.ExportRequest All(int turn) => new() { Asking = Served.Asking, Format = turn % 2 == 0 ? V1.ExportFormat.Vcf : V1.ExportFormat.Arrow };
        yield return ("Export that is read", Each, i => BeginAsync(variants.Export(All(i)), isRead: true));
        yield return ("Export that is not read", Each, i => BeginAsync(variants.Export(All(i)), isRead: false));
        yield return ("Frequencies that are not read", EachOther, _ => BeginAsync(variants.Frequencies(new() { Asking = Served.Asking, Samples = new() { Cohort = ServedProcess.Cohort } }), isRead: false));
        yield return ("CaseControl that is read", EachOther, _ => BeginAsync(variants.CaseControl(new() { Asking = Served.Asking, Cases = ServedProcess.Cohort, Controls = ServedProcess.Others }), isRead: true));
        yield return ("Carriers that are read", EachOther, _ => BeginAsync(variants.Carriers(new() { Asking = Served.Asking, Queries = { queries.Take(Queries) } }), isRead: true));
        yield return ("Flight's DoGet that is not read", EachOther, async _ =>
        {
            var flight = new FlightService.FlightServiceClient(channel);
            var query = new V1.FlightQuery { Frequencies = new() { Asking = Served.Asking } };
            var info = await flight.GetFlightInfoAsync(new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() });
            await Task.Delay(PauseMs);
            return await BeginAsync(flight.DoGet(info.Endpoint[0].Ticket), isRead: false);
        });
        yield return ("Verify", EachOther, _ =>
        {
            // Its first reply may be its last: it is given up wherever it is.
            var call = new V1.Store.StoreClient(channel).Verify(new() { Asking = Served.Asking });
            return Task.FromResult(((Action)call.Dispose, ReadAsync(call.ResponseStream)));
        });
        yield return ("SeenStream that is sent to and read", EachOther, _ =>
        {
            var call = variants.SeenStream();
            return Task.FromResult(((Action)call.Dispose, Task.WhenAll(AskAsync(call.RequestStream, queries), ReadAsync(call.ResponseStream))));
        });
    }

    private static async Task<(Action, Task)> BeginAsync<T>(AsyncServerStreamingCall<T> call, bool isRead)
    {
        await call.ResponseStream.MoveNext(default);
        if (isRead) return (call.Dispose, ReadAsync(call.ResponseStream));
        var isGivenUp = new TaskCompletionSource();
        return (() =>
        {
            call.Dispose();
            isGivenUp.SetResult();
        }, isGivenUp.Task);
    }

    private static Task AskAsync(IClientStreamWriter<V1.SeenStreamRequest> to, string[] queries) => SayAsync(async () =>
    {
        await to.WriteAsync(new() { Request = new() { Asking = Served.Asking }, Brief = true, Queries = { queries.Take(Queries) } });
        while (true) await to.WriteAsync(new() { Queries = { queries.Take(Queries) } });
    });

    private static Task ReadAsync<T>(IAsyncStreamReader<T> replies) => SayAsync(async () =>
    {
        while (await replies.MoveNext(default)) continue;
    });

    private static async Task SayAsync(Func<Task> say)
    {
        try
        {
            await say();
        }
        catch (Exception e) when (e is RpcException { StatusCode: StatusCode.Cancelled } or OperationCanceledException or ObjectDisposedException)
        {
            // As it should be.
        }
    }
}
