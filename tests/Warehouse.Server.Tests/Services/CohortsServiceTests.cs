using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Protocol.V1;
using Xunit;
using Role = Warehouse.Engine.Access.Role;
using Detail = Warehouse.Engine.Access.Detail;

namespace Warehouse.Server.Tests.Services;

/// <summary>Cohorts that callers make of what they see.</summary>
public sealed class CohortsServiceTests
{
    [Fact]
    public async Task A_cohort_has_what_its_maker_sees_and_a_hidden_one_changes_no_answer()
    {
        await using var served = await ServedStore.StartAsync(samples: 12, variants: 50);
        var names = served.Owner((store, _) =>
        {
            store.SetCohort("visible", null, "sample != \"nobody\"");
            return store.CohortMembers("visible");
        });
        served.Owner((store, _) => store.SetCohort("mine", [.. names.Take(5)], null));
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), "mine", Detail.Record);
        var cohorts = new Cohorts.CohortsClient(channel);

        var made = await cohorts.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "own.half", Samples = { names.Take(3) } });
        Assert.Equal(3, made.Cohort.Samples);
        Assert.Matches("^own\\.[0-9a-f]{16}\\.half$", made.Cohort.Name);
        Assert.Equal(names.Take(3), (await cohorts.ShowAsync(new ShowCohortRequest { Asking = ServedStore.Treatment, Name = made.Cohort.Name })).Samples);

        // By an expression it has those that the caller sees, not those that it selects.
        var all = await cohorts.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "own.all", Where = "sample != \"nobody\"" });
        Assert.Equal(5, all.Cohort.Samples);
        Assert.Equal(5, (await cohorts.RefreshAsync(new RefreshCohortRequest { Asking = ServedStore.Treatment, Name = all.Cohort.Name })).Cohort.Samples);

        // A sample that he does not see is not there, and no name tells whether another cohort has it.
        await RefusedAsync(StatusCode.NotFound, cohorts.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "own.x", Samples = { names[7] } }));
        foreach (var name in (string[])["visible", "never-made", "mine"])
            await RefusedAsync(StatusCode.PermissionDenied, cohorts.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = name, Samples = { names[0] } }));
        await RefusedAsync(StatusCode.InvalidArgument, cohorts.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "own.p", Where = "person == \"P1\"" }));
        await RefusedAsync(StatusCode.InvalidArgument, cohorts.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "own.none", Where = "sample == \"nobody\"" }));
        await RefusedAsync(StatusCode.InvalidArgument, cohorts.RefreshAsync(new RefreshCohortRequest { Asking = ServedStore.Treatment, Name = made.Cohort.Name }));

        // Another's own name is another name, and a director replaces any that no grant opens.
        var (directors, directorId) = served.Client("director", Role.LabDirector);
        served.Grant(new Subject(SubjectKind.Principal, directorId), null, Detail.Record);
        var director = new Cohorts.CohortsClient(directors);
        Assert.Equal(2, (await director.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "visible", Samples = { names.Take(2) } })).Cohort.Samples);
        Assert.Equal(2, served.Owner((store, _) => store.CohortMembers("visible").Count));
        Assert.Contains(served.Entries(), e => e is { Kind: AuditKind.Begin, Verb: "warehouse.v1.Cohorts/Set" });
        Assert.Contains(served.Entries(), e => e is { Verb: "warehouse.v1.Cohorts/Set", Outcome: "done", Rows: 3 });
    }

    /// <summary>A grant on a cohort follows its members, and two people made it: one person does not widen it, whatever he may set.</summary>
    [Fact]
    public async Task A_cohort_that_a_grant_opens_gets_no_further_members_and_no_other_rule()
    {
        await using var served = await ServedStore.StartAsync(samples: 12, variants: 50);
        var names = served.Owner((store, _) =>
        {
            store.SetCohort("all", null, "sample != \"nobody\"");
            store.SetCohort("list", ["S000001", "S000002", "S000003"], null);
            store.SetCohort("rule", null, "affected == 'yes'");
            store.SetCohort("free", ["S000001"], null);
            return store.CohortMembers("all");
        });
        var (_, reader) = served.Client("reader", Role.Analyst);
        var grant = served.Grant(new Subject(SubjectKind.Principal, reader), "list", Detail.Record);
        served.Grant(new Subject(SubjectKind.Principal, reader), "rule", Detail.Aggregate);
        var (channel, id) = served.Client("director", Role.LabDirector);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var director = new Cohorts.CohortsClient(channel);
        AsyncUnaryCall<CohortReply> Set(Cohorts.CohortsClient who, string name, string where, params string[] samples) => who.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = name, Samples = { samples }, Where = where });

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await Set(director, "list", "", [.. names.Take(4)]));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains("make another cohort and have that one granted", refused.Status.Detail, StringComparison.Ordinal);
        await RefusedAsync(StatusCode.PermissionDenied, Set(director, "list", "", names[7]));
        await RefusedAsync(StatusCode.PermissionDenied, Set(director, "list", "sample == \"S000001\"")); // which could find others later
        await RefusedAsync(StatusCode.PermissionDenied, Set(director, "rule", "affected == 'yes' and sample != \"nobody\""));
        Assert.Equal(3, served.Owner((store, _) => store.CohortMembers("list").Count));
        Assert.Equal(2, (await Set(director, "list", "", [.. names.Take(2)])).Cohort.Samples);
        await RefusedAsync(StatusCode.PermissionDenied, Set(director, "list", "", [.. names.Take(3)])); // not even one that was there before
        await director.RefreshAsync(new RefreshCohortRequest { Asking = ServedStore.Treatment, Name = "rule" });
        await Set(director, "rule", "affected == 'yes'");

        // Without a second factor nobody sets what others rely on; his own he does. Of his own, too, a grant may be.
        var (weak, weakId) = served.Service("weak", Role.LabDirector);
        served.Grant(new Subject(SubjectKind.Principal, weakId), null, Detail.Record);
        var plain = new Cohorts.CohortsClient(weak);
        var factor = await Assert.ThrowsAsync<RpcException>(async () => await Set(plain, "free", "", [.. names.Take(2)]));
        Assert.Equal("second-factor", Refusal.Parser.ParseFrom(factor.GetRpcStatus()!.Details[0].Value).Rule);
        var own = (await Set(new Cohorts.CohortsClient(served.Again(weak)), "own." + Digest(weakId) + ".few", "", [.. names.Take(2)])).Cohort.Name;
        served.Grant(new Subject(SubjectKind.Principal, reader), own, Detail.Record);
        await RefusedAsync(StatusCode.PermissionDenied, Set(plain, own, "", [.. names.Take(3)]));

        // When the grant is over, the cohort is as any other; while one waits to be approved it is not.
        served.Owner((store, owner) =>
        {
            store.Revoke(owner, grant);
            return 0;
        });
        Assert.Equal(4, (await Set(director, "list", "", [.. names.Take(4)])).Cohort.Samples);
        served.Owner((store, owner) => store.Grant(owner, new Engine.Access.GrantRequest { Subject = new Subject(SubjectKind.Principal, reader), Cohort = "list", Details = [Detail.Record], Purposes = [Engine.Access.Purpose.Treatment] }));
        await RefusedAsync(StatusCode.PermissionDenied, Set(director, "list", "", [.. names.Take(5)]));

        // A review of the log lists what became of others' cohorts.
        var noted = served.Entries().Where(e => e.Note == AuditCall.SharedCohort).Select(e => (e.Verb, e.Outcome)).ToList();
        Assert.Contains(("warehouse.v1.Cohorts/Set", "done"), noted);
        Assert.Contains(("warehouse.v1.Cohorts/Refresh", "done"), noted);
        var cli = new Warehouse.Tests.Cli.Cli();
        Assert.Equal(Warehouse.Cli.ExitCode.Done, cli.Run("audit", "review", served.StorePath, "--format", "tsv"));
        Assert.Contains(cli.Output.Split('\n'), l => l.Contains("\twarehouse.v1.Cohorts/Refresh\t", StringComparison.Ordinal) && l.EndsWith("\tcohort", StringComparison.Ordinal));
    }

    private static string Digest(string id) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(id)))[..16];

    private static async Task RefusedAsync<T>(StatusCode code, AsyncUnaryCall<T> call) => Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
}
