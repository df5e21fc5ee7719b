using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Rpc.Client;
using Warehouse.Rpc.Server;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Tests.Identity;
using Xunit;
using RawConnection = Warehouse.Tests.Rpc.RawConnection;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>The limits of the configuration: each is set low and met.</summary>
public sealed class LimitTests
{
    private const int Samples = 24;

    [Fact]
    public async Task A_listing_ends_when_its_caller_has_had_scanned_what_he_may_in_a_minute()
    {
        var clock = new FakeClock();
        await using var served = await StartAsync(new() { Person = new() { ScanUnitsPerMinute = 200 * Samples } }, clock);
        var (channel, id) = served.Client("person", Role.Analyst);
        var (machine, service) = served.Service("machine", Role.Analyst);
        foreach (var who in (string[])[id, service]) served.Grant(new Subject(SubjectKind.Principal, who), null, Detail.Record);
        var (person, other) = (new V1.Variants.VariantsClient(channel), new V1.Variants.VariantsClient(machine));
        var many = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { Enumerable.Repeat("22-5-A-C", 30) } }; // a row that was too dear leaves less than that
        var listing = await Assert.ThrowsAsync<RpcException>(() => ListAsync(person));
        Assert.Equal((StatusCode.ResourceExhausted, "scan-units"), (listing.StatusCode, Refusals.RuleOf(listing)));
        Assert.Equal("60000", listing.Trailers.GetValue(RpcServerOptions.RetryPushback));
        clock.Advance(20);
        var seen = await Assert.ThrowsAsync<RpcException>(async () => await person.SeenAsync(many));
        Assert.Equal(("scan-units", "40000"), (Refusals.RuleOf(seen), seen.Trailers.GetValue(RpcServerOptions.RetryPushback)));
        await ListAsync(other); // somebody else's is his own
        clock.Advance(40);
        Assert.Equal(30, (await person.SeenAsync(many)).Answers.Count);
        Assert.Equal((string?[])["could-not", "could-not", "done"], served.Entries().Where(e => e.Who == id && e.Outcome is not null).Select(e => e.Outcome));
    }

    /// <summary>Whatever has figures of samples scanned for a call is charged for.</summary>
    [Fact]
    public async Task Every_question_of_genotypes_is_charged()
    {
        var clock = new FakeClock();
        await using var served = await StartAsync(new() { Person = new() { ScanUnitsPerMinute = 2 } }, clock);
        var (channel, id) = served.Client("person", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            string[] names = [.. session.LoadedSamples().Select(s => s.Name)];
            store.SetCohort("cases", names[..8], null);
            store.SetCohort("controls", names[8..], null);
            return 0;
        });
        var (client, asking, stored) = (new V1.Variants.VariantsClient(channel), ServedStore.Treatment, Stored(served));
        var questions = new Dictionary<string, Func<Task>>
        {
            ["Seen"] = async () => await client.SeenAsync(new V1.SeenRequest { Asking = asking, Queries = { "22-5-A-C", "22-6-A-C", "22-7-A-C" } }),
            ["SeenStream"] = () => StreamAsync(client, new() { Request = new() { Asking = asking }, Queries = { "22-5-A-C", "22-6-A-C", "22-7-A-C" } }),
            ["SeenStream, brief"] = () => StreamAsync(client, new() { Request = new() { Asking = asking }, Brief = true, Queries = { "22-5-A-C", "22-6-A-C", "22-7-A-C" } }),
            ["SeenStream, a file"] = () => StreamAsync(client, new() { Request = new() { Asking = asking }, Vcf = Google.Protobuf.ByteString.CopyFromUtf8("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + string.Concat(stored.Take(3).Select(q => $"{q.Contig}\t{q.Start + 1}\t.\t{q.Ref}\t{q.Alt}\t.\t.\t.\n"))) }),
            ["Frequencies"] = () => ListAsync(client),
            ["FrequenciesOf"] = async () => await client.FrequenciesOfAsync(new V1.FrequenciesOfRequest { Asking = asking, Queries = { stored.Take(3).Select(Spelled) } }),
            ["CaseControl"] = () => ReadAsync(client.CaseControl(new V1.CaseControlRequest { Asking = asking, Cases = "cases", Controls = "controls" }).ResponseStream),
            ["Carriers"] = () => ReadAsync(client.Carriers(new V1.CarriersRequest { Asking = asking, Queries = { "22-5-A-C" } }).ResponseStream),
            ["Export, rows"] = () => ReadAsync(client.Export(new V1.ExportRequest { Asking = asking, Format = V1.ExportFormat.Arrow }).ResponseStream),
            ["Export, lines"] = () => ReadAsync(client.Export(new V1.ExportRequest { Asking = asking, Format = V1.ExportFormat.Vcf }).ResponseStream),
            ["Resolve"] = async () => await client.ResolveAsync(new V1.ResolveRequest { Asking = asking, Queries = { "ga4gh:VA." + new string('a', 32) } }),
        };
        foreach (var (name, ask) in questions)
        {
            clock.Advance(61); // one question that is dearer than all there is may be asked in a minute
            await client.SeenAsync(Asking("22-5-A-C"));
            var refused = await Record.ExceptionAsync(ask);
            Assert.True(refused is RpcException e && Refusals.RuleOf(e) == "scan-units", $"{name}: {refused?.Message}");
        }
    }

    [Fact]
    public void A_minute_begins_with_its_first_charge_and_ends_with_it()
    {
        var clock = new FakeClock();
        var allowance = new ScanAllowance(100, clock);
        clock.Advance(30);
        Assert.Equal(10, allowance.Take(10, 3));
        Assert.Equal(23, allowance.Take(1000, 3)); // 70 units were left
        Assert.Equal(0, allowance.Take(1, 3));
        Assert.Equal(TimeSpan.FromSeconds(60), allowance.Over().RetryAfter);
        Assert.Equal(1, allowance.Take(1, 1));
        Assert.Throws<ScanAllowanceException>(() => allowance.TakeWhole(1));
        clock.Advance(59);
        Assert.Equal(0, allowance.Take(1, 1));
        clock.Advance(1);
        Assert.Equal(1, allowance.Take(5, 1000)); // dearer than everything: once a minute
        Assert.Equal(0, allowance.Take(5, 1));
        Assert.Equal(0, allowance.Take(0, 1));
    }

    [Fact]
    public async Task So_many_calls_at_a_time_and_in_a_time()
    {
        await using var served = await StartAsync(new() { Calls = 5, Person = new() { Calls = 2, CallsPerSecond = 1, Burst = 4 }, Service = new() { Calls = 3 } }, new FakeClock());
        var (busy, _) = served.Client("busy", Role.Analyst);
        using (var held = await ServedStore.HoldAsync(busy, 2)) Assert.Equal("caller-limit", await RefusedAsync(busy));
        var (fast, _) = served.Client("fast", Role.Analyst);
        for (var i = 0; i < 4; i++) await new Health.HealthClient(fast).CheckAsync(new());
        Assert.Equal("caller-rate", await RefusedAsync(fast));
        var (machine, _) = served.Service("machine", Role.Analyst);
        using var many = await ServedStore.HoldAsync(machine, 3);
        Assert.Equal("caller-limit", await RefusedAsync(machine));
        using var more = await ServedStore.HoldAsync(served.Service("second", Role.Analyst).Channel, 2);
        Assert.Null(await RefusedAsync(served.Service("third", Role.Analyst).Channel)); // by the listener, which has no rule
    }

    [Fact]
    public async Task So_much_of_one_call()
    {
        TimeSpan unsaid = TimeSpan.FromSeconds(37), idle = TimeSpan.FromSeconds(41), longest = TimeSpan.FromSeconds(43);
        var clock = new HeldClock(unsaid, idle, longest);
        await using var served = await StartAsync(new() { SeenStreams = 1, Call = new() { ReceiveBytes = 512 << 10, Seconds = 37, StreamIdleSeconds = 41, LongestSeconds = 43 } }, clock);
        var (pem, issued) = served.Server.Identity.Issue("machine", 1, isService: true, roles: [Role.Analyst]);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        using var shown = ServedStore.Shown(pem);
        var client = new V1.Variants.VariantsClient(served.Channel(shown));
        var large = await Assert.ThrowsAsync<RpcException>(async () => await client.SeenAsync(Asking(new string('A', 600 << 10))));
        Assert.Equal(StatusCode.ResourceExhausted, large.StatusCode);
        using var first = client.SeenStream();
        await first.RequestStream.WriteAsync(new() { Request = new() { Asking = ServedStore.Treatment }, Queries = { "22-5-A-C" } });
        Assert.True(await first.ResponseStream.MoveNext(default));
        var second = await Assert.ThrowsAsync<RpcException>(() => StreamAsync(client, new() { Request = new() { Asking = ServedStore.Treatment }, Queries = { "22-5-A-C" } }));
        Assert.Equal("streams", Refusals.RuleOf(second));
        // Calls whose requests do not come: of a client that states no time, and of one that states more than there is.
        using var raw = new RawCaller(served, pem);
        var waiting = ((string?[])[null, "1H"]).Select(stated => raw.HoldAsync("/warehouse.v1.Variants/Seen", stated)).ToList();
        await served.RunningAsync(running => running == 3);
        Assert.Equal([unsaid, idle, longest], clock.Set);
        clock.Fire();
        Assert.All(await Task.WhenAll(waiting), a => Assert.Equal(StatusCode.DeadlineExceeded, a.Code));
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => ReadAsync(first.ResponseStream))).StatusCode);
    }

    [Fact]
    public async Task So_many_calls_of_whom_nobody_knows_for_so_long()
    {
        const string Issuers = "/warehouse.v1.Issuers/List"; // which is for everybody
        var clock = new HeldClock(TimeSpan.FromSeconds(47));
        await using var served = await StartAsync(new() { Strangers = new() { Calls = 3, CallsOfOne = 2, Seconds = 47 } }, clock);
        using RawCaller here = new(served, null), there = new(served, null, from: IPAddress.Parse("127.0.0.2"));
        var held = new List<Task<RawAnswer>>();
        foreach (var (caller, places) in new[] { (here, 2), (there, 1) })
        {
            for (var place = 0; place < places; place++) held.Add(caller.HoldAsync(Issuers));
            await clock.HeldAsync(held.Count);
            Assert.Equal(StatusCode.ResourceExhausted, (await caller.CallAsync(Issuers, RawCaller.Framed([]))).Code);
        }
        clock.Fire();
        Assert.All(await Task.WhenAll(held), a => Assert.Equal(StatusCode.DeadlineExceeded, a.Code));
        await served.RunningAsync(running => running == 0);
        Assert.Equal(StatusCode.OK, (await here.CallAsync(Issuers, RawCaller.Framed([]))).Code);
    }

    /// <summary>An answer that is too long for a message is refused before the log says that it was shown; a client asks for it in parts.</summary>
    [Fact]
    public async Task An_answer_longer_than_a_message_is_refused_before_its_entry()
    {
        await using var served = await StartAsync(new() { Call = new() { SendBytes = 2 << 20 } });
        var (pem, issued) = served.Server.Identity.Issue("machine", 1, isService: true, roles: [Role.Analyst]);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        using var client = new Client.WarehouseClient(new Client.ConnectOptions { Server = new Uri(served.Url), Credentials = Client.Credentials.FromPem(pem), Ask = new() { Purpose = V1.Purpose.Treatment } });
        var stored = Stored(served);
        var queries = Enumerable.Range(0, 3000).Select(i => Spelled(stored[i % stored.Length])).ToArray();
        var asked = new V1.FrequenciesOfRequest { By = "person", Queries = { queries } };
        var all = await client.FrequenciesOfAsync(asked);
        Assert.Equal(queries.Length * Samples, all.Rows.Count);
        Assert.Equal(queries.SelectMany(q => Enumerable.Repeat(q, Samples)), all.Rows.Select(r => $"{r.Contig}-{r.Pos}-{r.Ref}-{r.Alt}"));
        Assert.NotNull(all.Context);
        var outcomes = served.Entries().Where(e => e.Who == issued.Id && e.Verb.EndsWith("/FrequenciesOf", StringComparison.Ordinal)).Select(e => e.Outcome).ToList();
        Assert.Equal("bad-input", outcomes[0]);
        Assert.True(outcomes.Count(o => o == "done") >= 2 && outcomes.TrueForAll(o => o is "done" or "bad-input"), string.Join(' ', outcomes));
    }

    [Fact]
    public async Task So_many_connections_and_headers()
    {
        // Nothing else than their number ends a connection here in good time.
        var clock = new HeldClock(TimeSpan.FromSeconds(59));
        await using var served = await StartAsync(new() { Connection = new() { Connections = 4, UnknownSeconds = 59, HandshakeSeconds = 60, HeaderFields = 16, HeaderBytes = 4096 } }, clock);
        var health = new Health.HealthClient(served.Client("person", Role.Analyst).Channel);
        await health.CheckAsync(new());
        var many = new Metadata();
        for (var i = 0; i < 20; i++) many.Add($"x{i}", "1");
        foreach (var headers in (Metadata[])[new() { { "long", new string('a', 5000) } }, many])
        {
            await Assert.ThrowsAsync<RpcException>(async () => await health.CheckAsync(new(), headers));
            await health.CheckAsync(new());
        }
        // Half of the connections are for those of one address whom nobody knows: two have a place, with the time that they may stay unknown, and the third has none.
        var before = clock.Begun;
        var silent = Enumerable.Range(0, 3).Select(_ => new TcpClient()).ToArray();
        try
        {
            for (var place = 0; place < 2; place++)
            {
                await silent[place].ConnectAsync(IPAddress.Loopback, served.Server.Port);
                await clock.HeldAsync(before + place + 1);
            }
            try
            {
                await silent[2].ConnectAsync(IPAddress.Loopback, served.Server.Port);
                Assert.Equal(0, await silent[2].GetStream().ReadAsync(new byte[1]));
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Reset, which is an end too.
            }
            Assert.Equal((2, 2), (clock.Begun - before, clock.Set.Count()));
            await health.CheckAsync(new());
        }
        finally
        {
            foreach (var client in silent) client.Dispose();
        }
    }

    /// <summary>While the clock stands nothing comes back of what frames that ask for nothing may cost. The settings that a client begins with cost a hundred.</summary>
    [Fact]
    public async Task So_many_pings()
    {
        const int Least = 1000, OfSettings = 100;
        await using var served = await StartAsync(new() { Connection = new() { ControlFrames = Least } }, new HandClock());
        var (pem, _) = served.Server.Identity.Issue("pings", 1, roles: [Role.Analyst]);
        using var certificate = ServedStore.Shown(pem);
        using var connection = new RawConnection(served.Server.Port, certificate);
        var ping = RawConnection.Frame(RawConnection.Ping, 0, 0, new byte[8]);
        for (var i = OfSettings; i < Least; i++) connection.Send(ping);
        for (var answered = OfSettings; answered < Least;)
        {
            var frame = connection.Read();
            Assert.NotNull(frame);
            if (frame.Value.Type == RawConnection.Ping) answered++;
        }
        connection.Send(ping);
        while (connection.Read() is not null) continue; // to its end: left open, it would be a failure to read
    }

    /// <summary>No setting is forgotten on its way: each changes something of what the listener gets, and something else than the others.</summary>
    [Fact]
    public void Every_setting_reaches_the_listener()
    {
        Check(() => new CallLimitConfiguration(), c => c.Rpc);
        Check(() => new ConnectionLimitConfiguration(), c => c.Rpc);

        static void Check<T, TRpc>(Func<T> make, Func<T, TRpc> to)
        {
            var came = new HashSet<TRpc> { to(make()) };
            foreach (var setting in typeof(T).GetProperties().Where(p => p.PropertyType == typeof(int)))
            {
                var changed = make();
                setting.SetValue(changed, (int)setting.GetValue(changed)! + 1);
                Assert.True(came.Add(to(changed)), setting.Name);
            }
            Assert.Equal(typeof(TRpc).GetProperties().Count(p => p.CanWrite) + 1, came.Count);
        }
    }

    private static Task<ServedStore> StartAsync(LimitConfiguration limits, TimeProvider? clock = null) =>
        ServedStore.StartAsync(Samples, 400, clock: clock, configure: _ => new ServerConfiguration { Limits = limits });

    private static V1.SeenRequest Asking(string query) => new() { Asking = ServedStore.Treatment, Queries = { query } };

    private static Task ListAsync(V1.Variants.VariantsClient client) => ReadAsync(client.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment }).ResponseStream);

    private static async Task StreamAsync(V1.Variants.VariantsClient client, V1.SeenStreamRequest request)
    {
        using var call = client.SeenStream();
        await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        await ReadAsync(call.ResponseStream);
    }

    private static async Task ReadAsync<T>(IAsyncStreamReader<T> replies)
    {
        while (await replies.MoveNext(default))
        {
        }
    }

    private static async Task<string?> RefusedAsync(RpcChannel channel)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new Health.HealthClient(channel).CheckAsync(new()));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Equal("1000", refused.Trailers.GetValue(RpcServerOptions.RetryPushback));
        return Refusals.RuleOf(refused);
    }

    private static FrequencyRow[] Stored(ServedStore served) => served.Owner((store, _) =>
    {
        using var session = store.OpenSession();
        return session.Frequencies(new FrequencyRequest()).ToArray();
    });

    private static string Spelled(FrequencyRow row) => string.Create(CultureInfo.InvariantCulture, $"{row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt}");
}
