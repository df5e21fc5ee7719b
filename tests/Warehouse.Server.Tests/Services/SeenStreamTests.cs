using System.Globalization;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Services;
using Warehouse.Tests;
using Xunit;
using Role = Warehouse.Engine.Access.Role;
using Detail = Warehouse.Engine.Access.Detail;

namespace Warehouse.Server.Tests.Services;

/// <summary>Streams of queries and whole VCFs, against the same asked of the store itself.</summary>
public sealed class SeenStreamTests
{
    [Fact]
    public async Task Answers_in_full_equal_those_of_one_call_and_of_the_store()
    {
        await using var served = await ServedStore.StartAsync(variants: 600);
        var variants = Granted(served);
        var queries = Queries(served, 600, seed: 1);
        var expected = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Seen(queries, SampleChoice.All).ToList();
        });
        using var call = variants.SeenStream();
        var reading = ReadAsync(call);
        await call.RequestStream.WriteAsync(new SeenStreamRequest { Request = new SeenRequest { Asking = ServedStore.Treatment, Queries = { queries.Take(10) } } });
        foreach (var some in queries.Skip(10).Chunk(97)) await call.RequestStream.WriteAsync(new SeenStreamRequest { Queries = { some } });
        await call.RequestStream.CompleteAsync();
        var replies = await reading;
        var answers = replies.SelectMany(r => r.Answers).ToList();
        Assert.Equal(expected.Select(e => (e.Query, (int)e.State + 1, e.Contig ?? "", e.Figures.Ac, e.Figures.An, e.OverlappingCount, e.Reason ?? "")),
            answers.Select(a => (a.Query, (int)a.State, a.Contig, a.Figures?.Ac ?? 0, a.Figures?.An ?? 0, a.OverlappingCount, a.Reason)));
        foreach (var some in queries.Chunk(1000))
        {
            var unary = await variants.SeenAsync(new SeenRequest { Asking = ServedStore.Treatment, Queries = { some } });
            Assert.Equal(unary.Answers, answers.Where((_, i) => i < some.Length));
            Assert.Equal(unary.Context, replies[^1].End.Context);
            break;
        }
        CheckEnd(replies[^1].End, expected.Select(e => e.State));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Brief_answers_equal_those_of_the_store_for_every_kind_of_spelling(int seed)
    {
        await using var served = await ServedStore.StartAsync(variants: 900, seed: (ulong)seed);
        var variants = Granted(served);
        var queries = Queries(served, 3000, seed);
        var expected = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Seen(queries, SampleChoice.All).ToList();
        });
        using var call = variants.SeenStream();
        var reading = ReadAsync(call);
        await call.RequestStream.WriteAsync(new SeenStreamRequest { Brief = true, Request = new SeenRequest { Asking = ServedStore.Treatment } });
        foreach (var some in queries.Chunk(1000)) await call.RequestStream.WriteAsync(new SeenStreamRequest { Queries = { some } });
        await call.RequestStream.CompleteAsync();
        var replies = await reading;
        Assert.Equal(expected.Select(e => ((int)e.State + 1, e.Figures.Ac, e.Figures.An, e.Figures.Carriers)), Columns(replies));
        var faults = replies.Where(r => r.Brief is not null).SelectMany((r, batch) => r.Brief.NotUnderstood.Select(i => (batch * 1000) + i)).ToList();
        Assert.Equal(expected.Index().Where(e => e.Item.Contig is null).Select(e => e.Index), faults);
        Assert.NotEmpty(faults);
        CheckEnd(replies[^1].End, expected.Select(e => e.State));
    }

    [Fact]
    public async Task Two_hundred_thousand_queries_go_through_one_stream()
    {
        await using var served = await ServedStore.StartAsync(variants: 2000);
        var variants = Granted(served);
        var some = Queries(served, 2000, seed: 5);
        var expected = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Seen(some, SampleChoice.All).Select(e => ((int)e.State + 1, e.Figures.Ac, e.Figures.An, e.Figures.Carriers)).ToList();
        });
        using var call = variants.SeenStream();
        var reading = ReadAsync(call);
        await call.RequestStream.WriteAsync(new SeenStreamRequest { Brief = true, Request = new SeenRequest { Asking = ServedStore.Treatment } });
        for (var round = 0; round < 100; round++) await call.RequestStream.WriteAsync(new SeenStreamRequest { Queries = { some } });
        await call.RequestStream.CompleteAsync();
        var replies = await reading;
        Assert.Equal(101, replies.Count);
        for (var round = 0; round < 100; round++) Assert.Equal(expected, Columns([replies[round]]));
        Assert.Equal(200_000, replies[^1].End.Seen + replies[^1].End.NotSeen + replies[^1].End.NotAssessable);
        var entries = served.Entries().Where(e => e.Verb is not ("serve" or "certificate issue")).ToList();
        Assert.Equal([AuditKind.Begin, AuditKind.End], entries.Select(e => e.Kind));
        Assert.Equal(("done", 200_000L), (entries[1].Outcome, entries[1].Rows));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 10_000)]
    [InlineData(true, 1000)]
    public async Task A_vcf_comes_back_with_the_bytes_of_the_command_line(bool packed, int pieceBytes)
    {
        await using var served = await ServedStore.StartAsync(variants: pieceBytes == 1 ? 20 : 1500);
        var variants = Granted(served);
        var text = Vcf(served);
        var expected = Local(served, text);
        var replies = await SendAsync(variants, packed ? Gzip(text) : text, pieceBytes);
        Assert.Equal(Encoding.UTF8.GetString(expected.Bytes), Encoding.UTF8.GetString(BytesOf(replies)));
        var end = replies[^1].End;
        Assert.Equal((expected.Summary.Seen, expected.Summary.NotSeen, expected.Summary.NotAssessable, ""), (end.Seen, end.NotSeen, end.NotAssessable, end.Damage));
        Assert.NotEqual(0, end.Seen);
        Assert.NotEmpty(end.Context.RefgetAccessions);
    }

    [DataFact]
    public async Task Conformance_files_are_answered_and_refused_as_they_are_locally()
    {
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 50);
        var variants = Granted(served);
        var files = Directory.EnumerateFiles(TestData.File("conformance"), "*.vcf", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where((_, i) => i % 5 == 0).ToList();
        var (answered, refused) = (0, 0);
        foreach (var file in files)
        {
            var (expected, why) = served.Owner((store, _) =>
            {
                using var session = store.OpenSession();
                using var output = new MemoryStream();
                try
                {
                    session.Annotate(file, SampleChoice.All, output);
                    return (output.ToArray(), (InputException?)null);
                }
                catch (InputException bad)
                {
                    return ([], bad);
                }
            });
            if (why is null)
            {
                Assert.Equal(expected, BytesOf(await SendAsync(variants, File.ReadAllBytes(file), 4096)));
                answered++;
                continue;
            }
            if (why.Code == "input-empty") continue; // no bytes are no VCF, but no queries
            var refusal = RefusalOf(await Assert.ThrowsAsync<RpcException>(() => SendAsync(variants, File.ReadAllBytes(file), 4096)));
            Assert.Equal((file, why.Code, why.Place.Line), (file, refusal.Rule, refusal.Item));
            refused++;
        }
        Assert.True(answered > 10 && refused > 10, $"{answered} answered, {refused} refused");
    }

    [Fact]
    public async Task A_bad_vcf_is_refused_with_its_line_and_nothing_of_what_it_says()
    {
        await using var served = await ServedStore.StartAsync(variants: 50);
        var variants = Granted(served);
        var text = Encoding.UTF8.GetString(Vcf(served));
        var lines = text.TrimEnd('\n').Split('\n').ToList();
        lines.Insert(lines.Count - 1, "22\tsecret\t.\tA\tC\t.\t.\t.");
        var refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync(variants, Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"), 1000));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        var refusal = RefusalOf(refused);
        Assert.Equal(lines.Count - 1, refusal.Item);
        Assert.DoesNotContain("secret", refused.ToString() + refusal, StringComparison.Ordinal);
        var wrong = await Assert.ThrowsAsync<RpcException>(() => SendAsync(variants, "no VCF at all"u8.ToArray(), 5));
        Assert.Equal(StatusCode.InvalidArgument, wrong.StatusCode);
        var cut = await Assert.ThrowsAsync<RpcException>(() => SendAsync(variants, Gzip(Encoding.UTF8.GetBytes(text))[..^20], 1000));
        Assert.Equal(StatusCode.InvalidArgument, cut.StatusCode);
    }

    [Fact]
    public async Task Requests_that_mix_or_ask_what_is_not_granted_are_refused()
    {
        await using var served = await ServedStore.StartAsync(variants: 20);
        var variants = Granted(served);
        var asking = new SeenRequest { Asking = ServedStore.Treatment };
        var stranger = new Variants.VariantsClient(served.Client("stranger", Role.Analyst).Channel);
        await RefusedAsync(variants, StatusCode.InvalidArgument, new SeenStreamRequest { Queries = { "22-1-A-C" } });
        await RefusedAsync(variants, StatusCode.InvalidArgument, new SeenStreamRequest { Request = asking }, new SeenStreamRequest { Queries = { "22-1-A-C" }, Vcf = ByteString.CopyFromUtf8("x") });
        await RefusedAsync(variants, StatusCode.InvalidArgument, new SeenStreamRequest { Request = asking }, new SeenStreamRequest { Queries = { "22-1-A-C" } }, new SeenStreamRequest { Vcf = ByteString.CopyFromUtf8("x") });
        await RefusedAsync(variants, StatusCode.InvalidArgument, new SeenStreamRequest { Request = asking, Brief = true }, new SeenStreamRequest { Vcf = ByteString.CopyFromUtf8("x") });
        await RefusedAsync(variants, StatusCode.InvalidArgument, new SeenStreamRequest { Request = asking }, new SeenStreamRequest { Request = asking });
        await RefusedAsync(variants, StatusCode.InvalidArgument, new SeenStreamRequest { Request = asking, Queries = { Enumerable.Repeat("22-1-A-C", 10_001) } });
        await RefusedAsync(variants, StatusCode.InvalidArgument);
        await RefusedAsync(stranger, StatusCode.PermissionDenied, new SeenStreamRequest { Request = asking, Queries = { "22-1-A-C" } });
        using var nothing = variants.SeenStream();
        await nothing.RequestStream.WriteAsync(new SeenStreamRequest { Request = asking });
        await nothing.RequestStream.CompleteAsync();
        Assert.Equal(0, (await ReadAsync(nothing)).Single().End.Seen);
    }

    [Fact]
    public async Task What_is_not_answered_yet_stays_with_the_client_but_for_one_message()
    {
        await using var served = await ServedStore.StartAsync(variants: 100);
        var (_, id) = served.Client("lab", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var queries = Queries(served, 50, seed: 9);
        using var audit = StoreAudit.Open(served.StorePath, null, null);
        using var call = served.CallOf(id, audit);
        var endless = new Endless(i => i == 0 ? new SeenStreamRequest { Brief = true, Request = new SeenRequest { Asking = ServedStore.Treatment } } : new SeenStreamRequest { Queries = { queries } });
        await using var requests = new Requests<SeenStreamRequest>(endless, new NoContext());
        var first = await requests.FirstAsync(TimeProvider.System);
        var sent = 0;
        // The client takes ten answers, and then no more: the send does not come back.
        Assert.Throws<OperationCanceledException>(() => SeenStreaming.Run(first, requests, call, served.Server.Store, _ =>
        {
            // The question, the messages that were answered, the one that is being answered, and one more.
            Assert.Equal(1 + sent + 1 + 1, endless.Taken);
            if (++sent == 10) throw new OperationCanceledException();
        }));
        Assert.Equal(10, sent);
    }

    [Fact]
    public async Task A_client_that_is_gone_ends_its_stream_with_its_session_and_its_place()
    {
        await using var served = await ServedStore.StartAsync(variants: 500);
        var variants = Granted(served);
        var queries = Queries(served, 2000, seed: 9);
        using var call = variants.SeenStream();
        await call.RequestStream.WriteAsync(new SeenStreamRequest { Request = new SeenRequest { Asking = ServedStore.Treatment } });
        await call.RequestStream.WriteAsync(new SeenStreamRequest { Queries = { queries } });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var writing = WriteForEverAsync();
        call.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => writing);
        // It has ended: the logs say how, and the next call is answered.
        await served.Log.WaitAsync("\"CallEnded\"", "warehouse.v1.Variants/SeenStream", "\"outcome\":\"Cancelled\"");
        var last = served.Entries()[^1];
        Assert.Equal((AuditKind.End, "cancelled"), (last.Kind, last.Outcome));
        Assert.Single((await variants.SeenAsync(new SeenRequest { Asking = ServedStore.Treatment, Queries = { queries[0] } })).Answers);

        async Task WriteForEverAsync()
        {
            while (true) await call.RequestStream.WriteAsync(new SeenStreamRequest { Queries = { queries } });
        }
    }

    private static Variants.VariantsClient Granted(ServedStore served)
    {
        var (channel, id) = served.Service("lab", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        return new(channel);
    }

    /// <summary>Stored alleles and such as are not, in spellings of every kind, some of them nonsense, in any order.</summary>
    private static string[] Queries(ServedStore served, int count, int seed)
    {
        var stored = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Select(r => (r.Contig, Pos: r.Start + 1, r.Ref, r.Alt)).ToList();
        });
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var (contig, pos, reference, alternate) = stored[random.Next(stored.Count)];
            return random.Next(12) switch
            {
                0 => $"chr{contig}:{pos}:{reference}:{alternate}",
                1 => $"{contig}-{pos}-{reference.ToLowerInvariant()}-{alternate}",
                2 => $"{contig}-{pos}-{reference}-{(reference == "A" ? "C" : "A")}",
                3 => $"{contig}-{pos + random.Next(5)}-{"ACGT"[random.Next(4)]}-{"ACGT"[random.Next(4)]}",
                4 => $"{contig}-{pos}-{reference}{reference}-{reference}",
                5 => $"{contig}:{pos}-{pos + 50} <DEL>",
                6 => random.Next(4) switch { 0 => "nonsense", 1 => $"{contig}-0-A-C", 2 => $"{contig}-999999999-A-C", _ => "77-100-A-C" },
                7 => string.Create(CultureInfo.InvariantCulture, $"{contig}-{pos}-{reference}-{alternate}T"),
                _ => $"{contig}-{pos}-{reference}-{alternate}",
            };
        })];
    }

    private static IEnumerable<(int State, long Ac, long An, int Carriers)> Columns(IEnumerable<SeenStreamReply> replies) =>
        replies.Where(r => r.Brief is not null).SelectMany(r => Enumerable.Range(0, r.Brief.States.Count).Select(i => ((int)r.Brief.States[i], r.Brief.Ac[i], r.Brief.An[i], r.Brief.Carriers[i])));

    private static void CheckEnd(SeenStreamEnd end, IEnumerable<Engine.Query.SeenState> states)
    {
        var counts = states.CountBy(s => s).ToDictionary();
        Assert.Equal(counts.GetValueOrDefault(Engine.Query.SeenState.Seen), end.Seen);
        Assert.Equal(counts.GetValueOrDefault(Engine.Query.SeenState.NotSeen), end.NotSeen);
        Assert.Equal(counts.GetValueOrDefault(Engine.Query.SeenState.NotAssessable), end.NotAssessable);
        Assert.Equal(64, end.Context.ScopeDigest.Length);
        Assert.NotEmpty(end.Context.RefgetAccessions);
    }

    /// <summary>A VCF of the sites of the simulated cohort, and some that it does not have.</summary>
    private static byte[] Vcf(ServedStore served)
    {
        using var reader = VariantFile.Open(served["sim/cohort.vcf.gz"], new VcfReadOptions { SitesOnly = true });
        var (text, record) = (new StringBuilder(), new VcfRecord());
        foreach (var line in reader.Header.MetaLines) text.Append(line).Append('\n');
        text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        while (reader.Read(record))
        {
            var fields = Encoding.UTF8.GetString(record.LineText.Span).Split('\t');
            text.AppendJoin('\t', fields.Take(8)).Append('\n');
            if (reader.RecordCount % 3 != 0) continue;
            fields[4] = fields[3][0] == 'A' ? "G,<DEL>,*" : "A,<*>";
            text.AppendJoin('\t', fields.Take(8)).Append('\n');
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static (byte[] Bytes, AnnotationSummary Summary) Local(ServedStore served, byte[] text)
    {
        File.WriteAllBytes(served["in.vcf"], text);
        return served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            using var output = new MemoryStream();
            var summary = session.Annotate(served["in.vcf"], SampleChoice.All, output);
            return (output.ToArray(), summary);
        });
    }

    private static byte[] Gzip(byte[] text)
    {
        using var packed = new MemoryStream();
        using (var writer = new BgzfWriter(packed, leaveOpen: true))
        {
            writer.Write(text);
            writer.Complete();
        }
        return packed.ToArray();
    }

    private static async Task<List<SeenStreamReply>> SendAsync(Variants.VariantsClient variants, byte[] file, int pieceBytes)
    {
        using var call = variants.SeenStream();
        var reading = ReadAsync(call);
        try
        {
            await call.RequestStream.WriteAsync(new SeenStreamRequest { Request = new SeenRequest { Asking = ServedStore.Treatment } });
            for (var at = 0; at < file.Length; at += pieceBytes) await call.RequestStream.WriteAsync(new SeenStreamRequest { Vcf = ByteString.CopyFrom(file, at, Math.Min(pieceBytes, file.Length - at)) });
            await call.RequestStream.CompleteAsync();
        }
        catch (RpcException)
        {
            // The call has ended early: the reply says why.
        }
        return await reading;
    }

    private static async Task RefusedAsync(Variants.VariantsClient variants, StatusCode code, params SeenStreamRequest[] requests)
    {
        using var call = variants.SeenStream();
        var reading = ReadAsync(call);
        try
        {
            foreach (var request in requests) await call.RequestStream.WriteAsync(request);
            await call.RequestStream.CompleteAsync();
        }
        catch (RpcException)
        {
            // As above.
        }
        Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(() => reading)).StatusCode);
    }

    private static async Task<List<SeenStreamReply>> ReadAsync(AsyncDuplexStreamingCall<SeenStreamRequest, SeenStreamReply> call)
    {
        var replies = new List<SeenStreamReply>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync()) replies.Add(reply);
        return replies;
    }

    private static byte[] BytesOf(List<SeenStreamReply> replies) => [.. replies.SelectMany(r => r.Vcf)];

    private static Refusal RefusalOf(RpcException refused) => Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details.Single().Value);

    /// <summary>Requests without end, each there when it is asked for.</summary>
    private sealed class Endless(Func<int, SeenStreamRequest> make) : IAsyncStreamReader<SeenStreamRequest>
    {
        public int Taken { get; private set; }

        public SeenStreamRequest Current { get; private set; } = new();

        public Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            Current = make(Taken++);
            return Task.FromResult(true);
        }
    }

    /// <summary>A call that nothing is known of.</summary>
    private sealed class NoContext : ServerCallContext
    {
        protected override string MethodCore => "";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore => [];

        protected override CancellationToken CancellationTokenCore => default;

        protected override Metadata ResponseTrailersCore => [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore => new(null, []);

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }
}
