using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Xunit;
using CommandLines = Warehouse.Tests.Cli.Cli;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>What a researcher gets: figures of the release epoch under the rules of release, charged before they leave.</summary>
public sealed class ReleasedTests
{
    private static V1.Asking Research(V1.Detail detail) => new() { Purpose = V1.Purpose.Operations, Detail = detail };

    [Fact]
    public async Task Figures_of_an_epoch_are_banded_below_k_and_the_budget_ends()
    {
        await using var served = await ServedStore.StartAsync(samples: 140, variants: 120, seed: 5);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        var variants = new V1.Variants.VariantsClient(channel);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate, Detail.Exists);
        var exact = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Select(r => (Query: $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}", r.Figures)).ToList();
        });
        var request = new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { exact[0].Query } };
        Assert.Equal("no-release-epoch", await RuleOf(() => variants.SeenAsync(request)));
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));

        // A common variant is shown, a rare one is in the band together with none.
        var common = exact.First(e => e.Figures.Carriers is > 40 and < 100 && e.Figures.NNoCall + e.Figures.NNotAssessed == 0 && e.Figures.NHomAlt is 0 or > 11 && e.Figures.NSamples - e.Figures.Carriers > 11);
        var rare = exact.First(e => e.Figures.Carriers is > 0 and < 11);
        var reply = await variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { common.Query, rare.Query, "22-5-A-C", "nonsense" } });
        Assert.Equal([V1.SeenState.Seen, V1.SeenState.Withheld, V1.SeenState.Withheld, V1.SeenState.NotAssessable], reply.Answers.Select(a => a.State));
        Assert.Equal((common.Figures.Carriers, common.Figures.Ac), (reply.Answers[0].Released.Carriers, reply.Answers[0].Released.Ac));
        Assert.All(reply.Answers, a => Assert.Null(a.Figures));
        Assert.True(reply.Answers[1].Released.IsBanded && reply.Answers[2].Released.IsBanded && !reply.Answers[1].Released.HasCarriers);
        Assert.Equal(reply.Answers[1].Released, reply.Answers[2].Released);
        Assert.Equal((1L, V1.Detail.Aggregate), (reply.Context.Epoch, reply.Context.Detail));

        Assert.StartsWith("ledger 0.", served.Entries()[^1].Note, StringComparison.Ordinal);

        // Who may know whether, and not how many, gets no figure.
        var exists = await variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Exists), Queries = { common.Query, rare.Query } });
        Assert.Equal([V1.SeenState.Seen, V1.SeenState.FewerThanK], exists.Answers.Select(a => a.State));
        Assert.All(exists.Answers, a => Assert.Null(a.Released));

        // Who names no level gets the one that shows most of those granted, and is told which; records alone are not asked at another.
        var most = await variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Unspecified), Queries = { common.Query } });
        Assert.Equal((V1.Detail.Aggregate, reply.Answers[0].Released), (most.Context.Detail, most.Answers[0].Released));
        Assert.Equal("not-granted", await RuleOf(async () => await variants.Carriers(new V1.CarriersRequest { Asking = Research(V1.Detail.Unspecified), Queries = { common.Query } }).ResponseStream.MoveNext(default)));
        var research = new V1.Asking { Purpose = V1.Purpose.Research };
        Assert.Equal("project", await RuleOf(() => variants.SeenAsync(new V1.SeenRequest { Asking = research, Queries = { common.Query } })));
        var (sees, seesId) = served.Client("sees", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, seesId), null, Detail.Exists);
        var least = await new V1.Variants.VariantsClient(sees).SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Unspecified), Queries = { common.Query } });
        Assert.Equal((V1.Detail.Exists, null), (least.Context.Detail, least.Answers[0].Released));
        served.Grant(new Subject(SubjectKind.Principal, seesId), null, Detail.Record);
        var all = await new V1.Variants.VariantsClient(sees).SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Unspecified), Queries = { common.Query } });
        Assert.Equal((V1.Detail.Record, common.Figures.Ac), (all.Context.Detail, all.Answers[0].Figures.Ac));

        // A tenth of the people in variants, rare ones five times: then it is over, and what was answered stays answered.
        Assert.Equal("over-budget", await RuleOf(() => variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { exact.Select(e => e.Query).Take(60) } })));
        Assert.Contains("\"reason\":\"OverBudget\"", await served.Log.WaitAsync("\"CallRefused\"", "OverBudget"), StringComparison.Ordinal);
        var again = await variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { common.Query } });
        Assert.Equal(reply.Answers[0].Released, again.Answers[0].Released);

        // Records are not granted, and what tells of single people is not asked at this level.
        Assert.Equal("not-granted", await RuleOf(() => variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Record), Queries = { common.Query } })));
        Assert.Equal("detail", await RuleOf(async () => await variants.Carriers(new V1.CarriersRequest { Asking = Research(V1.Detail.Aggregate), Queries = { common.Query } }).ResponseStream.MoveNext(default)));
        Assert.Equal("samples", await RuleOf(() => variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { common.Query }, Samples = new() { Names = { "S000001" } } })));
    }

    [Fact]
    public async Task Two_people_may_decide_that_an_answer_costs_what_it_tells_of_a_carrier()
    {
        await using var served = await ServedStore.StartAsync(samples: 140, variants: 120, seed: 5);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate);
        var entry = served.Owner((store, owner) => store.Set(owner, new SettingsRequest { ChargesByVariant = false }));
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        var variants = new V1.Variants.VariantsClient(channel);
        // Nobody has approved it: one that nobody carries costs 5 of 14, by variant, and 12 by information.
        await AskAsync("22-5-A-C");
        Assert.True(served.Server.Store.Policy.Settings.ChargesByVariant);
        served.Owner((store, _) =>
        {
            store.Approve(AccessActor.Owner("second"), entry);
            return true;
        });
        Assert.False(served.Server.Store.Policy.Settings.ChargesByVariant);
        Assert.Equal("over-budget", await RuleOf(() => AskAsync("22-6-A-C")));

        Task AskAsync(string query) => variants.SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { query } }).ResponseAsync;
    }

    /// <summary>I8: what was charged cannot be taken back between two processes: the log has how far the ledger went.</summary>
    [Theory]
    [InlineData("put back")]
    [InlineData("cut")]
    [InlineData("removed")]
    public async Task A_ledger_that_does_not_go_as_far_as_the_log_says_releases_nothing(string how)
    {
        await using var served = await ServedStore.StartAsync(samples: 140, variants: 120, seed: 5);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate);
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        await AskAsync("22-5-A-C");
        var folder = Path.Combine(served.AuditPath, "ledger");
        var old = Files(folder);
        await AskAsync("22-6-A-C");
        var whole = await StopAsync();
        Verify(served, Warehouse.Cli.ExitCode.Done);

        // Taken back: nothing leaves, until it is put back as it was.
        TakeBack();
        Verify(served, Warehouse.Cli.ExitCode.DamagedStore);
        await served.ServeAsync();
        Assert.Equal("ledger-lost", await RuleOf(() => AskAsync("22-6-A-C")));
        await StopAsync();
        await served.ServeAsync(); // it is not forgotten with the process
        Assert.Equal("ledger-lost", await RuleOf(() => AskAsync("22-5-A-C")));
        await StopAsync();
        Put(folder, whole);
        await served.ServeAsync();
        await AskAsync("22-6-A-C");
        await StopAsync();
        Verify(served, Warehouse.Cli.ExitCode.Done);

        // Taken back and lost: the next epoch begins it anew.
        TakeBack();
        await served.ServeAsync();
        Assert.Equal("ledger-lost", await RuleOf(() => AskAsync("22-5-A-C")));
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        await AskAsync("22-5-A-C");
        await StopAsync();
        Verify(served, Warehouse.Cli.ExitCode.Done);
        await served.ServeAsync();
        await AskAsync("22-6-A-C");

        Task AskAsync(string query) => new V1.Variants.VariantsClient(served.Again(channel)).SeenAsync(new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { query } }).ResponseAsync;

        async Task<Dictionary<string, byte[]>> StopAsync()
        {
            await served.Server.DisposeAsync();
            return Files(folder);
        }

        void TakeBack()
        {
            if (how == "put back") Put(folder, old);
            else if (how == "removed") Directory.Delete(folder, recursive: true);
            else Put(folder, Files(folder).ToDictionary(f => f.Key, f => f.Value[..(f.Value.Length * 2 / 3)]));
        }
    }

    /// <summary>The files of a ledger.</summary>
    private static Dictionary<string, byte[]> Files(string folder) => Directory.GetFiles(folder).Where(f => Path.GetFileName(f) != "lock").ToDictionary(f => f, File.ReadAllBytes);

    private static void Put(string folder, Dictionary<string, byte[]> files)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Files(folder).Keys) File.Delete(file);
        foreach (var (file, bytes) in files) File.WriteAllBytes(file, bytes);
    }

    private static void Verify(ServedStore served, Warehouse.Cli.ExitCode code)
    {
        var cli = new CommandLines();
        Assert.True(code == cli.Run("audit", "verify", served.StorePath), cli.Output + cli.Error);
        if (code == Warehouse.Cli.ExitCode.DamagedStore) Assert.Contains("a data steward opens a new release epoch", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_stops_where_the_budget_does_and_says_so()
    {
        await using var served = await ServedStore.StartAsync(samples: 200, variants: 60, seed: 6);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate);
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        using var call = new V1.Variants.VariantsClient(channel).Frequencies(new V1.FrequenciesRequest { Asking = Research(V1.Detail.Aggregate) });
        using var bytes = new MemoryStream();
        var stopped = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (var chunk in call.ResponseStream.ReadAllAsync()) bytes.Write(chunk.Data.Span);
        });
        Assert.Equal((StatusCode.ResourceExhausted, "over-budget"), (stopped.StatusCode, Rule(stopped)));
        bytes.Position = 0;
        var reader = new ArrowStreamReader(bytes);
        var batch = reader.Read()!;
        Assert.InRange(batch.RowCount, 2, 20); // 20 units: from four rare ones to twenty common
        Assert.Equal("banded", reader.Schema.Fields[4].Name);
        for (var row = 0; row < batch.RowCount; row++) Assert.Equal(batch.Columns[4].Bool(row), batch.Columns[5].IsNull(row));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Somebody_withdrawn_since_the_epoch_closes_the_cohort_until_the_next(bool isNamed)
    {
        await using var served = await ServedStore.StartAsync(samples: 120, variants: 30, seed: 7);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        var variants = new V1.Variants.VariantsClient(channel);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate);
        served.Owner((store, owner) =>
        {
            using var session = store.OpenSession();
            store.SetCohort("named", [.. session.Rows(new GenotypeRequest()).Select(r => r.Sample).Distinct()], null);
            return store.OpenEpoch(owner, store.Version);
        });
        var request = new V1.SeenRequest { Asking = Research(V1.Detail.Aggregate), Queries = { "22-5-A-C" } };
        if (isNamed) request.Samples = new() { Cohort = "named" };
        await variants.SeenAsync(request);
        served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return store.Withdraw([session.Rows(new GenotypeRequest()).First().Sample]);
        });
        Assert.Equal("cohort-suppressed", await RuleOf(() => variants.SeenAsync(request)));
    }

    [Fact]
    public async Task An_epoch_opens_only_when_nobody_or_k_people_joined_and_left_each_cohort()
    {
        await using var served = await ServedStore.StartAsync(samples: 60, variants: 10, seed: 8);
        var names = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Rows(new GenotypeRequest()).Select(r => r.Sample).Distinct().Order(StringComparer.Ordinal).ToList();
        });
        served.Owner((store, owner) =>
        {
            store.SetCohort("half", [.. names.Take(30)], null);
            return store.OpenEpoch(owner, store.Version);
        });
        var bad = served.Owner((store, owner) =>
        {
            store.SetCohort("half", [.. names.Take(35)], null);
            return Assert.Throws<Engine.InputException>(() => store.OpenEpoch(owner, store.Version));
        });
        Assert.Equal("epoch-change", bad.Code);
        Assert.EndsWith(": half", bad.Expected, StringComparison.Ordinal);
        // Eleven came and none went; then eleven of the first epoch went, and eleven others stay gone.
        Assert.Equal(2, served.Owner((store, owner) =>
        {
            store.SetCohort("half", [.. names.Take(41)], null);
            return store.OpenEpoch(owner, store.Version);
        }));
        Assert.Equal("epoch-change", served.Owner((store, owner) =>
        {
            store.SetCohort("half", [.. names.Skip(1).Take(51)], null);
            return Assert.Throws<Engine.InputException>(() => store.OpenEpoch(owner, store.Version));
        }).Code);
        Assert.Equal(2, served.Owner((store, _) => store.Policy().Epochs.Count));
    }

    private static async Task<string> RuleOf<T>(Func<AsyncUnaryCall<T>> call) => Rule(await Assert.ThrowsAsync<RpcException>(async () => await call()));

    private static async Task<string> RuleOf(Func<Task> call) => Rule(await Assert.ThrowsAsync<RpcException>(call));

    private static string Rule(RpcException refused) => V1.Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details[0].Value).Rule;
}
