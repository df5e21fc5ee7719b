using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Warehouse.Protocol.Flight;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Identity;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using Role = Warehouse.Engine.Access.Role;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>What the gate says and leaves behind when something that it needs fails, before and after it knows who calls.</summary>
public sealed class CallGateTests
{
    [LdapFact]
    public async Task A_directory_that_is_down_is_unavailable_and_no_fault_of_the_caller()
    {
        using var mint = new TokenMint(TimeProvider.System);
        await using var served = await ServedStore.StartAsync((folder, options) =>
        {
            File.WriteAllText(folder["keys"], mint.Keys());
            PrivateFolder.WriteFile(folder["password"], "a password of a test"u8);
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start(); // a port that is free when it is stopped
            return options with
            {
                OperatorEndPoint = new(IPAddress.Loopback, 0),
                Configuration = new()
                {
                    Issuers = [TokenMint.Rules(folder["keys"]) with { DirectoryClaim = "login" }],
                    Directory = new() { Host = "127.0.0.1", Port = ((IPEndPoint)listener.LocalEndpoint).Port, IsTest = true, BindName = "cn=x", PasswordFile = folder["password"], PeopleBase = "ou=p", GroupsBase = "ou=g" },
                },
            };
        });
        var client = new V1.Variants.VariantsClient(served.Channel(null));
        var token = mint.Make(claims => claims["login"] = "alice");
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } }, new Metadata { { "authorization", "Bearer " + token } }));
        Assert.Equal(new Status(StatusCode.Unavailable, "the directory does not answer"), refused.Status);
        await served.Log.WaitAsync("\"CallRefused\"", "Variants/Seen", "NotAvailable");
        Assert.Contains(served.Log.All, line => line.Contains("\"CredentialNotTaken\"", StringComparison.Ordinal) && line.Contains("DirectoryUnavailable", StringComparison.Ordinal));
        var entry = Assert.Single(served.Entries(), e => e.Verb is not ("serve" or "certificate issue"));
        Assert.Equal(("unauthenticated", "could-not", "warehouse.v1.Variants/Seen"), (entry.Who, entry.Outcome, entry.Verb));
        await AssertCountedAsync(served, "unavailable", "not_available");

        // A token that is none is refused as ever, and why, the operator alone learns.
        refused = await Assert.ThrowsAsync<RpcException>(async () => await client.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } }, new Metadata { { "authorization", "Bearer x.y" } }));
        Assert.Equal(Authenticated.Refusal().Status, refused.Status);
        await served.Log.WaitAsync("\"CredentialNotTaken\"", "\"fault\":\"Parts\"");
        Assert.Equal("unauthenticated", served.Entries()[^1].Outcome);
        await AssertCountedAsync(served, "unauthenticated", "bad_credential");
    }

    [Fact]
    public async Task Without_an_audit_log_nobody_is_told_anything_and_every_call_ends_and_is_counted()
    {
        await using var served = await ServedStore.StartAsync((_, options) => options with { OperatorEndPoint = new(IPAddress.Loopback, 0) });
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var known = new V1.Variants.VariantsClient(channel);
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };
        await known.SeenAsync(question);
        Directory.Move(served.AuditPath, served.AuditPath + ".away");
        File.WriteAllText(served.AuditPath, ""); // no folder can be made there
        Func<Task>[] calls =
        [
            async () => await known.SeenAsync(question),
            async () => await known.SeenAsync(new V1.SeenRequest()), // refused before it is answered
            async () => await new V1.Store.StoreClient(channel).InfoAsync(new V1.InfoRequest { Asking = ServedStore.Treatment }),
            () => known.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment }).ResponseStream.MoveNext(default),
            async () => await new V1.Variants.VariantsClient(served.Channel(null)).SeenAsync(question),
        ];
        foreach (var (i, call) in calls.Index())
        {
            var refused = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal((i, StatusCode.Unavailable, "the audit log cannot be written, so nothing is shown"), (i, refused.StatusCode, refused.Status.Detail));
        }
        await served.Log.WaitAsync("\"AuditFailed\"");
        await AssertCountedAsync(served, "unavailable", "no_audit");
        Assert.Contains("warehouse_calls_refused_total{reason=\"no_audit\"} 5", (await served.PageAsync("metrics")).Text, StringComparison.Ordinal);
        // What shows nothing is answered still, which says nothing of the audit log.
        await new Health.HealthClient(channel).CheckAsync(new());
        await served.Server.Gate.Refused.WriteAsync();
        Assert.True(served.Server.Gate.Report.IsAuditLost);
        File.Delete(served.AuditPath);
        Directory.Move(served.AuditPath + ".away", served.AuditPath);
        Assert.Single((await known.SeenAsync(question)).Answers);
        Assert.False(served.Server.Gate.Report.IsAuditLost);
        // None of them could have an entry; how many there were, the log says once it can.
        await served.Server.Gate.Refused.WriteAsync();
        Assert.Equal([(id, "no-audit", 4L), ("unauthenticated", "no-audit", 1L)], served.Entries().Where(e => e.Kind == AuditKind.Refused).Select(e => (e.Who, e.Outcome!, e.Calls!.Value)));
    }

    [Fact]
    public async Task A_missing_second_factor_and_a_missing_purpose_are_counted_by_their_names()
    {
        await using var served = await ServedStore.StartAsync((_, options) => options with { OperatorEndPoint = new(IPAddress.Loopback, 0) });
        var (pem, issued) = served.Server.Identity.Issue("one-factor", 1, roles: [Role.Analyst]);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        var client = new V1.Variants.VariantsClient(served.Channel(X509Certificate2.CreateFromPem(pem, pem)));
        await client.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } });
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.Export(new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf }).ResponseStream.MoveNext(default));
        Assert.Equal((StatusCode.PermissionDenied, "second-factor"), (refused.StatusCode, RuleOf(refused)));
        Assert.Equal("purpose", RuleOf(await Assert.ThrowsAsync<RpcException>(async () => await client.SeenAsync(new V1.SeenRequest { Asking = new(), Queries = { "22-5-A-C" } }))));
        var page = (await served.PageAsync("metrics")).Text;
        foreach (var (reason, count) in (IEnumerable<(string, int)>)[("no_second_factor", 1), ("no_purpose", 1), ("not_granted", 0), ("bad_request", 0)])
            Assert.Contains($"warehouse_calls_refused_total{{reason=\"{reason}\"}} {count}", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Facts_of_the_store_are_read_beside_other_calls_not_before_them()
    {
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 40);
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var store = new V1.Store.StoreClient(served.Client("operator", Role.Operator).Channel);
        using SemaphoreSlim begun = new(0), goOn = new(0);
        served.Server.Store.AtApart = () =>
        {
            begun.Release();
            goOn.Wait();
        };
        foreach (var ask in (Func<Task>[])[async () => Assert.Contains((await store.InfoAsync(new V1.InfoRequest { Asking = ServedStore.Treatment })).Facts, f => f is { Name: "samples", Value: "6" }), async () => Assert.NotEmpty((await store.SnapshotsAsync(new V1.SnapshotsRequest { Asking = ServedStore.Treatment })).Snapshots)])
        {
            var asking = ask();
            await begun.WaitAsync();
            Assert.Single((await new V1.Variants.VariantsClient(channel).SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } })).Answers);
            Assert.False(asking.IsCompleted);
            goOn.Release();
            await asking;
        }
    }

    [Fact]
    public async Task Whatever_shows_records_refuses_the_levels_below()
    {
        await using var served = await ServedStore.StartAsync(samples: 30, variants: 40);
        var (channel, id) = served.Client("director", Role.LabDirector);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate, Detail.Record);
        var asking = new V1.Asking { Purpose = V1.Purpose.Treatment, Detail = V1.Detail.Aggregate };
        var (variants, flight) = (new V1.Variants.VariantsClient(channel), new FlightService.FlightServiceClient(channel));
        Func<Task>[] calls =
        [
            async () => await new V1.Cohorts.CohortsClient(channel).ShowAsync(new V1.ShowCohortRequest { Asking = asking, Name = "all" }),
            async () => await flight.GetFlightInfoAsync(new FlightDescriptor { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = Google.Protobuf.MessageExtensions.ToByteString(new V1.FlightQuery { Frequencies = new() { Asking = asking } }) }),
            async () => await variants.Carriers(new V1.CarriersRequest { Asking = asking, Queries = { "22-5-A-C" } }).ResponseStream.MoveNext(default),
            async () => await variants.CaseControl(new V1.CaseControlRequest { Asking = asking, Cases = "a", Controls = "b" }).ResponseStream.MoveNext(default),
            async () => await variants.Export(new V1.ExportRequest { Asking = asking, Format = V1.ExportFormat.Vcf }).ResponseStream.MoveNext(default),
            async () =>
            {
                using var call = variants.SeenStream();
                await call.RequestStream.WriteAsync(new V1.SeenStreamRequest { Request = new() { Asking = asking, Queries = { "22-5-A-C" } } });
                await call.RequestStream.CompleteAsync();
                await call.ResponseStream.MoveNext(default);
            },
        ];
        foreach (var (i, call) in calls.Index()) Assert.Equal((i, "detail"), (i, RuleOf(await Assert.ThrowsAsync<RpcException>(call))));
    }

    /// <summary>What a call asks to be told of whom it shows goes with it: the next call's people are in no entry of a call that has ended.</summary>
    [Fact]
    public async Task A_session_that_is_lent_again_tells_nobody_whom_it_shows()
    {
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 40);
        var (_, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        using var audit = StoreAudit.Open(served.StorePath, null, null);
        Session session;
        using (var first = served.CallOf(id, audit))
        {
            session = first.Ask(ServedStore.Treatment);
            session.Shown = _ => Assert.Fail("the call before hears of it");
            first.Release();
        }
        Assert.Null(session.Shown);
        using var second = served.CallOf(id, audit);
        Assert.Same(session, second.Ask(ServedStore.Treatment));
        second.Session.Shown!("somebody"); // is its own
    }

    [Fact]
    public async Task Health_and_reflection_are_for_callers_and_nobody_else()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        RpcChannel known = served.Client("anybody").Channel, unknown = served.Channel(null);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await new Health.HealthClient(known).CheckAsync(new())).Status);
        foreach (var method in MethodTableTests.Services().SelectMany(s => s.Methods).Where(m => MethodTable.Of(MethodCall.PathOf(m)) is { Reach: Reach.Nothing, IsForEverybody: false }))
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => MethodTableTests.CallAsync(unknown, method));
            Assert.True(Authenticated.Refusal().Status.Equals(refused.Status), $"{method.FullName}: {refused.Status}");
        }
    }

    [Fact]
    public async Task Who_administers_by_the_policy_has_the_session_of_an_administrator()
    {
        var clock = new FakeClock();
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10, clock: clock);
        (V1.Access.AccessClient Client, string Id) Person(string name)
        {
            var (pem, issued) = served.Server.Identity.Issue(name, 1);
            return (new(served.Channel(X509Certificate2.CreateFromPem(pem, pem))), issued.Id);
        }
        var (steward, analyst) = (Person("steward"), Person("analyst"));
        served.Owner((store, owner) =>
        {
            foreach (var (id, role) in (IEnumerable<(string, Role)>)[(steward.Id, Role.DataSteward), (analyst.Id, Role.Analyst)])
                store.Approve(AccessActor.Owner("second"), store.Assign(owner, new Subject(SubjectKind.Principal, id), role));
            return 0;
        });
        foreach (var person in (V1.Access.AccessClient[])[steward.Client, analyst.Client]) await person.WhoAmIAsync(new V1.WhoAmIRequest { Asking = ServedStore.Treatment });
        clock.Advance(TimeSpan.FromMinutes(16));
        await analyst.Client.WhoAmIAsync(new V1.WhoAmIRequest { Asking = ServedStore.Treatment });
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(async () => await steward.Client.WhoAmIAsync(new V1.WhoAmIRequest { Asking = ServedStore.Treatment }))).StatusCode);
    }

    [Fact]
    public async Task An_address_of_the_command_line_is_checked_as_one_of_the_file_is()
    {
        var refused = await Assert.ThrowsAsync<InputException>(() => ServedStore.StartAsync((_, options) => options with { EndPoint = new(IPAddress.Any, 0), Configuration = new() { Listen = new() { Tls = "off" } } }));
        Assert.Equal("tls-off", refused.Code);
    }

    [Fact]
    public async Task What_the_listener_says_of_bad_clients_is_in_the_log()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, served.Server.Port);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await served.Log.WaitAsync("\"AuthenticationFailed\"");
    }

    /// <summary>An outcome and a reason are in the figures, and no call of the service runs any more.</summary>
    private static async Task AssertCountedAsync(ServedStore served, string outcome, string reason)
    {
        var page = (await served.PageAsync("metrics")).Text;
        Assert.Matches($"warehouse_calls_total\\{{method=\"warehouse.v1.Variants/Seen\",outcome=\"{outcome}\",detail=\"none\"\\}} [1-9]", page);
        Assert.Matches($"warehouse_calls_refused_total\\{{reason=\"{reason}\"\\}} [1-9]", page);
        Assert.DoesNotMatch("warehouse_calls_running\\{[^}]*\\} [^0]", page);
    }

    private static string RuleOf(RpcException refused) => V1.Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details.Single().Value).Rule;
}
