using System.Net;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Server;
using Warehouse.Server.Tests.Identity;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>What a call costs before anybody knows who makes it: nothing of its request is read, and no place of those who are known is taken.</summary>
public sealed class EntranceTests
{
    private const int Silent = 300, PlacesOfOne = 8;

    [Fact]
    public async Task Who_shows_no_credential_is_refused_before_his_request_is_there()
    {
        Warehouse.Server.Telemetry.ServerMetrics figures;
        string[] methods = ["warehouse.v1.Variants/Seen", "warehouse.v1.Variants/SeenStream", "warehouse.v1.Ingest/Upload", "grpc.health.v1.Health/Check", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"];
        await using (var served = await ServedStore.StartAsync(samples: 3, variants: 10))
        {
            figures = served.Server.Gate.Report.Metrics;
            using var stranger = new RawCaller(served, null);
            foreach (var method in methods) Assert.Equal((method, StatusCode.Unauthenticated), (method, (await stranger.HoldAsync("/" + method)).Code));
            Assert.Equal(methods[..3], served.Entries().Where(e => e is { Who: "unauthenticated", Kind: Engine.Audit.AuditKind.Call }).Select(e => e.Verb));
        }
        // How long each took to be told so is known once its answer is the connection's, and of all of them when the server has stopped.
        Assert.Contains($"warehouse_refusal_duration_seconds_count{{outcome=\"unauthenticated\"}} {methods.Length}\n", figures.Page(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silent_strangers_hold_a_few_places_for_a_short_time_and_none_of_those_who_are_known()
    {
        var clock = new HeldClock(new RpcServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) }.StrangerDeadline);
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10, clock: clock);
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var known = new V1.Variants.VariantsClient(channel);
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };
        using var strangers = new RawCaller(served, null);
        // Where people log in is told to everybody, so these calls go on; their requests never come.
        var calls = Enumerable.Range(0, Silent).Select(_ => strangers.HoldAsync("/warehouse.v1.Issuers/List")).ToList();
        for (var refused = 0; refused < Silent - 256; refused++) await TakeAsync(calls, StatusCode.ResourceExhausted);
        Assert.Single((await known.SeenAsync(question)).Answers);
        while (calls.Count > PlacesOfOne) await TakeAsync(calls, StatusCode.ResourceExhausted);
        Assert.Single((await known.SeenAsync(question)).Answers);
        var issuers = new V1.Issuers.IssuersClient(served.Channel(null));
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () => await issuers.ListAsync(new()))).StatusCode);
        clock.Fire();
        while (calls.Count > 0) await TakeAsync(calls, StatusCode.DeadlineExceeded);
        await issuers.ListAsync(new());
        // Nobody knows who they were, and how many there were is in the audit log.
        await served.RunningAsync(running => running == 0); // the client knows of an end before the gate does
        await served.Server.Gate.Refused.WriteAsync();
        var sums = served.Entries().Where(e => e.Kind == Engine.Audit.AuditKind.Refused).ToLookup(e => (e.Who, e.Outcome), e => e.Calls!.Value);
        Assert.Equal([(("unauthenticated", "no-request"), (long)PlacesOfOne), (("unauthenticated", "no-room"), Silent - PlacesOfOne + 1)], sums.Select(s => (s.Key, s.Sum())).Order());
    }

    [Fact]
    public async Task Connections_on_which_nobody_is_known_are_half_of_all_at_most_and_end_soon()
    {
        var limits = new RpcConnectionLimits { MaxConnections = 20, HandshakeTimeout = TimeSpan.FromMinutes(5) };
        var clock = new HeldClock(limits.UnknownFor);
        await using var served = await ServedStore.StartAsync((_, options) => options with { ConnectionLimits = limits, Clock = clock }, samples: 3, variants: 10);
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var known = new V1.Variants.VariantsClient(channel);
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };
        await known.SeenAsync(question);
        var idle = new List<System.Net.Sockets.TcpClient>();
        try
        {
            var ends = new List<Task>();
            for (var i = 0; i < 15; i++)
            {
                idle.Add(new());
                ends.Add(EndAsync(idle[^1], served.Server.Port));
            }
            for (var over = 0; over < 5; over++) ends.Remove(await Task.WhenAny(ends));
            Assert.Single((await new V1.Variants.VariantsClient(channel).SeenAsync(question)).Answers);
            Assert.All(ends, end => Assert.False(end.IsCompleted));
            clock.Fire();
            await Task.WhenAll(ends);
            Assert.Single((await known.SeenAsync(question)).Answers);
            Assert.Single((await new V1.Variants.VariantsClient(served.Again(channel)).SeenAsync(question)).Answers);
        }
        finally
        {
            foreach (var client in idle) client.Dispose();
        }
    }

    private static async Task EndAsync(System.Net.Sockets.TcpClient client, int port)
    {
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            while (await client.GetStream().ReadAsync(new byte[100]) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            // Reset, perhaps while it connects, which is an end too.
        }
    }

    /// <summary>The next answer that comes.</summary>
    private static async Task TakeAsync(List<Task<RawAnswer>> calls, StatusCode code)
    {
        var next = await Task.WhenAny(calls);
        calls.Remove(next);
        Assert.Equal(code, (await next).Code);
    }
}
