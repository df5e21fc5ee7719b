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

        // Another's own name is another name, and a director replaces any.
        var (directors, directorId) = served.Client("director", Role.LabDirector);
        served.Grant(new Subject(SubjectKind.Principal, directorId), null, Detail.Record);
        var director = new Cohorts.CohortsClient(directors);
        Assert.Equal(2, (await director.SetAsync(new SetCohortRequest { Asking = ServedStore.Treatment, Name = "visible", Samples = { names.Take(2) } })).Cohort.Samples);
        Assert.Equal(2, served.Owner((store, _) => store.CohortMembers("visible").Count));
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        Assert.Contains(audit.Reader().Entries().Select(e => e.Entry), e => e is { Kind: AuditKind.Begin, Verb: "warehouse.v1.Cohorts/Set" });
        Assert.Contains(audit.Reader().Entries().Select(e => e.Entry), e => e is { Verb: "warehouse.v1.Cohorts/Set", Outcome: "done", Rows: 3 });
    }

    private static async Task RefusedAsync<T>(StatusCode code, AsyncUnaryCall<T> call) => Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
}
