using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Rpc.Client;
using Warehouse.Server.Tests.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// What hostile frames cost others (F61): somebody asks one variant at a time, alone and beside each attack, which a process of its own with a lower priority makes. Another such
/// process that only computes shows what is the machine's share of that.
/// </summary>
internal static class HostileLoad
{
    private const string Computing = "computing";
    private const int Rounds = 3;
    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(4);

    /// <summary>Attacks until standard input ends; then says what became of it.</summary>
    /// <param name="name">Which attack.</param>
    /// <param name="port">The server's.</param>
    /// <param name="certificate">File of the attacker's certificate.</param>
    public static int Attack(string name, int port, string certificate)
    {
        using var shown = X509CertificateLoader.LoadPkcs12FromFile(certificate, null);
        using var attacks = new Attacks(port, shown);
        var isOver = false;
        var attack = new Thread(() =>
        {
            if (name != Computing) attacks.Run(name, repeats: true);
            else while (!Volatile.Read(ref isOver)) Thread.SpinWait(1000);
        }) { IsBackground = true };
        attack.Start();
        Console.WriteLine("begun");
        Console.In.ReadToEnd();
        Volatile.Write(ref isOver, true);
        var end = attacks.End;
        attacks.Dispose();
        attack.Join();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{end.Connections:N0} | {end.Refused:N0} | {end.Dropped:N0} | {end.Sent:N0}"));
        return 0;
    }

    /// <summary>Measures a server.</summary>
    /// <param name="by">This program, and the file of the attacker's certificate.</param>
    /// <param name="channel">Of somebody else.</param>
    /// <param name="store">The store that it serves.</param>
    /// <param name="queries">Stored variants.</param>
    public static async Task MeasureAsync((string Program, string Certificate) by, RpcChannel channel, string store, string[] queries)
    {
        var (client, expected) = (new V1.Variants.VariantsClient(channel), Crowd.Expected(store, queries[..Math.Min(2000, queries.Length)]));
        await AskAsync(client, expected, RoundTime); // warms up
        Console.WriteLine();
        Console.WriteLine("| beside it | calls a second | p50 | p99 | of that alone | wrong | its connections | refused | dropped | frames or calls sent |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        var alone = await RoundsAsync(client, expected);
        Write("nothing", alone, alone, " | | | ");
        foreach (var name in Attacks.All.Keys.Prepend(Computing))
        {
            var start = new ProcessStartInfo("nice", ["-n", "5", by.Program, "serve", "attack", name, channel.Target.Split(':')[^1], by.Certificate]) { RedirectStandardInput = true, RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            if (await process.StandardOutput.ReadLineAsync() != "begun") throw new InvalidOperationException("the attack did not begin");
            var beside = await RoundsAsync(client, expected);
            process.StandardInput.Close();
            var end = await process.StandardOutput.ReadLineAsync();
            await process.WaitForExitAsync();
            Write(name, beside, alone, end!);
        }
        Write("nothing, at the end", await RoundsAsync(client, expected), alone, " | | | ");
    }

    private static void Write(string name, (double Rate, double P50, double P99, int Wrong) of, (double Rate, double P50, double P99, int Wrong) alone, string end) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {of.Rate:N0} | {of.P50:N2} ms | {of.P99:N2} ms | {of.P99 / alone.P99:N2} | {of.Wrong} | {end} |"));

    /// <summary>The median round by p99; what was answered wrong in any.</summary>
    private static async Task<(double Rate, double P50, double P99, int Wrong)> RoundsAsync(V1.Variants.VariantsClient client, (string Query, int State, long Ac, long An)[] expected)
    {
        var rounds = new List<(double Rate, double P50, double P99, int Wrong)>();
        for (var round = 0; round < Rounds; round++) rounds.Add(await AskAsync(client, expected, RoundTime));
        return rounds.OrderBy(r => r.P99).ElementAt(Rounds / 2) with { Wrong = rounds.Sum(r => r.Wrong) };
    }

    private static async Task<(double Rate, double P50, double P99, int Wrong)> AskAsync(V1.Variants.VariantsClient client, (string Query, int State, long Ac, long An)[] expected, TimeSpan time)
    {
        var (times, wrong, start) = (new List<double>(), 0, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            var want = expected[times.Count % expected.Length];
            var at = Stopwatch.GetTimestamp();
            var answer = (await client.SeenAsync(Served.Unary(want.Query))).Answers[0];
            times.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            if (want.State != (int)answer.State || want.Ac != (answer.Figures?.Ac ?? 0) || want.An != (answer.Figures?.An ?? 0)) wrong++;
        }
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        times.Sort();
        return (times.Count / elapsed, times[times.Count / 2], times[times.Count * 99 / 100], wrong);
    }
}
