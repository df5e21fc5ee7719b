using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Warehouse.Protocol.Flight;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Tests.Identity;
using Xunit;
using AuditEntry = Warehouse.Engine.Audit.AuditEntry;
using Detail = Warehouse.Engine.Access.Detail;
using Role = Warehouse.Engine.Access.Role;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// C5, F65: a call that runs ends with what was shown for it, with its role and with its grant, whether its client reads, sends, or does nothing at all. A cohort that
/// shrinks ends it too: what a listing says of everybody, its figures and its columns, would from there on be of others than what it has said.
/// </summary>
public sealed class StreamEndTests
{
    private static readonly Status Over = new(StatusCode.Unauthenticated, "not authenticated"), Denied = new(StatusCode.PermissionDenied, "not granted");

    /// <summary>By how it ends: how it is done, and what every stream then ends with. An upload shows nothing, so it has no grant to lose.</summary>
    private static readonly Dictionary<string, (Func<House, string, Task> Act, Status Status, string Outcome, bool EndsUpload)> Ends = new()
    {
        ["token expired"] = ((house, stream) =>
        {
            if (stream == House.Streams[0]) house.Clock.Pass(TimeSpan.FromMinutes(15.5));
            return Task.CompletedTask;
        }, Over, "unauthenticated", true),
        ["token revoked"] = ((house, stream) => File.AppendAllTextAsync(house.Served["revoked"], $"{TokenMint.Issuer} {house.Tokens[stream].Id}\n"), Over, "unauthenticated", true),
        ["certificate revoked"] = ((house, stream) => Task.FromResult(house.Served.Server.Identity.Revoke(stream)), Over, "unauthenticated", true),
        ["grant revoked"] = ((house, stream) => house.OwnerAsync((store, owner) => store.Revoke(owner, house.Entries[stream].Grant)), Denied, "denied", false),
        ["role taken away"] = ((house, stream) => house.OwnerAsync((store, owner) => store.Revoke(owner, house.Entries[stream].Role)), Denied, "denied", true),
        ["cohort shrunk"] = ((house, stream) => stream != House.Streams[0] ? Task.CompletedTask : house.OwnerAsync((store, _) => store.SetCohort("some", house.Samples[..20], null)), Denied, "denied", false),
    };

    /// <summary>Nobody but the stream itself looks here: as each reply leaves, and the last look was long enough ago.</summary>
    [Theory]
    [InlineData("token expired")]
    [InlineData("token revoked")]
    [InlineData("certificate revoked")]
    [InlineData("grant revoked")]
    [InlineData("role taken away")]
    [InlineData("cohort shrunk")]
    public async Task A_stream_that_goes_on_ends_with_what_it_rests_on(string end)
    {
        await using var house = await House.StartAsync(end.StartsWith("token", StringComparison.Ordinal));
        var whole = new Dictionary<string, long>();
        foreach (var stream in House.Listings) whole[stream] = (await (await house.OpenAsync(stream, "whole"))()).Bytes;
        var running = new Dictionary<string, Func<Task<RawAnswer>>>();
        foreach (var stream in House.Streams) running[stream] = await house.OpenAsync(stream, stream);
        foreach (var stream in House.Streams) await Ends[end].Act(house, stream);
        house.Clock.Pass(TimeSpan.FromSeconds(6));
        foreach (var stream in House.Streams)
        {
            var answer = await running[stream]().WaitAsync(TimeSpan.FromSeconds(60));
            var isEnded = stream != "Upload" || Ends[end].EndsUpload;
            var (code, text, outcome) = isEnded ? (Ends[end].Status.StatusCode, Ends[end].Status.Detail, Ends[end].Outcome) : (StatusCode.OK, "", "done");
            Assert.Equal((stream, code, text), (stream, answer.Code, answer.Text));
            if (whole.TryGetValue(stream, out var bytes)) Assert.True(answer.Bytes < bytes, $"{stream}: {answer.Bytes} of {bytes} bytes came");
            await house.AssertEndedAsync(stream, outcome);
        }
    }

    /// <summary>Clients that read no further, and send no more: nothing but the look at a running call can end these.</summary>
    [Theory]
    [InlineData("token expired")]
    [InlineData("certificate revoked")]
    [InlineData("role taken away")]
    public async Task A_stream_whose_client_does_nothing_ends_all_the_same(string end)
    {
        await using var house = await House.StartAsync(end.StartsWith("token", StringComparison.Ordinal));
        var held = new List<object>(); // an answer that nobody holds is given up
        foreach (var stream in House.Streams) held.Add(await house.OpenAsync(stream, stream));
        foreach (var stream in House.Streams) await Ends[end].Act(house, stream);
        house.Clock.Pass(TimeSpan.FromSeconds(6));
        house.Clock.Fire();
        Assert.Equal(House.Streams.Length, house.Clock.Set); // each has a moment to end in order, which it cannot
        house.Clock.Pass(CallWatch.OrderlyWithin);
        house.Clock.Fire();
        foreach (var stream in House.Streams) await house.AssertEndedAsync(stream, Ends[end].Outcome);
        GC.KeepAlive(held);
    }

    [Fact]
    public async Task Health_and_reflection_end_with_the_credential_too()
    {
        await using var house = await House.StartAsync(isByToken: true);
        foreach (var isByToken in (bool[])[true, false])
        {
            var name = isByToken ? "by-token" : "by-certificate";
            var ((channel, headers), _) = await house.NewAsync(name, isByToken);
            using var watch = new Health.HealthClient(channel).Watch(new(), headers);
            using var reflection = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo(headers);
            await reflection.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
            Assert.True(await watch.ResponseStream.MoveNext(default) && await reflection.ResponseStream.MoveNext(default));
            house.Clock.Pass(TimeSpan.FromSeconds(6));
            house.Clock.Fire();
            Assert.Equal(2, house.Clock.Set); // nothing has ended, and both are looked at again
            if (isByToken) house.Clock.Pass(TimeSpan.FromMinutes(15));
            else house.Served.Server.Identity.Revoke(name);
            house.Clock.Pass(TimeSpan.FromSeconds(6));
            var ends = (Task<RpcException>[])[Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(default)), Assert.ThrowsAsync<RpcException>(() => reflection.ResponseStream.MoveNext(default))];
            house.Clock.Fire();
            foreach (var refused in await Task.WhenAll(ends).WaitAsync(TimeSpan.FromSeconds(30))) Assert.Equal(Over, refused.Status);
        }
    }

    [Fact]
    public async Task What_is_sent_in_many_messages_changes_nothing_when_its_credential_ends_before_the_last_one()
    {
        await using var house = await House.StartAsync(isByToken: false);
        var ((channel, _), id) = await house.NewAsync("steward", isByToken: false, Role.DataSteward);
        var care = new V1.Care.CareClient(channel);
        using var import = care.Import();
        await import.RequestStream.WriteAsync(new() { Asking = new() { Purpose = V1.Purpose.Operations }, Rows = { new V1.CareRow { Person = "somebody", Responsible = "cert:another" } } });
        await house.Clock.SetAsync(1);
        house.Served.Server.Identity.Revoke("steward");
        house.Clock.Pass(TimeSpan.FromSeconds(6));
        house.Clock.Fire();
        house.Clock.Pass(CallWatch.OrderlyWithin);
        house.Clock.Fire();
        Assert.Equal(Over, (await Assert.ThrowsAsync<RpcException>(async () => await import.ResponseAsync.WaitAsync(TimeSpan.FromSeconds(30)))).Status);
        Assert.Equal("unauthenticated", Assert.Single(await house.EndedAsync(id)).Outcome);
        Assert.Empty(house.Served.Server.Alerts.Ask((_, book) => book.Care));
    }

    /// <summary>A store behind a clock that stands, and streams by callers of their own, named by the stream.</summary>
    private sealed class House : IAsyncDisposable
    {
        public static readonly string[] Listings = ["Frequencies", "Carriers", "Export", "DoGet"], Streams = [.. Listings, "SeenStream", "Upload"];

        private readonly List<IDisposable> _open = [];
        private readonly Dictionary<string, string> _ids = [], _pems = [];
        private readonly TokenMint _mint;
        private readonly bool _isByToken;
        private House(bool isByToken, HandClock clock) => (_isByToken, Clock, _mint) = (isByToken, clock, new(clock));

        public HandClock Clock { get; }

        public ServedStore Served { get; private set; } = null!;

        public string[] Samples { get; private set; } = [];

        public Dictionary<string, (int Grant, int Role)> Entries { get; } = [];

        public Dictionary<string, (string Id, string Text)> Tokens { get; } = [];

        public static async Task<House> StartAsync(bool isByToken)
        {
            var house = new House(isByToken, new HandClock(static about => about is CallWatch));
            house.Served = await ServedStore.StartAsync((folder, options) =>
            {
                File.WriteAllText(folder["keys"], house._mint.Keys());
                File.WriteAllText(folder["revoked"], "");
                return options with { Clock = house.Clock, Configuration = new() { Issuers = [TokenMint.Rules(folder["keys"]) with { SecondFactorAcr = ["mfa"] }], RevokedTokens = folder["revoked"] } };
            }, samples: 40, variants: 9000);
            house.Samples = house.Served.Owner((store, _) =>
            {
                using var session = store.OpenSession();
                return session.LoadedSamples().Select(s => s.Name).ToArray();
            });
            await house.OwnerAsync((store, _) => store.SetCohort("some", house.Samples[..30], null));
            return house;
        }

        public Task OwnerAsync(Action<VariantStore, AccessActor> change) => Task.FromResult(Served.Owner((store, owner) =>
        {
            change(store, owner);
            return 0;
        }));

        /// <summary>A person who may load and see the cohort: by a certificate or a token, and his role by the policy alone.</summary>
        public async Task<((RpcChannel Channel, Metadata? Headers) By, string Id)> NewAsync(string name, bool isByToken, Role role = Role.Analyst)
        {
            var (by, id) = isByToken ? NewByToken(name) : NewByCertificate(name);
            _ids[name] = id;
            await OwnerAsync((store, owner) =>
            {
                var subject = new Subject(SubjectKind.Principal, id);
                var entries = (store.Grant(owner, new() { Subject = subject, Cohort = "some", Details = [Detail.Record], Purposes = [Purpose.Treatment] }), store.Assign(owner, subject, role));
                store.Approve(AccessActor.Owner("second"), entries.Item1);
                store.Approve(AccessActor.Owner("second"), entries.Item2);
                Entries[name] = entries;
            });
            return (by, id);
        }

        /// <summary>Begins a stream; what it gives goes on with it, to its end.</summary>
        public async Task<Func<Task<RawAnswer>>> OpenAsync(string stream, string name)
        {
            var ((channel, headers), _) = name == "whole" && _ids.ContainsKey(name) ? (default, "") : await NewAsync(name, _isByToken);
            var listings = Listing(stream);
            if (listings is { } listing)
            {
                var caller = new RawCaller(Served, _isByToken ? null : _pems[name], _isByToken ? Tokens[name].Text : null);
                _open.Add(caller);
                var request = stream == "DoGet" ? await TicketAsync(name) : listing.Request;
                return await caller.OpenAsync(listing.Method, request);
            }
            return stream == "SeenStream" ? await SeenAsync(channel, headers) : await UploadAsync(channel, headers);
        }

        public List<AuditEntry> EntriesOf(string name) => EntriesBy(_ids[name]);

        /// <summary>The last entries of a caller's calls, once there is one.</summary>
        public async Task<List<AuditEntry>> EndedAsync(string id)
        {
            List<AuditEntry> ended = [];
            await Served.CallsChanged.UntilAsync(() =>
            {
                ended = EntriesBy(id).FindAll(e => e.Kind is AuditKind.End or AuditKind.Call);
                return ended.Count > 0;
            });
            return ended;
        }

        public async Task AssertEndedAsync(string stream, string outcome)
        {
            var end = Assert.Single(await EndedAsync(_ids[stream]));
            Assert.Equal((stream, AuditKind.End, outcome), (stream, end.Kind, end.Outcome));
            Assert.Equal(AuditKind.Begin, EntriesOf(stream)[0].Kind);
            Assert.EndsWith("/" + stream, end.Verb, StringComparison.Ordinal);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var open in _open) open.Dispose();
            await Served.DisposeAsync();
            _mint.Dispose();
        }

        private List<AuditEntry> EntriesBy(string id) => Served.Entries().FindAll(e => e.Who == id && !e.Verb.EndsWith("GetFlightInfo", StringComparison.Ordinal));

        private ((RpcChannel, Metadata?), string) NewByToken(string name)
        {
            var id = $"jti{Tokens.Count}";
            Tokens[name] = (id, _mint.Make(claims => (claims["sub"], claims["jti"], claims["acr"]) = (name, id, "mfa")));
            return ((Served.Channel(null), new Metadata { { "authorization", "Bearer " + Tokens[name].Text } }), $"oidc:{TokenMint.Issuer}|{name}");
        }

        private ((RpcChannel, Metadata?), string) NewByCertificate(string name)
        {
            var (pem, issued) = Served.Server.Identity.Issue(name, 1, hasSecondFactor: true);
            _pems[name] = pem;
            return ((Served.Channel(X509Certificate2.CreateFromPem(pem, pem)), null), issued.Id);
        }

        private (string Method, IMessage Request)? Listing(string stream) => stream switch
        {
            "Frequencies" => ("/warehouse.v1.Variants/Frequencies", new V1.FrequenciesRequest { Asking = ServedStore.Treatment, By = "ancestry" }),
            "Carriers" => ("/warehouse.v1.Variants/Carriers", new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { Common() } }),
            "Export" => ("/warehouse.v1.Variants/Export", new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf }),
            "DoGet" => ("/arrow.flight.protocol.FlightService/DoGet", new Ticket()),
            _ => null,
        };

        /// <summary>The thousand variants that most people carry.</summary>
        private List<string> Common() => Served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).OrderByDescending(r => r.Figures.Carriers).Take(1000).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").ToList();
        });

        private async Task<Ticket> TicketAsync(string name)
        {
            var query = new V1.FlightQuery { Frequencies = new() { Asking = ServedStore.Treatment, By = "ancestry" } };
            var (channel, headers) = _isByToken ? (Served.Channel(null), new Metadata { { "authorization", "Bearer " + Tokens[name].Text } })
                : (Served.Channel(X509Certificate2.CreateFromPem(_pems[name], _pems[name])), null);
            return (await new FlightService.FlightServiceClient(channel).GetFlightInfoAsync(new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() }, headers)).Endpoint[0].Ticket;
        }

        private async Task<Func<Task<RawAnswer>>> SeenAsync(RpcChannel channel, Metadata? headers)
        {
            var call = new V1.Variants.VariantsClient(channel).SeenStream(headers);
            _open.Add(call);
            await call.RequestStream.WriteAsync(new() { Request = new() { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } } });
            Assert.True(await call.ResponseStream.MoveNext(default));
            return () => EndAsync(call, [new() { Queries = { "22-6-A-C" } }]);
        }

        private async Task<Func<Task<RawAnswer>>> UploadAsync(RpcChannel channel, Metadata? headers)
        {
            byte[][] files = [new byte[1000]];
            var call = new V1.Ingest.IngestClient(channel).Upload(headers);
            _open.Add(call);
            await call.RequestStream.WriteAsync(new() { Batch = IngestServiceTests.BatchOf("batch", files) });
            Assert.True(await call.ResponseStream.MoveNext(default));
            return () => EndAsync(call, [IngestServiceTests.Bytes(files, 0, 0, 100), IngestServiceTests.Bytes(files, 0, 100, 100)]);
        }

        private static async Task<RawAnswer> EndAsync<TRequest, TReply>(AsyncDuplexStreamingCall<TRequest, TReply> call, TRequest[] further)
        {
            try
            {
                foreach (var request in further) await call.RequestStream.WriteAsync(request);
                await call.RequestStream.CompleteAsync();
                while (await call.ResponseStream.MoveNext(default))
                {
                }
                return new(StatusCode.OK, "", 0);
            }
            catch (RpcException ended)
            {
                if (ended.StatusCode == StatusCode.PermissionDenied) Assert.Equal("no-longer-granted", Refusals.RuleOf(ended));
                return new(ended.StatusCode, ended.Status.Detail, 0);
            }
        }
    }
}
