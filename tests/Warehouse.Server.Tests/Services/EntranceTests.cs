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
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        using var strangers = Strangers();
        var never = new TaskCompletionSource();
        foreach (var method in (string[])["warehouse.v1.Variants/Seen", "warehouse.v1.Variants/SeenStream", "warehouse.v1.Ingest/Upload", "grpc.health.v1.Health/Check", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
        {
            using var answer = await strangers.SendAsync(Request(served, method, never.Task), HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal((method, "16"), (method, StatusOf(answer)));
        }
        never.SetResult();
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        Assert.Equal(["warehouse.v1.Variants/Seen", "warehouse.v1.Variants/SeenStream", "warehouse.v1.Ingest/Upload"], audit.Reader().Entries().Where(e => e.Entry is { Who: "unauthenticated", Kind: Engine.Audit.AuditKind.Call }).Select(e => e.Entry.Verb));
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
        using var strangers = Strangers();
        var never = new TaskCompletionSource();
        // Where people log in is told to everybody, so these calls go on; their requests never come.
        var calls = Enumerable.Range(0, Silent).Select(_ => strangers.SendAsync(Request(served, "warehouse.v1.Issuers/List", never.Task), HttpCompletionOption.ResponseHeadersRead)).ToList();
        for (var refused = 0; refused < Silent - 256; refused++) await TakeAsync(calls, "8");
        Assert.Single((await known.SeenAsync(question)).Answers);
        while (calls.Count > PlacesOfOne) await TakeAsync(calls, "8");
        Assert.Single((await known.SeenAsync(question)).Answers);
        var issuers = new V1.Issuers.IssuersClient(served.Channel(null));
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () => await issuers.ListAsync(new()))).StatusCode);
        clock.Fire();
        while (calls.Count > 0) await TakeAsync(calls, "4");
        await issuers.ListAsync(new());
        never.SetResult();
        // Nobody knows who they were, and how many there were is in the audit log.
        await served.RunningAsync(running => running == 0); // the client knows of an end before the gate does
        await served.Server.Gate.Refused.WriteAsync();
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        var sums = audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Kind == Engine.Audit.AuditKind.Refused).ToLookup(e => (e.Who, e.Outcome), e => e.Calls!.Value);
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
    private static async Task TakeAsync(List<Task<HttpResponseMessage>> calls, string status)
    {
        var next = await Task.WhenAny(calls);
        calls.Remove(next);
        using var answer = await next;
        Assert.Equal(status, StatusOf(answer));
    }

    private static string? StatusOf(HttpResponseMessage answer) => answer.Headers.TryGetValues("grpc-status", out var values) ? values.Single() : null;

    private static HttpClient Strangers() => new(new SocketsHttpHandler { EnableMultipleHttp2Connections = true, SslOptions = new() { RemoteCertificateValidationCallback = static (_, _, _, _) => true } });

    private static HttpRequestMessage Request(ServedStore served, string method, Task never) =>
        new(HttpMethod.Post, $"{served.Url}/{method}") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new Unsaid(never) };

    /// <summary>A request of which nothing is said before it is given up.</summary>
    private sealed class Unsaid : HttpContent
    {
        private readonly Task _never;

        public Unsaid(Task never)
        {
            _never = never;
            Headers.ContentType = new("application/grpc");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            await _never;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
