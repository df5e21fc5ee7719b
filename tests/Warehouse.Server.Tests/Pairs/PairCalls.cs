using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine.Access;
using Warehouse.Protocol.Flight;
using Warehouse.Units.Access;
using Query = Warehouse.Engine.Query;
using Reflection = Grpc.Reflection.V1;
using ReflectionAlpha = Grpc.Reflection.V1Alpha;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>
/// Requests of every method of the server, drawn for the pairs of a seed: the same ones go to each store, and each may follow from what was answered before.
/// A method without requests here is a fault of the test. What changes the store comes last, and some questions are asked again behind it.
/// </summary>
internal sealed partial class PairCalls(StorePairs pairs, PairQuestions questions, PairServer server, (PairHouse House, PairHouse.Client User) who, int seed)
{
    private readonly Random _dice = new(seed ^ 0xca115);
    private readonly StringBuilder _said = new();

    /// <summary>Methods with how they were answered.</summary>
    public List<(string Method, StatusCode Status)> Answered { get; } = [];

    /// <summary>Ids of alerts in the logs of all.</summary>
    public required IReadOnlyList<string> Alerted { get; init; }

    /// <summary>Samples to ask about. Whoever administers may know what there is, and names what all stores have.</summary>
    private IReadOnlyList<string> Names => who.User.IsAdministrator ? pairs.Loaded : pairs.Names;

    private IReadOnlyList<string> CohortNames => who.User.IsAdministrator ? [.. questions.CohortNames.Where(c => !c.StartsWith("others", StringComparison.Ordinal))] : questions.CohortNames;

    private V1.Asking Asking => new()
    {
        Purpose = pairs.Options.Purpose == Purpose.Research ? V1.Purpose.Research : V1.Purpose.Operations, Project = pairs.Options.Project ?? "",
    };

    private V1.Asking At(V1.Detail detail, long? snapshot = null)
    {
        var asking = Asking;
        asking.Detail = detail;
        if (snapshot is { } version) asking.Snapshot = version;
        return asking;
    }

    /// <summary>Asks everything; what was said, as text.</summary>
    /// <param name="methods">Methods, those that change something last.</param>
    public string Ask(IEnumerable<string> methods)
    {
        foreach (var method in methods)
            foreach (var requests in RequestsOf(method)) Say(method, requests, isCut: method.EndsWith("Health/Watch", StringComparison.Ordinal));
        Say("/warehouse.v1.Variants/Frequencies", [new V1.FrequenciesRequest { Asking = Asking, Symbolic = true }]);
        if (!who.User.IsAdministrator) Say("/warehouse.v1.Access/List", [new V1.ListAccessRequest { Asking = Asking, All = true }]);
        return _said.Append(server.Figures()).ToString();
    }

    private PairAnswer Say(string method, IEnumerable<IMessage> requests, bool isCut = false)
    {
        var answer = server.Call(method, who.User, requests, isCut);
        Answered.Add((method, answer.Status));
        _said.Append("== ").Append(method).Append(": ").AppendJoin(' ', requests.Take(2).Select(r => r.ToString())).Append('\n').Append(answer.Whole).Append('\n');
        return answer;
    }

    private IEnumerable<IMessage[]> RequestsOf(string method) => method[1..method.IndexOf('/', 1)] switch
    {
        "warehouse.v1.Variants" => Variants(method),
        "warehouse.v1.Cohorts" => Cohorts(method),
        "warehouse.v1.Access" => Access(method),
        "warehouse.v1.Ingest" => Uploads(method),
        "warehouse.v1.Alerts" => Alerts(method),
        "warehouse.v1.Watches" or "warehouse.v1.Care" => Watches(method),
        "warehouse.v1.ClinVar" => ClinVar(method),
        "warehouse.v1.Annotations" => Annotations(method),
        "warehouse.v1.Assessments" => Assessments(method),
        "arrow.flight.protocol.FlightService" => Flight(method),
        _ => Others(method),
    };

    private IEnumerable<IMessage[]> Variants(string method)
    {
        V1.Samples Chosen(Query.SampleChoice choice)
        {
            var samples = new V1.Samples { Cohort = choice.Cohort ?? "" };
            samples.Names.AddRange(choice.Names ?? []);
            return samples;
        }
        IEnumerable<V1.Region> Regions(Query.FrequencyRequest listing) => listing.Regions.Select(r =>
        {
            var region = new V1.Region { Contig = r.Contig, Start = r.Start };
            if (r.End != Query.Region.Unbounded) region.End = r.End;
            return region;
        });
        V1.CountRules Rules(Query.FrequencyRequest listing) => new() { Adj = listing.Rules.Adj, PassOnly = listing.Rules.PassOnly, PloidyAsCalled = listing.Rules.PloidyAsCalled, PerSample = listing.Rules.PerSample };
        V1.SeenRequest SeenRequest(V1.Asking asking, Query.SampleChoice choice, bool identify) => new() { Asking = asking, Samples = Chosen(choice), Identify = identify, Queries = { questions.Spellings }, Annotate = { Joined } };
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "Seen":
                yield return [SeenRequest(Asking, questions.Choices[_dice.Next(4)], true)];
                yield return [SeenRequest(At(_dice.Next(2) == 0 ? V1.Detail.Exists : V1.Detail.Aggregate), questions.Choices[_dice.Next(2)], false)];
                break;
            case "SeenStream":
                var (first, brief) = (SeenRequest(At(V1.Detail.Record, questions.Snapshots[1]), questions.Choices[_dice.Next(4)], false), _dice.Next(2) == 0);
                if (questions.Annotated is { } vcf) (first, brief) = (new() { Asking = Asking }, false);
                yield return [new V1.SeenStreamRequest { Request = first, Brief = brief }, questions.Annotated is { } text ? new V1.SeenStreamRequest { Vcf = ByteString.CopyFromUtf8(text) } : new V1.SeenStreamRequest { Queries = { questions.Spellings.Reverse() } }];
                break;
            case "Frequencies":
                var listing = questions.Listings[_dice.Next(4)];
                yield return [new V1.FrequenciesRequest { Asking = Asking, Samples = Chosen(listing.Samples), By = listing.By ?? "", Symbolic = listing.Symbolic, MinAc = listing.MinAc, Regions = { Regions(listing) }, Rules = Rules(listing), Annotate = { Joined } }];
                yield return [new V1.FrequenciesRequest { Asking = At(V1.Detail.Aggregate), By = _dice.Next(2) == 0 ? "ancestry" : "", Annotate = { Joined } }];
                break;
            case "FrequenciesOf":
                var asked = questions.Listings[_dice.Next(4)];
                yield return [new V1.FrequenciesOfRequest { Asking = Asking, Samples = Chosen(asked.Samples), By = asked.By ?? "", Rules = Rules(asked), Queries = { questions.Spellings.Take(4) }, Annotate = { Joined } }];
                yield return [new V1.FrequenciesOfRequest { Asking = At(V1.Detail.Aggregate), Queries = { questions.Spellings.Take(4) } }];
                break;
            case "CaseControl":
                foreach (var (cases, controls) in questions.Compared) yield return [new V1.CaseControlRequest { Asking = Asking, Cases = cases, Controls = controls }];
                break;
            case "Carriers":
                yield return [new V1.CarriersRequest { Asking = Asking, Queries = { questions.Spellings }, Annotate = { Joined } }];
                break;
            case "Resolve":
                yield return [new V1.ResolveRequest { Asking = At(_dice.Next(2) == 0 ? V1.Detail.Exists : V1.Detail.Record), Queries = { questions.Spellings } }];
                break;
            case "Export":
                var choice = questions.Choices[_dice.Next(4)];
                yield return [new V1.ExportRequest { Asking = Asking, Samples = Chosen(choice), Regions = { Regions(questions.Listings[0]) }, Format = (V1.ExportFormat)_dice.Next(5), Annotate = { Joined } }];
                break;
            default: throw Unlisted(method);
        }
    }

    private IEnumerable<IMessage[]> Cohorts(string method)
    {
        var name = CohortNames[_dice.Next(CohortNames.Count)];
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "List":
                yield return [new V1.ListCohortsRequest { Asking = At((V1.Detail)_dice.Next(1, 5)) }];
                break;
            case "Show":
                yield return [new V1.ShowCohortRequest { Asking = At(V1.Detail.Record, questions.Snapshots[_dice.Next(2)]), Name = name }];
                break;
            case "Set":
                var some = Names.Where(_ => _dice.Next(3) == 0).Take(3).ToList();
                yield return [new V1.SetCohortRequest { Asking = Asking, Name = "own.a", Where = _dice.Next(2) == 0 ? "ancestry == 'AFR'" : _dice.Next(2) == 0 ? "secret0 == 'left'" : "sample != 'none'" }];
                yield return [_dice.Next(2) == 0 ? new V1.SetCohortRequest { Asking = Asking, Name = "own.b", Samples = { some } } : new V1.SetCohortRequest { Asking = Asking, Name = name, Samples = { pairs.Visible.Take(2) } }];
                break;
            case "Refresh":
                yield return [new V1.RefreshCohortRequest { Asking = Asking, Name = _dice.Next(3) == 0 ? name : "own.a" }];
                break;
            default: throw Unlisted(method);
        }
    }

    private IEnumerable<IMessage[]> Access(string method)
    {
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "WhoAmI": return [[new V1.WhoAmIRequest { Asking = Asking }]];
            case "Explain": return [[new V1.ExplainRequest { Asking = At((V1.Detail)_dice.Next(1, 5)), Principal = _dice.Next(4) == 0 ? "cert:another" : "" }]];
            case "List": return [[new V1.ListAccessRequest { Asking = Asking, All = true }]];
            case "Elevate":
                var samples = Names.Where(_ => _dice.Next(3) == 0).Take(3).ToList();
                var cohort = samples.Count == 0 || _dice.Next(2) == 0 ? CohortNames[_dice.Next(CohortNames.Count)] : "";
                if (cohort.Length > 0) samples = [];
                return [[new V1.ElevateRequest { Asking = Asking, Cohort = cohort, Samples = { samples }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Operations }, Reason = "work" }]];
            // The glass opens what is behind it, and says so: what is compared is how it is refused.
            case "BreakGlass": return [[new V1.BreakGlassRequest { Asking = Asking, Samples = { pairs.Visible.First() } }], [new V1.BreakGlassRequest { Asking = Asking, Samples = { "nobody" }, Reason = "emergency" }]];
            case "Revoke": return [[new V1.EntryRequest { Asking = Asking, Id = _dice.Next(6) }]];
            case "Grant": return [[new V1.GrantRequest { Asking = Asking, Subject = "cert:another", Samples = { Names.Take(2) }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Operations } }]];
            case "Assign" or "Unassign": return [[new V1.AssignRequest { Asking = Asking, Subject = "cert:another", Role = V1.Role.Analyst }]];
            case "RegisterProject": return [[new V1.RegisterProjectRequest { Asking = Asking, Project = new V1.Project { Name = "mine", Members = { "role:researcher" }, Kind = V1.ResearchKind.Biomedical } }]];
            case "ChangeSettings": return [[new V1.ChangeSettingsRequest { Asking = Asking, Settings = new V1.Settings { K = 12 } }]];
            case "Approve" or "ReviewBreakGlass": return [[new V1.EntryRequest { Asking = Asking, Id = 1 }]];
            case "Attest": return [[new V1.AttestRequest { Asking = Asking, Ids = { 1 } }]];
            case "Review": return [[new V1.ReviewAccessRequest { Asking = Asking }]];
            case "OpenEpoch": return [[new V1.OpenEpochRequest { Asking = Asking }]];
            default: throw Unlisted(method);
        }
    }

    private IEnumerable<IMessage[]> Flight(string method)
    {
        FlightDescriptor Described(V1.FlightQuery query) => new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() };
        V1.FlightQuery[] queries =
        [
            new() { Frequencies = new V1.FrequenciesRequest { Asking = Asking, Symbolic = true } }, new() { Sites = new V1.FrequenciesRequest { Asking = Asking } }, new() { Carriers = new V1.CarriersRequest { Asking = Asking, Queries = { questions.Spellings.Take(3) } } },
        ];
        var drawn = queries[_dice.Next(queries.Length)];
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "ListFlights": return [[new Criteria()]];
            case "GetSchema": return [[Described(drawn)]];
            case "GetFlightInfo": return [[Described(drawn)]];
            case "DoGet":
                var info = Say("/arrow.flight.protocol.FlightService/GetFlightInfo", [Described(drawn)]);
                return [[info.Status == StatusCode.OK ? FlightInfo.Parser.ParseFrom(info.Messages[0]).Endpoint[0].Ticket : new Ticket { Ticket_ = drawn.ToByteString() }]];
            case "Handshake": return [[new HandshakeRequest()]];
            case "PollFlightInfo": return [[Described(drawn)]];
            case "DoPut" or "DoExchange": return [[new FlightData()]];
            case "DoAction": return [[new Warehouse.Protocol.Flight.Action()]];
            case "ListActions": return [[new Empty()]];
            default: throw Unlisted(method);
        }
    }

    private IEnumerable<IMessage[]> Alerts(string method)
    {
        // What alerts are about is told for treatment alone; how it is refused for anything else is compared too.
        var asking = _dice.Next(4) == 0 ? Asking : new V1.Asking { Purpose = V1.Purpose.Treatment };
        var id = Alerted.Count == 0 || _dice.Next(4) == 0 ? new string('0', 20) : Alerted[_dice.Next(Alerted.Count)];
        return method[(method.LastIndexOf('/') + 1)..] switch
        {
            "Inbox" => [[new V1.InboxRequest { Asking = asking, Closed = _dice.Next(2) == 0 }], [new V1.InboxRequest { Asking = new V1.Asking { Purpose = V1.Purpose.Treatment } }]],
            "Follow" => [[new V1.FollowRequest { Asking = asking }]],
            "Show" => [.. Alerted.Append(id).Select(a => (IMessage[])[new V1.ShowAlertRequest { Asking = asking, Id = a }])],
            "Acknowledge" => [[new V1.AcknowledgeRequest { Asking = asking, Ids = { id }, Reason = "seen" }], [new V1.AcknowledgeRequest { Asking = asking, Ids = { Alerted }, Reason = "all" }]],
            "Delegate" => [[new V1.DelegateRequest { Asking = asking, Id = id, To = _dice.Next(2) == 0 ? "cert:another" : who.User.Caller.Id, Reason = "hers" }]],
            "Snooze" => [[new V1.SnoozeRequest { Asking = asking, Id = id, Hours = 1, Reason = "later" }]],
            "Escalate" => [[new V1.EscalateRequest { Asking = asking, Id = id, Reason = "now" }]],
            "Course" => [[new V1.CourseRequest { Asking = Asking, Closed = true }]],
            "Status" => [[new V1.AlertStatusRequest { Asking = Asking }]],
            "Run" => [[new V1.RunAlertsRequest { Asking = Asking }]],
            "Settings" => [[new V1.AlertSettingsRequest { Asking = Asking }]],
            "ChangeSettings" => [[new V1.ChangeAlertSettingsRequest { Asking = Asking, Settings = new V1.AlertSettings { CriticalHours = 1, MajorHours = 1, MinorHours = 1, MessagesAnHour = 1 } }]],
            _ => throw Unlisted(method),
        };
    }

    private IEnumerable<IMessage[]> Watches(string method) => method switch
    {
        "/warehouse.v1.Watches/List" => [[new V1.ListWatchesRequest { Asking = Asking }]],
        "/warehouse.v1.Watches/Set" => [[new V1.SetWatchRequest { Asking = Asking, Watch = new V1.Watch { Name = "w", Scope = V1.WatchScope.Cohort, Items = { CohortNames[_dice.Next(CohortNames.Count)] } } }]],
        "/warehouse.v1.Watches/Remove" => [[new V1.RemoveWatchRequest { Asking = Asking, Name = "w" }]],
        "/warehouse.v1.Care/List" => [[new V1.ListCareRequest { Asking = Asking }]],
        "/warehouse.v1.Care/Import" => [[new V1.ImportCareRequest { Asking = Asking, Rows = { new V1.CareRow { Person = Names[0], Responsible = "cert:another" } }, Commit = true }]],
        _ => throw Unlisted(method),
    };

    private IEnumerable<IMessage[]> ClinVar(string method) => method[(method.LastIndexOf('/') + 1)..] switch
    {
        "Releases" => [[new V1.ClinVarReleasesRequest { Asking = Asking }]],
        "Look" or "Preview" => [[new V1.ClinVarReleaseRequest { Asking = Asking, Release = "2024-01-07" }]],
        "Compare" => [[new V1.CompareReleasesRequest { Asking = Asking, Before = "2024-01-07", After = "2024-02-04" }]],
        "Accept" => [[new V1.AcceptReleaseRequest { Asking = Asking, Release = "2024-01-07" }]],
        "History" => [.. questions.Spellings.Take(3).Select(s => (IMessage[])[new V1.ClinVarHistoryRequest { Asking = At(_dice.Next(2) == 0 ? V1.Detail.Exists : V1.Detail.Record), Allele = s }])],
        "Grades" => [[new V1.GradesRequest { Asking = Asking }]],
        "SetGrades" => [[new V1.SetGradesRequest { Asking = Asking, Text = "* * * * minor" }]],
        _ => throw Unlisted(method),
    };

    private IEnumerable<IMessage[]> Others(string method) => method switch
    {
        "/warehouse.v1.Store/Snapshots" => [[new V1.SnapshotsRequest { Asking = At((V1.Detail)_dice.Next(1, 4)) }]],
        "/warehouse.v1.Store/Info" => [[new V1.InfoRequest { Asking = Asking }]],
        "/warehouse.v1.Store/Verify" => [[new V1.VerifyRequest { Asking = Asking }]],
        "/warehouse.v1.Linkage/Resolve" => [[new V1.ResolvePersonsRequest { Asking = At(_dice.Next(4) == 0 ? V1.Detail.Record : V1.Detail.Linkage), Samples = { Names.Where(_ => _dice.Next(3) > 0).Append("nobody") }, Persons = { Names[_dice.Next(Names.Count)], "P0", "P1", "ghost0", "ghost1" } }]],
        "/warehouse.v1.Issuers/List" => [[new V1.ListIssuersRequest()]],
        "/warehouse.v1.Audit/Search" => [[new V1.AuditSearchRequest { Asking = Asking, Sample = Names[0] }]],
        "/warehouse.v1.Audit/Prove" => [[new V1.AuditProofRequest { Asking = Asking }]],
        "/warehouse.v1.Audit/Checkpoint" => [[new V1.AuditCheckpointRequest { Asking = Asking }]],
        "/warehouse.v1.Audit/Review" => [[new V1.AuditReviewRequest { Asking = Asking, Remark = "seen" }]],
        "/grpc.health.v1.Health/Check" or "/grpc.health.v1.Health/Watch" => [[new HealthCheckRequest { Service = _dice.Next(2) == 0 ? "warehouse.v1.Variants" : "none" }]],
        "/grpc.health.v1.Health/List" => [[new HealthListRequest()]],
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" => [[new Reflection.ServerReflectionRequest { ListServices = "" }]],
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" => [[new ReflectionAlpha.ServerReflectionRequest { ListServices = "" }]],
        _ => throw Unlisted(method),
    };

    private static InvalidOperationException Unlisted(string method) => new($"{method} has no requests in the pairs: draw some, so that what it tells of hidden samples is compared");
}
