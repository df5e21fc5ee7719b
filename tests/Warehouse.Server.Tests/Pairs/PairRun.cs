using System.Diagnostics;
using System.Text.RegularExpressions;
using Grpc.Core;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Units.Access;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>What came of the pairs of a seed.</summary>
/// <param name="Difference">Where two stores part for the caller; null = nowhere.</param>
/// <param name="DifferForOwner">How many of the pairs are different stores for the owner.</param>
/// <param name="DifferForAll">How many are for somebody who may see everything, over the wire; null = not asked.</param>
/// <param name="Answered">Calls over the wire.</param>
internal sealed record PairOutcome(string? Difference, int DifferForOwner, int? DifferForAll, IReadOnlyList<(string Method, StatusCode Status)> Answered)
{
    /// <summary>Time that building the stores, asking sessions and asking servers took.</summary>
    public (TimeSpan Building, TimeSpan Sessions, TimeSpan Servers) Took { get; init; }
}

/// <summary>
/// I4 on the pairs of a seed, one store with each of some others: every question of a session, and every method of the server with its reply bytes, status, texts, trailers, tickets and figures. Random
/// by nature and made equal are the ids of calls in the audit log; that log is compared too, since it tells its auditor what the caller was shown.
/// </summary>
internal static partial class PairRun
{
    private static readonly string[] Changing = ["/Delegate", "/Snooze", "/Escalate", "/Acknowledge", "/Set", "/Refresh", "/Draft", "/Submit", "/Sign", "/Return", "/Retire", "/Import", "/Elevate", "/Revoke", "/BreakGlass", "/Upload"];

    /// <summary>Methods in the order in which they are asked: those that change something last.</summary>
    private static readonly string[] Methods = [.. MethodTable.Methods.Order(StringComparer.Ordinal).OrderBy(m => Array.FindIndex(Changing, c => m.EndsWith(c, StringComparison.Ordinal)))];

    /// <summary>Pairs of a seed. A store that several others are compared with saves its building and its answers once for each.</summary>
    public const int Pairs = 3;

    /// <summary>Compares the pairs of a seed.</summary>
    /// <param name="seed">All there is to know of them.</param>
    /// <param name="house">What the servers have in common.</param>
    /// <param name="whole">Sessions are asked too, and the servers by all methods; else by every other one.</param>
    public static PairOutcome Compare(int seed, PairHouse house, bool whole = true)
    {
        var (user, began) = (house.Of(seed), Stopwatch.GetTimestamp());
        using var pairs = new StorePairs(seed, Pairs, user.Caller);
        if (pairs.Stores.Select(s => s.Store.Version).Distinct().Count() > 1) return new($"seed {seed}: the pairs are none: {string.Join(", ", pairs.Stores.Select(s => s.Store.Version))} versions", 0, null, []);
        var built = Stopwatch.GetTimestamp();
        var questions = new PairQuestions(pairs, new Random(seed));
        var difference = whole ? Parting(seed, [.. pairs.Stores.Select(s => questions.Ask(s.Store, pairs.Options))]) : null;
        var differ = Differing([.. pairs.Stores.Select(s => questions.AskOwner(s.Store))]);
        if (pairs.IsWhole && !user.IsAdministrator) difference ??= Parting(seed, [questions.AskWhole(pairs.First.Store), questions.AskWhole(pairs.First.Store, pairs.Options)]);
        if (difference is not null) return new(difference, differ, null, []);
        var asked = Stopwatch.GetTimestamp();
        var all = seed % 4 == 0 && !pairs.IsWhole && !user.IsAdministrator; // who may revoke it
        if (all) pairs.GrantAll(house.Everything.Caller);
        // A share of the seeds, since it costs as much as building the stores; the others are asked for assessments and annotations that they have not.
        if (whole)
            foreach (var memory in pairs.Stores) house.Furnish(memory, annotates: PairCalls.IsAnnotated(seed));
        var (answered, alerts) = (new List<(string, StatusCode)>(), PairAlerts.Seed(pairs));
        // Where an allowance ends, a listing does, in the midst of what is hidden or not.
        var limits = seed % 4 == 2 ? new LimitConfiguration { Person = new() { ScanUnitsPerMinute = 1 + (seed % 997) }, Service = new() { ScanUnitsPerMinute = 1 + (seed % 997) } } : null;
        var said = new List<(string Caller, string? All, string Failures)>();
        foreach (var (side, memory) in pairs.Stores.Index())
        {
            using var server = new PairServer(memory, pairs.First.Keys, house, side, (pairs, limits));
            said.Add((Ask(server), all ? Everything(server, house, questions) : null, server.Failures));
        }
        difference = Parting(seed, [.. said.Select(s => s.Caller)]);
        foreach (var (_, _, failures) in said)
            if (failures.Length > 0) difference = $"seed {seed}: the server failed: {failures}\n{difference}";
        return new(difference, differ, all ? Differing([.. said.Select(s => s.All!)]) : null, answered) { Took = (Stopwatch.GetElapsedTime(began, built), Stopwatch.GetElapsedTime(built, asked), Stopwatch.GetElapsedTime(asked)) };

        string Ask(PairServer server)
        {
            var calls = new PairCalls(pairs, questions, server, (house, user), seed) { Alerted = alerts };
            var text = calls.Ask(Methods.Where((m, i) => (whole || (i + seed) % 2 == 0) && IsAsked(m, user, i + (seed / 2))));
            answered.AddRange(calls.Answered);
            return text + Log(server, house);
        }
    }

    /// <summary>What tells those who administer of all samples, each by a rule of its own, and so is not compared for them.</summary>
    private static readonly Dictionary<string, string> OfEverybody = new(StringComparer.Ordinal)
    {
        ["/warehouse.v1.Access/List"] = "whom each grant is of, by number",
        ["/warehouse.v1.Alerts/Run"] = "how many alerts there are", ["/warehouse.v1.Alerts/Status"] = "how many alerts there are, and how many reach nobody",
        ["/warehouse.v1.Store/Info"] = "how large all is", ["/warehouse.v1.Store/Snapshots"] = "how many samples there are", ["/warehouse.v1.Store/Verify"] = "what files there are, and what is damaged",
        ["/warehouse.v1.Audit/Checkpoint"] = "a signature over ids of calls, which are random", ["/warehouse.v1.Audit/Prove"] = "hashes of ids of calls, which are random",
    };

    /// <summary>Every method that the caller may call; of those that he may not, and that all refuse alike, a tenth.</summary>
    private static bool IsAsked(string method, PairHouse.Client user, int turn) =>
        MethodTable.Of(method)!.Roles is not { } roles || user.Caller.Roles.Overlaps(roles) ? !user.IsAdministrator || !OfEverybody.ContainsKey(method) : turn % 10 == 0;

    /// <summary>What the auditor finds.</summary>
    private static string Log(PairServer server, PairHouse house)
    {
        server.WriteRefused();
        var found = server.Call("/warehouse.v1.Audit/Search", house.Auditor, [new V1.AuditSearchRequest { Asking = new V1.Asking { Purpose = V1.Purpose.Operations } }]);
        var lines = found.Messages.Select(m => V1.AuditEntry.Parser.ParseFrom(m)).Select(e => RandomParts().Replace(e.Line, m => m.Groups[1].Value + "."));
        return $"== the log: {found.Text}\n{string.Join('\n', lines)}";
    }

    /// <summary>Rows without digests, which are of everything.</summary>
    private static string Everything(PairServer server, PairHouse house, PairQuestions questions)
    {
        var asking = new V1.Asking { Purpose = V1.Purpose.Operations };
        var rows = server.Call("/warehouse.v1.Variants/Frequencies", house.Everything, [new V1.FrequenciesRequest { Asking = asking, Symbolic = true }]);
        var carriers = server.Call("/warehouse.v1.Variants/Carriers", house.Everything, [new V1.CarriersRequest { Asking = asking, Queries = { questions.Spellings } }]);
        if ((rows.Status, carriers.Status) != (StatusCode.OK, StatusCode.OK)) throw new InvalidOperationException($"who may see everything is refused: {rows.Text} {carriers.Text}");
        return string.Concat(rows.Messages.Select(m => V1.Chunk.Parser.ParseFrom(m)).Select(c => c.Data.ToBase64())) + string.Concat(carriers.Messages.Select(m => V1.CarriersReply.Parser.ParseFrom(m)).Where(r => r.End is null).Select(r => r.ToString()));
    }

    /// <summary>How many are another text than the first.</summary>
    private static int Differing(string[] said) => said.Count(s => s != said[0]);

    private static string? Parting(int seed, string[] said)
    {
        if (Array.Find(said, s => s != said[0]) is not { } other) return null;
        var (a, b) = (said[0].Split('\n'), other.Split('\n'));
        var at = Enumerable.Range(0, Math.Min(a.Length, b.Length)).FirstOrDefault(i => a[i] != b[i], Math.Min(a.Length, b.Length) - 1);
        var question = Array.FindLast(a[..(at + 1)], l => l.StartsWith("== ", StringComparison.Ordinal));
        return $"seed {seed}, store {Array.IndexOf(said, other)}, {question}, line {at}:\n{a[at]}\n{b[at]}";
    }

    /// <summary>The id of a call, and how far the sealed ledger goes.</summary>
    [GeneratedRegex("""("call":"|"note":"ledger )[^"]*""")]
    private static partial Regex RandomParts();
}
