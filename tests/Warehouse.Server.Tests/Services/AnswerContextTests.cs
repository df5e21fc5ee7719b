using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Warehouse.Server.Calls;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Every answer from samples says what it rests on (snapshot, scope), and of variants whether it is whole.</summary>
public sealed class AnswerContextTests
{
    /// <summary>Methods that show samples and have no context in their reply, and why.</summary>
    private static readonly Dictionary<string, string> Without = new(StringComparer.Ordinal)
    {
        ["/arrow.flight.protocol.FlightService/GetFlightInfo"] = "a ticket, of one snapshot",
        ["/arrow.flight.protocol.FlightService/DoGet"] = "an AnswerEnd as the metadata of the last message, which a foreign message cannot declare",
        ["/warehouse.v1.Alerts/Inbox"] = "of the event log: each alert names its release and snapshot",
        ["/warehouse.v1.Alerts/Follow"] = "of the event log",
        ["/warehouse.v1.Alerts/Show"] = "of the event log",
        ["/warehouse.v1.Alerts/Acknowledge"] = "a change of the event log",
        ["/warehouse.v1.Alerts/Delegate"] = "a change of the event log",
        ["/warehouse.v1.Alerts/Snooze"] = "a change of the event log",
        ["/warehouse.v1.Alerts/Escalate"] = "a change of the event log",
    };

    [Fact]
    public void Every_reply_that_is_of_samples_has_a_place_for_it()
    {
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(m => m.FullName).ToList();
        var shows = methods.Where(m => MethodTable.Of(MethodCall.PathOf(m))!.Reach is Reach.Samples or Reach.Records || m.Service.Name == "Variants").ToList();
        Assert.Equal(Without.Keys.Order(StringComparer.Ordinal), shows.Where(m => !Has(m.OutputType, V1.AnswerContext.Descriptor)).Select(MethodCall.PathOf).Order(StringComparer.Ordinal));
        Assert.Empty(shows.Where(m => m.Service.Name == "Variants" && !Has(m.OutputType, V1.Completeness.Descriptor)).Select(MethodCall.PathOf));
    }

    [Fact]
    public async Task Answers_of_one_scope_and_snapshot_say_so_alike_and_the_audit_log_has_it()
    {
        await using var served = await ServedStore.StartAsync();
        served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return store.SetCohort("some", [.. session.LoadedSamples().Take(2).Select(s => s.Name)], null);
        });
        var (channel, id) = served.Client("lab", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var (variants, cohorts, store) = (new V1.Variants.VariantsClient(channel), new V1.Cohorts.CohortsClient(channel), new V1.Store.StoreClient(channel));
        string[] queries = served.Owner((owned, _) =>
        {
            using var session = owned.OpenSession();
            return (string[])[.. session.Frequencies(new FrequencyRequest()).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").Take(5)];
        });
        var asking = ServedStore.Treatment;
        var seen = await variants.SeenAsync(new() { Asking = asking, Queries = { queries } });
        var figures = await variants.FrequenciesOfAsync(new() { Asking = asking, Queries = { queries } });
        var meanings = await variants.ResolveAsync(new() { Asking = asking, Queries = { queries } });
        var list = await cohorts.ListAsync(new() { Asking = asking });
        var shown = await cohorts.ShowAsync(new() { Asking = asking, Name = "some" });
        var snapshots = await store.SnapshotsAsync(new() { Asking = asking });
        using var stream = variants.SeenStream();
        await stream.RequestStream.WriteAsync(new() { Request = new() { Asking = asking }, Queries = { queries } });
        await stream.RequestStream.CompleteAsync();
        var streamed = (await stream.ResponseStream.ReadAllAsync().ToListAsync()).Last().End;
        V1.AnswerContext[] contexts = [seen.Context, figures.Context, meanings.Context, list.Context, shown.Context, snapshots.Context, streamed.Context];
        var newest = served.Owner((owned, _) => owned.Version);
        Assert.All(contexts, c => Assert.Equal((newest, 64, V1.Detail.Record), (c.Snapshot, c.ScopeDigest.Length, c.Detail)));
        Assert.Single(contexts.Select(c => (c.ScopeDigest, c.SnapshotDigest, c.PolicyVersion)).Distinct());
        Assert.Equal([64, 64, 0, 0, 0, 0, 64], contexts.Select(c => c.SamplesDigest.Length)); // of nobody there is no digest
        Assert.All((V1.Completeness[])[seen.Completeness, figures.Completeness, meanings.Completeness, streamed.Completeness], c => Assert.True(c.IsWhole));

        // Whom it was asked of is in the log, of each answer its own digests.
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        var entries = audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Who == id && e.Kind is AuditKind.Call or AuditKind.End).ToList();
        Assert.Equal(contexts.Length, entries.Count);
        Assert.All(entries, e => Assert.Equal((seen.Context.ScopeDigest, (long?)newest), (e.Scope, e.Snapshot)));
        Assert.Equal(contexts.Select(c => c.SamplesDigest.Length == 0 ? null : c.SamplesDigest), entries.Select(e => e.Cohort));
        Assert.All(entries, e => Assert.True(e.DurationMs is not null));
    }

    /// <summary>Around damage each kind of answer that goes on says that it is not whole, and gives what does not need what is damaged as it is.</summary>
    [Fact]
    public async Task What_needs_a_damaged_part_of_the_store_is_not_called_whole()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 60);
        var segment = SegmentOf(served);
        File.WriteAllText(served["more.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=21>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmore\n21\t9000001\t.\tA\tC\t.\tPASS\t.\tGT\t0/1\n");
        served.Owner((store, _) => store.Ingest(new Engine.Ingest.IngestRequest { Files = [served["more.vcf"]] }));
        var (channel, id) = served.Client("lab", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        string[] queries = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return (string[])["21-9000001-A-C", .. session.Frequencies(new FrequencyRequest()).Where(r => r.Contig == "22").Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").Take(3)];
        });
        var (variants, asking) = (new V1.Variants.VariantsClient(channel), ServedStore.Treatment);
        Damage(segment);
        var seen = await variants.SeenAsync(new() { Asking = asking, Queries = { queries } });
        Assert.All(seen.Answers.Skip(1), a => Assert.NotEqual("", a.Damage));
        using var carriers = variants.Carriers(new() { Asking = asking, Queries = { queries } });
        using var stream = variants.SeenStream();
        await stream.RequestStream.WriteAsync(new() { Request = new() { Asking = asking }, Queries = { queries } });
        await stream.RequestStream.CompleteAsync();
        var figures = await variants.FrequenciesOfAsync(new() { Asking = asking, Queries = { queries } });
        Assert.Equal(queries, figures.Rows.Select(r => $"{r.Contig}-{r.Pos}-{r.Ref}-{r.Alt}"));
        Assert.Equal(("", 1L, 1, 4), figures.Rows[0] is var whole ? (whole.Damage, whole.Figures.Ac, whole.Figures.NHet, whole.Figures.NSamples) : default);
        Assert.All(figures.Rows.Skip(1), r => Assert.True(r.Damage.Length > 0 && r.Figures is null, r.ToString()));
        V1.Completeness[] told = [seen.Completeness, figures.Completeness, (await carriers.ResponseStream.ReadAllAsync().ToListAsync())[^1].End.Completeness, (await stream.ResponseStream.ReadAllAsync().ToListAsync())[^1].End.Completeness];
        Assert.All(told, c => Assert.False(c.IsWhole));

        // What is for one allele alone, or what only a damaged part could tell to be none, has no place for it: it ends with the damage, and is no mistake of whoever asks.
        const string Nowhere = "ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt";
        var assessments = new V1.Assessments.AssessmentsClient(channel);
        Assert.Equal(1, (await assessments.SuggestAsync(new() { Asking = asking, Variant = queries[0] })).Figures.Ac);
        await AssertDamagedAsync(assessments.SuggestAsync(new() { Asking = asking, Variant = queries[1] }));
        await AssertDamagedAsync(assessments.SuggestAsync(new() { Asking = asking, Variant = Nowhere }));
        await AssertDamagedAsync(new V1.ClinVar.ClinVarClient(channel).HistoryAsync(new() { Asking = asking, Allele = Nowhere }));
    }

    /// <summary>Figures that leave by the rules of release are whole or none: a damaged part is never counted as nobody, and nothing is charged.</summary>
    [Fact]
    public async Task Figures_that_are_released_end_with_the_damage_that_they_need()
    {
        await using var served = await ServedStore.StartAsync(samples: 140, variants: 120, seed: 5);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate);
        var query = served.Owner((store, owner) =>
        {
            store.OpenEpoch(owner, store.Version);
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Where(r => r.Figures.Carriers is > 40 and < 100).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").First();
        });
        Damage(SegmentOf(served));
        var (variants, asking) = (new V1.Variants.VariantsClient(channel), new V1.Asking { Purpose = V1.Purpose.Operations, Detail = V1.Detail.Aggregate });
        await AssertDamagedAsync(variants.FrequenciesOfAsync(new() { Asking = asking, Queries = { query } }));
        await AssertDamagedAsync(new V1.Assessments.AssessmentsClient(channel).SuggestAsync(new() { Asking = asking, Variant = query }));
        using var listing = variants.Frequencies(new() { Asking = asking });
        Assert.Equal(StatusCode.DataLoss, (await Assert.ThrowsAsync<RpcException>(async () => await listing.ResponseStream.ReadAllAsync().ToListAsync())).StatusCode);
        var seen = await variants.SeenAsync(new() { Asking = asking, Queries = { query } });
        Assert.Equal((V1.SeenState.NotAssessable, false, true), (seen.Answers[0].State, seen.Completeness.IsWhole, seen.Answers[0].Released is null));
    }

    private static async Task AssertDamagedAsync<T>(AsyncUnaryCall<T> call) => Assert.Equal(StatusCode.DataLoss, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);

    /// <summary>The file of the only segment of a store.</summary>
    internal static string SegmentOf(ServedStore served) => Path.Combine(served.StorePath, "f", Assert.Single(served.Owner((store, _) => store.CatalogNow.Segments.Select(s => s.File).ToList())));

    /// <summary>Changes a bit of a segment, in a block of which the directory says where it is. What a server has read of it before, it keeps.</summary>
    internal static void Damage(string segment)
    {
        var bytes = File.ReadAllBytes(segment);
        bytes[90] ^= 1;
        File.WriteAllBytes(segment, bytes);
    }

    /// <summary>What spellings mean is what it means to the owner's session, which other tests hold against the naive reading.</summary>
    [Fact]
    public async Task Spellings_mean_what_they_mean_to_the_owner()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 60);
        var (channel, id) = served.Client("lab", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var (queries, expected) = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            var rows = session.Frequencies(new FrequencyRequest()).Select(r => (r.Contig, r.Start, r.Ref, r.Alt)).Take(30).ToList();
            var spelled = rows.Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").ToList();
            var answers = session.Resolve(spelled).ToList();
            // In other systems' names, and with bases in front that normalisation takes away.
            foreach (var answer in answers.ToList())
                if (session.Identify(answer) is { } names) spelled.AddRange(((string?[])[names.Vrs, names.Spdi, names.HgvsG]).OfType<string>());
            spelled.AddRange(["nonsense", "no-such-contig-1-A-C", "ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt"]);
            return (spelled, session.Resolve(spelled).ToList());
        });
        Assert.True(queries.Count > 90, $"{queries.Count} spellings");
        var reply = await new V1.Variants.VariantsClient(channel).ResolveAsync(new() { Asking = ServedStore.Treatment, Queries = { queries } });
        Assert.Equal(expected.Select(e => (e.Query, e.Contig ?? "", e.Contig is null ? 0 : e.Start + 1, e.Ref ?? "", e.Alt ?? "", e.TrimmedOnly, e.Reason ?? "")),
            reply.Resolutions.Select(r => (r.Query, r.Contig, r.Pos, r.Ref, r.Alt, r.TrimmedOnly, r.Fault)));
        // By whatever name, it is the allele that was named: the first thirty are spelled as they are stored.
        var stored = reply.Resolutions.Take(30).Select(r => (r.Contig, r.Pos, r.Ref, r.Alt)).ToHashSet();
        Assert.All(reply.Resolutions.Take(30), r => Assert.Equal(r.Query, $"{r.Contig}-{r.Pos}-{r.Ref}-{r.Alt}"));
        Assert.All(reply.Resolutions.Skip(30).SkipLast(3), r => Assert.Contains((r.Contig, r.Pos, r.Ref, r.Alt), stored));
        Assert.All(reply.Resolutions.TakeLast(3), r => Assert.True(r.Contig.Length == 0 && r.Fault.Length > 0));
    }

    private static bool Has(MessageDescriptor reply, MessageDescriptor what) =>
        reply.Fields.InDeclarationOrder().Any(f => f.FieldType == FieldType.Message && (f.MessageType == what || (f.MessageType.Name is "AnswerEnd" or "SeenStreamEnd" && Has(f.MessageType, what))));
}
