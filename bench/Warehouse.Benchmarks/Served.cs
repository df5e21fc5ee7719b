using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Rpc.Client;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// A store behind the server: TLS, client certificate, policy and audit log as they are always. The server is a process of its own; both share the
/// cores of the machine. Prints a table of calls a second, times of single calls, and what the server's process spent.
/// </summary>
internal static class Served
{
    private const int InFlight = 64, Rounds = 5, MostQueries = 20_000;
    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(2);

    /// <summary>With "server STORE FOLDER": serves until standard input ends. With a store: measures.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["server", var served, var state]) return await ServeAsync(served, state);
        var store = arguments[0];
        var folder = Directory.CreateTempSubdirectory("warehouse-served").FullName;
        var queries = Queries(store);
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["serve", "server", store, folder]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            var port = (await process.StandardOutput.ReadLineAsync())!;
            using var channel = Connect(port, Path.Combine(folder, "client.pfx"));
            var client = new V1.Variants.VariantsClient(channel);
            Console.WriteLine("| work | rate | p50 | p99 | server CPU |");
            Console.WriteLine("|---|---|---|---|---|");
            await UnaryAsync(process, client, queries, 1);
            await UnaryAsync(process, client, queries, InFlight);
            await FrequenciesAsync(process, client);
            await StreamAsync(process, client, queries);
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            Directory.Delete(folder, true);
        }
        return 0;
    }

    private static async Task<int> ServeAsync(string store, string folder)
    {
        await using var server = await WarehouseServer.StartAsync(
            new ServeOptions { StorePath = store, StatePath = Path.Combine(folder, "state"), AuditPath = Path.Combine(folder, "audit"), EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
        var (pem, issued) = server.Identity.Issue("bench", 1, isService: true, roles: [Role.Analyst]);
        using (var owner = VariantStore.Open(store))
        {
            var entry = owner.Grant(AccessActor.Owner("bench"), new GrantRequest { Subject = new Subject(SubjectKind.Principal, issued.Id), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Operations] });
            owner.Approve(AccessActor.Owner("second"), entry);
        }
        server.Store.LookNow();
        using var certificate = X509Certificate2.CreateFromPem(pem, pem);
        await File.WriteAllBytesAsync(Path.Combine(folder, "client.pfx"), certificate.Export(X509ContentType.Pfx));
        Console.WriteLine(server.Port.ToString(CultureInfo.InvariantCulture));
        await Console.In.ReadToEndAsync();
        return 0;
    }

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

    private static V1.Asking Asking => new() { Purpose = V1.Purpose.Operations };

    private static async Task UnaryAsync(Process server, V1.Variants.VariantsClient client, string[] queries, int inFlight)
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
                    var reply = await client.SeenAsync(new V1.SeenRequest { Asking = Asking, Queries = { query } });
                    mine.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
                    if (reply.Answers[0].State == V1.SeenState.NotAssessable) throw new InvalidOperationException("a stored variant was not assessable");
                }
            })));
            var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var all = times.SelectMany(t => t).Order().ToArray();
            if (round > 0) rounds.Add((all.Length / elapsed, all[all.Length / 2], all[all.Length * 99 / 100], (CpuSeconds(server.Id) - cpu) / all.Length * 1e6));
        }
        var median = rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| Seen, unary, {inFlight} in flight | {median.Rate:N0} per s | {median.P50:N2} ms | {median.P99:N2} ms | {median.Cpu:N0} us per call |"));
    }

    private static async Task FrequenciesAsync(Process server, V1.Variants.VariantsClient client)
    {
        var rounds = new List<(double Rate, double First, double Cpu, long Bytes)>();
        for (var round = 0; round <= Rounds; round++)
        {
            var (bytes, first, cpu, start) = (0L, 0.0, CpuSeconds(server.Id), Stopwatch.GetTimestamp());
            using var call = client.Frequencies(new V1.FrequenciesRequest { Asking = Asking });
            await foreach (var chunk in call.ResponseStream.ReadAllAsync())
            {
                if (bytes == 0) first = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                bytes += chunk.Data.Length;
            }
            if (round > 0) rounds.Add((bytes / Stopwatch.GetElapsedTime(start).TotalSeconds, first, CpuSeconds(server.Id) - cpu, bytes));
        }
        var median = rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| Frequencies of everything, Arrow, {median.Bytes / 1e6:N0} MB | {median.Rate / 1e6:N0} MB/s | first batch {median.First:N1} ms | | {median.Cpu:N2} s |"));
    }

    /// <summary>500,000 queries through one stream, 5,000 a message, answered as columns.</summary>
    private static async Task StreamAsync(Process server, V1.Variants.VariantsClient client, string[] queries)
    {
        const int All = 500_000, Each = 5000;
        var rounds = new List<(double Rate, double Cpu)>();
        for (var round = 0; round <= Rounds; round++)
        {
            var (cpu, start, answered) = (CpuSeconds(server.Id), Stopwatch.GetTimestamp(), 0);
            using var call = client.SeenStream();
            var reading = Task.Run(async () =>
            {
                await foreach (var reply in call.ResponseStream.ReadAllAsync()) answered += reply.Brief?.States.Count ?? 0;
            });
            for (var at = 0; at < All; at += Each)
            {
                var message = new V1.SeenStreamRequest();
                if (at == 0) (message.Request, message.Brief) = (new V1.SeenRequest { Asking = Asking }, true);
                for (var i = 0; i < Each; i++) message.Queries.Add(queries[(at + i) % queries.Length]);
                await call.RequestStream.WriteAsync(message);
            }
            await call.RequestStream.CompleteAsync();
            await reading;
            if (answered != All) throw new InvalidOperationException("not every query was answered");
            if (round > 0) rounds.Add((All / Stopwatch.GetElapsedTime(start).TotalSeconds, CpuSeconds(server.Id) - cpu));
        }
        var median = rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| SeenStream, 500,000 variants in any order, as columns | {median.Rate:N0} per s | | | {median.Cpu:N2} s |"));
    }

    private static double CpuSeconds(int process)
    {
        var fields = File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
    }
}
