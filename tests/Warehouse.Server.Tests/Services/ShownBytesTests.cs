using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Server.Calls;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>What the audit log says of the bytes of a long answer, and what such an answer says of itself.</summary>
public sealed class ShownBytesTests
{
    /// <summary>A chunk leaves and is digested while the next one is filled: none may change under either.</summary>
    [Fact]
    public async Task The_digest_in_the_log_is_that_of_the_bytes_that_came()
    {
        await using var served = await ServedStore.StartAsync(samples: 400, variants: 3000);
        var (channel, id) = served.Client("reader", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        using var digest = audit.Keys.BeginDigest(isStream: true);
        var full = 0;
        using var call = new V1.Variants.VariantsClient(channel).Export(new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf });
        await foreach (var chunk in call.ResponseStream.ReadAllAsync())
        {
            digest.Add(chunk.End is null ? chunk.Data.Span : chunk.ToByteArray());
            if (chunk.Data.Length == CallGate.ChunkBytes) full++;
        }
        Assert.True(full >= 3, $"{full} full chunks: the test is too small");
        var end = audit.Reader().Entries().Select(e => e.Entry).Last(e => e.Verb.EndsWith("/Export", StringComparison.Ordinal));
        Assert.Equal((AuditKind.End, digest.End()), (end.Kind, end.Result));
    }

    /// <summary>Whatever is answered, the entry of it has the digest of what its client got: of a file its bytes, of everything else its messages.</summary>
    [Fact]
    public async Task Of_each_method_the_log_has_the_digest_of_what_was_shown()
    {
        await using var served = await ServedStore.StartAsync(samples: 12, variants: 60);
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        foreach (var (name, status) in new[] { ("cases", "yes"), ("controls", "no") }) served.Owner((store, _) => store.SetCohort(name, null, $"affected == '{status}'"));
        var allele = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new Engine.Query.FrequencyRequest()).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").First();
        });
        var (shown, refused, callers) = (new HashSet<string>(), new List<string>(), 0);
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(m => m.FullName).Where(m => !AuditTableTests.WithoutEntry.Contains(MethodCall.PathOf(m)) && m.Name != "Follow");
        foreach (var group in methods.GroupBy(MethodPersons.Of))
        {
            foreach (var some in group.Chunk(MethodPersons.MostCalls))
            {
                var (channel, id) = served.Client($"p{callers++}", MethodPersons.Roles[group.Key]);
                if (group.Key == 0) served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
                foreach (var method in some)
                {
                    using AnswerDigest digest = audit.Keys.BeginDigest(method.IsServerStreaming), nothing = audit.Keys.BeginDigest(method.IsServerStreaming);
                    try
                    {
                        await new MethodCall(method, [RequestOf(method)]) { Hear = reply => digest.Add(reply is V1.Chunk { End: null } chunk ? chunk.Data.Span : reply.ToByteArray()) }.RunAsync(channel, new());
                    }
                    catch (RpcException no)
                    {
                        refused.Add($"{method.FullName}: {no.Status} {Refusals.RuleOf(no)}"); // for this test it is enough that many are answered
                        continue;
                    }
                    var entry = audit.Reader().Entries().Select(e => e.Entry).Last(e => e.Who == id && e.Verb == MethodCall.PathOf(method)[1..]);
                    Assert.Equal((method.FullName, "done", digest.End()), (method.FullName, entry.Outcome, entry.Result ?? nothing.End()));
                    Assert.True(entry.DurationMs is >= 0, method.FullName);
                    shown.Add(method.FullName);
                }
            }
        }
        Assert.True(shown.Count > 35, $"{shown.Count} methods were answered: {string.Join(' ', shown)}");
        Assert.Equal("", string.Join('\n', refused.Where(r => r.StartsWith("warehouse.v1.Variants.", StringComparison.Ordinal))));

        byte[] RequestOf(Google.Protobuf.Reflection.MethodDescriptor method)
        {
            IMessage? asked = method.FullName switch
            {
                "warehouse.v1.Variants.Seen" => new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { allele } },
                "warehouse.v1.Variants.FrequenciesOf" => new V1.FrequenciesOfRequest { Asking = ServedStore.Treatment, Queries = { allele } },
                "warehouse.v1.Variants.Carriers" => new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { allele } },
                "warehouse.v1.Variants.Resolve" => new V1.ResolveRequest { Asking = ServedStore.Treatment, Queries = { allele } },
                "warehouse.v1.Variants.CaseControl" => new V1.CaseControlRequest { Asking = ServedStore.Treatment, Cases = "cases", Controls = "controls" },
                "warehouse.v1.Variants.Export" => new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf },
                _ => null,
            };
            return asked?.ToByteArray() ?? MethodCall.Asked(method);
        }
    }

    /// <summary>They are kept for the next call, and what an earlier one was answered from is not what this one is.</summary>
    [Fact]
    public async Task A_listing_that_is_the_first_of_its_session_says_what_it_was_answered_from()
    {
        await using var served = await ServedStore.StartAsync();
        foreach (var (name, status) in new[] { ("cases", "yes"), ("controls", "no") }) served.Owner((store, _) => store.SetCohort(name, null, $"affected == '{status}'"));
        var digests = new HashSet<string>();
        foreach (var ask in new Func<V1.Variants.VariantsClient, AsyncServerStreamingCall<V1.Chunk>>[]
        {
            client => client.Export(new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf, Samples = new() { Cohort = "cases" } }),
            client => client.Export(new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Arrow, Samples = new() { Cohort = "controls" } }),
            client => client.CaseControl(new V1.CaseControlRequest { Asking = ServedStore.Treatment, Cases = "cases", Controls = "controls" }),
        })
        {
            var (channel, id) = served.Client($"reader{digests.Count}", Role.Analyst);
            served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
            using var call = ask(new V1.Variants.VariantsClient(channel));
            var last = (await call.ResponseStream.ReadAllAsync().ToListAsync())[^1];
            Assert.True(digests.Add(last.End.Context.SamplesDigest));
            Assert.NotEmpty(last.End.Context.RefgetAccessions);
        }
    }
}
