using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Server.Calls;
using Warehouse.Server.Tests.Identity;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using Role = Warehouse.Engine.Access.Role;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// C9: whatever a call of whichever method comes to, the audit log has it once: one entry, or one that says that it begins and one that says how it ended, with
/// who called what. A method is in this table because it is in the server; those that have no entry are named here, and nothing else is left out.
/// </summary>
public sealed partial class AuditTableTests
{
    /// <summary>They show nothing of the store, or are not answered at all.</summary>
    internal static readonly HashSet<string> WithoutEntry =
    [
        "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/warehouse.v1.Issuers/List",
        "/arrow.flight.protocol.FlightService/Handshake", "/arrow.flight.protocol.FlightService/PollFlightInfo", "/arrow.flight.protocol.FlightService/DoPut",
        "/arrow.flight.protocol.FlightService/DoExchange", "/arrow.flight.protocol.FlightService/DoAction", "/arrow.flight.protocol.FlightService/ListActions",
    ];

    /// <summary>Of the calls without an end of their own, the one that is refused to nobody who is known.</summary>
    private const string Watch = "/grpc.health.v1.Health/Watch";

    /// <summary>Calls without an end of their own.</summary>
    private static readonly HashSet<string> Endless = [Watch, "/warehouse.v1.Alerts/Follow"];

    /// <summary>Nobody answers them, and what they send nobody reads.</summary>
    private static bool IsUnread(MethodDescriptor method) => method.IsClientStreaming && method.Service.Name == "FlightService";

    private static readonly List<MethodDescriptor> Methods = [.. MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(MethodCall.PathOf)];

    [Fact]
    public async Task Each_call_of_each_method_is_in_the_audit_log_once_however_it_ends()
    {
        await using var table = await Table.StartAsync();
        // Answered, or refused for what it asks: by somebody who may call it.
        var answered = await table.CallAsync("asked", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), RawCaller.Framed(MethodCall.Asked(m)), Endless.Contains(MethodCall.PathOf(m)) ? "300m" : null));
        Assert.True(answered.Count(a => a.Code == StatusCode.OK) > 35, $"{answered.Count(a => a.Code == StatusCode.OK)} methods answered");
        // By somebody who has no role, and by nobody.
        table.Is("nobody", (RawAnswer a, MethodRule rule) => rule.Roles is null || a.Code == StatusCode.PermissionDenied, await table.CallAsync("nobody", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), RawCaller.Framed(MethodCall.Asked(m)), MethodCall.PathOf(m) == Watch ? "300m" : null)));
        table.Is("a stranger", (a, rule) => rule.IsForEverybody || a.Code == StatusCode.Unauthenticated, await table.CallAsync(Table.Stranger, (caller, m) => caller.CallAsync(MethodCall.PathOf(m), RawCaller.Framed(MethodCall.Asked(m)))));
        // Without what it is for.
        table.Is("no purpose", (a, rule) => rule.Reach == Reach.Nothing || a.Code == StatusCode.InvalidArgument, await table.CallAsync("purpose", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), RawCaller.Framed([]), MethodCall.PathOf(m) == Watch ? "300m" : null)));
        // No request: bytes that are no message, too many of them, none, two, and some of one.
        table.Is("no message", (a, _) => a.Code == StatusCode.Internal, await table.CallAsync("bytes", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), RawCaller.Framed([0xff, 0xff, 0xff]))));
        table.Is("too long", (a, _) => a.Code == StatusCode.ResourceExhausted, await table.CallAsync("long", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), [0, 0, 0xff, 0xff, 0xff])));
        table.Is("cut", (a, _) => a.Code == StatusCode.Internal, await table.CallAsync("cut", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), RawCaller.Framed(MethodCall.Asked(m))[..7])));
        var unary = Methods.FindAll(m => !m.IsClientStreaming);
        table.Is("none", (a, _) => a.Code == StatusCode.Unimplemented, await table.CallAsync("none", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), []), unary));
        table.Is("two", (a, _) => a.Code == StatusCode.Unimplemented, await table.CallAsync("two", (caller, m) => caller.CallAsync(MethodCall.PathOf(m), [.. RawCaller.Framed(MethodCall.Asked(m)), .. RawCaller.Framed(MethodCall.Asked(m))]), unary));
        // The request does not come: in the time that the client gave, or before it went.
        table.Is("late", (a, _) => a.Code == StatusCode.DeadlineExceeded, await table.CallAsync("late", (caller, m) => caller.HoldAsync(MethodCall.PathOf(m), "300m"), isAtOnce: true));
        await table.CancelAsync("gone");
        await table.AssertCountedAsync();
    }

    [Fact]
    public async Task Who_begins_a_stream_and_says_nothing_is_in_the_audit_log_when_he_is_no_longer_waited_for()
    {
        var clock = new HeldClock(TimeSpan.FromSeconds(10));
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10, clock: clock);
        var (pem, issued) = served.Server.Identity.Issue("silent", 1, isService: true, roles: [Role.Analyst]);
        using var caller = new RawCaller(served, pem);
        var methods = Methods.FindAll(m => m.IsClientStreaming && !WithoutEntry.Contains(MethodCall.PathOf(m)));
        Assert.True(methods.Count >= 5);
        var calls = Task.WhenAll(methods.Select(m => caller.HoldAsync(MethodCall.PathOf(m))));
        await clock.HeldAsync(methods.Count);
        clock.Fire();
        Assert.All(await calls, a => Assert.Equal((StatusCode.DeadlineExceeded, "the call had no request for too long"), (a.Code, a.Text)));
        Assert.Equal(methods.Select(m => (MethodCall.PathOf(m)[1..], "cancelled")).Order(), served.Entries().Where(e => e.Who == issued.Id).Select(e => (e.Verb, e.Outcome!)).Order());
    }

    [GeneratedRegex("^warehouse_calls_total\\{method=\"([^\"]*)\",[^}]*\\} ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Counted();

    /// <summary>How the log names the end of a call whose client was told a status.</summary>
    private static string OutcomeOf(RawAnswer answer, bool isRead) => answer.Code switch
    {
        StatusCode.OK => "done",
        StatusCode.Cancelled or StatusCode.DeadlineExceeded or null => "cancelled",
        _ when !isRead => "bad-input",
        StatusCode.PermissionDenied => "denied",
        StatusCode.Unauthenticated => "unauthenticated",
        StatusCode.InvalidArgument or StatusCode.NotFound => "bad-input",
        StatusCode.FailedPrecondition => "not-released",
        _ => "could-not",
    };

    /// <summary>A served store, and callers of it in whatever role a method wants: a new person for each way and a few methods, since one may ask only so fast.</summary>
    private sealed class Table : IAsyncDisposable
    {
        public const string Stranger = "unauthenticated";

        private readonly List<IDisposable> _open = [];
        private readonly Dictionary<string, int> _calls = [];
        private int _issued;

        private Table(ServedStore served) => Served = served;

        public ServedStore Served { get; }

        public static async Task<Table> StartAsync() => new(await ServedStore.StartAsync((_, options) => options with { OperatorEndPoint = new(System.Net.IPAddress.Loopback, 0) }, samples: 12, variants: 60));

        /// <summary>Calls methods, one after the other or all at once; each is then in the log as its answer was.</summary>
        public async Task<List<RawAnswer>> CallAsync(string way, Func<RawCaller, MethodDescriptor, Task<RawAnswer>> call, IReadOnlyList<MethodDescriptor>? methods = null, bool isAtOnce = false)
        {
            var isRead = way is "asked" or "nobody" or "purpose" or Stranger;
            var answers = new List<(MethodDescriptor Method, string Who, RawAnswer Answer)>();
            foreach (var some in (methods ?? Methods).GroupBy(m => isRead ? MethodPersons.Of(m) : 0))
            {
                // As many at a time as a person may have; a machine may have more, but no second factor.
                var isService = isAtOnce || !isRead;
                foreach (var few in some.Chunk(isService ? 200 : MethodPersons.MostCalls))
                {
                    var (caller, who) = New(way, some.Key, isService);
                    var running = new List<(MethodDescriptor, string, Task<RawAnswer>)>();
                    foreach (var method in few)
                    {
                        running.Add((method, who, call(caller, method)));
                        if (!isAtOnce) await running[^1].Item3;
                    }
                    foreach (var (method, by, answer) in running) answers.Add((method, by, await answer));
                }
            }
            await AssertAsync(way, answers.ConvertAll(a => (a.Method, a.Who, OutcomeOf(a.Answer, isRead))));
            return answers.ConvertAll(a => a.Answer);
        }

        /// <summary>Calls all methods, none of whose requests comes before the client goes.</summary>
        public async Task CancelAsync(string way)
        {
            var (caller, who) = New(way, 0, isService: true);
            using var stop = new CancellationTokenSource();
            var methods = Methods.FindAll(m => MethodCall.PathOf(m) != "/warehouse.v1.Issuers/List" && !IsUnread(m));
            var calls = methods.ConvertAll(m => caller.HoldAsync(MethodCall.PathOf(m), null, stop.Token));
            await Served.RunningAsync(running => running >= methods.Count);
            await stop.CancelAsync();
            foreach (var call in calls) await Assert.ThrowsAnyAsync<Exception>(() => call);
            await AssertAsync(way, methods.ConvertAll(m => (m, who, "cancelled")));
        }

        public void Is(string way, Func<RawAnswer, MethodRule, bool> expected, List<RawAnswer> answers)
        {
            // In the order of the calls no more; what each came to is held against the log there.
            Assert.True(answers.Count > 0);
            foreach (var (method, answer) in _last.Zip(answers)) Assert.True(expected(answer, MethodTable.Of(MethodCall.PathOf(method))!) || (IsUnread(method) && answer.Code == StatusCode.Unimplemented), $"{way}: {method.FullName} came to {answer}");
        }

        /// <summary>Each call is in the figures once.</summary>
        public async Task AssertCountedAsync()
        {
            var counted = Counted().Matches((await Served.PageAsync("metrics")).Text).GroupBy(m => "/" + m.Groups[1].Value).ToDictionary(g => g.Key, g => g.Sum(m => int.Parse(m.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture)));
            foreach (var (method, count) in _calls.Where(c => c.Key != "/warehouse.v1.Issuers/List")) Assert.Equal((method, count), (method, counted.GetValueOrDefault(method)));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var open in _open) open.Dispose();
            await Served.DisposeAsync();
        }

        private List<MethodDescriptor> _last = [];

        private (RawCaller Caller, string Who) New(string way, int person, bool isService)
        {
            if (way == Stranger)
            {
                var stranger = new RawCaller(Served, null);
                _open.Add(stranger);
                return (stranger, Stranger);
            }
            var roles = way == "nobody" ? [] : MethodPersons.Roles[person];
            var (pem, issued) = Served.Server.Identity.Issue($"{way}{_issued++}", 1, isService: isService, roles: roles, hasSecondFactor: !isService);
            if (person == 0) Served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Aggregate, Detail.Record);
            var caller = new RawCaller(Served, pem);
            _open.Add(caller);
            return (caller, issued.Id);
        }

        /// <summary>Exactly these calls are in the log, of those who made them.</summary>
        private async Task AssertAsync(string way, List<(MethodDescriptor Method, string Who, string Outcome)> calls)
        {
            _last = calls.ConvertAll(c => c.Method);
            foreach (var (method, _, _) in calls) _calls[MethodCall.PathOf(method)] = _calls.GetValueOrDefault(MethodCall.PathOf(method)) + 1;
            var who = calls.Select(c => c.Who).ToHashSet(StringComparer.Ordinal);
            var expected = calls.Where(c => !WithoutEntry.Contains(MethodCall.PathOf(c.Method))).Select(c => (c.Who, MethodCall.PathOf(c.Method)[1..], c.Outcome)).Order().ToList();
            await Served.RunningAsync(running => running == 0); // of a call that was cut, the client knows before the log does
            var entries = Served.Entries().FindAll(e => who.Contains(e.Who) && e.Kind is not (AuditKind.Refused or AuditKind.Review));
            var ends = entries.FindAll(e => e.Kind is AuditKind.Call or AuditKind.End);
            var found = ends.Select(e => (e.Who, e.Verb, Outcome: e.Outcome!)).Order().ToList();
            Assert.True(expected.SequenceEqual(found), $"{way}: not in the log: {string.Join("; ", expected.Except(found))}; in the log: {string.Join("; ", found.Except(expected))}; {expected.Count} and {found.Count} in all");
            // What begins ends, as the same call; and an entry that says the whole has none beside it.
            foreach (var call in entries.GroupBy(e => e.Call))
            {
                var kinds = call.Select(e => e.Kind).Where(k => k != AuditKind.Subjects).ToList();
                Assert.True(kinds is [AuditKind.Call] or [AuditKind.End] or [AuditKind.Begin, AuditKind.End], $"{way}: {call.First().Verb}: {string.Join(", ", kinds)}");
                Assert.Single(call.Select(e => (e.Who, e.Verb, e.Purpose)).Distinct());
            }
        }
    }
}
