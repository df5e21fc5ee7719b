using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Export;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Access as people use it: one grants, another approves, a third sees; emergencies; and what is over is over.</summary>
public sealed class AccessServiceTests
{
    private static V1.Asking Operations => new() { Purpose = V1.Purpose.Operations };

    [Fact]
    public async Task A_grant_is_in_force_when_another_has_approved_it_and_over_when_it_is_revoked()
    {
        await using var served = await ServedStore.StartAsync(samples: 30, variants: 50);
        var steward = new V1.Access.AccessClient(served.Client("steward", Role.DataSteward).Channel);
        var director = new V1.Access.AccessClient(served.Client("director", Role.LabDirector).Channel);
        var (channel, id) = served.Client("analyst", Role.Analyst);
        var (variants, self) = (new V1.Variants.VariantsClient(channel), new V1.Access.AccessClient(channel));
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };

        var made = await steward.GrantAsync(new V1.GrantRequest { Asking = Operations, Subject = id, AllSamples = true, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Treatment }, Reason = "cases" });
        Assert.Equal(V1.EntryState.Awaiting, made.Entry.State);
        Assert.Equal("not-granted", await RuleOf(() => variants.SeenAsync(question)));
        Assert.Equal("second-person", await RuleOf(() => steward.ApproveAsync(new V1.EntryRequest { Asking = Operations, Id = made.Entry.Id })));
        Assert.Equal("not-granted", await RuleOf(() => self.ApproveAsync(new V1.EntryRequest { Asking = Operations, Id = made.Entry.Id })));
        Assert.Equal(V1.EntryState.InForce, (await director.ApproveAsync(new V1.EntryRequest { Asking = Operations, Id = made.Entry.Id })).Entry.State);

        Assert.Single((await variants.SeenAsync(question)).Answers);
        Assert.Equal("not-granted", await RuleOf(() => variants.SeenAsync(new V1.SeenRequest(question) { Asking = Operations }))); // another purpose
        var who = await self.WhoAmIAsync(new V1.WhoAmIRequest { Asking = ServedStore.Treatment });
        Assert.Equal((id, V1.Detail.Record, V1.Role.Analyst), (who.Principal, Assert.Single(who.OpenLevels), Assert.Single(who.Roles)));
        Assert.Equal(made.Entry.Id, Assert.Single((await self.ListAsync(new V1.ListAccessRequest { Asking = Operations })).Entries, e => e.Kind == V1.EntryKind.Grant).Id);
        Assert.Contains((await self.ExplainAsync(new V1.ExplainRequest { Asking = ServedStore.Treatment })).Reasons, r => r.Holds && r.About == $"grant {made.Entry.Id}");
        Assert.Contains((await director.ReviewAsync(new V1.ReviewAccessRequest { Asking = Operations })).Findings, f => f.Entry.Id == made.Entry.Id && f.Finding == "attest");
        Assert.Equal("not-granted", await RuleOf(() => new V1.Variants.VariantsClient(served.Client("steward2", Role.DataSteward).Channel).SeenAsync(question)));

        await director.RevokeAsync(new V1.EntryRequest { Asking = Operations, Id = made.Entry.Id });
        Assert.Equal("not-granted", await RuleOf(() => variants.SeenAsync(question)));
        Assert.Contains(served.Entries(), e => e is { Kind: Engine.Audit.AuditKind.Begin, Verb: "warehouse.v1.Access/Revoke" });
    }

    [Fact]
    public async Task Breaking_the_glass_opens_one_patient_at_once_and_waits_for_review()
    {
        await using var served = await ServedStore.StartAsync(samples: 30, variants: 50);
        var (channel, _) = served.Client("clinician", Role.Clinician);
        var (variants, self) = (new V1.Variants.VariantsClient(channel), new V1.Access.AccessClient(channel));
        var (sample, query) = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            var row = session.Rows(new GenotypeRequest()).First();
            return (row.Sample, $"{row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt}");
        });
        var question = new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { query } };
        Assert.Equal("not-granted", await RuleOf(() => CarriersAsync(variants, question)));
        var glass = await self.BreakGlassAsync(new V1.BreakGlassRequest { Asking = ServedStore.Treatment, Samples = { sample }, Minutes = 10, Reason = "emergency" });
        Assert.Equal((V1.EntryKind.BreakGlass, V1.EntryState.InForce), (glass.Entry.Kind, glass.Entry.State));
        // Who watches the machine is told at once, of nobody by name.
        var page = await served.Log.WaitAsync("\"BreakGlass\"", "\"level\":\"critical\"", "\"minutes\":10");
        Assert.DoesNotContain(sample, page, StringComparison.Ordinal);
        Assert.Contains(sample, await CarriersAsync(variants, question));
        Assert.True((await CarriersAsync(variants, question)).Count <= 4); // one person's samples, whoever else carries it

        var auditor = new V1.Access.AccessClient(served.Client("auditor", Role.Auditor).Channel);
        Assert.Contains((await auditor.ReviewAsync(new V1.ReviewAccessRequest { Asking = Operations })).Findings, f => f.Entry.Id == glass.Entry.Id && f.Finding == "review-break-glass");
        await auditor.ReviewBreakGlassAsync(new V1.EntryRequest { Asking = Operations, Id = glass.Entry.Id });
        Assert.DoesNotContain((await auditor.ReviewAsync(new V1.ReviewAccessRequest { Asking = Operations })).Findings, f => f.Finding == "review-break-glass");

        // Who saw this patient: the log answers, by the name that nobody can read in it.
        var log = new V1.Audit.AuditClient(served.Client("auditor2", Role.Auditor).Channel);
        using var found = log.Search(new V1.AuditSearchRequest { Asking = Operations, Sample = sample });
        var lines = new List<string>();
        await foreach (var entry in found.ResponseStream.ReadAllAsync()) lines.Add(entry.Line);
        Assert.Contains(lines, l => l.Contains("Access/BreakGlass", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("Variants/Carriers", StringComparison.Ordinal));
        Assert.All(lines, l => Assert.DoesNotContain(sample, l, StringComparison.Ordinal));
    }

    private static async Task<List<string>> CarriersAsync(V1.Variants.VariantsClient client, V1.CarriersRequest request)
    {
        using var call = client.Carriers(request);
        var names = new List<string>();
        V1.AnswerEnd? end = null;
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            names.AddRange(reply.Carriers.Select(c => c.Sample));
            end = reply.End;
        }
        Assert.NotNull(end);
        return names;
    }

    private static async Task<string> RuleOf<T>(Func<AsyncUnaryCall<T>> call) => Rule(await Assert.ThrowsAsync<RpcException>(async () => await call()));

    private static async Task<string> RuleOf(Func<Task> call) => Rule(await Assert.ThrowsAsync<RpcException>(call));

    private static string Rule(RpcException refused) => V1.Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details[0].Value).Rule;
}
