using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Rpc.Client;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// A store behind the server: TLS, client certificate, policy and audit log as they are always; the same without policy and audit; and servers of
/// other implementations that answer the recorded bytes. Each server is a process of its own; all share the cores of the machine. Prints tables of
/// calls a second, times of single calls, and what the server's process spent.
/// </summary>
internal static class Served
{
    private const int InFlight = 64, Rounds = 5, MostQueries = 20_000, ListingsOfRound = 20;
    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(1);

    /// <summary>
    /// With "server ...": is one. Otherwise: the store, which it changes, a file that names a tenth of its samples, and the folder of the foreign
    /// programs; behind them "seen", "frequencies", "load", "cancellations" or "hostile", to measure these alone.
    /// </summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["attack", var attack, var port, var attacker]) return HostileLoad.Attack(attack, int.Parse(port, CultureInfo.InvariantCulture), attacker);
        if (arguments is ["server", var kind, var served, var state, .. var names]) return await ServedProcess.RunAsync(kind, served, state, names.FirstOrDefault());
        var (store, tenth, programs, part, folder) = (arguments[0], arguments[1], arguments[2], arguments.ElementAtOrDefault(3), Directory.CreateTempSubdirectory("warehouse-served").FullName);
        var (queries, self) = (Queries(store), Environment.ProcessPath!);
        try
        {
            if (part is null or "seen" or "frequencies")
            {
                Console.WriteLine("| server | work | rate | p50 | p99 | server CPU |");
                Console.WriteLine("|---|---|---|---|---|---|");
                await WithAsync((self, ["serve", "server", "full", store, folder, tenth]), folder, async (server, channel) =>
                {
                    await MeasureAsync("ours", (server, channel), queries, part ?? "ours");
                    if (part is null) await ServedReplies.WriteAsync(folder, channel, queries.Select(Unary), Stream(queries), Tenth);
                });
                if (part is null or "seen") await WithAsync((self, ["serve", "server", "floor", store, folder]), folder, (server, channel) => MeasureAsync("ours, no access, a plain append", (server, channel), queries, "seen"));
                await WithAsync((self, ["serve", "server", "bare", store, folder]), folder, (server, channel) => MeasureAsync("ours, no access, no audit", (server, channel), queries, part ?? "ours"));
            }
            if (part is null)
            {
                foreach (var (name, program, script) in new[] { ("grpcio", "/usr/bin/python3", "replay.py"), ("grpc-js", "node", "replay.mjs") })
                    await WithAsync((program, [Path.Combine(programs, script), folder]), folder, (server, channel) => MeasureAsync(name, (server, channel), queries, "recorded"));
            }
            if (part is null or "load")
                await WithAsync((self, ["serve", "server", "full", store, folder]), folder, (server, channel, pages) => Crowd.MeasureAsync((server, pages), () => Connect(channel.Target.Split(':')[1], Path.Combine(folder, ServedProcess.Client)), store, queries));
            if (part is null or "hostile") await WithAsync((self, ["serve", "server", "full", store, folder]), folder, (server, channel) => HostileLoad.MeasureAsync((self, Path.Combine(folder, ServedProcess.Person)), channel, store, queries));
            if (part is null or "cancellations") await WithAsync((self, ["serve", "server", "watched", store, folder, tenth]), folder, async (server, channel) =>
            {
                using var person = Connect(channel.Target.Split(':')[1], Path.Combine(folder, ServedProcess.Person));
                await Cancellations.MeasureAsync(server, (channel, person), queries);
            });
        }
        finally
        {
            Directory.Delete(folder, true);
        }
        return 0;
    }

    /// <summary>The question about a tenth of the samples.</summary>
    private static V1.FrequenciesRequest Tenth => new() { Asking = Asking, Samples = new() { Cohort = ServedProcess.Cohort } };

    private static Task WithAsync((string Program, string[] Arguments) of, string folder, Func<Process, RpcChannel, Task> work) => WithAsync(of, folder, (server, channel, _) => work(server, channel));

    /// <summary>Starts a server, and ends it when the work is done; the number is the port of its operator's pages, where it has them.</summary>
    private static async Task WithAsync((string Program, string[] Arguments) of, string folder, Func<Process, RpcChannel, int, Task> work)
    {
        var start = new ProcessStartInfo(of.Program, of.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment.Remove("DOTNET_GCLOHThreshold"); // what is set for the client is no setting of the server
        using var process = Process.Start(start)!;
        try
        {
            var said = (await process.StandardOutput.ReadLineAsync())!.Split(' ');
            using var channel = Connect(said[1], Path.Combine(folder, ServedProcess.Client));
            await work(process, channel, int.TryParse(said.ElementAtOrDefault(2), CultureInfo.InvariantCulture, out var pages) ? pages : 0);
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>The rows of one server: "ours" all of them, "recorded" what a recording can show, "seen" and "frequencies" those.</summary>
    private static async Task MeasureAsync(string name, (Process Process, RpcChannel Channel) server, string[] queries, string part)
    {
        var client = new V1.Variants.VariantsClient(server.Channel);
        if (part is "ours" or "seen") await UnaryAsync(name, server.Process, client, queries, 1);
        if (part != "frequencies") await UnaryAsync(name, server.Process, client, queries, InFlight);
        if (part == "seen") return;
        if (part != "frequencies") await StreamAsync(name, server.Process, client, queries);
        await FrequenciesAsync(name, server.Process, client, Tenth);
        if (part != "recorded") await FrequenciesAsync(name, server.Process, client, new() { Asking = Asking });
    }

    internal static V1.SeenRequest Unary(string query) => new() { Asking = Asking, Queries = { query } };

    private static RpcChannel Connect(string port, string certificate) => new(new Uri($"https://localhost:{port}"), new()
    {
        ClientCertificate = X509CertificateLoader.LoadPkcs12FromFile(certificate, null), IsServerCertificateTaken = (_, _, _) => true, ReplyEncodings = [], MaxReceiveBytes = 8 << 20,
    });

    /// <summary>Stored variants all over the store, in a random order.</summary>
    private static string[] Queries(string path)
    {
        using var store = VariantStore.Open(path);
        using var session = store.OpenSession();
        var all = session.Frequencies(new FrequencyRequest()).Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}"));
        string[] some = [.. all.Where((_, i) => i % 5 == 0).Take(MostQueries)];
        new Random(1).Shuffle(some);
        return some;
    }

    internal static V1.Asking Asking => new() { Purpose = V1.Purpose.Operations };

    private static async Task UnaryAsync(string name, Process server, V1.Variants.VariantsClient client, string[] queries, int inFlight)
    {
        var rounds = new List<(double Rate, double P50, double P99, double Cpu)>();
        for (var round = 0; round <= Rounds; round++)
        {
            var (next, cpu, start) = (round * 7919, CpuSeconds(server.Id), Stopwatch.GetTimestamp());
            var times = new List<double>[inFlight];
            await Task.WhenAll(Enumerable.Range(0, inFlight).Select(lane => Task.Run(async () =>
            {
                var mine = times[lane] = [];
                while (Stopwatch.GetElapsedTime(start) < RoundTime)
                {
                    var query = queries[Interlocked.Increment(ref next) % queries.Length];
                    var at = Stopwatch.GetTimestamp();
                    var reply = await client.SeenAsync(Unary(query));
                    mine.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
                    if (reply.Answers[0].State == V1.SeenState.NotAssessable) throw new InvalidOperationException("a stored variant was not assessable");
                }
            })));
            var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var all = times.SelectMany(t => t).Order().ToArray();
            if (round > 0) rounds.Add((all.Length / elapsed, all[all.Length / 2], all[all.Length * 99 / 100], (CpuSeconds(server.Id) - cpu) / all.Length * 1e6));
        }
        var median = rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | Seen, unary, {inFlight} in flight | {median.Rate:N0} per s | {median.P50:N2} ms | {median.P99:N2} ms | {median.Cpu:N0} us per call |"));
    }

    private static async Task FrequenciesAsync(string name, Process server, V1.Variants.VariantsClient client, V1.FrequenciesRequest request)
    {
        var rounds = new List<(double Rate, double First, double Cpu, long Bytes)>();
        for (var round = 0; round <= Rounds; round++)
        {
            var (bytes, firsts, cpu, start) = (0L, new List<double>(), CpuSeconds(server.Id), Stopwatch.GetTimestamp());
            for (var i = 0; i < ListingsOfRound; i++)
            {
                var begun = Stopwatch.GetTimestamp();
                using var call = client.Frequencies(request);
                for (var isFirst = true; await call.ResponseStream.MoveNext(default); isFirst = false)
                {
                    if (isFirst) firsts.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
                    bytes += call.ResponseStream.Current.Data.Length;
                }
            }
            firsts.Sort();
            if (round > 0) rounds.Add((bytes / Stopwatch.GetElapsedTime(start).TotalSeconds, firsts[firsts.Count / 2], (CpuSeconds(server.Id) - cpu) / ListingsOfRound, bytes / ListingsOfRound));
        }
        var median = rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
        var whom = request.Samples is null ? "everybody" : "a tenth";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | Frequencies of {whom}, Arrow, {median.Bytes / 1e6:N1} MB | {median.Rate / 1e6:N0} MB/s | first batch {median.First:N1} ms | | {median.Cpu * 1e3:N1} ms |"));
    }

    private const int StreamQueries = 500_000, QueriesOfMessage = 5000;

    /// <summary>500,000 queries through one stream, 5,000 a message, answered as columns.</summary>
    private static IEnumerable<V1.SeenStreamRequest> Stream(string[] queries)
    {
        for (var at = 0; at < StreamQueries; at += QueriesOfMessage)
        {
            var message = new V1.SeenStreamRequest();
            if (at == 0) (message.Request, message.Brief) = (new V1.SeenRequest { Asking = Asking }, true);
            for (var i = 0; i < QueriesOfMessage; i++) message.Queries.Add(queries[(at + i) % queries.Length]);
            yield return message;
        }
    }

    private static async Task StreamAsync(string name, Process server, V1.Variants.VariantsClient client, string[] queries)
    {
        var rounds = new List<(double Rate, double Cpu)>();
        for (var round = 0; round <= Rounds; round++)
        {
            var (cpu, start, answered) = (CpuSeconds(server.Id), Stopwatch.GetTimestamp(), 0);
            using var call = client.SeenStream();
            var reading = Task.Run(async () =>
            {
                await foreach (var reply in call.ResponseStream.ReadAllAsync()) answered += reply.Brief?.States.Count ?? 0;
            });
            foreach (var message in Stream(queries)) await call.RequestStream.WriteAsync(message);
            await call.RequestStream.CompleteAsync();
            await reading;
            if (answered != StreamQueries) throw new InvalidOperationException("not every query was answered");
            if (round > 0) rounds.Add((StreamQueries / Stopwatch.GetElapsedTime(start).TotalSeconds, CpuSeconds(server.Id) - cpu));
        }
        var median = rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | SeenStream, 500,000 variants in any order, as columns | {median.Rate:N0} per s | | | {median.Cpu:N2} s |"));
    }

    private static double CpuSeconds(int process)
    {
        var fields = File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
    }
}
