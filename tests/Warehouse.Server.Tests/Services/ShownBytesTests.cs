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
        using var digest = audit.Keys.BeginDigest();
        var full = 0;
        using var call = new V1.Variants.VariantsClient(channel).Export(new V1.ExportRequest { Asking = ServedStore.Treatment, Format = V1.ExportFormat.Vcf });
        await foreach (var chunk in call.ResponseStream.ReadAllAsync())
        {
            digest.AppendData(chunk.End is null ? chunk.Data.Span : chunk.ToByteArray());
            if (chunk.Data.Length == CallGate.ChunkBytes) full++;
        }
        Assert.True(full >= 3, $"{full} full chunks: the test is too small");
        var end = audit.Reader().Entries().Select(e => e.Entry).Last(e => e.Verb.EndsWith("/Export", StringComparison.Ordinal));
        Assert.Equal((AuditKind.End, Convert.ToHexStringLower(digest.GetHashAndReset())), (end.Kind, end.Result));
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
