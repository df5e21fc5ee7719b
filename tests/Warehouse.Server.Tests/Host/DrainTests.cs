using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Simulate;
using Warehouse.Rpc.Client;
using Warehouse.Units;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Host;

/// <summary>The program, told to end while it answers: what can end within the grace does, the rest is cut and told so, and nothing is lost.</summary>
public sealed class DrainTests : IDisposable
{
    /// <summary>The grace of the listener, and what a machine that does other things too may need beside it.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5), Slack = TimeSpan.FromSeconds(20);

    private const int Piece = 1 << 17;

    private readonly TempFolder _folder = new();

    private string Store => _folder["store"];

    [Fact]
    public async Task What_can_end_ends_whole_what_cannot_is_cut_and_an_upload_goes_on_after_the_next_start()
    {
        Simulator.Run(new SimulationOptions { Folder = _folder["sim"], Samples = 200, Variants = 20_000, Seed = 21 }, null, default);
        using (var store = VariantStore.Create(new CreateOptions { Path = Store, Assembly = "GRCh37" })) store.Ingest(new IngestRequest { Files = [_folder["sim/cohort.vcf.gz"]] });
        using var first = await ServerProcess.StartAsync(Store);
        using var channel = await LoginAsync(first);
        var (variants, ingest) = (new V1.Variants.VariantsClient(channel), new V1.Ingest.IngestClient(channel));
        var asking = new V1.Asking { Purpose = V1.Purpose.Treatment };

        // A listing that is read on, and one that is not read any more.
        using var listed = variants.Export(new V1.ExportRequest { Asking = asking, Format = V1.ExportFormat.Vcf });
        using var unread = variants.Export(new V1.ExportRequest { Asking = asking, Format = V1.ExportFormat.Vcf });
        Assert.True(await listed.ResponseStream.MoveNext(default) && await unread.ResponseStream.MoveNext(default));
        // A stream of queries that its client ends, and one that he does not.
        using var ended = variants.SeenStream();
        using var open = variants.SeenStream();
        foreach (var stream in (AsyncDuplexStreamingCall<V1.SeenStreamRequest, V1.SeenStreamReply>[])[ended, open])
        {
            await stream.RequestStream.WriteAsync(new V1.SeenStreamRequest { Request = new() { Asking = asking } });
            await stream.RequestStream.WriteAsync(new V1.SeenStreamRequest { Queries = { "22-5-A-C" } });
            Assert.True(await stream.ResponseStream.MoveNext(default));
        }
        // An upload that has begun, and a load that runs.
        var (half, whole) = (File.ReadAllBytes(_folder["sim/cohort.vcf.gz"]), Text());
        using var uploading = ingest.Upload();
        await uploading.RequestStream.WriteAsync(new V1.UploadRequest { Batch = BatchOf("half", half) });
        await uploading.RequestStream.WriteAsync(BytesOf(half.AsSpan(0, 100_000), 0));
        V1.BatchStatus status;
        do Assert.True(await uploading.ResponseStream.MoveNext(default));
        while ((status = uploading.ResponseStream.Current.Status).Received is not [100_000]);
        using var loading = ingest.Upload();
        await loading.RequestStream.WriteAsync(new V1.UploadRequest { Batch = BatchOf("whole", whole) });
        await SendAsync(loading.RequestStream, whole, 0);
        await loading.RequestStream.WriteAsync(new V1.UploadRequest { Commit = true });
        do Assert.True(await loading.ResponseStream.MoveNext(default));
        while (loading.ResponseStream.Current.Status.State is not (V1.BatchState.Loading or V1.BatchState.Committed));

        var clock = Stopwatch.StartNew();
        first.Terminate();
        await first.WaitForAsync("\"event\":\"Draining\"");
        var late = await Assert.ThrowsAsync<RpcException>(async () => await variants.SeenAsync(new V1.SeenRequest { Asking = asking, Queries = { "22-5-A-C" } }));
        Assert.Equal(StatusCode.Unavailable, late.StatusCode);
        var lines = new MemoryStream();
        do lines.Write(listed.ResponseStream.Current.Data.Span);
        while (listed.ResponseStream.Current.End is null && await listed.ResponseStream.MoveNext(default));
        Assert.NotNull(listed.ResponseStream.Current.End);
        Assert.False(await listed.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.OK, listed.GetStatus().StatusCode);
        await ended.RequestStream.WriteAsync(new V1.SeenStreamRequest { Queries = { "22-6-A-C" } });
        await ended.RequestStream.CompleteAsync();
        var answers = 0;
        while (await ended.ResponseStream.MoveNext(default)) answers += ended.ResponseStream.Current.Answers.Count;
        Assert.Equal((1, StatusCode.OK), (answers, ended.GetStatus().StatusCode));

        Assert.Equal(new Status(StatusCode.Unavailable, "the server is stopping"), (await CutAsync(open.ResponseStream)).Status);
        Assert.Equal(StatusCode.Unavailable, (await CutAsync(uploading.ResponseStream)).StatusCode);
        // Of a reply that waits for who does not read no order is left.
        Assert.True((await CutAsync(unread.ResponseStream)).StatusCode is StatusCode.Unavailable or StatusCode.Cancelled);
        var loaded = await LastAsync(loading.ResponseStream);
        Assert.Equal(0, await first.ExitAsync());
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Grace + Slack);
        AssertAllEnded();

        using var second = await ServerProcess.StartAsync(Store);
        using var again = Connect(second);
        ingest = new V1.Ingest.IngestClient(again);
        var kept = await ingest.StatusAsync(new V1.BatchRequest { Asking = asking, Id = "half" });
        Assert.Equal((V1.BatchState.Receiving, 100_000L), (kept.State, Assert.Single(kept.Received)));
        using (var goingOn = ingest.Upload())
        {
            await goingOn.RequestStream.WriteAsync(new V1.UploadRequest { Batch = BatchOf("half", half) });
            await SendAsync(goingOn.RequestStream, half, 100_000);
            await goingOn.RequestStream.CompleteAsync();
            Assert.Equal(half.Length, Assert.Single((await LastAsync(goingOn.ResponseStream)).Received));
        }
        // The load is in the store, or it is not: then its bytes are there still, and it is asked for again.
        var outcome = await ingest.StatusAsync(new V1.BatchRequest { Asking = asking, Id = "whole" });
        Assert.True(outcome.State == V1.BatchState.Committed || (loaded.State != V1.BatchState.Committed && outcome.State == V1.BatchState.Receiving && outcome.Received[0] == whole.Length), $"{loaded.State}, {outcome}");
        second.Terminate();
        Assert.Equal(0, await second.ExitAsync());
        AssertAllEnded();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Many samples that the store has not, and many lines: it takes a moment to load.</summary>
    private static byte[] Text()
    {
        var text = new System.Text.StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=22>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        for (var sample = 0; sample < 200; sample++) text.Append(CultureInfo.InvariantCulture, $"\tother{sample}");
        var genotypes = string.Concat(Enumerable.Range(0, 200).Select(i => i % 9 == 0 ? "\t0/1" : "\t0/0")) + "\n";
        for (var line = 0; line < 20_000; line++) text.Append(CultureInfo.InvariantCulture, $"\n22\t{20_000_000 + (7 * line)}\t.\tA\tC\t50\tPASS\t.\tGT").Append(genotypes.AsSpan(0, genotypes.Length - 1));
        return System.Text.Encoding.ASCII.GetBytes(text.Append('\n').ToString());
    }

    private static V1.Batch BatchOf(string id, byte[] file) => new() { Asking = new() { Purpose = V1.Purpose.Operations }, Id = id, Files = { new V1.BatchFile { Length = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file)) } } };

    private static V1.UploadRequest BytesOf(ReadOnlySpan<byte> bytes, long offset) => new() { Bytes = new() { Offset = offset, Data = ByteString.CopyFrom(bytes) } };

    private static async Task SendAsync(IClientStreamWriter<V1.UploadRequest> to, byte[] file, int from)
    {
        for (var at = from; at < file.Length; at += Piece) await to.WriteAsync(BytesOf(file.AsSpan(at, Math.Min(Piece, file.Length - at)), at));
    }

    private static async Task<RpcException> CutAsync<T>(IAsyncStreamReader<T> replies) => await Assert.ThrowsAsync<RpcException>(async () =>
    {
        while (await replies.MoveNext(default)) { }
    });

    private static async Task<V1.BatchStatus> LastAsync(IAsyncStreamReader<V1.UploadReply> replies)
    {
        var last = new V1.BatchStatus();
        try
        {
            while (await replies.MoveNext(default)) last = replies.Current.Status;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled)
        {
            // Cut with the server.
        }
        return last;
    }

    /// <summary>Each call that has begun has its end in the audit log, which is whole.</summary>
    private void AssertAllEnded()
    {
        using var audit = StoreAudit.Open(Store, null, null);
        Assert.Empty(audit.Verify(null).Findings);
        var entries = audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Verb.StartsWith("warehouse.v1.", StringComparison.Ordinal)).GroupBy(e => e.Call).ToList();
        Assert.All(entries, call => Assert.Single(call, e => e.Kind is AuditKind.End or AuditKind.Call));
        Assert.True(entries.Count >= 6, $"{entries.Count} calls");
    }

    private async Task<RpcChannel> LoginAsync(ServerProcess server)
    {
        using var process = Process.Start(ServerProcess.Command("certificate", "issue", "--state", Store + ".server", "--store", Store, "--name", "analyst", "--role", "analyst", "--second-factor", "--out", _folder["analyst.pem"]))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        using (var store = VariantStore.Open(Store))
        {
            var entry = store.Grant(AccessActor.Owner("test"), new GrantRequest { Subject = new Subject(SubjectKind.Role, "analyst"), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Treatment] });
            store.Approve(AccessActor.Owner("second"), entry);
        }
        return Connect(server);
    }

    private RpcChannel Connect(ServerProcess server)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(_folder["analyst.pem"]);
        return new RpcChannel(new Uri($"https://localhost:{server.Port}"), new() { ClientCertificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null), IsServerCertificateTaken = (_, _, _) => true });
    }
}
