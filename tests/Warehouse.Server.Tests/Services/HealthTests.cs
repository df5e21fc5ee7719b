using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine.Access;
using Warehouse.Protocol.Flight;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Identity;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>What the operator is told of calls that are refused and of a server that is not as it should be: each by its own name.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task A_refused_call_is_counted_by_why()
    {
        var clock = new FakeClock();
        await using var served = await StartAsync(clock);
        Assert.Equal(StatusCode.Unauthenticated, (await RefusedAsync(served.Channel(null))).StatusCode);
        await AssertRefusedAsync(served, "no_credential", 1);
        await AssertRefusedAsync(served, "bad_credential", 0);

        // As many at a time as a person may have, held by calls that wait.
        var (busy, _) = served.Client("busy", Role.Analyst);
        var held = await ServedStore.HoldAsync(busy, new PersonLimitConfiguration().Calls);
        Assert.Equal((StatusCode.ResourceExhausted, "caller-limit"), Of(await RefusedAsync(busy)));
        await AssertRefusedAsync(served, "too_many_at_once", 1);
        held.Dispose();

        // And as many in a time; no time passes here.
        var health = new Health.HealthClient(served.Client("fast", Role.Analyst).Channel);
        for (var call = 0; call < new PersonLimitConfiguration().Burst; call++) await health.CheckAsync(new());
        Assert.Equal((StatusCode.ResourceExhausted, "caller-rate"), Of(await Assert.ThrowsAsync<RpcException>(async () => await health.CheckAsync(new()))));
        await AssertRefusedAsync(served, "rate_limited", 1);

        // What was shown has ended, and the connection is still there.
        var (slow, _) = served.Client("slow", Role.Analyst);
        await new Health.HealthClient(slow).CheckAsync(new());
        clock.Advance(TimeSpan.FromHours(13));
        Assert.Equal(StatusCode.Unauthenticated, (await RefusedAsync(slow)).StatusCode);
        await AssertRefusedAsync(served, "expired", 1);
        await AssertRefusedAsync(served, "no_room", 0);
    }

    [Fact]
    public async Task Who_finds_all_places_taken_is_counted_so()
    {
        await using var served = await StartAsync();
        var (many, _) = served.Service("many", Role.Analyst);
        var held = await ServedStore.HoldAsync(many, new LimitConfiguration().Calls);
        Assert.Equal(StatusCode.ResourceExhausted, (await RefusedAsync(served.Client("other", Role.Analyst).Channel)).StatusCode);
        await AssertRefusedAsync(served, "no_room", 1);
        await served.Log.WaitAsync("\"CallRefused\"", "NoRoom");
        // Who would be refused for his own sake finds no place for that either.
        Assert.Equal(StatusCode.ResourceExhausted, (await RefusedAsync(many)).StatusCode);
        await AssertRefusedAsync(served, "no_room", 2);
        held.Dispose();
    }

    [Fact]
    public async Task A_server_that_stops_lets_nobody_in_and_says_so()
    {
        await using var served = await StartAsync();
        var (channel, _) = served.Client("analyst", Role.Analyst);
        await new Health.HealthClient(channel).CheckAsync(new());
        served.Server.Gate.Close();
        Assert.Equal((StatusCode.Unavailable, "stopping"), Of(await RefusedAsync(channel)));
        await AssertRefusedAsync(served, "stopping", 1);
    }

    [Fact]
    public async Task A_list_of_revoked_certificates_that_is_too_old_makes_the_server_not_ready_until_there_is_a_new_one()
    {
        var clock = new FakeClock();
        using var authority = CertificateFactory.NewAuthority("hospital", clock.GetUtcNow().AddDays(-30), TimeSpan.FromDays(100));
        string List(double daysAgo) => PemEncoding.WriteString("X509 CRL", new CertificateRevocationListBuilder().Build(authority, 1, clock.GetUtcNow().AddDays(30), HashAlgorithmName.SHA256, thisUpdate: clock.GetUtcNow().AddDays(-daysAgo)));
        await using var served = await ServedStore.StartAsync((folder, options) =>
        {
            File.WriteAllText(folder["authority.pem"], authority.ExportCertificatePem());
            File.WriteAllText(folder["revoked.pem"], List(6.9));
            return options with { Clock = clock, OperatorEndPoint = new(IPAddress.Loopback, 0), Configuration = new() { Clients = new() { Authorities = folder["authority.pem"], RevocationLists = folder["revoked.pem"] } } };
        });
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await ReadyAsync(served));
        clock.Advance(TimeSpan.FromDays(0.2));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "StaleRevocations\n"), await ReadyAsync(served));
        await served.Log.WaitAsync("\"ReadinessChanged\"", "StaleRevocations");
        // What is less grave is told beside it, and still when that has gone.
        served.Server.Gate.Report.FoundDamage();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "StaleRevocations\nDamagedStore\n"), await ReadyAsync(served));
        await served.Log.WaitAsync("\"ReadinessChanged\"", "DamagedStore");
        File.WriteAllText(served["revoked.pem"], List(0));
        clock.PassCheck();
        Assert.Equal((HttpStatusCode.OK, "DamagedStore\n"), await ReadyAsync(served));
        await served.Log.WaitAsync("\"ReadinessOver\"", "StaleRevocations");
        Assert.DoesNotContain(served.Log.All, line => line.Contains("\"ReadinessOver\"", StringComparison.Ordinal) && line.Contains("DamagedStore", StringComparison.Ordinal));
        served.Server.Gate.Report.FoundWhole();
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await ReadyAsync(served));
    }

    [Fact]
    public async Task An_issuer_whose_keys_cannot_be_had_is_known_once_somebody_came_with_its_token()
    {
        using var mint = new TokenMint(TimeProvider.System);
        await using var served = await ServedStore.StartAsync((_, options) => options with
        {
            OperatorEndPoint = new(IPAddress.Loopback, 0), Configuration = new() { Issuers = [TokenMint.Rules("none") with { Keys = null, Issuer = "http://127.0.0.1:1", IsTest = true }] },
        });
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await ReadyAsync(served));
        var token = mint.Make(claims => claims["iss"] = "http://127.0.0.1:1");
        await Assert.ThrowsAsync<RpcException>(async () => await new Health.HealthClient(served.Channel(null)).CheckAsync(new(), new Metadata { { "authorization", "Bearer " + token } }));
        Assert.Equal((HttpStatusCode.OK, "NoIssuerKeys\n"), await ReadyAsync(served));
        await AssertRefusedAsync(served, "bad_credential", 1);
    }

    /// <summary>Whoever comes with its token makes the server ask again, and what it tells the operator ends with what it was about.</summary>
    [Fact]
    public async Task Keys_of_an_issuer_that_can_be_had_again_are_had_and_nothing_is_told_any_more()
    {
        var clock = new FakeClock();
        using var mint = new TokenMint(clock);
        await using var issuer = await IssuerSite.StartAsync(mint);
        await using var served = await ServedStore.StartAsync((_, options) => options with
        {
            Clock = clock, OperatorEndPoint = new(IPAddress.Loopback, 0), Configuration = new() { Issuers = [TokenMint.Rules("none") with { Keys = null, Issuer = issuer.Address, IsTest = true }] },
        });
        var client = new Health.HealthClient(served.Channel(null));
        // The first time there never were any; then those that there were have become too old.
        foreach (var (aged, asksAgainAfter) in ((TimeSpan, double)[])[(TimeSpan.Zero, 6), (TimeSpan.FromHours(25), 61)])
        {
            clock.Advance(aged);
            issuer.IsDown = true;
            Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(CheckAsync)).StatusCode);
            Assert.Equal((HttpStatusCode.OK, "NoIssuerKeys\n"), await ReadyAsync(served));
            issuer.IsDown = false;
            Assert.Equal((HttpStatusCode.OK, "NoIssuerKeys\n"), await ReadyAsync(served)); // nobody has come since
            clock.Advance(asksAgainAfter);
            await CheckAsync();
            Assert.Equal((HttpStatusCode.OK, "Ready\n"), await ReadyAsync(served));
        }
        foreach (var told in (string[])["ReadinessChanged", "ReadinessOver"])
            Assert.Equal(2, served.Log.All.Count(line => line.Contains($"\"{told}\"", StringComparison.Ordinal) && line.Contains("NoIssuerKeys", StringComparison.Ordinal)));

        async Task CheckAsync() => await client.CheckAsync(new(), new Metadata { { "authorization", "Bearer " + mint.Make(claims => claims["iss"] = issuer.Address) } });
    }

    /// <summary>Whoever meets the damage, and however his answer speaks of it, the operator hears of it, until all of the store was found whole.</summary>
    [Theory]
    [InlineData("seen")]
    [InlineData("listing")]
    [InlineData("flight")]
    [InlineData("info")]
    [InlineData("verify")]
    public async Task A_store_that_was_found_damaged_is_told_of_until_it_was_found_whole(string by)
    {
        await using var served = await StartAsync();
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var store = new V1.Store.StoreClient(served.Client("operator", Role.Operator).Channel);
        var files = Directory.GetFiles(Path.Combine(served.StorePath, "f")).Select(f => (Name: f, Bytes: File.ReadAllBytes(f))).ToList();
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await ReadyAsync(served));
        foreach (var (name, bytes) in files)
        {
            // Of each all: whichever part is read is damaged.
            var damaged = (byte[])bytes.Clone();
            for (var at = 64; at < damaged.Length; at += 97) damaged[at] ^= 0x55;
            File.WriteAllBytes(name, damaged);
        }
        var variants = new V1.Variants.VariantsClient(channel);
        var frequencies = new V1.FrequenciesRequest { Asking = ServedStore.Treatment };
        try
        {
            if (by == "seen") await variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-16050075-A-G" } });
            else if (by == "listing") await ReadAsync(variants.Frequencies(frequencies).ResponseStream);
            else if (by == "info") await store.InfoAsync(new V1.InfoRequest { Asking = ServedStore.Treatment });
            else if (by == "verify") await VerifyAsync(store);
            else await ReadAsync(new FlightService.FlightServiceClient(channel).DoGet(await TicketAsync(channel, frequencies)).ResponseStream);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.DataLoss)
        {
            // Told so too.
        }
        // A run of alerts that met the damage too has an alarm of its own until its next one.
        async Task<(HttpStatusCode, bool)> IsDamagedAsync() => await ReadyAsync(served) is var (status, all) ? (status, all.StartsWith("DamagedStore\n", StringComparison.Ordinal)) : default;
        Assert.Equal((HttpStatusCode.OK, true), await IsDamagedAsync());
        await served.Log.WaitAsync("\"ReadinessChanged\"", "DamagedStore");
        foreach (var (name, bytes) in files) File.WriteAllBytes(name, bytes);
        Assert.Equal((HttpStatusCode.OK, true), await IsDamagedAsync());
        Assert.All(await VerifyAsync(store), kind => Assert.Equal("surplus", kind));
        Assert.DoesNotContain("DamagedStore", (await ReadyAsync(served)).Text, StringComparison.Ordinal);
    }

    /// <summary>Whoever distributes calls asks by gRPC, the operator by HTTP: both hear the same, and nobody's asking makes it better.</summary>
    [Fact]
    public async Task Without_its_audit_log_a_server_is_not_serving_until_it_has_written_it_again()
    {
        await using var served = await StartAsync();
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var health = new Health.HealthClient(channel);
        using var watch = health.Watch(new() { Service = "warehouse.v1.Variants" });
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };
        await new V1.Variants.VariantsClient(channel).SeenAsync(question);
        await AssertAsync(HealthCheckResponse.Types.ServingStatus.Serving, "Ready\n");
        Directory.Move(served.AuditPath, served.AuditPath + ".away");
        File.WriteAllText(served.AuditPath, ""); // no folder can be made there
        await Assert.ThrowsAsync<RpcException>(async () => await new V1.Variants.VariantsClient(channel).SeenAsync(question));
        // A probe is answered, and that is no sign of the log.
        for (var probe = 0; probe < 3; probe++) Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await health.CheckAsync(new())).Status);
        await AssertAsync(HealthCheckResponse.Types.ServingStatus.NotServing, "NoAudit\n");
        File.Delete(served.AuditPath);
        Directory.Move(served.AuditPath + ".away", served.AuditPath);
        // Nobody calls a server that is not ready: it finds out by itself.
        await AssertAsync(HealthCheckResponse.Types.ServingStatus.Serving, "Ready\n");
        await new V1.Variants.VariantsClient(channel).SeenAsync(question);

        async Task AssertAsync(HealthCheckResponse.Types.ServingStatus status, string ready)
        {
            // The watcher hears of it though nobody asks.
            Assert.True(await watch.ResponseStream.MoveNext(default).WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.Equal(status, watch.ResponseStream.Current.Status);
            Assert.Equal(status, (await health.CheckAsync(new())).Status);
            Assert.All((await health.ListAsync(new())).Statuses.Values, s => Assert.Equal(status, s.Status));
            Assert.Equal((status == HealthCheckResponse.Types.ServingStatus.Serving ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, ready), await ReadyAsync(served));
        }
    }

    private static Task<ServedStore> StartAsync(TimeProvider? clock = null) =>
        ServedStore.StartAsync((_, options) => options with { OperatorEndPoint = new(IPAddress.Loopback, 0), Clock = clock ?? TimeProvider.System });

    private static Task<RpcException> RefusedAsync(RpcChannel channel) => Assert.ThrowsAsync<RpcException>(async () => await new Health.HealthClient(channel).CheckAsync(new()));

    private static async Task<Ticket> TicketAsync(RpcChannel channel, V1.FrequenciesRequest frequencies) => (await new FlightService.FlightServiceClient(channel).GetFlightInfoAsync(
        new FlightDescriptor { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = Google.Protobuf.MessageExtensions.ToByteString(new V1.FlightQuery { Frequencies = frequencies }) })).Endpoint[0].Ticket;

    private static async Task<List<string>> VerifyAsync(V1.Store.StoreClient store)
    {
        var found = new List<string>();
        await ReadAsync(store.Verify(new V1.VerifyRequest { Asking = new() { Purpose = V1.Purpose.Operations } }).ResponseStream, r => found.AddRange(r.Finding is { } finding ? [finding.Kind] : []));
        return found;
    }

    private static async Task ReadAsync<T>(IAsyncStreamReader<T> replies, Action<T>? each = null)
    {
        while (await replies.MoveNext(default)) each?.Invoke(replies.Current);
    }

    private static (StatusCode, string?) Of(RpcException refused) => (refused.StatusCode, Refusals.RuleOf(refused));

    private static async Task AssertRefusedAsync(ServedStore served, string reason, int count) =>
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"warehouse_calls_refused_total{{reason=\"{reason}\"}} {count}\n"), (await served.PageAsync("metrics")).Text, StringComparison.Ordinal);

    private static Task<(HttpStatusCode Status, string Text)> ReadyAsync(ServedStore served) => served.PageAsync("readyz");
}
