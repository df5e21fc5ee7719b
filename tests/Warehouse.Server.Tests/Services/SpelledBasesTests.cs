using System.Globalization;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Twenty characters can stand for a million bases: how many of them a server spells for a question has a limit, and so has what it answers.</summary>
public sealed class SpelledBasesTests
{
    private const int Long = 100_000, Longest = 1_000_000;

    [Fact]
    public async Task What_is_asked_at_once_leaves_so_many_bases_unsaid_and_no_more()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 40);
        var (channel, id) = served.Service("machine", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var stored = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}")).First();
        });
        string[] queries = [.. Enumerable.Range(0, 200).Select(i => Deletion(1000 + i, Long)), stored];
        using var call = new V1.Variants.VariantsClient(channel).SeenStream();
        await call.RequestStream.WriteAsync(new V1.SeenStreamRequest { Request = new() { Asking = ServedStore.Treatment }, Brief = true });
        for (var message = 0; message < 2; message++)
        {
            // Each message is a question of its own.
            await call.RequestStream.WriteAsync(new V1.SeenStreamRequest { Queries = { queries } });
            Assert.True(await call.ResponseStream.MoveNext(default));
            var most = (int)(Session.MostUnsaidBases / (Long - 20));
            Assert.Equal(Enumerable.Range(most, 200 - most), call.ResponseStream.Current.Brief.NotUnderstood);
        }
        // Nobody counts what the owner spends of his own machine.
        Assert.All(served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Resolve(queries[^40..]).ToList();
        }), answer => Assert.NotNull(answer.Contig));
    }

    [Fact]
    public async Task Spellings_are_read_no_further_when_nobody_waits_any_more()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 40);
        served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return Assert.Throws<OperationCanceledException>(() => session.Resolve(["22-5-A-C"], new CancellationToken(canceled: true)).ToList());
        });
    }

    [Fact]
    public async Task An_answer_that_is_too_long_is_refused_before_it_is_charged_for()
    {
        await using var served = await ServedStore.StartAsync((_, options) => options with { Configuration = new ServerConfiguration { Limits = new() { Call = new() { SendBytes = 2 << 20 } } } }, samples: 140, variants: 120);
        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate, Detail.Exists);
        served.Owner((store, owner) => store.OpenEpoch(owner, store.Version));
        var (reader, readerId) = served.Client("reader", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, readerId), null, Detail.Record);
        var variants = new V1.Variants.VariantsClient(channel);
        string[] queries = [.. Enumerable.Range(0, 3).Select(i => Deletion(1000 + i, Longest))];
        foreach (var detail in (V1.Detail[])[V1.Detail.Aggregate, V1.Detail.Exists])
        {
            var asking = new V1.Asking { Purpose = V1.Purpose.Operations, Detail = detail };
            await variants.SeenAsync(new V1.SeenRequest { Asking = asking, Queries = { "22-5-A-C" } });
            var charged = Last(served).Note;
            Assert.Equal(Refusals.TooLongRule, await RuleOf(async () => await variants.SeenAsync(new V1.SeenRequest { Asking = asking, Queries = { queries } })));
            Assert.Equal((charged, "bad-input"), (Last(served).Note, Last(served).Outcome));
            Assert.Single((await variants.SeenAsync(new V1.SeenRequest { Asking = asking, Queries = { queries[0] } })).Answers);
            Assert.NotEqual(charged, Last(served).Note);
        }
        // What is charged to nobody is refused for the same.
        var records = new V1.Variants.VariantsClient(reader);
        Assert.Equal(Refusals.TooLongRule, await RuleOf(async () => await records.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { queries } })));
        Assert.Equal(Refusals.TooLongRule, await RuleOf(async () => await records.ResolveAsync(new V1.ResolveRequest { Asking = ServedStore.Treatment, Queries = { queries } })));
    }

    /// <summary>A deletion of reference bases that it does not spell.</summary>
    private static string Deletion(int from, int bases) => string.Create(CultureInfo.InvariantCulture, $"X:g.{from}_{from + bases - 1}del");

    private static Engine.Audit.AuditEntry Last(ServedStore served)
    {
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        return audit.Reader().Entries().Last().Entry;
    }

    private static async Task<string?> RuleOf(Func<Task> call) => Refusals.RuleOf(await Assert.ThrowsAsync<RpcException>(call));
}
