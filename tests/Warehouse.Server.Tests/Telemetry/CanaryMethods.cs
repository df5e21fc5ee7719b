using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Health.V1;
using Warehouse.Engine.Access;
using Warehouse.Protocol.Flight;
using Warehouse.Server.Tests.Services;
using Reflection = Grpc.Reflection.V1;
using ReflectionAlpha = Grpc.Reflection.V1Alpha;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// Sound requests of methods, with tokens of persons where such requests have data of persons: they come past what looks at their form. What a reply names
/// stands in the next ones. A method that is not here is driven by <see cref="CanaryRequests"/> alone.
/// </summary>
internal sealed class CanaryMethods(CanaryTokens tokens, CanaryLab lab)
{
    private const int Steward = 1, SecondReviewer = 4;

    private readonly string _person = tokens.Next(CanaryKind.PatientName);
    private (long Id, int Version) _assessment = (1, 1);
    private string _alert = new('0', 20), _batch = "batch", _watch = "none";
    private ByteString _ticket = ByteString.Empty;
    private int _entry = 99, _uploads, _conditions; // none, until one is made

    /// <summary>Who calls, by number: those of whom one may call each method, and one more who signs what the first has written.</summary>
    public static Role[][] Persons { get; } = [.. MethodPersons.Roles, [Role.Reviewer]];

    /// <summary>What others need: called first, in this order.</summary>
    public static string[] First { get; } =
    [
        "/warehouse.v1.Access/OpenEpoch", "/warehouse.v1.Care/Import", "/warehouse.v1.Watches/Set", "/warehouse.v1.ClinVar/Accept", "/warehouse.v1.Alerts/Run", "/warehouse.v1.Alerts/Inbox",
    ];

    /// <summary>Who is answered by a method: where the table of methods lets somebody through whom the rules behind it stop, it is another one.</summary>
    public static int PersonOf(MethodDescriptor method) => MethodCall.PathOf(method)["/warehouse.v1.".Length..] switch
    {
        "Access/Grant" or "Access/Assign" or "Access/Unassign" or "Access/RegisterProject" or "Access/ChangeSettings" or "Access/OpenEpoch" or "Access/ReviewBreakGlass" => Steward,
        "Assessments/Return" or "Assessments/Sign" => SecondReviewer,
        _ => MethodPersons.Of(method),
    };

    /// <summary>What is called before a method each time, since the one that it changed is used up then.</summary>
    public static string[] Before(string method) => method switch
    {
        "/warehouse.v1.Access/Approve" or "/warehouse.v1.Access/Revoke" => ["/warehouse.v1.Access/Grant"],
        "/warehouse.v1.Access/Attest" => ["/warehouse.v1.Access/Grant", "/warehouse.v1.Access/Approve"],
        "/warehouse.v1.Access/ReviewBreakGlass" => ["/warehouse.v1.Access/BreakGlass"],
        "/warehouse.v1.Access/Unassign" => ["/warehouse.v1.Access/Assign"],
        "/warehouse.v1.Assessments/Show" or "/warehouse.v1.Assessments/Submit" or "/warehouse.v1.Assessments/Retire" => ["/warehouse.v1.Assessments/Draft"],
        "/warehouse.v1.Assessments/Return" or "/warehouse.v1.Assessments/Sign" => ["/warehouse.v1.Assessments/Draft", "/warehouse.v1.Assessments/Submit"],
        "/warehouse.v1.Alerts/Show" or "/warehouse.v1.Alerts/Acknowledge" or "/warehouse.v1.Alerts/Delegate" or "/warehouse.v1.Alerts/Snooze" or "/warehouse.v1.Alerts/Escalate" => ["/warehouse.v1.Alerts/Inbox"],
        "/warehouse.v1.Watches/Remove" => ["/warehouse.v1.Watches/Set"],
        "/arrow.flight.protocol.FlightService/DoGet" => ["/arrow.flight.protocol.FlightService/GetFlightInfo"],
        _ => [],
    };

    private static V1.Asking Asking => new() { Purpose = V1.Purpose.Treatment };

    private static V1.Asking At(V1.Detail detail) => new() { Purpose = V1.Purpose.Treatment, Detail = detail };

    private string Note => tokens.Next(CanaryKind.BundleNote);

    /// <summary>Streams of requests of a method, of which each is answered unless the state of the store forbids it.</summary>
    public IMessage[][] SoundOf(string method) => method[1..method.IndexOf('/', 1)] switch
    {
        "warehouse.v1.Variants" => Variants(NameOf(method)),
        "warehouse.v1.Cohorts" => Cohorts(NameOf(method)),
        "warehouse.v1.Access" => Access(NameOf(method)),
        "warehouse.v1.Ingest" => Ingest(NameOf(method)),
        "warehouse.v1.Assessments" => Assessments(NameOf(method)),
        "warehouse.v1.Alerts" => Alerts(NameOf(method)),
        "arrow.flight.protocol.FlightService" => Flight(NameOf(method)),
        _ => Others(method),
    };

    /// <summary>Learns from a reply.</summary>
    public void Heard(IMessage reply)
    {
        switch (reply)
        {
            case V1.AssessmentReply { Assessment: { } made }: _assessment = (made.Id, made.Version); break;
            case V1.AccessChange { Entry: { } entry }: _entry = entry.Id; break;
            case V1.InboxReply inbox: _alert = inbox.Alerts.FirstOrDefault(a => a.State == V1.AlertState.Open)?.Id ?? _alert; break;
            case V1.Watch watch: _watch = watch.Name; break;
            case FlightInfo { Endpoint.Count: > 0 } info: _ticket = info.Endpoint[0].Ticket.Ticket_; break;
        }
    }

    private static string NameOf(string method) => method[(method.LastIndexOf('/') + 1)..];

    /// <summary>A question that the rules of release answer, or refuse: in the ledger it is either way.</summary>
    public static V1.SeenRequest Released => new() { Asking = At(V1.Detail.Aggregate), Queries = { "1-100-A-G" } };

    private IMessage[][] Variants(string method) => method switch
    {
        "Seen" => [[new V1.SeenRequest { Asking = Asking, Queries = { "1-100-A-G" }, Samples = new() { Names = { lab.Samples[0] } }, Identify = true, Annotate = { "panel" } }], [new V1.SeenRequest { Asking = Asking, Queries = { "1-100-A-G" }, Samples = new() { Cohort = lab.Cohort } }], [Released]],
        "SeenStream" => [[new V1.SeenStreamRequest { Request = new() { Asking = Asking } }, new V1.SeenStreamRequest { Queries = { "1-100-A-G" } }], [new V1.SeenStreamRequest { Request = new() { Asking = Asking } }, new V1.SeenStreamRequest { Vcf = lab.Vcf([tokens.Next(CanaryKind.SampleId)]) }]],
        "Frequencies" => [[new V1.FrequenciesRequest { Asking = Asking, Regions = { new V1.Region { Contig = "1" } }, Samples = new() { Cohort = lab.Cohort }, By = "note" }]],
        "FrequenciesOf" => [[new V1.FrequenciesOfRequest { Asking = Asking, Queries = { "1-100-A-G" }, Samples = new() { Names = { lab.Samples } } }]],
        "CaseControl" => [[new V1.CaseControlRequest { Asking = Asking, Cases = lab.Cohort, Controls = lab.Rest }], [new V1.CaseControlRequest { Asking = Asking, Cases = lab.Cohort, Controls = lab.Other }]],
        "Carriers" => [[new V1.CarriersRequest { Asking = Asking, Queries = { "1-100-A-G" } }]],
        "Resolve" => [[new V1.ResolveRequest { Asking = Asking, Queries = { "1-100-A-G" } }]],
        "Export" => [.. Enum.GetValues<V1.ExportFormat>().Where(f => f != V1.ExportFormat.Unspecified).Select(f => (IMessage[])[new V1.ExportRequest { Asking = Asking, Format = f, Samples = new() { Names = { lab.Samples[..3] } } }])],
        _ => [],
    };

    private IMessage[][] Cohorts(string method) => method switch
    {
        "List" => [[new V1.ListCohortsRequest { Asking = Asking }]],
        "Show" => [[new V1.ShowCohortRequest { Asking = Asking, Name = lab.Cohort }]],
        "Set" => [[new V1.SetCohortRequest { Asking = Asking, Name = tokens.Next(CanaryKind.CohortName), Samples = { lab.Samples[..2] } }], [new V1.SetCohortRequest { Asking = Asking, Name = tokens.Next(CanaryKind.CohortName), Where = $"sample != '{lab.Samples[0]}'" }]],
        "Refresh" => [[new V1.RefreshCohortRequest { Asking = Asking, Name = lab.Other }]],
        _ => [],
    };

    private IMessage[][] Access(string method) => method switch
    {
        "WhoAmI" => [[new V1.WhoAmIRequest { Asking = Asking }]],
        "Explain" => [[new V1.ExplainRequest { Asking = At(V1.Detail.Record), Principal = "oidc:https://id.example|" + _person, Groups = { Note } }]],
        "List" => [[new V1.ListAccessRequest { Asking = Asking, All = true }]],
        "Grant" => [[new V1.GrantRequest { Asking = Asking, Subject = "oidc:https://id.example|" + _person, Samples = { lab.Samples[0] }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Treatment }, Reason = Note }]],
        "Assign" or "Unassign" => [[new V1.AssignRequest { Asking = Asking, Subject = "oidc:https://id.example|" + _person, Role = V1.Role.Researcher }]],
        "RegisterProject" => [[new V1.RegisterProjectRequest { Asking = Asking, Project = new() { Name = "p" + ++_uploads, Members = { "oidc:https://id.example|" + _person }, Kind = V1.ResearchKind.General } }]],
        "ChangeSettings" => [[new V1.ChangeSettingsRequest { Asking = Asking, Settings = new() { K = 12 } }]],
        "Approve" or "Revoke" or "ReviewBreakGlass" => [[new V1.EntryRequest { Asking = Asking, Id = _entry }]],
        "Attest" => [[new V1.AttestRequest { Asking = Asking, Ids = { _entry } }]],
        "Elevate" => [[new V1.ElevateRequest { Asking = Asking, Samples = { lab.Samples[1] }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Treatment }, Reason = Note }]],
        "BreakGlass" => [[new V1.BreakGlassRequest { Asking = Asking, Samples = { lab.Samples[2] }, Reason = Note }]],
        "OpenEpoch" => [[new V1.OpenEpochRequest { Asking = Asking }]],
        "Review" => [[new V1.ReviewAccessRequest { Asking = Asking }]],
        _ => [],
    };

    private IMessage[][] Ingest(string method)
    {
        if (method is "Status" or "Cancel") return [[new V1.BatchRequest { Asking = Asking, Id = _batch }]];
        if (method == "UploadRelease")
        {
            var release = new V1.ReleaseFile { Source = "notes", Date = "2024-01-07" };
            string Table(string position, string note) => $"##fileformat=VCFv4.2\n##INFO=<ID=NOTE,Number=1,Type=String,Description=\"{Note}\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t{position}\t.\tA\tG\t.\t.\tNOTE={note}\n";
            return [Sent(ByteString.CopyFromUtf8(Table("100", tokens.Next(CanaryKind.InfoValue))), b => b.Release = release), Sent(ByteString.CopyFromUtf8(Table(tokens.Next(CanaryKind.CliInput), tokens.Next(CanaryKind.InfoValue))), b => b.Release = release)];
        }
        // Of a new sample; and what the parsers refuse, in a line, in the sheet and in the regions.
        string Name() => tokens.Next(CanaryKind.SampleId) + ++_uploads;
        ByteString Sheet(string sample, string sex) => ByteString.CopyFromUtf8($"sample\tperson\tsex\tname\n{sample}\t{tokens.Next(CanaryKind.PatientName)}\t{sex}\t{tokens.Next(CanaryKind.PatientName)}\n");
        var (known, wrong) = (Name(), Name());
        return
        [
            Sent(lab.Vcf([known]), b => b.Sheet = Sheet(known, "XX")),
            Sent(lab.Vcf([Name()], genotype: tokens.Next(CanaryKind.InfoValue)), null),
            Sent(lab.Vcf([lab.Samples[0]]), null),
            Sent(ByteString.CopyFromUtf8($"{tokens.Next(CanaryKind.PatientName)}\n{tokens.Next(CanaryKind.Mrn)}\n"), null),
            Sent(lab.Vcf([wrong]), b => b.Sheet = Sheet(wrong, tokens.Next(CanaryKind.Mrn))),
            Sent(lab.Vcf([Name()]), b => b.Callable = ByteString.CopyFromUtf8($"1\t{tokens.Next(CanaryKind.OrderId)}\t7\n")),
        ];
    }

    private IMessage[] Sent(ByteString file, Action<V1.Batch>? change)
    {
        var batch = new V1.Batch { Asking = Asking, Id = _batch = "b" + ++_uploads, Files = { new V1.BatchFile { Length = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file.Span)) } } };
        change?.Invoke(batch);
        return [new V1.UploadRequest { Batch = batch }, new V1.UploadRequest { Bytes = new() { Data = file } }, new V1.UploadRequest { Commit = true }];
    }

    private IMessage[][] Assessments(string method)
    {
        var content = new V1.AssessmentContent
        {
            Variant = "1-100-A-G", Condition = FormattableString.Invariant($"MONDO:{++_conditions:D7}"), ConditionName = tokens.Next(CanaryKind.PatientName), Tier = V1.Tier.Benign, Text = tokens.Next(CanaryKind.Mrn),
            Criteria = { new V1.CriterionUse { Code = "BA1", Strength = V1.Strength.StandAlone, Evidence = tokens.Next(CanaryKind.InfoValue) } },
        };
        return method switch
        {
            "List" => [[new V1.ListAssessmentsRequest { Asking = Asking, Others = true }]],
            "Show" => [[new V1.ShowAssessmentRequest { Asking = Asking, Id = _assessment.Id, History = true }]],
            "Draft" => [[new V1.DraftAssessmentRequest { Asking = Asking, Content = content }]],
            "Submit" => [[new V1.AssessmentChangeRequest { Asking = Asking, Id = _assessment.Id, Version = _assessment.Version }]],
            "Return" or "Retire" => [[new V1.AssessmentChangeRequest { Asking = Asking, Id = _assessment.Id, Version = _assessment.Version, Reason = Note }]],
            "Sign" => [[new V1.SignAssessmentRequest { Asking = Asking, Id = _assessment.Id, Version = _assessment.Version, Reason = Note, Meaning = V1.SignatureMeaning.Approved }]],
            "Settings" => [[new V1.AssessmentSettingsRequest { Asking = Asking }]],
            "ChangeSettings" => [[new V1.ChangeAssessmentSettingsRequest { Asking = Asking, Settings = new() { LeastAlleles = 4 } }]],
            "Suggest" => [[new V1.SuggestRequest { Asking = Asking, Variant = "1-100-A-G", Samples = new() { Names = { lab.Samples } } }]],
            "Discordance" => [[new V1.DiscordanceRequest { Asking = Asking, With = { new V1.ClassStatement { Variant = "1-100-A-G", Source = Note, Tier = V1.Tier.Pathogenic } } }]],
            "Import" => [[new V1.ImportAssessmentsRequest { Asking = Asking, Lines = { ByteString.CopyFromUtf8($$$"""{"schema":"warehouse.assessment/1","laboratory":"other","id":1,"version":1,"state":"draft","assembly":"GRCh38","points":0,"implied":"uncertain","content":{"variant":"1-100-A-G","condition":"MONDO:0000001","class":"uncertain","text":"{{{tokens.Next(CanaryKind.Mrn)}}}"}}""") } }]],
            "Export" => [.. Enum.GetValues<V1.AssessmentExportForm>().Select(f => (IMessage[])[new V1.ExportAssessmentsRequest { Asking = Asking, Form = f, All = true }])],
            _ => [],
        };
    }

    private IMessage[][] Alerts(string method) => method switch
    {
        "Inbox" => [[new V1.InboxRequest { Asking = Asking, Closed = true }]],
        "Follow" => [[new V1.FollowRequest { Asking = Asking }]],
        "Show" => [[new V1.ShowAlertRequest { Asking = Asking, Id = _alert }]],
        "Acknowledge" => [[new V1.AcknowledgeRequest { Asking = Asking, Ids = { _alert }, Reason = Note }]],
        "Delegate" => [[new V1.DelegateRequest { Asking = Asking, Id = _alert, To = lab.ReaderId, Reason = Note }]],
        "Snooze" => [[new V1.SnoozeRequest { Asking = Asking, Id = _alert, Hours = 1, Reason = Note }]],
        "Escalate" => [[new V1.EscalateRequest { Asking = Asking, Id = _alert, Reason = Note }]],
        "Course" => [[new V1.CourseRequest { Asking = Asking, Closed = true }]],
        "Status" => [[new V1.AlertStatusRequest { Asking = Asking }]],
        "Run" => [[new V1.RunAlertsRequest { Asking = Asking }]],
        "Settings" => [[new V1.AlertSettingsRequest { Asking = Asking }]],
        "ChangeSettings" => [[new V1.ChangeAlertSettingsRequest { Asking = Asking, Settings = new() { CriticalHours = 24, MajorHours = 48, MinorHours = 72, MessagesAnHour = 100 } }]],
        _ => [],
    };

    private IMessage[][] Flight(string method)
    {
        FlightDescriptor Of(V1.FlightQuery query) => new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() };
        FlightDescriptor[] queries =
        [
            Of(new() { Frequencies = new() { Asking = Asking, Samples = new() { Cohort = lab.Cohort } } }), Of(new() { Carriers = new() { Asking = Asking, Queries = { "1-100-A-G" } } }),
            new() { Type = FlightDescriptor.Types.DescriptorType.Path, Path = { "frequencies", "treatment" } },
        ];
        return method switch
        {
            "ListFlights" => [[new Criteria()]],
            "GetSchema" or "GetFlightInfo" => [.. queries.Select(q => (IMessage[])[q])],
            "DoGet" => [[new Ticket { Ticket_ = _ticket }]],
            _ => [],
        };
    }

    private IMessage[][] Others(string method) => method switch
    {
        "/warehouse.v1.Watches/List" => [[new V1.ListWatchesRequest { Asking = Asking }]],
        "/warehouse.v1.Watches/Set" => [[new V1.SetWatchRequest { Asking = Asking, Watch = new() { Name = tokens.Next(CanaryKind.OrderId), Scope = V1.WatchScope.Person, Items = { _person }, Triggers = { V1.WatchTrigger.Class }, Least = V1.Grade.Minor, Hears = { lab.ReaderId } } }], [new V1.SetWatchRequest { Asking = Asking, Watch = new() { Name = "everybody", Scope = V1.WatchScope.Everybody, Hears = { lab.ReaderId } } }]],
        "/warehouse.v1.Watches/Remove" => [[new V1.RemoveWatchRequest { Asking = Asking, Name = _watch }]],
        "/warehouse.v1.Care/List" => [[new V1.ListCareRequest { Asking = Asking }]],
        "/warehouse.v1.Care/Import" => [[new V1.ImportCareRequest { Asking = Asking, Rows = { new V1.CareRow { Person = lab.Person, Responsible = lab.ReaderId }, new V1.CareRow { Person = _person, Responsible = lab.ReaderId, Deputies = { "oidc:https://id.example|" + _person } } }, Commit = true }]],
        "/warehouse.v1.ClinVar/Releases" => [[new V1.ClinVarReleasesRequest { Asking = Asking }]],
        "/warehouse.v1.ClinVar/Look" or "/warehouse.v1.ClinVar/Preview" => [[new V1.ClinVarReleaseRequest { Asking = Asking, Release = CanaryLab.February }]],
        "/warehouse.v1.ClinVar/Compare" => [[new V1.CompareReleasesRequest { Asking = Asking, Before = CanaryLab.January, After = CanaryLab.February, All = true }]],
        "/warehouse.v1.ClinVar/Accept" => [[new V1.AcceptReleaseRequest { Asking = Asking, Release = CanaryLab.January }], [new V1.AcceptReleaseRequest { Asking = Asking, Release = CanaryLab.February }]],
        "/warehouse.v1.ClinVar/History" => [[new V1.ClinVarHistoryRequest { Asking = Asking, Allele = "1-100-A-G" }]],
        "/warehouse.v1.ClinVar/Grades" => [[new V1.GradesRequest { Asking = Asking }]],
        "/warehouse.v1.ClinVar/SetGrades" => [[new V1.SetGradesRequest { Asking = Asking, Text = "* * * * minor" }]],
        "/warehouse.v1.Annotations/List" => [[new V1.ListAnnotationsRequest { Asking = Asking }]],
        "/warehouse.v1.Annotations/Describe" => [[new V1.DescribeAnnotationsRequest { Asking = Asking, Annotate = { "panel" } }]],
        "/warehouse.v1.Annotations/Lookup" => [[new V1.LookupAnnotationsRequest { Asking = Asking, Annotate = { "panel" }, Variants = { "1-100-A-G" } }]],
        "/warehouse.v1.Annotations/Search" => [[new V1.SearchAnnotationsRequest { Asking = Asking, Queries = { "GENE1" } }]],
        "/warehouse.v1.Annotations/Retire" => [[new V1.RetireAnnotationsRequest { Asking = Asking, Release = "spare" }]],
        "/warehouse.v1.Store/Info" => [[new V1.InfoRequest { Asking = Asking }]],
        "/warehouse.v1.Store/Snapshots" => [[new V1.SnapshotsRequest { Asking = Asking }]],
        "/warehouse.v1.Store/Verify" => [[new V1.VerifyRequest { Asking = Asking }]],
        "/warehouse.v1.Linkage/Resolve" => [[new V1.ResolvePersonsRequest { Asking = At(V1.Detail.Linkage), Samples = { lab.Samples[0] }, Persons = { lab.Person } }], [new V1.ResolvePersonsRequest { Asking = At(V1.Detail.Linkage), Samples = { lab.Samples[0], tokens.Next(CanaryKind.SampleId) }, Persons = { lab.Person, _person } }]],
        "/warehouse.v1.Issuers/List" => [[new V1.ListIssuersRequest()]],
        "/warehouse.v1.Audit/Search" => [[new V1.AuditSearchRequest { Asking = Asking, Sample = lab.Samples[0] }]],
        "/warehouse.v1.Audit/Prove" => [[new V1.AuditProofRequest { Asking = Asking, Sequence = 1 }]],
        "/warehouse.v1.Audit/Checkpoint" => [[new V1.AuditCheckpointRequest { Asking = Asking }]],
        "/warehouse.v1.Audit/Review" => [[new V1.AuditReviewRequest { Asking = Asking, Remark = tokens.Next(CanaryKind.Remark) }]],
        "/grpc.health.v1.Health/Check" or "/grpc.health.v1.Health/Watch" => [[new HealthCheckRequest { Service = "warehouse.v1.Variants" }]],
        "/grpc.health.v1.Health/List" => [[new HealthListRequest()]],
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" => [[new Reflection.ServerReflectionRequest { ListServices = "" }]],
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" => [[new ReflectionAlpha.ServerReflectionRequest { ListServices = "" }]],
        _ => [],
    };
}
