using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Who may do what with assessments over the wire, what of their evidence is shown to whom, and what is in the log.</summary>
public sealed class AssessmentsServiceTests
{
    private const string Evidence = "AC 3, AN 48";

    private static V1.Asking Operations => new() { Purpose = V1.Purpose.Operations };

    [Fact]
    public async Task Two_people_sign_and_one_is_refused_and_a_late_change_changes_nothing()
    {
        await using var served = await ServedStore.StartAsync(samples: 24, variants: 60);
        var variant = Variants(served)[0].Query;
        var (author, reviewer, second) = (Client(served, "author", true, Role.Reviewer), Client(served, "reviewer", true, Role.Reviewer), Client(served, "second", true, Role.Reviewer));
        var draft = (await author.DraftAsync(Draft(variant))).Assessment;
        Assert.Equal((1, V1.AssessmentState.Draft, V1.Tier.Uncertain), (draft.Version, draft.State, draft.Implied));
        var edited = (await second.DraftAsync(new V1.DraftAssessmentRequest(Draft(variant)) { Edit = draft.Id, Version = 1 })).Assessment;
        Assert.Equal(2, edited.Authors.Count);

        // Decided on a version that is no more: nothing is changed, and who was late learns where it is.
        var late = await RefusalOf(() => author.DraftAsync(new V1.DraftAssessmentRequest(Draft(variant)) { Edit = draft.Id, Version = 1 }));
        Assert.Equal((StatusCode.Aborted, "assess-conflict", 2), (late.Code, late.Refusal.Rule, late.Refusal.Version));
        late = await RefusalOf(() => author.SubmitAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = draft.Id, Version = 1 }));
        Assert.Equal((StatusCode.Aborted, "assess-conflict", 2), (late.Code, late.Refusal.Rule, late.Refusal.Version));
        Assert.Equal("assess-exists", (await RefusalOf(() => author.DraftAsync(Draft(variant)))).Refusal.Rule);
        Assert.Equal((StatusCode.NotFound, "assess-unknown"), Code(await RefusalOf(() => author.SubmitAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = 99, Version = 1 }))));

        var submitted = (await author.SubmitAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = draft.Id, Version = 2 })).Assessment;
        var signature = new V1.SignAssessmentRequest { Asking = Operations, Id = draft.Id, Version = submitted.Version, Reason = "read" };
        foreach (var wrote in (V1.Assessments.AssessmentsClient[])[author, second])
            Assert.Equal((StatusCode.PermissionDenied, "second-person"), Code(await RefusalOf(() => wrote.SignAsync(signature))));
        Assert.Equal("assess-reason", (await RefusalOf(() => reviewer.SignAsync(new V1.SignAssessmentRequest(signature) { Reason = " " }))).Refusal.Rule);
        var signed = (await reviewer.SignAsync(signature)).Assessment;
        Assert.Equal((V1.AssessmentState.Signed, false, "read"), (signed.State, signed.Signature.IsAlone, signed.Signature.Reason));
        Assert.DoesNotContain(signed.Signature.Principal, signed.Authors);
        Assert.Equal("assess-conflict", (await RefusalOf(() => reviewer.SignAsync(signature))).Refusal.Rule);
        Assert.Equal(4, (await author.ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = draft.Id, History = true })).Versions.Count);

        // The change is in the log before it is made, in the name of who made it.
        var entries = served.Entries().Where(e => e.Verb == "warehouse.v1.Assessments/Sign").ToList();
        Assert.Contains(entries, e => e is { Kind: AuditKind.Begin } && e.Who == signed.Signature.Principal);
        Assert.Contains(entries, e => e is { Kind: AuditKind.End, Outcome: "done" } && e.Who == signed.Signature.Principal);
        Assert.Equal(2, entries.Count(e => e.Outcome == "denied"));
    }

    [Fact]
    public async Task Who_has_not_the_role_is_refused_by_one_text_and_reads_what_is_signed_alone()
    {
        await using var served = await ServedStore.StartAsync(samples: 24, variants: 60);
        var variant = Variants(served)[0].Query;
        var (author, reviewer) = (Client(served, "author", true, Role.Analyst), Client(served, "reviewer", true, Role.Reviewer));
        var clinician = Client(served, "clinician", false, Role.Clinician);
        var id = (await author.DraftAsync(Draft(variant))).Assessment.Id;
        Func<Task>[] refused =
        [
            async () => await clinician.DraftAsync(Draft(variant)), async () => await clinician.SubmitAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = id, Version = 1 }),
            async () => await author.SignAsync(new V1.SignAssessmentRequest { Asking = Operations, Id = id, Version = 1, Reason = "x" }), async () => await author.ReturnAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = id, Version = 1, Reason = "x" }),
            async () => await reviewer.ChangeSettingsAsync(new V1.ChangeAssessmentSettingsRequest { Asking = Operations, Settings = new V1.AssessmentSettings { Pm2 = 0.001 } }),
            async () => await Client(served, "auditor", false, Role.Auditor).ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = id }),
            async () => await Client(served, "blind", true, Role.Auditor, Role.Reviewer).ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = id }),
        ];
        foreach (var call in refused) Assert.Equal((StatusCode.PermissionDenied, "not granted"), (await Assert.ThrowsAsync<RpcException>(call)) is var e ? (e.StatusCode, e.Status.Detail) : default);

        // A draft that is there, and none: the same.
        Assert.Equal(Code(await RefusalOf(() => clinician.ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = 77 }))), Code(await RefusalOf(() => clinician.ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = id }))));
        Assert.Empty((await ListAsync(clinician)).SelectMany(r => r.Own));
        await author.SubmitAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = id, Version = 1 });
        await reviewer.SignAsync(new V1.SignAssessmentRequest { Asking = Operations, Id = id, Version = 2, Reason = "read" });
        Assert.Equal(V1.AssessmentState.Signed, Assert.Single((await ListAsync(clinician)).SelectMany(r => r.Own)).State);
        Assert.Single((await clinician.ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = id, History = true })).Versions);
        Assert.Equal((StatusCode.PermissionDenied, "role"), Code(await RefusalOf(() => author.RetireAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = id, Version = 3, Reason = "x" }))));
    }

    /// <summary>Figures stand in the evidence of criteria of frequency: who is not granted everybody's records does not get them, cannot sign over them, and loses none by an edit.</summary>
    [Fact]
    public async Task Evidence_of_figures_is_shown_to_whom_everything_is_granted_and_survives_the_edits_of_others()
    {
        await using var served = await ServedStore.StartAsync(samples: 24, variants: 60);
        served.Owner((store, _) => store.SetCohort("some", ["S000001", "S000002"], null));
        var variant = Variants(served)[0].Query;
        var (author, reviewer) = (Client(served, "author", true, Role.Analyst), Client(served, "reviewer", true, Role.Reviewer));
        var (partly, partial) = (Client(served, "partly", false, Role.Analyst), Client(served, "partial", false, Role.Reviewer));
        var content = Draft(variant);
        content.Content.Criteria.Add(new V1.CriterionUse { Code = "PP3", Strength = V1.Strength.Supporting, Evidence = "a prediction" });
        var draft = (await author.DraftAsync(content)).Assessment;
        Assert.Equal([Evidence, "a prediction"], draft.Content.Criteria.Select(c => c.Evidence));
        var seen = (await partly.ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = draft.Id })).Versions[0];
        Assert.Equal([("PM2", true, ""), ("PP3", false, "a prediction")], seen.Content.Criteria.Select(c => (c.Code, c.IsEvidenceWithheld, c.Evidence)));
        Assert.DoesNotContain(Evidence, string.Concat((await ListAsync(partly)).Select(r => r.ToString())), StringComparison.Ordinal);

        var edit = new V1.DraftAssessmentRequest { Asking = Operations, Content = seen.Content, Edit = draft.Id, Version = 1 };
        edit.Content.Text = "more";
        Assert.Equal("assess-withheld", (await RefusalOf(() => partly.DraftAsync(new V1.DraftAssessmentRequest(edit) { Content = new V1.AssessmentContent(edit.Content) { Criteria = { new V1.CriterionUse { Code = "BS1", Strength = V1.Strength.Strong, IsEvidenceWithheld = true } } } }))).Refusal.Rule);
        Assert.DoesNotContain(Evidence, (await partly.DraftAsync(edit)).ToString(), StringComparison.Ordinal);
        Assert.Equal((Evidence, "more"), (await author.ShowAsync(new V1.ShowAssessmentRequest { Asking = Operations, Id = draft.Id })).Versions[0].Content is var kept ? (kept.Criteria[0].Evidence, kept.Text) : default);

        await author.SubmitAsync(new V1.AssessmentChangeRequest { Asking = Operations, Id = draft.Id, Version = 2 });
        var signature = new V1.SignAssessmentRequest { Asking = Operations, Id = draft.Id, Version = 3, Reason = "read" };
        Assert.Equal((StatusCode.PermissionDenied, "evidence-withheld"), Code(await RefusalOf(() => partial.SignAsync(signature))));
        // Withdrawals do not take the evidence from whom everything is granted.
        served.Owner((store, _) => store.Withdraw(["S000003"]));
        await reviewer.SignAsync(signature);
        var export = new V1.ExportAssessmentsRequest { Asking = Operations, Form = V1.AssessmentExportForm.Jsonl };
        Assert.Equal((StatusCode.PermissionDenied, "evidence-withheld"), Code(await RefusalOf(async () => await partial.Export(export).ResponseStream.MoveNext(default))));
        using var whole = reviewer.Export(export);
        Assert.True(await whole.ResponseStream.MoveNext(default));
        Assert.Contains(Evidence, whole.ResponseStream.Current.Data.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suggestion_is_of_what_the_caller_sees_and_below_the_level_record_of_what_is_released()
    {
        await using var served = await ServedStore.StartAsync(samples: 140, variants: 120, seed: 5);
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        var exact = Variants(served);
        var common = exact.First(e => e.Figures.Carriers is > 40 and < 100 && e.Figures.NNoCall + e.Figures.NNotAssessed == 0 && e.Figures.NHomAlt is 0 or > 11 && e.Figures.NSamples - e.Figures.Carriers > 11);
        var rare = exact.First(e => e.Figures.Carriers is > 0 and < 11);
        var director = Client(served, "director", true, Role.LabDirector);
        await director.ChangeSettingsAsync(new V1.ChangeAssessmentSettingsRequest { Asking = Operations, Settings = new V1.AssessmentSettings { LeastAlleles = 4 } });
        var own = await director.SuggestAsync(new V1.SuggestRequest { Asking = Operations, Variant = rare.Query });
        Assert.Equal((rare.Figures.Ac, rare.Figures.An), (own.Figures.Ac, own.Figures.An));
        Assert.Equal(rare.Figures.Ac > 0, own.Criterion?.Code != "PM2");

        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate, Detail.Exists);
        var researcher = new V1.Assessments.AssessmentsClient(channel);
        V1.Asking At(V1.Detail detail) => new(Operations) { Detail = detail };
        var shown = await researcher.SuggestAsync(new V1.SuggestRequest { Asking = At(V1.Detail.Aggregate), Variant = common.Query });
        Assert.Equal("BA1", shown.Criterion.Code);
        Assert.Equal((common.Figures.Ac, false), (shown.Released.Ac, shown.Released.IsBanded));
        Assert.Null(shown.Figures);
        var banded = await researcher.SuggestAsync(new V1.SuggestRequest { Asking = At(V1.Detail.Aggregate), Variant = rare.Query });
        var nobody = await researcher.SuggestAsync(new V1.SuggestRequest { Asking = At(V1.Detail.Aggregate), Variant = "22-5-A-C" });
        Assert.True(banded.Released.IsBanded && banded.Criterion is null);
        Assert.Equal((nobody.Released, nobody.Note, nobody.Criterion), (banded.Released, banded.Note, banded.Criterion));
        Assert.Equal((StatusCode.PermissionDenied, "not-granted"), Code(await RefusalOf(() => researcher.SuggestAsync(new V1.SuggestRequest { Asking = At(V1.Detail.Record), Variant = common.Query }))));
        Assert.Equal(shown.Released, (await researcher.SuggestAsync(new V1.SuggestRequest { Asking = Operations, Variant = common.Query })).Released); // who names no level gets the most that he is granted
        Assert.Equal("detail", (await RefusalOf(() => researcher.SuggestAsync(new V1.SuggestRequest { Asking = At(V1.Detail.Exists), Variant = common.Query }))).Refusal.Rule);
    }

    /// <summary>What releases hold is public; which of it anybody carries is not told to whom nothing is granted.</summary>
    [Fact]
    public async Task A_caller_without_a_grant_learns_from_annotations_and_assessments_nothing_of_what_is_carried()
    {
        await using var served = await ServedStore.StartAsync(samples: 24, variants: 60);
        var carried = Variants(served).Select(v => v.Query).ToHashSet();
        var there = carried.First(v => v.Split('-') is [_, _, { Length: 1 }, { Length: 1 }]);
        var absent = "ACGT".Where(c => !there.Contains("-" + c, StringComparison.Ordinal)).Select(c => there[..^1] + c).First(v => !carried.Contains(v));
        File.WriteAllText(served["panel.tsv"], $"c\tp\tr\ta\tGENE\n" + string.Concat(((string[])[there, absent]).Select(v => v.Split('-')).Select(c => $"{c[0]}\t{c[1]}\t{c[2]}\t{c[3]}\tGENEA\n")));
        served.Owner((store, _) => store.LoadAnnotations(new Engine.Annotations.AnnotationRequest
        {
            Source = "panel", Date = new DateOnly(2024, 1, 7), File = served["panel.tsv"],
            Mapping = Engine.Annotations.AnnotationMapping.Parse("format tsv\ncontig c\npos p\nref r\nalt a\nfield GENE text terms gene\n", "map"),
        }));
        var (channel, _) = served.Client("stranger", Role.Analyst);
        var (annotations, assessments, variants) = (new V1.Annotations.AnnotationsClient(channel), new V1.Assessments.AssessmentsClient(channel), new V1.Variants.VariantsClient(channel));
        Assert.Equal("panel", Assert.Single((await annotations.ListAsync(new V1.ListAnnotationsRequest { Asking = Operations })).Releases).Source);
        var said = await annotations.LookupAsync(new V1.LookupAnnotationsRequest { Asking = Operations, Annotate = { "panel" }, Variants = { there, absent } });
        Assert.Equal(said.Rows[0], said.Rows[1]);
        Assert.Equal("GENEA", said.Rows[0].Cells[0].Text);
        using (var search = annotations.Search(new V1.SearchAnnotationsRequest { Asking = Operations, Queries = { "GENEA", "NOGENE" } }))
        {
            var found = new List<V1.SearchAnnotationsReply>();
            await foreach (var reply in search.ResponseStream.ReadAllAsync()) found.Add(reply);
            Assert.Equal([2, 0, 0], found.Select(f => f.Variants.Count));
            Assert.True(found[^1].IsDone);
        }
        foreach (var variant in (string[])[there, absent])
        {
            Func<Task>[] refused =
            [
                async () => await variants.SeenAsync(new V1.SeenRequest { Asking = Operations, Queries = { variant }, Annotate = { "panel" } }), async () => await assessments.SuggestAsync(new V1.SuggestRequest { Asking = Operations, Variant = variant }),
                async () => await assessments.DraftAsync(Draft(variant)), async () => await assessments.List(new V1.ListAssessmentsRequest { Asking = Operations, Variant = variant }).ResponseStream.MoveNext(default),
                async () => await assessments.DiscordanceAsync(new V1.DiscordanceRequest { Asking = Operations, With = { new V1.ClassStatement { Variant = variant, Source = "x", Tier = V1.Tier.Benign } } }),
            ];
            foreach (var call in refused) Assert.Equal((StatusCode.PermissionDenied, "not-granted"), Code(await RefusalOf(call)));
        }
        Assert.Empty((await ListAsync(assessments)).SelectMany(r => r.Own));
        Assert.Equal((StatusCode.PermissionDenied, "not-granted"), Code(await RefusalOf(() => annotations.RetireAsync(new V1.RetireAnnotationsRequest { Asking = Operations, Release = "panel" }))));
    }

    private static V1.DraftAssessmentRequest Draft(string variant) => new()
    {
        Asking = Operations,
        Content = new V1.AssessmentContent { Variant = variant, Condition = "MONDO:0000001", Tier = V1.Tier.Uncertain, Criteria = { new V1.CriterionUse { Code = "PM2", Strength = V1.Strength.Supporting, Evidence = Evidence } } },
    };

    private static List<(string Query, CountFigures Figures)> Variants(ServedStore served) => served.Owner((store, _) =>
    {
        using var session = store.OpenSession();
        return session.Frequencies(new FrequencyRequest()).Select(r => ($"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}", r.Figures)).ToList();
    });

    /// <summary>Somebody with a certificate, who is granted all records, or those of two samples.</summary>
    private static V1.Assessments.AssessmentsClient Client(ServedStore served, string name, bool seesAll, params Role[] roles)
    {
        var (channel, id) = served.Client(name, roles);
        if (seesAll) served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        else if (name.StartsWith("part", StringComparison.Ordinal)) served.Grant(new Subject(SubjectKind.Principal, id), "some", Detail.Record);
        return new V1.Assessments.AssessmentsClient(channel);
    }

    private static async Task<List<V1.ListAssessmentsReply>> ListAsync(V1.Assessments.AssessmentsClient client)
    {
        using var call = client.List(new V1.ListAssessmentsRequest { Asking = Operations, Others = true });
        var replies = new List<V1.ListAssessmentsReply>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync()) replies.Add(reply);
        Assert.NotNull(replies[^1].End);
        return replies;
    }

    private static (StatusCode, string) Code((StatusCode Code, V1.Refusal Refusal) of) => (of.Code, of.Refusal.Rule);

    private static async Task<(StatusCode Code, V1.Refusal Refusal)> RefusalOf<T>(Func<AsyncUnaryCall<T>> call) => await RefusalOf(async () => { await call(); });

    private static async Task<(StatusCode Code, V1.Refusal Refusal)> RefusalOf(Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(call);
        return (refused.StatusCode, V1.Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details[0].Value));
    }
}
