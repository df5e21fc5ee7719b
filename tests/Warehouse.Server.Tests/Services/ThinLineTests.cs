using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>The line from a client's question to the store and the audit log, against the same question asked of the store itself.</summary>
public sealed class ThinLineTests
{
    [Fact]
    public async Task A_granted_client_gets_what_the_owner_gets_and_the_log_has_it()
    {
        await using var served = await ServedStore.StartAsync();
        var (channel, id) = served.Client("lab", Role.Analyst);
        var variants = new V1.Variants.VariantsClient(channel);
        var denied = await Assert.ThrowsAsync<RpcException>(async () => await variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-1-A-C" } }));
        Assert.Equal(StatusCode.PermissionDenied, denied.StatusCode);

        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var (queries, expected) = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            string[] asked = [.. session.Frequencies(new FrequencyRequest()).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").Take(100), "22-1-A-C", "nonsense"];
            return (asked, session.Seen(asked, SampleChoice.All).ToList());
        });
        var reply = await variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { queries } });
        Assert.Equal(expected.Select(e => (e.Query, (int)e.State + 1, e.Contig ?? "", e.Figures.Ac, e.Figures.An)), reply.Answers.Select(a => (a.Query, (int)a.State, a.Contig, a.Figures?.Ac ?? 0, a.Figures?.An ?? 0)));
        Assert.Contains(reply.Answers, a => a.State == V1.SeenState.Seen);
        Assert.Equal(64, reply.Context.ScopeDigest.Length);

        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        var entries = audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Verb is not ("serve" or "certificate issue")).ToList();
        Assert.Equal([("denied", id), ("done", id)], entries.Select(e => (e.Outcome, e.Who)));
        Assert.All(entries, e => Assert.Equal((AuditKind.Call, "warehouse.v1.Variants/Seen", "treatment"), (e.Kind, e.Verb, e.Purpose)));
        Assert.Equal(queries.Length, entries[1].Rows);
        Assert.NotNull(entries[1].Result);
        Assert.Empty(audit.Verify(null).Findings);
    }

    [Fact]
    public async Task Streams_carry_the_frequencies_of_the_owner_and_end_with_what_they_rest_on()
    {
        await using var served = await ServedStore.StartAsync(variants: 3000);
        var (channel, id) = served.Client("lab", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var expected = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Select(r => (r.Contig, r.Start + 1L, r.Ref, r.Alt, r.Figures.Ac, r.Figures.An)).ToList();
        });
        using var call = new V1.Variants.VariantsClient(channel).Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment });
        using var bytes = new MemoryStream();
        V1.AnswerEnd? end = null;
        await foreach (var chunk in call.ResponseStream.ReadAllAsync())
        {
            Assert.Null(end);
            bytes.Write(chunk.Data.Span);
            end = chunk.End;
        }
        Assert.True(end!.Completeness.IsWhole);
        Assert.Equal(expected.Count, end.Rows);
        bytes.Position = 0;
        Assert.Equal(expected, ArrowRows(bytes));
    }

    [Fact]
    public async Task Without_certificate_or_token_nothing_is_said()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 20);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new V1.Store.StoreClient(served.Channel(null)).InfoAsync(new V1.InfoRequest { Asking = ServedStore.Treatment }));
        Assert.Equal((StatusCode.Unauthenticated, "not authenticated"), (refused.StatusCode, refused.Status.Detail));
    }

    private static List<(string, long, string, string, long, long)> ArrowRows(Stream stream)
    {
        var rows = new List<(string, long, string, string, long, long)>();
        var reader = new ArrowStreamReader(stream);
        while (reader.Read() is { } batch)
            for (var row = 0; row < batch.RowCount; row++)
                rows.Add((batch.Columns[0].Text(row)!, batch.Columns[1].Int64(row), batch.Columns[2].Text(row)!, batch.Columns[3].Text(row)!, batch.Columns[4].Int64(row), batch.Columns[5].Int64(row)));
        return rows;
    }
}
