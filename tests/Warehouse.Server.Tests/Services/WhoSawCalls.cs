using System.Security.Cryptography;
using Google.Protobuf;
using Warehouse.Engine.Access;
using Warehouse.Protocol.Flight;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>A question to a method of the server.</summary>
/// <param name="Method">The method, as the tables have it.</param>
/// <param name="Name">Tells questions to one method apart.</param>
/// <param name="Requests">Its messages as somebody sends them; null = he does not ask it.</param>
internal sealed record WhoSawCall(string Method, string Name, Func<Asker, IMessage[]?> Requests)
{
    /// <summary>The sets of samples of which an answer tells numbers: groups of a cohort, or how many there are.</summary>
    public Func<Asker, IEnumerable<IReadOnlyCollection<string>>> Counts { get; init; } = _ => [];

    /// <summary>Samples that an answer names in bytes that cannot be looked through, since they are packed.</summary>
    public Func<Asker, IEnumerable<string>> Packed { get; init; } = _ => [];

    /// <summary>It changes something about those whom its request names: they are in the log, whatever its reply says.</summary>
    public bool IsAbout { get; init; }

    /// <summary>Its answer is the question, sealed: whom it names, he did who asks.</summary>
    public bool IsEcho { get; init; }

    /// <summary>It has no end of its own: it is cut behind so many replies.</summary>
    public Func<Asker, int>? Cut { get; init; }
}

/// <summary>Questions to every method, in an order in which each has something to be asked about: what changes the store or who sees what comes last.</summary>
internal sealed class WhoSawCalls(WhoSawLab lab)
{
    private const string Ours = "/warehouse.v1.", Flight = "/arrow.flight.protocol.FlightService/", Condition = "MONDO:0000001";

    private static V1.Asking Asking => ServedStore.Treatment;

    private string Allele => lab.House.Allele;

    private string Ancestry => lab.Sheet[lab.House.Carrier.Sample]["ancestry"];

    /// <summary>All of them.</summary>
    public IEnumerable<WhoSawCall> All() => [.. Counting(), .. Genotypes(), .. Tables(), .. Store(), .. Alerts(), .. Clinic(), .. Assessments(), .. Annotations(), .. Audit(), .. Access(), .. Uploads()];

    private static WhoSawCall Of(string method, string name, Func<Asker, IMessage?> request) => new(Ours + method, name, a => request(a) is { } asked ? [asked] : null);

    private static WhoSawCall By(string asker, string method, string name, Func<Asker, IMessage?> request) => Of(method, name, a => a.Name == asker ? request(a) : null);

    /// <summary>Whose numbers are asked for: everybody's, a cohort's, or those of some who are named.</summary>
    private (string Name, V1.Samples? Samples, string[] Chosen)[] Choices =>
    [
        ("all", null, lab.Names), ("of a cohort of one", new() { Cohort = "one" }, lab.Cohorts["one"]), ("of a cohort of two", new() { Cohort = "few" }, lab.Cohorts["few"]), ("of a cohort of many", new() { Cohort = "half" }, lab.Cohorts["half"]),
        ("of two by name", new() { Names = { lab.Names[1..3] } }, lab.Names[1..3]), ("of twelve by name", new() { Names = { lab.Names[..12] } }, lab.Names[..12]),
    ];

    private static IReadOnlyCollection<string> Seen(Asker asker, IEnumerable<string> chosen) => [.. chosen.Intersect(asker.Sees)];

    private IEnumerable<IReadOnlyCollection<string>> Groups(Asker asker, IEnumerable<string> chosen, string column) => Seen(asker, chosen).GroupBy(s => lab.Sheet[s][column]).Select(g => (IReadOnlyCollection<string>)[.. g]);

    private IEnumerable<WhoSawCall> Counting()
    {
        var vcf = ByteString.CopyFromUtf8($"##fileformat=VCFv4.2\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{(Allele.Split('-') is var p ? $"{p[0]}\t{p[1]}\t.\t{p[2]}\t{p[3]}" : "")}\t.\t.\t.\n");
        foreach (var (name, samples, chosen) in Choices)
        {
            WhoSawCall Over(string method, IMessage request) => Of(method, name, _ => request) with { Counts = a => [Seen(a, chosen)] };
            var question = new V1.SeenRequest { Asking = Asking, Samples = samples };
            yield return Over("Variants/Seen", new V1.SeenRequest(question) { Queries = { Allele } });
            yield return Over("Variants/SeenStream", new V1.SeenStreamRequest { Request = question, Queries = { Allele } });
            yield return Over("Variants/SeenStream", new V1.SeenStreamRequest { Request = question, Brief = true, Queries = { Allele } });
            yield return Over("Variants/SeenStream", new V1.SeenStreamRequest { Request = question, Vcf = vcf });
            yield return Over("Variants/Frequencies", new V1.FrequenciesRequest { Asking = Asking, Samples = samples });
            yield return Over("Variants/FrequenciesOf", new V1.FrequenciesOfRequest { Asking = Asking, Samples = samples, Queries = { Allele } });
            yield return Over("Assessments/Suggest", new V1.SuggestRequest { Asking = Asking, Samples = samples, Variant = Allele });
        }
        yield return Of("Variants/Frequencies", "by groups of one", _ => new V1.FrequenciesRequest { Asking = Asking, By = "fastq_sha256" }) with { Counts = a => Groups(a, lab.Names, "fastq_sha256") };
        yield return Of("Variants/Frequencies", "by ancestry", _ => new V1.FrequenciesRequest { Asking = Asking, By = "ancestry" }) with { Counts = a => Groups(a, lab.Names, "ancestry") };
        yield return Of("Variants/FrequenciesOf", "by sex", _ => new V1.FrequenciesOfRequest { Asking = Asking, By = "sex", Queries = { Allele } }) with { Counts = a => Groups(a, lab.Names, "sex") };
        foreach (var (cases, controls) in new[] { ("few", "rest"), ("half", "one"), ("half", "rest") })
            yield return Of("Variants/CaseControl", $"{cases} and {controls}", _ => new V1.CaseControlRequest { Asking = Asking, Cases = cases, Controls = controls }) with { Counts = a => [Seen(a, lab.Cohorts[cases]), Seen(a, lab.Cohorts[controls])] };
    }

    private IEnumerable<WhoSawCall> Genotypes()
    {
        yield return Of("Variants/Carriers", "", _ => new V1.CarriersRequest { Asking = Asking, Queries = { Allele, "22-5-A-C" } }) with { Counts = a => [a.Sees] };
        yield return Of("Variants/Carriers", "of nothing there", _ => new V1.CarriersRequest { Asking = Asking, Queries = { "22-5-A-C" } }) with { Counts = a => [a.Sees] };
        yield return Of("Variants/Resolve", "", _ => new V1.ResolveRequest { Asking = Asking, Queries = { Allele } });
        foreach (var (name, samples, chosen) in Choices)
        {
            foreach (var format in Enum.GetValues<V1.ExportFormat>())
            {
                if (format == V1.ExportFormat.Unspecified) continue;
                var isPacked = format is V1.ExportFormat.VcfBgzf or V1.ExportFormat.Bcf;
                yield return Of("Variants/Export", $"{name}, {format}", _ => new V1.ExportRequest { Asking = Asking, Samples = samples, Format = format }) with { Packed = a => isPacked ? Seen(a, chosen) : [] };
            }
        }
        yield return Of("Linkage/Resolve", "", _ => new V1.ResolvePersonsRequest { Asking = Asking, Samples = { lab.House.Carrier.Sample, lab.Names[22] }, Persons = { lab.PersonOf(lab.Names[5]), "nobody" } });
    }

    private IEnumerable<WhoSawCall> Tables()
    {
        static FlightDescriptor Described(V1.FlightQuery query) => new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() };
        yield return new(Flight + "ListFlights", "", _ => [new Criteria()]);
        yield return new(Flight + "GetSchema", "", _ => [Described(new() { Sites = new V1.FrequenciesRequest { Asking = Asking } })]);
        foreach (var (name, samples, chosen) in Choices)
        {
            yield return new(Flight + "GetFlightInfo", "frequencies " + name, _ => [Described(new() { Frequencies = new V1.FrequenciesRequest { Asking = Asking, Samples = samples } })]) { IsEcho = true };
            yield return Get("frequencies " + name) with { Counts = a => [Seen(a, chosen)] };
            yield return new(Flight + "GetFlightInfo", "sites " + name, _ => [Described(new() { Sites = new V1.FrequenciesRequest { Asking = Asking, Samples = samples } })]) { IsEcho = true };
            yield return Get("sites " + name) with { Counts = a => [Seen(a, chosen)] };
        }
        yield return new(Flight + "GetFlightInfo", "carriers", _ => [Described(new() { Carriers = new V1.CarriersRequest { Asking = Asking, Queries = { Allele } } })]);
        yield return Get("carriers") with { Counts = a => [a.Sees] };

        static WhoSawCall Get(string name) => new(Flight + "DoGet", name, a => a.Ticket is { } ticket ? [ticket] : null);
    }

    private IEnumerable<WhoSawCall> Store()
    {
        yield return Of("Store/Info", "", _ => new V1.InfoRequest { Asking = Asking });
        // Who runs the machine is told how many there are in all, others how many of those whom they see.
        yield return Of("Store/Snapshots", "", _ => new V1.SnapshotsRequest { Asking = Asking }) with { Counts = a => a.Roles.Contains(Role.LabDirector) || a.Roles.Contains(Role.Operator) ? [] : [a.Sees] };
        yield return Of("Store/Verify", "", _ => new V1.VerifyRequest { Asking = Asking });
        yield return Of("Cohorts/List", "", _ => new V1.ListCohortsRequest { Asking = Asking }) with { Counts = a => lab.Cohorts.Values.Select(c => Seen(a, c)) };
        foreach (var cohort in lab.Cohorts.Keys) yield return Of("Cohorts/Show", cohort, _ => new V1.ShowCohortRequest { Asking = Asking, Name = cohort });
        yield return Of("Cohorts/Set", "of two by name", a => new V1.SetCohortRequest { Asking = Asking, Name = "own.named", Samples = { a.Sees.Take(2) } }) with { Counts = a => [[.. a.Sees.Take(2)]] };
        yield return Of("Cohorts/Set", "by a rule", _ => new V1.SetCohortRequest { Asking = Asking, Name = "own.ruled", Where = $"ancestry == '{Ancestry}'" }) with { Counts = Ruled };
        yield return Of("Cohorts/Set", "of all", _ => new V1.SetCohortRequest { Asking = Asking, Name = "own.all", Where = "sample is not missing" }) with { Counts = a => [a.Sees] };
        yield return Of("Cohorts/Refresh", "", _ => new V1.RefreshCohortRequest { Asking = Asking, Name = "own.ruled" }) with { Counts = Ruled };

        IEnumerable<IReadOnlyCollection<string>> Ruled(Asker asker) => [Seen(asker, lab.Names.Where(n => lab.Sheet[n]["ancestry"] == Ancestry))];
    }

    private IEnumerable<WhoSawCall> Alerts()
    {
        // Of those that he has, the one whom only he may see; the others are left to others.
        static string? His(Asker asker) => (asker.Name == "one" ? asker.Alerts.FirstOrDefault() : asker.Alerts.LastOrDefault(a => a.Samples.Count > 0))?.Id;
        WhoSawCall OfHis(string method, Func<string, IMessage> request) => Of("Alerts/" + method, "", a => His(a) is { } id ? request(id) : null);
        yield return Of("Alerts/Inbox", "", _ => new V1.InboxRequest { Asking = Asking });
        yield return Of("Alerts/Follow", "", a => a.Alerts.Count > 0 ? new V1.FollowRequest { Asking = Asking } : null) with { Cut = a => a.Alerts.Count };
        yield return OfHis("Show", id => new V1.ShowAlertRequest { Asking = Asking, Id = id });
        yield return OfHis("Snooze", id => new V1.SnoozeRequest { Asking = Asking, Id = id, Hours = 1, Reason = "later" });
        yield return OfHis("Delegate", id => new V1.DelegateRequest { Asking = Asking, Id = id, To = lab.Askers[0].Id, Reason = "hers" });
        yield return OfHis("Escalate", id => new V1.EscalateRequest { Asking = Asking, Id = id, Reason = "now" });
        yield return OfHis("Acknowledge", id => new V1.AcknowledgeRequest { Asking = Asking, Ids = { id }, Reason = "seen" });
        yield return Of("Alerts/Course", "", _ => new V1.CourseRequest { Asking = Asking, Closed = true });
        yield return Of("Alerts/Status", "", _ => new V1.AlertStatusRequest { Asking = Asking });
        yield return Of("Alerts/Settings", "", _ => new V1.AlertSettingsRequest { Asking = Asking });
        yield return Of("Alerts/ChangeSettings", "", _ => new V1.ChangeAlertSettingsRequest { Asking = Asking, Settings = new V1.AlertSettings { CriticalHours = 4, MajorHours = 72, MinorHours = 300, MessagesAnHour = 50 } });
        yield return Of("Alerts/Run", "", _ => new V1.RunAlertsRequest { Asking = Asking });
    }

    private IEnumerable<WhoSawCall> Clinic()
    {
        yield return Of("Watches/Set", "of a person", a => new V1.SetWatchRequest { Asking = Asking, Watch = new V1.Watch { Name = a.Name, Scope = V1.WatchScope.Person, Items = { lab.PersonOf(lab.Names[17]) } } }) with { IsAbout = true };
        yield return Of("Watches/Set", "of a cohort", _ => new V1.SetWatchRequest { Asking = Asking, Watch = new V1.Watch { Name = "halves", Scope = V1.WatchScope.Cohort, Items = { "half" } } }) with { IsAbout = true };
        yield return Of("Watches/List", "", _ => new V1.ListWatchesRequest { Asking = Asking });
        yield return Of("Watches/Remove", "", a => new V1.RemoveWatchRequest { Asking = Asking, Name = a.Name });
        yield return Of("Care/Import", "", _ => new V1.ImportCareRequest { Asking = Asking, Rows = { AlertHouse.Care(lab.PersonOf(lab.Names[16]), lab.Askers[0].Id), AlertHouse.Care("nobody", lab.Askers[0].Id) }, Commit = true }) with { IsAbout = true };
        yield return Of("Care/List", "", _ => new V1.ListCareRequest { Asking = Asking });
        yield return Of("ClinVar/Releases", "", _ => new V1.ClinVarReleasesRequest { Asking = Asking });
        yield return Of("ClinVar/Look", "", _ => new V1.ClinVarReleaseRequest { Asking = Asking, Release = AlertHouse.January });
        yield return Of("ClinVar/Compare", "", _ => new V1.CompareReleasesRequest { Asking = Asking, Before = AlertHouse.January, After = AlertHouse.February, All = true });
        yield return Of("ClinVar/History", "", _ => new V1.ClinVarHistoryRequest { Asking = Asking, Allele = Allele });
        yield return Of("ClinVar/Preview", "", _ => new V1.ClinVarReleaseRequest { Asking = Asking, Release = "2024-03-03" }); // over everybody who is in the store, who are many
        yield return Of("ClinVar/Grades", "", _ => new V1.GradesRequest { Asking = Asking });
        yield return Of("ClinVar/SetGrades", "", _ => new V1.SetGradesRequest { Asking = Asking, Text = lab.Grades });
        yield return Of("ClinVar/Accept", "", _ => new V1.AcceptReleaseRequest { Asking = Asking, Release = "2024-03-03" });
    }

    private IEnumerable<WhoSawCall> Assessments()
    {
        V1.AssessmentChangeRequest Changing(string reason = "") => new() { Asking = Asking, Id = lab.Assessment.Id, Version = lab.Assessment.Version, Reason = reason };
        yield return By("all", "Assessments/Draft", "", _ => new V1.DraftAssessmentRequest { Asking = Asking, Content = new V1.AssessmentContent { Variant = Allele, Condition = Condition, Tier = V1.Tier.Uncertain, Criteria = { new V1.CriterionUse { Code = "PP3", Strength = V1.Strength.Supporting, Evidence = "a prediction" } } } });
        yield return By("all", "Assessments/Submit", "", _ => Changing());
        yield return By("one", "Assessments/Return", "", _ => Changing("again"));
        yield return By("all", "Assessments/Submit", "again", _ => Changing());
        yield return By("one", "Assessments/Sign", "", _ => new V1.SignAssessmentRequest { Asking = Asking, Id = lab.Assessment.Id, Version = lab.Assessment.Version, Reason = "read" });
        yield return Of("Assessments/List", "", _ => new V1.ListAssessmentsRequest { Asking = Asking, Others = true, Variant = Allele });
        yield return Of("Assessments/Show", "", _ => new V1.ShowAssessmentRequest { Asking = Asking, Id = lab.Assessment.Id, History = true });
        yield return Of("Assessments/Export", "", _ => new V1.ExportAssessmentsRequest { Asking = Asking, All = true, Form = V1.AssessmentExportForm.Jsonl });
        yield return Of("Assessments/Discordance", "", _ => new V1.DiscordanceRequest { Asking = Asking, With = { new V1.ClassStatement { Variant = Allele, Source = "ClinVar", Tier = V1.Tier.Pathogenic } } });
        yield return By("all", "Assessments/Import", "", _ => new V1.ImportAssessmentsRequest
        {
            Asking = Asking,
            Lines = { ByteString.CopyFromUtf8($$$"""{"schema":"warehouse.assessment/1","laboratory":"other","id":1,"version":1,"state":"draft","assembly":"GRCh37","points":0,"implied":"uncertain","content":{"variant":"{{{Allele}}}","condition":"{{{Condition}}}","class":"uncertain"}}""") },
        });
        yield return Of("Assessments/Settings", "", _ => new V1.AssessmentSettingsRequest { Asking = Asking });
        yield return Of("Assessments/ChangeSettings", "", _ => new V1.ChangeAssessmentSettingsRequest { Asking = Asking, Settings = new V1.AssessmentSettings { LeastAlleles = 4 } });
        yield return By("all", "Assessments/Retire", "", _ => Changing("no more"));
    }

    private IEnumerable<WhoSawCall> Annotations()
    {
        yield return Of("Annotations/List", "", _ => new V1.ListAnnotationsRequest { Asking = Asking });
        yield return Of("Annotations/Describe", "", _ => new V1.DescribeAnnotationsRequest { Asking = Asking, Annotate = { "clinvar" } });
        yield return Of("Annotations/Lookup", "", _ => new V1.LookupAnnotationsRequest { Asking = Asking, Annotate = { "clinvar" }, Variants = { Allele } });
        yield return Of("Annotations/Search", "", _ => new V1.SearchAnnotationsRequest { Asking = Asking, Queries = { "GENE1" } });
    }

    private IEnumerable<WhoSawCall> Audit()
    {
        yield return Of("Audit/Search", "", _ => new V1.AuditSearchRequest { Asking = Asking, Sample = lab.House.Carrier.Sample });
        yield return Of("Audit/Prove", "", _ => new V1.AuditProofRequest { Asking = Asking });
        yield return Of("Audit/Checkpoint", "", _ => new V1.AuditCheckpointRequest { Asking = Asking });
        yield return Of("Audit/Review", "", _ => new V1.AuditReviewRequest { Asking = Asking, Remark = "looked through" });
    }

    private IEnumerable<WhoSawCall> Access()
    {
        yield return Of("Access/WhoAmI", "", _ => new V1.WhoAmIRequest { Asking = Asking });
        yield return Of("Access/Explain", "", _ => new V1.ExplainRequest { Asking = new V1.Asking(Asking) { Detail = V1.Detail.Record } });
        yield return By("steward", "Access/Grant", "", _ => new V1.GrantRequest { Asking = Asking, Subject = "role:researcher", Samples = { lab.Names[14..16] }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Treatment }, Reason = "work" }) with { IsAbout = true };
        yield return By("all", "Access/Approve", "", _ => new V1.EntryRequest { Asking = Asking, Id = lab.Entry });
        yield return By("all", "Access/Attest", "", _ => new V1.AttestRequest { Asking = Asking, Ids = { lab.Entry } });
        yield return By("all", "Access/Revoke", "", _ => new V1.EntryRequest { Asking = Asking, Id = lab.Entry });
        yield return By("steward", "Access/Assign", "", _ => new V1.AssignRequest { Asking = Asking, Subject = "oidc:https://id.example|x", Role = V1.Role.Researcher });
        yield return By("steward", "Access/Unassign", "", _ => new V1.AssignRequest { Asking = Asking, Subject = "oidc:https://id.example|x", Role = V1.Role.Researcher });
        yield return By("steward", "Access/RegisterProject", "", _ => new V1.RegisterProjectRequest { Asking = Asking, Project = new V1.Project { Name = "hearts", Members = { "role:researcher" }, Kind = V1.ResearchKind.Biomedical } });
        yield return By("steward", "Access/ChangeSettings", "", _ => new V1.ChangeSettingsRequest { Asking = Asking, Settings = new V1.Settings { MaxBreakGlassMinutes = 60 } });
        yield return By("steward", "Access/OpenEpoch", "", _ => new V1.OpenEpochRequest { Asking = Asking });
        yield return By("half", "Access/Elevate", "", _ => new V1.ElevateRequest { Asking = Asking, Samples = { lab.Names[20] }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Treatment }, Minutes = 10, Reason = "a second look" }) with { IsAbout = true };
        yield return By("one", "Access/BreakGlass", "", _ => new V1.BreakGlassRequest { Asking = Asking, Samples = { lab.Names[21] }, Minutes = 10, Reason = "unconscious" }) with { IsAbout = true };
        yield return By("auditor", "Access/ReviewBreakGlass", "", _ => new V1.EntryRequest { Asking = Asking, Id = lab.Entry });
        yield return Of("Access/List", "", _ => new V1.ListAccessRequest { Asking = Asking, All = true });
        yield return Of("Access/Review", "", _ => new V1.ReviewAccessRequest { Asking = Asking });
    }

    /// <summary>Who brings data is shown none: of whom they are, the commit has.</summary>
    private IEnumerable<WhoSawCall> Uploads()
    {
        var bytes = lab.House.Vcf("NEW1");
        yield return new(Ours + "Ingest/Upload", "", a => a.Name == "half" ? Whole("batch", bytes) : null);
        yield return Of("Ingest/Status", "", _ => new V1.BatchRequest { Asking = Asking, Id = "batch" });
        yield return Of("Ingest/Cancel", "", _ => new V1.BatchRequest { Asking = Asking, Id = "none" });
        var release = File.ReadAllBytes(lab.House.Write("2024-04-07", "Likely_benign"));
        yield return new(Ours + "Ingest/UploadRelease", "", a => a.Name == "steward" ? Whole("release", release, new V1.ReleaseFile { Source = "clinvar", Date = "2024-04-07" }) : null);
        yield return By("all", "Annotations/Retire", "", _ => new V1.RetireAnnotationsRequest { Asking = Asking, Release = "clinvar@2024-04-07" });

        static IMessage[] Whole(string id, byte[] file, V1.ReleaseFile? release = null) =>
        [
            new V1.UploadRequest { Batch = new V1.Batch { Asking = Asking, Id = id, Release = release, Files = { new V1.BatchFile { Length = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file)) } } } },
            new V1.UploadRequest { Bytes = new V1.FileBytes { Data = ByteString.CopyFrom(file) } }, new V1.UploadRequest { Commit = true },
        ];
    }
}
