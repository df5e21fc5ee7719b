using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Warehouse.Protocol.Flight;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Xunit;
using Action = System.Action;
using Detail = Warehouse.Engine.Access.Detail;
using Role = Warehouse.Engine.Access.Role;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// F63: every method that may take long, given up by its client in the middle. Its work ends, the audit log says how, and whoever gave it up has his place again: he may have one
/// call at a time here, and there is room for one stream of questions.
/// </summary>
public sealed class GivenUpTests
{
    /// <summary>Streams that are not given up here, and why.</summary>
    private static readonly Dictionary<string, string> Without = new(StringComparer.Ordinal)
    {
        ["/warehouse.v1.Annotations/Search"] = Short, ["/warehouse.v1.Assessments/List"] = Short, ["/warehouse.v1.Assessments/Export"] = Short, ["/warehouse.v1.Alerts/Course"] = Short, ["/warehouse.v1.Care/List"] = Short,
        ["/warehouse.v1.ClinVar/Compare"] = Short, ["/arrow.flight.protocol.FlightService/ListFlights"] = Short,
        ["/arrow.flight.protocol.FlightService/Handshake"] = Unanswered, ["/arrow.flight.protocol.FlightService/DoPut"] = Unanswered, ["/arrow.flight.protocol.FlightService/DoExchange"] = Unanswered, ["/arrow.flight.protocol.FlightService/DoAction"] = Unanswered,
        ["/arrow.flight.protocol.FlightService/ListActions"] = Unanswered,
        ["/grpc.health.v1.Health/Watch"] = Library, ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = Library, ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = Library,
    };

    private const string Short = "the answer is as long as a list that people keep: here it has ended before anybody could give it up", Unanswered = "not answered", Library = "has no entry in the audit log";

    /// <summary>How each is begun, so that it is in the middle of its work: it waits for room to send what nobody reads, or for what is sent next. What it gives, given up, ends it.</summary>
    private static readonly Dictionary<string, (Role Role, Func<Lab, Person, Task<Action>> BeginAsync)> Methods = new(StringComparer.Ordinal)
    {
        ["/warehouse.v1.Variants/Frequencies"] = (Role.Analyst, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Variants/Frequencies", new V1.FrequenciesRequest { Asking = ServedStore.Treatment, By = "ancestry" })),
        ["/warehouse.v1.Variants/CaseControl"] = (Role.Analyst, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Variants/CaseControl", new V1.CaseControlRequest { Asking = ServedStore.Treatment, Cases = "cases", Controls = "controls" })),
        ["/warehouse.v1.Variants/Carriers"] = (Role.Analyst, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Variants/Carriers", new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { lab.Common } })),
        ["/warehouse.v1.Variants/Export"] = (Role.Analyst, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Variants/Export", new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf })),
        ["/warehouse.v1.Variants/SeenStream"] = (Role.Analyst, (_, who) => SendAsync(new V1.Variants.VariantsClient(who.Channel).SeenStream(), new() { Request = new() { Asking = ServedStore.Treatment }, Queries = { "22-5-A-C" } })),
        ["/arrow.flight.protocol.FlightService/DoGet"] = (Role.Analyst, async (lab, who) => await lab.ListAsync(who, "/arrow.flight.protocol.FlightService/DoGet", await TicketAsync(who))),
        ["/warehouse.v1.Store/Verify"] = (Role.Operator, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Store/Verify", new V1.VerifyRequest { Asking = ServedStore.Treatment })),
        ["/warehouse.v1.Audit/Search"] = (Role.Auditor, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Audit/Search", new V1.AuditSearchRequest { Asking = ServedStore.Treatment })),
        ["/warehouse.v1.Alerts/Follow"] = (Role.Clinician, (lab, who) => lab.ListAsync(who, "/warehouse.v1.Alerts/Follow", new V1.FollowRequest { Asking = ServedStore.Treatment })),
        ["/warehouse.v1.Ingest/Upload"] = (Role.Analyst, (_, who) => SendAsync(new V1.Ingest.IngestClient(who.Channel).Upload(), new() { Batch = IngestServiceTests.BatchOf("batch", [new byte[1000]]) })),
        ["/warehouse.v1.Ingest/UploadRelease"] = (Role.DataSteward, (_, who) => SendAsync(new V1.Ingest.IngestClient(who.Channel).UploadRelease(), new() { Batch = ReleaseUploadTests.Release(new byte[1000]).Batch })),
        ["/warehouse.v1.Care/Import"] = (Role.DataSteward, (lab, who) => lab.BeginAsync(new V1.Care.CareClient(who.Channel).Import(), new() { Asking = ServedStore.Treatment, Rows = { new V1.CareRow { Person = "somebody", Responsible = "cert:another" } } })),
        ["/warehouse.v1.Assessments/Import"] = (Role.Analyst, (lab, who) => lab.BeginAsync(new V1.Assessments.AssessmentsClient(who.Channel).Import(), new() { Asking = ServedStore.Treatment })),
    };

    [Fact]
    public async Task What_its_client_gives_up_ends_is_in_the_log_as_cancelled_and_has_its_place_given_back()
    {
        var streams = MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(m => m.FullName).Where(m => m.IsClientStreaming || m.IsServerStreaming).Select(MethodCall.PathOf);
        Assert.Equal(Methods.Keys.Concat(Without.Keys).Order(StringComparer.Ordinal), streams.Order(StringComparer.Ordinal));
        await using var lab = await Lab.StartAsync();
        foreach (var (method, (role, begin)) in Methods)
        {
            var who = lab.NewPerson(role);
            // The second time needs the place that the first one had.
            for (var times = 1; times <= 2; times++)
            {
                var giveUp = await OnceThereIsRoomAsync(() => begin(lab, who));
                await lab.Served.RunningAsync(running => running == 1);
                giveUp();
                await lab.Served.RunningAsync(running => running == 0);
                var ends = lab.EndsOf(who, method);
                Assert.True(ends.Count == times && ends.TrueForAll(e => e.Outcome == "cancelled"), $"{method}: {string.Join(", ", ends.Select(e => $"{e.Kind} {e.Outcome}"))}");
            }
        }
        Assert.Empty(lab.Served.Server.Alerts.Ask((_, book) => book.Care));
    }

    /// <summary>A handler learns of it at whatever it does next: that it is told to stop, or that it writes to a call that has ended.</summary>
    [Fact]
    public void However_a_method_learns_that_it_was_given_up_the_log_says_the_same()
    {
        Exception[] signs = [new OperationCanceledException(), new RpcException(Status.DefaultCancelled), new RpcException(new(StatusCode.DeadlineExceeded, "the deadline is over"))];
        Assert.All(signs, s => Assert.Equal(("cancelled", StatusCode.Cancelled, false), Refusals.Of(s, () => "") is var (refusal, outcome, isOurs) ? (outcome, refusal.StatusCode, isOurs) : default));
    }

    /// <summary>A place is free a moment after its call has ended. One that is never given back is asked for in vain.</summary>
    private static async Task<T> OnceThereIsRoomAsync<T>(Func<Task<T>> begin)
    {
        const int Tries = 500;
        for (var i = 1; ; i++)
        {
            try
            {
                return await begin();
            }
            catch (Exception e) when (i < Tries && (e is RpcException { StatusCode: StatusCode.ResourceExhausted } || (e is InvalidOperationException && e.Message.Contains(nameof(StatusCode.ResourceExhausted), StringComparison.Ordinal))))
            {
                await Task.Yield();
            }
        }
    }

    /// <summary>Sends the first message of a stream in both directions and takes the first reply.</summary>
    private static async Task<Action> SendAsync<TRequest, TReply>(AsyncDuplexStreamingCall<TRequest, TReply> call, TRequest first)
    {
        try
        {
            await call.RequestStream.WriteAsync(first);
        }
        catch (RpcException)
        {
            // Refused before it was read: how, the reply says.
        }
        Assert.True(await call.ResponseStream.MoveNext(default));
        return call.Dispose;
    }

    private static async Task<Ticket> TicketAsync(Person who) =>
        (await OnceThereIsRoomAsync(async () => await new FlightService.FlightServiceClient(who.Channel).GetFlightInfoAsync(new()
        {
            Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = new V1.FlightQuery { Frequencies = new() { Asking = ServedStore.Treatment, By = "ancestry" } }.ToByteString(),
        }))).Endpoint[0].Ticket;

    private sealed record Person(string Id, RawCaller Raw, Warehouse.Rpc.Client.RpcChannel Channel);

    /// <summary>A store whose answers are longer than what is on its way of a reply that nobody reads.</summary>
    private sealed class Lab : IAsyncDisposable
    {
        private const int SurplusFiles = 4000, Entries = 1500, AtOnce = 32;

        private readonly List<RawCaller> _callers = [];
        private int _issued;

        private Lab(ServedStore served) => Served = served;

        public ServedStore Served { get; }

        /// <summary>The thousand variants that most people carry.</summary>
        public string[] Common { get; private set; } = [];

        public static async Task<Lab> StartAsync()
        {
            var lab = new Lab(await ServedStore.StartAsync(samples: 40, variants: 9000, configure: _ => new ServerConfiguration { Limits = new() { Person = ServedStore.Fast with { Calls = 1 }, SeenStreams = 1 } }));
            var served = lab.Served;
            lab.Common = served.Owner((store, _) =>
            {
                store.SetCohort("cases", null, "affected == 'yes'");
                store.SetCohort("controls", null, "affected == 'no'");
                using var session = store.OpenSession();
                return session.Frequencies(new FrequencyRequest()).OrderByDescending(r => r.Figures.Carriers).Take(1000).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").ToArray();
            });
            // What nothing names, verify lists; and whatever was asked, the log has.
            for (var i = 0; i < SurplusFiles; i++) File.Create(Path.Combine(served.StorePath, "f", $"{i:x32}")).Dispose();
            var (channel, id) = served.Service("machine", Role.Analyst);
            served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
            var variants = new V1.Variants.VariantsClient(channel);
            await Parallel.ForEachAsync(Enumerable.Range(0, Entries), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (_, stop) => await variants.ResolveAsync(new() { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } }, cancellationToken: stop));
            await served.RunningAsync(running => running == 0);
            return lab;
        }

        public Person NewPerson(Role role)
        {
            var (pem, issued) = Served.Server.Identity.Issue($"person{_issued++}", 1, roles: [role], hasSecondFactor: true);
            if (role is Role.Analyst or Role.Clinician) Served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
            _callers.Add(new RawCaller(Served, pem));
            return new Person(issued.Id, _callers[^1], Served.Channel(X509Certificate2.CreateFromPem(pem, pem)));
        }

        /// <summary>Asks for a list and reads its beginning.</summary>
        public async Task<Action> ListAsync(Person who, string method, IMessage request)
        {
            await who.Raw.OpenAsync(method, request);
            return who.Raw.GiveUp;
        }

        /// <summary>Sends the first message of several; done when the call runs.</summary>
        public async Task<Action> BeginAsync<TRequest, TReply>(AsyncClientStreamingCall<TRequest, TReply> call, TRequest first)
        {
            await call.RequestStream.WriteAsync(first);
            await Task.WhenAny(call.ResponseAsync, Served.RunningAsync(running => running == 1));
            if (call.ResponseAsync.IsCompleted) await call.ResponseAsync; // refused
            return call.Dispose;
        }

        /// <summary>How the calls of a method ended that were let in.</summary>
        public List<AuditEntry> EndsOf(Person who, string method) => Served.Entries().FindAll(e => e.Who == who.Id && "/" + e.Verb == method && e.Kind is AuditKind.Call or AuditKind.End && e.Outcome != "could-not");

        public async ValueTask DisposeAsync()
        {
            foreach (var caller in _callers) caller.Dispose();
            await Served.DisposeAsync();
        }
    }
}
