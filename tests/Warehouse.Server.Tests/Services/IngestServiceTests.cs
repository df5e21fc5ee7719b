using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;
using Warehouse.Protocol.V1;
using Warehouse.Server.Host;
using Warehouse.Server.Tests.Identity;
using Warehouse.Server.Uploads;
using Warehouse.Units;
using Xunit;
using Role = Warehouse.Engine.Access.Role;

namespace Warehouse.Server.Tests.Services;

/// <summary>Batches that come over the wire: each is in the store once and whole, or not at all, wherever anything stops.</summary>
public sealed class IngestServiceTests
{
    private const int Piece = 100_000;

    [Fact]
    public async Task A_batch_goes_on_where_it_stopped_is_loaded_once_and_its_receipt_is_kept()
    {
        await using var served = await ServedStore.StartAsync();
        var ingest = new Protocol.V1.Ingest.IngestClient(served.Client("loader", Role.Analyst).Channel);
        var (batch, files) = Made(served["sim/cohort.vcf.gz"]);
        var before = Samples(served);

        using (var first = ingest.Upload())
        {
            await first.RequestStream.WriteAsync(new UploadRequest { Batch = batch });
            Assert.Equal([0L, 0L], (await NextAsync(first)).Received);
            await first.RequestStream.WriteAsync(Bytes(files, 0, 0, Piece));
            Assert.Equal((BatchState.Receiving, (long)Math.Min(Piece, files[0].Length)), await ReceivedAsync(first, Math.Min(Piece, files[0].Length)));
        }
        Assert.Equal(before, Samples(served));
        var status = await ingest.StatusAsync(Asked(batch.Id));
        Assert.Equal(BatchState.Receiving, status.State);

        var last = await SendAsync(ingest, batch, files);
        Assert.Equal(BatchState.Committed, last.State);
        Assert.Contains(last.Receipt.Facts, f => f is { Name: "files loaded", Value: "2" });
        Assert.Equal(before + 16, Samples(served));
        Assert.Equal(last.Receipt.Version, served.Owner((store, _) => store.Version));

        // Sent again, by whoever never heard the answer: the same receipt, and nothing is loaded.
        Assert.Equal(last, await SendAsync(ingest, batch, files));
        Assert.Equal(last, await ingest.StatusAsync(Asked(batch.Id)));
        Assert.Equal(before + 16, Samples(served));
        Assert.Empty(Directory.EnumerateDirectories(served.StorePath + ".server/uploads"));

        // The same id with other bytes is another batch, and refused (F37).
        var other = batch.Clone();
        other.AssumeReference = true;
        Assert.Equal(StatusCode.AlreadyExists, (await Assert.ThrowsAsync<RpcException>(() => SendAsync(ingest, other, files))).StatusCode);

        // Another's id is nothing of ours.
        var stranger = new Protocol.V1.Ingest.IngestClient(served.Client("stranger", Role.Analyst).Channel);
        Assert.Equal(BatchState.Unknown, (await stranger.StatusAsync(Asked(batch.Id))).State);
    }

    /// <summary>I4: by loading a file with somebody's genotypes nobody learns that he is in the store, but who sees all of it.</summary>
    [Fact]
    public async Task Who_looks_like_whom_is_told_of_the_batch_alone_unless_nothing_is_hidden()
    {
        await using var served = await ServedStore.StartAsync(samples: 8, variants: 2_000);
        var (_, files) = Made(served["sim/cohort.vcf.gz"]);
        foreach (var (name, seesAll) in ((string, bool)[])[("stranger", false), ("analyst", true)])
        {
            var (channel, id) = served.Client(name, Role.Analyst);
            if (seesAll) served.Grant(new Engine.Access.Subject(Engine.Access.SubjectKind.Principal, id), null, Engine.Access.Detail.Record);
            byte[][] own = [.. files.Select(f => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(f).Replace("\tfile", $"\t{name}", StringComparison.Ordinal)))];
            var receipt = (await SendAsync(new Protocol.V1.Ingest.IngestClient(channel), BatchOf("batch", own), own)).Receipt;
            var findings = receipt.Facts.Where(f => f.Name == "finding").Select(f => f.Value).ToList();
            Assert.Contains(findings, f => f.Contains("looks like the same person", StringComparison.Ordinal));
            Assert.Equal(seesAll, findings.Exists(f => f.Contains("snapshot", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Bytes_that_do_not_go_on_where_the_file_ends_are_refused_after_a_word_from_where()
    {
        await using var served = await ServedStore.StartAsync(samples: 8, variants: 30);
        var ingest = new Protocol.V1.Ingest.IngestClient(served.Client("loader", Role.Analyst).Channel);
        var (batch, files) = Made(served["sim/cohort.vcf.gz"]);
        foreach (var (offset, rule) in ((int, string)[])[(50, "batch-offset"), (150, "batch-offset")])
        {
            using var call = ingest.Upload();
            await call.RequestStream.WriteAsync(new UploadRequest { Batch = batch });
            if (offset == 50)
            {
                await call.RequestStream.WriteAsync(Bytes(files, 0, 0, 100));
            }
            await call.RequestStream.WriteAsync(Bytes(files, 0, offset, 100));
            await call.RequestStream.CompleteAsync();
            var replies = new List<BatchStatus>();
            var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                await foreach (var reply in call.ResponseStream.ReadAllAsync()) replies.Add(reply.Status);
            });
            Assert.Equal((StatusCode.InvalidArgument, rule), (refused.StatusCode, Rule(refused)));
            Assert.Equal([100L, 0L], replies[^1].Received);
        }
        using (var tooMuch = ingest.Upload())
        {
            await tooMuch.RequestStream.WriteAsync(new UploadRequest { Batch = batch });
            await tooMuch.RequestStream.WriteAsync(new UploadRequest { Commit = true });
            var refused = await Assert.ThrowsAsync<RpcException>(() => LastAsync(tooMuch));
            Assert.Equal("batch-incomplete", Rule(refused));
        }
        Assert.Equal(BatchState.Unknown, (await ingest.CancelAsync(Asked(batch.Id))).State);
        Assert.Empty(Directory.EnumerateDirectories(served.StorePath + ".server/uploads"));
    }

    [Fact]
    public async Task A_file_of_another_digest_is_received_anew_and_one_that_is_not_understood_ends_the_batch()
    {
        await using var served = await ServedStore.StartAsync(samples: 8, variants: 30);
        var ingest = new Protocol.V1.Ingest.IngestClient(served.Client("loader", Role.Analyst).Channel);
        var (batch, files) = Made(served["sim/cohort.vcf.gz"]);
        byte[][] wrong = [files[0], [.. files[1][..^1], (byte)(files[1][^1] ^ 1)]];
        var refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync(ingest, batch, wrong));
        Assert.Equal("batch-digest", Rule(refused));
        Assert.Equal([files[0].Length, 0L], (await ingest.StatusAsync(Asked(batch.Id))).Received);
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, batch, files)).State);

        var before = Samples(served);
        byte[] bad = "##fileformat=VCFv4.3\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmarker\n22\tsecret\t.\tA\tC\t.\t.\t.\tGT\t0/1\n"u8.ToArray();
        var replies = new List<BatchStatus>();
        var notUnderstood = await Assert.ThrowsAsync<RpcException>(() => SendAsync(ingest, BatchOf("bad", [bad]), [bad], replies));
        Assert.Equal(StatusCode.InvalidArgument, notUnderstood.StatusCode);
        Assert.Equal(BatchState.Refused, replies[^1].State);
        Assert.EndsWith(", file 1, line 4", replies[^1].Refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", replies[^1].ToString() + notUnderstood, StringComparison.Ordinal);
        Assert.Equal(before, Samples(served));
        Assert.Equal(BatchState.Unknown, (await ingest.StatusAsync(Asked("bad"))).State);
    }

    [Fact]
    public async Task A_second_stream_of_a_batch_takes_it_over_and_two_never_load_it_twice()
    {
        await using var served = await ServedStore.StartAsync(samples: 8, variants: 30);
        var ingest = new Protocol.V1.Ingest.IngestClient(served.Client("loader", Role.Analyst).Channel);
        var (batch, files) = Made(served["sim/cohort.vcf.gz"]);
        var before = Samples(served);
        // In rounds: whose stream was taken over, or came too late, tries again when all of the round have ended.
        var outcomes = new List<BatchStatus>();
        for (var round = 0; outcomes.Count < 6; round++)
        {
            Assert.True(round < 100, "it never came to an end");
            outcomes.AddRange((await Task.WhenAll(Enumerable.Range(outcomes.Count, 6 - outcomes.Count).Select(_ => TryAsync()))).OfType<BatchStatus>());
        }
        Assert.Single(outcomes.Select(o => o.Receipt.Version).Distinct());
        Assert.Equal(before + 16, Samples(served));

        async Task<BatchStatus?> TryAsync()
        {
            try
            {
                return await SendAsync(ingest, batch, files);
            }
            catch (RpcException taken) when (taken.StatusCode is StatusCode.Aborted or StatusCode.Unavailable or StatusCode.InvalidArgument)
            {
                return null;
            }
        }
    }

    [Fact]
    public void What_nobody_goes_on_with_for_an_hour_is_removed()
    {
        using var folder = new TempFolder();
        var clock = new FakeClock();
        using var at = new Place(folder, clock);
        var (batch, files) = Made(Simulated(folder));
        var by = new object();
        var staged = at.Uploads.Begin("somebody", batch, by)!;
        clock.Advance(TimeSpan.FromMinutes(50));
        staged.Append(by, Bytes(files, 0, 0, 100).Bytes);
        staged.Sync();
        clock.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal([100L, 0L], at.Uploads.Status("somebody", batch.Id).Received);
        Assert.True(Durable.Facts(Directory.EnumerateDirectories(folder["state/uploads"]).Single())!.Value.IsPrivate);
        clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(BatchState.Unknown, at.Uploads.Status("somebody", batch.Id).State);
        Assert.Empty(Directory.EnumerateDirectories(folder["state/uploads"]));
        Assert.Throws<RpcException>(() => staged.Append(by, Bytes(files, 0, 100, 100).Bytes));
    }

    /// <summary>What is announced is taken from the disk at once: of one sender, of all, and of what is free.</summary>
    [Fact]
    public void What_is_announced_has_bounds_by_sender_in_all_and_by_the_disk()
    {
        const long Gibibyte = 1L << 30;
        using var folder = new TempFolder();
        var free = 100 * Gibibyte;
        var options = new UploadOptions { Limits = new() { GibibytesOfOne = 4, GibibytesOfAll = 6, KeepFreeGibibytes = 2 }, FreeBytes = _ => free };
        using (var at = new Place(folder, TimeProvider.System, options))
        {
            Assert.NotNull(at.Uploads.Begin("one", Of("a", 3), this));
            Assert.Equal("batch-bytes", RuleOf(() => at.Uploads.Begin("one", Of("b", 2), this)));
            Assert.NotNull(at.Uploads.Begin("two", Of("a", 2), this));
            Assert.Equal("batch-bytes", RuleOf(() => at.Uploads.Begin("three", Of("a", 2), this)));
            at.Uploads.Cancel("two", "a");
            Assert.NotNull(at.Uploads.Begin("three", Of("a", 2), this));
        }
        // The next start knows whose they are.
        using var next = new Place(folder, TimeProvider.System, options);
        Assert.Equal("batch-bytes", RuleOf(() => next.Uploads.Begin("one", Of("b", 2), this)));
        free = 7 * Gibibyte; // of which five are to come and two stay
        Assert.Equal("batch-space", RuleOf(() => next.Uploads.Begin("one", Of("b", 1), this)));
        Assert.NotNull(next.Uploads.Begin("one", Of("a", 3), this)); // what was begun goes on
        free = 8 * Gibibyte;
        Assert.NotNull(next.Uploads.Begin("one", Of("b", 1), this));

        static Batch Of(string id, long gibibytes) => new() { Asking = ServedStore.Treatment, Id = id, Files = { new BatchFile { Length = gibibytes * Gibibyte, Sha256 = new string('0', 64) } } };
        static string RuleOf(Func<object?> act) => Rule(Assert.Throws<RpcException>(() => act()));
    }

    /// <summary>A batch that was refused removes itself, and not the one that was begun under its name meanwhile.</summary>
    [Fact]
    public void A_batch_that_ends_leaves_the_one_that_was_begun_in_its_place()
    {
        using var folder = new TempFolder();
        using var at = new Place(folder, TimeProvider.System);
        byte[] bad = "##fileformat=VCFv4.3\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmarker\n22\tx\t.\tA\tC\t.\t.\t.\tGT\t0/1\n"u8.ToArray();
        var (batch, by) = (BatchOf("b", [bad]), new object());
        var first = at.Uploads.Begin("somebody", batch, by)!;
        first.Append(by, Bytes([bad], 0, 0, bad.Length).Bytes);
        StagedBatch? second = null;
        at.Uploads.AtStep = step =>
        {
            if (step != "refused") return;
            at.Uploads.Cancel("somebody", "b");
            second = at.Uploads.Begin("somebody", batch, by);
        };
        Assert.Throws<InputException>(() => at.Uploads.Load(first, by, Somebody, default));
        Assert.NotSame(first, second);
        Assert.Equal(BatchState.Receiving, at.Uploads.Status("somebody", "b").State);
        second!.Append(by, Bytes([bad], 0, 0, bad.Length).Bytes);
    }

    [Theory]
    [InlineData("sheet")]
    [InlineData("batch")]
    public void What_was_kept_of_a_batch_and_is_not_what_was_sent_is_not_loaded(string name)
    {
        using var folder = new TempFolder();
        using var at = new Place(folder, TimeProvider.System);
        var (batch, files) = Made(Simulated(folder));
        batch.Sheet = ByteString.CopyFromUtf8("sample\tsex\nfile0s0\tXX\n");
        var by = new object();
        var staged = at.Uploads.Begin("somebody", batch, by)!;
        for (var file = 0; file < files.Length; file++) staged.Append(by, Bytes(files, file, 0, files[file].Length).Bytes);
        staged.Sync();
        var kept = Path.Combine(Directory.EnumerateDirectories(folder["state/uploads"]).Single(), name);
        var bytes = File.ReadAllBytes(kept);
        if (name == "sheet") bytes[^2] ^= 1; // XX becomes XY
        else bytes = [.. bytes[..64], .. new Batch(Batch.Parser.ParseFrom(bytes.AsSpan(64))) { AssumeReference = true }.ToByteArray()];
        File.WriteAllBytes(kept, bytes);
        // Read again by the next start.
        at.Uploads.Dispose();
        using var next = BatchUploads.Open(folder["state"], at.Host, at.Writer, new());
        Assert.Throws<InvalidDataException>(() => next.Load(next.Begin("somebody", batch, by)!, by, Somebody, default));
        Assert.Equal(0, at.Samples());
        Assert.Equal(BatchState.Unknown, next.Status("somebody", batch.Id).State);
        Assert.NotEqual(0, Send(next, batch, files, _ => { }));
        Assert.Equal(16, at.Samples());
    }

    /// <summary>Stops the server at every step of a batch, in turn, and goes on with another: the batch is there once.</summary>
    [Fact]
    public void A_stop_at_any_step_leaves_no_half_batch_and_loads_none_twice()
    {
        using var folder = new TempFolder();
        var (batch, files) = Made(Simulated(folder));
        var (stopped, round) = (true, 0);
        for (; stopped; round++)
        {
            using var own = new TempFolder();
            var step = 0;
            stopped = false;
            long? version = null;
            for (var start = 0; start < 2; start++)
            {
                using var at = new Place(own, TimeProvider.System);
                // What the server that stopped has said is true: of a batch that is in the store, everything is.
                if (at.Samples() is var samples && samples != 0) Assert.Equal(16, samples);
                void Step(string _)
                {
                    if (start == 0 && step++ == round) throw new StopHere();
                }
                try
                {
                    at.Uploads.AtStep = Step;
                    version = Send(at.Uploads, batch, files, Step);
                    break;
                }
                catch (StopHere)
                {
                    stopped = true;
                    if (round % 2 == 1) Directory.CreateDirectory(own["state/uploads/0123"]); // of a start that stopped before it had a name
                }
            }
            using var after = new Place(own, TimeProvider.System);
            Assert.Equal(16, after.Samples());
            var status = after.Uploads.Status("somebody", batch.Id);
            Assert.Equal((BatchState.Committed, version), (status.State, status.Receipt.Version));
            Assert.Equal(1, after.Host.Ask(store => store.Snapshots().Count(s => s.Samples > 0)));
            Assert.Null(after.Uploads.Begin("somebody", batch, this));
            Assert.Empty(Directory.EnumerateDirectories(own["state/uploads"]));
        }
        Assert.True(round > 10, $"{round} rounds are fewer than there are steps");
    }

    private static long Send(BatchUploads uploads, Batch batch, byte[][] files, Action<string> step)
    {
        var by = new object();
        step("begin");
        if (uploads.Begin("somebody", batch, by) is { } staged)
        {
            for (var file = 0; file < files.Length; file++)
            {
                for (var offset = (int)staged.Lengths()[file]; offset < files[file].Length;)
                {
                    var bytes = Bytes(files, file, offset, files[file].Length / 3).Bytes;
                    step("append");
                    staged.Append(by, bytes);
                    offset += bytes.Data.Length;
                    step("sync");
                    staged.Sync();
                }
            }
            uploads.Load(staged, by, Somebody, default);
        }
        step("done");
        return uploads.Status("somebody", batch.Id).Receipt.Version;
    }

    /// <summary>A sender who sees nothing.</summary>
    internal static Engine.Access.SessionOptions Somebody { get; } = new() { Caller = new() { Id = "somebody" } };

    internal sealed class StopHere : Exception;

    /// <summary>A store and the uploads to it, opened as a server does.</summary>
    internal sealed class Place : IDisposable
    {
        public Place(TempFolder folder, TimeProvider clock, UploadOptions? options = null)
        {
            if (!Directory.Exists(folder["store"])) VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh37" }).Dispose();
            if (!Directory.Exists(folder["state"])) Durable.CreateFolder(folder["state"]);
            Host = StoreHost.Open(folder["store"], null, clock);
            Writer = new StoreWriter(Host, () => VariantStore.Open(folder["store"], null, clock));
            Uploads = BatchUploads.Open(folder["state"], Host, Writer, (options ?? new()) with { Clock = clock });
        }

        public StoreHost Host { get; }

        public StoreWriter Writer { get; }

        public BatchUploads Uploads { get; }

        public int Samples() => Host.Ask(store => store.Snapshots().Select(s => s.Samples).DefaultIfEmpty(0).Last());

        public void Dispose()
        {
            Uploads.Dispose();
            Writer.Dispose();
            Host.Dispose();
        }
    }

    private static int Samples(ServedStore served) => served.Owner((store, _) => store.Snapshots()[^1].Samples);

    /// <summary>Two files of eight samples each that no store has, with the genotypes of a simulated cohort.</summary>
    private static (Batch Batch, byte[][] Files) Made(string cohort)
    {
        byte[][] files = [.. Enumerable.Range(0, 2).Select(file =>
        {
            using var reader = VariantFile.Open(cohort, new VcfReadOptions());
            var (text, record) = (new StringBuilder(), new VcfRecord());
            foreach (var line in reader.Header.MetaLines) text.Append(line).Append('\n');
            text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT").Append(string.Concat(Enumerable.Range(0, 8).Select(s => $"\tfile{file}s{s}"))).Append('\n');
            while (reader.Read(record)) text.AppendJoin('\t', Encoding.UTF8.GetString(record.LineText.Span).Split('\t').Take(17)).Append('\n');
            return Encoding.UTF8.GetBytes(text.ToString());
        })];
        return (BatchOf("batch-1", files), files);
    }

    private static string Simulated(TempFolder folder)
    {
        Simulator.Run(new SimulationOptions { Folder = folder["sim"], Samples = 8, Variants = 200, Seed = 5 }, null, default);
        return folder["sim/cohort.vcf.gz"];
    }

    internal static Batch BatchOf(string id, byte[][] files) => new()
    {
        Asking = ServedStore.Treatment, Id = id, Files = { files.Select(f => new BatchFile { Length = f.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(f)) }) },
    };

    private static BatchRequest Asked(string id) => new() { Asking = ServedStore.Treatment, Id = id };

    internal static UploadRequest Bytes(byte[][] files, int file, int offset, int count) => new()
    {
        Bytes = new FileBytes { File = file, Offset = offset, Data = ByteString.CopyFrom(files[file].AsSpan(offset, Math.Min(count, files[file].Length - offset))) },
    };

    internal static async Task<BatchStatus> SendAsync(Protocol.V1.Ingest.IngestClient ingest, Batch batch, byte[][] files, List<BatchStatus>? replies = null)
    {
        using var call = ingest.Upload();
        await call.RequestStream.WriteAsync(new UploadRequest { Batch = batch });
        var status = await NextAsync(call);
        var reading = LastAsync(call, replies);
        if (status.State == BatchState.Committed)
        {
            await call.RequestStream.CompleteAsync();
            await reading;
            return status;
        }
        try
        {
            for (var file = 0; file < files.Length; file++)
                for (var offset = (int)status.Received[file]; offset < files[file].Length; offset += Piece) await call.RequestStream.WriteAsync(Bytes(files, file, offset, Piece));
            await call.RequestStream.WriteAsync(new UploadRequest { Commit = true });
            await call.RequestStream.CompleteAsync();
        }
        catch (RpcException)
        {
            // The call has ended early: the reply says why.
        }
        return (await reading)!;
    }

    private static async Task<BatchStatus> NextAsync(AsyncDuplexStreamingCall<UploadRequest, UploadReply> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(default));
        return call.ResponseStream.Current.Status;
    }

    internal static async Task<(BatchState, long)> ReceivedAsync(AsyncDuplexStreamingCall<UploadRequest, UploadReply> call, long bytes)
    {
        while (true)
        {
            var status = await NextAsync(call);
            if (status.Received[0] >= bytes) return (status.State, status.Received[0]);
        }
    }

    internal static async Task<BatchStatus?> LastAsync(AsyncDuplexStreamingCall<UploadRequest, UploadReply> call, List<BatchStatus>? replies = null)
    {
        BatchStatus? last = null;
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            last = reply.Status;
            replies?.Add(last);
        }
        return last;
    }

    internal static string Rule(RpcException refused) => Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details.Single().Value).Rule;
}
