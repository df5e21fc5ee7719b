using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;
using Warehouse.Server.Telemetry;

namespace Warehouse.Benchmarks;

/// <summary>
/// The server's side of <see cref="Served"/>, in a process of its own: prints its port, serves until standard input ends. "full" is the product;
/// "watched" the product whose log tells when the work of a call that was given up has ended; "bare" the same questions without policy and audit; "floor"
/// that and a plain entry that is durable before each answer of Seen.
/// </summary>
internal static class ServedProcess
{
    public const string Cohort = "tenth", Others = "others", Client = "client.pfx", Person = "person.pfx", Authority = "authority.pem", Certificate = "server.pem", Key = "server.key";

    /// <summary>Serves. The first process on a folder makes the certificates, grants its client the store, and names the cohort.</summary>
    public static async Task<int> RunAsync(string kind, string store, string folder, string? tenth)
    {
        var state = Path.Combine(folder, "state");
        if (kind is "bare" or "floor")
        {
            using var identity = ServerIdentity.Open(state, [], TimeProvider.System);
            using var appends = kind == "floor" ? new PlainAppends(Path.Combine(folder, "appends")) : null;
            await using var bare = await BareVariants.StartAsync(store, identity.ServerCertificate, appends);
            await UntilClosedAsync(bare.Port);
            return 0;
        }
        if (tenth is not null)
        {
            using var owner = VariantStore.Open(store);
            var names = await File.ReadAllLinesAsync(tenth);
            if (owner.Cohorts().All(c => c.Name != Cohort)) owner.SetCohort(Cohort, names, null);
            if (owner.Cohorts().All(c => c.Name != Others)) owner.SetCohort(Others, [.. SamplesOf(owner).Except(names)], null);
        }
        // A person has as much scanned here as a machine may: listings follow each other.
        await using var server = await WarehouseServer.StartAsync(
            new ServeOptions { Configuration = new() { Limits = new() { Person = new() { ScanUnitsPerMinute = 1_000_000_000_000 } } }, StorePath = store, StatePath = state, AuditPath = Path.Combine(folder, "audit"), EndPoint = new IPEndPoint(IPAddress.Loopback, 0), OperatorEndPoint = new IPEndPoint(IPAddress.Loopback, 0) }, kind == "watched" ? new LineLog(new EndLog(), LogLevel.Debug, new Scrubber(), TimeProvider.System) : null);
        if (!File.Exists(Path.Combine(folder, Client))) Introduce(server, store, folder);
        await UntilClosedAsync(server.Port, server.OperatorPort);
        return 0;
    }

    private static List<string> SamplesOf(VariantStore store)
    {
        using var session = store.OpenSession();
        return [.. session.LoadedSamples().Select(s => s.Name)];
    }

    private static void Introduce(WarehouseServer server, string store, string folder)
    {
        var pem = Introduce(server, store, Path.Combine(folder, Client), isService: true, Role.Analyst);
        Introduce(server, store, Path.Combine(folder, Person), isService: false, Role.Analyst, Role.LabDirector);
        // For the foreign servers: whom to ask for a certificate, and what to show.
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pem);
        File.WriteAllText(Path.Combine(folder, Authority), chain[^1].ExportCertificatePem());
        using var authority = CertificateFactory.NewAuthority("bench", DateTimeOffset.UtcNow, TimeSpan.FromDays(1));
        using var shown = CertificateFactory.NewServer(authority, ["localhost"], DateTimeOffset.UtcNow, TimeSpan.FromDays(1));
        using var key = shown.GetECDsaPrivateKey()!;
        File.WriteAllText(Path.Combine(folder, Certificate), shown.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, Key), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Makes the certificate of somebody who is granted the store; a person has a second factor.</summary>
    private static string Introduce(WarehouseServer server, string store, string path, bool isService, params Role[] roles)
    {
        var (pem, issued) = server.Identity.Issue(Path.GetFileNameWithoutExtension(path), 1, isService, roles, hasSecondFactor: !isService);
        using (var owner = VariantStore.Open(store))
        {
            var entry = owner.Grant(AccessActor.Owner("bench"), new GrantRequest { Subject = new Subject(SubjectKind.Principal, issued.Id), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Operations] });
            owner.Approve(AccessActor.Owner("second"), entry);
        }
        server.Store.LookNow();
        using var certificate = X509Certificate2.CreateFromPem(pem, pem);
        File.WriteAllBytes(path, certificate.Export(X509ContentType.Pfx));
        return pem;
    }

    /// <summary>Serves until standard input ends; between a line "begin" and a line "end" it measures how long work waits for a thread, and says so at the latter.</summary>
    private static async Task UntilClosedAsync(int port, int? operatorPort = null)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"listening {port} {operatorPort}"));
        PoolWaits? waits = null;
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "begin") waits = new PoolWaits();
            if (line == "end") Console.WriteLine(waits!.End());
        }
    }

    /// <summary>Queues work as the listener does, a thousand times a second, and notes when it runs.</summary>
    private sealed class PoolWaits
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<double> _times = new();
        private readonly Thread _thread;
        private volatile bool _isOver;

        public PoolWaits()
        {
            _thread = new Thread(() =>
            {
                while (!_isOver)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(queued => _times.Enqueue(Stopwatch.GetElapsedTime(queued).TotalMilliseconds), Stopwatch.GetTimestamp(), preferLocal: false);
                    Thread.Sleep(1);
                }
            }) { IsBackground = true };
            _thread.Start();
        }

        /// <summary>How many there were, and their p50, p99 and longest in ms.</summary>
        public string End()
        {
            _isOver = true;
            _thread.Join();
            double[] times = [.. _times.Order()];
            return string.Create(CultureInfo.InvariantCulture, $"waits {times.Length} {times[times.Length / 2]} {times[times.Length * 99 / 100]} {times[^1]}");
        }
    }

    /// <summary>Prints the time at which each cancelled call had ended: the clock of both processes is the machine's.</summary>
    private sealed class EndLog : MemoryStream
    {
        /// <summary>The log writes whole lines.</summary>
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var now = Stopwatch.GetTimestamp();
            if (buffer.IndexOf("\"CallEnded\""u8) >= 0 && Encoding.ASCII.GetString(buffer).Contains("\"cancelled\"", StringComparison.OrdinalIgnoreCase)) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ended {now}"));
        }
    }
}
