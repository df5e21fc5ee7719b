using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Health.V1;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Simulate;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Tests.Services;
using Warehouse.Units;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Host;

/// <summary>The program, told to end while it answers: what can end within the grace ends whole, the rest is cut and told so, and nothing is lost.</summary>
public sealed class DrainTests : IDisposable
{
    /// <summary>A program that has nothing more to wait for, on a machine that does other things too. What takes longer hangs.</summary>
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(1);

    /// <summary>Time of a drain that is longer than that, and of one that ends while it is looked at.</summary>
    private const int LongSeconds = 600, ShortSeconds = 1;

    private const int Samples = 60, Variants = 20_000, Piece = Uploading.PieceBytes;

    private readonly TempFolder _folder = new();

    private string Store => _folder["store"];

    private static V1.Asking Asking => new() { Purpose = V1.Purpose.Treatment };

    [Fact]
    public async Task What_runs_ends_whole_and_nobody_else_is_let_in()
    {
        using var server = await StartAsync(LongSeconds);
        using var channel = Connect(server);
        var (variants, ingest) = (new V1.Variants.VariantsClient(channel), new V1.Ingest.IngestClient(channel));
        // A listing that is longer than what waits between server and client, and is read no further for now; a stream of questions; who watches, and who follows.
        using var listing = variants.Frequencies(new V1.FrequenciesRequest { Asking = Asking, By = "ancestry" });
        Assert.True(await listing.ResponseStream.MoveNext(default));
        using var asking = variants.SeenStream();
        await asking.RequestStream.WriteAsync(new V1.SeenStreamRequest { Request = new() { Asking = Asking }, Queries = { "22-5-A-C" } });
        Assert.True(await asking.ResponseStream.MoveNext(default));
        using var watching = new Health.HealthClient(channel).Watch(new());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await NextAsync(watching));
        using var following = new V1.Alerts.AlertsClient(channel).Follow(new V1.FollowRequest { Asking = Asking });
        Assert.True(await following.ResponseStream.MoveNext(default));
        // An upload that has all bytes of its file, and is still to be told that it is to be loaded.
        var file = Vcf();
        using var loading = ingest.Upload();
        await Uploading.SendAsync(loading, Uploading.BatchOf("whole", file), file);

        server.Terminate();
        await server.WaitForAsync("\"event\":\"Draining\"");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Draining"), await ReadinessAsync(server));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, await NextAsync(watching));
        var question = new V1.SeenRequest { Asking = Asking, Queries = { "22-5-A-C" } };
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(async () => await variants.SeenAsync(question))).StatusCode);
        using (var anew = Connect(server))
            Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(async () => await new V1.Variants.VariantsClient(anew).SeenAsync(question))).StatusCode);
        // Who follows would have all of the time, and is told at once; who watches has heard what he watches for.
        var over = await CutAsync(following.ResponseStream);
        Assert.Equal((StatusCode.Unavailable, Refusals.StoppingRule), (over.StatusCode, Refusals.RuleOf(over)));
        watching.Dispose();
        // What ran goes on: the questions, the load, and the listing to its end.
        await asking.RequestStream.WriteAsync(new V1.SeenStreamRequest { Queries = { "22-6-A-C" } });
        await asking.RequestStream.CompleteAsync();
        var answers = new List<V1.SeenStreamReply>();
        while (await asking.ResponseStream.MoveNext(default)) answers.Add(asking.ResponseStream.Current);
        Assert.Equal(("22-6-A-C", StatusCode.OK), (answers[0].Answers[0].Query, asking.GetStatus().StatusCode));
        Assert.NotNull(answers[^1].End);
        await loading.RequestStream.WriteAsync(new V1.UploadRequest { Commit = true });
        await loading.RequestStream.CompleteAsync();
        Assert.Equal((V1.BatchState.Committed, StatusCode.OK), ((await Uploading.LastAsync(loading)).State, loading.GetStatus().StatusCode));
        V1.AnswerEnd? end;
        while ((end = listing.ResponseStream.Current.End) is null) Assert.True(await listing.ResponseStream.MoveNext(default));
        Assert.False(await listing.ResponseStream.MoveNext(default));
        Assert.Equal((true, StatusCode.OK), (end.Rows > Variants && end.Completeness.IsWhole, listing.GetStatus().StatusCode));
        // The last call has ended, and what is left of the time nobody waits for.
        Assert.Equal(0, await server.ExitAsync().WaitAsync(Most));
        Assert.Contains("\"cut\":0", await server.WaitForAsync("\"event\":\"Stopped\""), StringComparison.Ordinal);
        AssertEnds(new()
        {
            ["warehouse.v1.Variants/Frequencies"] = "done", ["warehouse.v1.Variants/SeenStream"] = "done", ["warehouse.v1.Alerts/Follow"] = "could-not", ["warehouse.v1.Ingest/Upload"] = "done",
        });
        AssertNothingToMend(Samples + 1);
    }

    [Fact]
    public async Task What_does_not_end_is_cut_and_told_so_and_the_next_start_goes_on_with_it()
    {
        using var first = await StartAsync(ShortSeconds);
        using var channel = Connect(first);
        var variants = new V1.Variants.VariantsClient(channel);
        using var asking = variants.SeenStream();
        await asking.RequestStream.WriteAsync(new V1.SeenStreamRequest { Request = new() { Asking = Asking }, Queries = { "22-5-A-C" } });
        Assert.True(await asking.ResponseStream.MoveNext(default));
        using var unread = variants.Frequencies(new V1.FrequenciesRequest { Asking = Asking, By = "ancestry" });
        Assert.True(await unread.ResponseStream.MoveNext(default));
        using var watching = new Health.HealthClient(channel).Watch(new());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await NextAsync(watching));
        var file = File.ReadAllBytes(_folder["sim/cohort.vcf.gz"]);
        using var uploading = new V1.Ingest.IngestClient(channel).Upload();
        await Uploading.SendAsync(uploading, Uploading.BatchOf("half", file), file.AsMemory(0, Piece));

        first.Terminate();
        foreach (var cut in await Task.WhenAll(CutAsync(asking.ResponseStream), CutAsync(watching.ResponseStream), CutAsync(uploading.ResponseStream)).WaitAsync(Most))
            Assert.Equal(new Status(StatusCode.Unavailable, "the server is stopping"), cut.Status);
        Assert.Equal(0, await first.ExitAsync().WaitAsync(Most));
        Assert.Contains("\"cut\":4", await first.WaitForAsync("\"event\":\"Stopped\""), StringComparison.Ordinal);
        // A reply that waits for who does not read it is cut in the middle, by its stream or its connection: it has no end, and never one that says that it is whole.
        await CutAsync(unread.ResponseStream);
        AssertEnds(new() { ["warehouse.v1.Variants/Frequencies"] = "cancelled", ["warehouse.v1.Variants/SeenStream"] = "cancelled", ["warehouse.v1.Ingest/Upload"] = "cancelled" });

        using var second = await ServerProcess.StartAsync(Store);
        using var again = Connect(second);
        var ingest = new V1.Ingest.IngestClient(again);
        var kept = await ingest.StatusAsync(new V1.BatchRequest { Asking = Uploading.Operations, Id = "half" });
        Assert.Equal((V1.BatchState.Receiving, Piece), (kept.State, Assert.Single(kept.Received)));
        using (var goingOn = ingest.Upload())
        {
            await Uploading.SendAsync(goingOn, Uploading.BatchOf("half", file), file, Piece);
            await goingOn.RequestStream.CompleteAsync();
            Assert.Equal(file.Length, Assert.Single((await Uploading.LastAsync(goingOn)).Received));
        }
        second.Terminate();
        Assert.Equal(0, await second.ExitAsync().WaitAsync(Most));
        AssertNothingToMend(Samples);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A sample that the store has not.</summary>
    private static byte[] Vcf()
    {
        var text = new System.Text.StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=22>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tother\n");
        for (var line = 0; line < 5000; line++) text.Append(CultureInfo.InvariantCulture, $"22\t{20_000_000 + (7 * line)}\t.\tA\tC\t50\tPASS\t.\tGT\t0/{line % 2}\n");
        return System.Text.Encoding.ASCII.GetBytes(text.ToString());
    }

    private static async Task<HealthCheckResponse.Types.ServingStatus> NextAsync(AsyncServerStreamingCall<HealthCheckResponse> watching)
    {
        Assert.True(await watching.ResponseStream.MoveNext(default));
        return watching.ResponseStream.Current.Status;
    }

    private static async Task<RpcException> CutAsync<T>(IAsyncStreamReader<T> replies) => await Assert.ThrowsAsync<RpcException>(async () =>
    {
        while (await replies.MoveNext(default))
        {
        }
    });

    private static async Task<(HttpStatusCode, string)> ReadinessAsync(ServerProcess server)
    {
        using var http = new HttpClient();
        using var reply = await http.GetAsync(new Uri($"http://127.0.0.1:{server.OperatorPort}/readyz"));
        return (reply.StatusCode, (await reply.Content.ReadAsStringAsync()).TrimEnd());
    }

    /// <summary>Each call that has begun has its end in the audit log, which is whole, and so ended those that are named.</summary>
    private void AssertEnds(Dictionary<string, string> expected)
    {
        using var audit = StoreAudit.Open(Store, null, null);
        Assert.Empty(audit.Verify(null).Findings);
        var calls = audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Verb.StartsWith("warehouse.v1.", StringComparison.Ordinal)).GroupBy(e => e.Call).ToList();
        Assert.All(calls, call => Assert.Single(call, e => e.Kind is AuditKind.End or AuditKind.Call));
        var ends = calls.Select(call => call.Last()).ToLookup(e => e.Verb, e => e.Outcome);
        Assert.Equal(expected.OrderBy(e => e.Key), expected.ToDictionary(e => e.Key, e => string.Join(' ', ends[e.Key].Order())).OrderBy(e => e.Key));
    }

    private void AssertNothingToMend(int samples)
    {
        using (var audit = StoreAudit.Open(Store, null, null))
        {
            Assert.Empty(audit.Verify(null).Findings);
            Assert.DoesNotContain(audit.Reader().Entries(), e => e.Entry.Kind == AuditKind.Recovered);
        }
        Assert.All(VariantStore.Verify(Store, null), f => Assert.Equal(FindingKind.Surplus, f.Kind)); // files of versions before
        using var store = VariantStore.Open(Store);
        Assert.Equal(samples, store.SampleCount);
    }

    /// <summary>A store, the program over it, and who may read, load and hear, by a certificate that the program's own command issues.</summary>
    private async Task<ServerProcess> StartAsync(int drainSeconds)
    {
        Simulator.Run(new SimulationOptions { Folder = _folder["sim"], Samples = Samples, Variants = Variants, Seed = 21 }, null, default);
        using (var store = VariantStore.Create(new CreateOptions { Path = Store, Assembly = "GRCh37" })) store.Ingest(new IngestRequest { Files = [_folder["sim/cohort.vcf.gz"]], SheetPath = _folder["sim/samples.tsv"] });
        File.WriteAllText(_folder["serve.json"], $$"""{"limits": {"drainSeconds": {{drainSeconds}} } }""");
        var server = await ServerProcess.StartAsync(Store, start =>
        {
            start.ArgumentList.Add("--config");
            start.ArgumentList.Add(_folder["serve.json"]);
        });
        using var issuing = Process.Start(ServerProcess.Command("certificate", "issue", "--state", Store + ".server", "--store", Store, "--name", "director", "--role", "lab-director", "--second-factor", "--out", _folder["director.pem"]))!;
        await issuing.WaitForExitAsync();
        Assert.Equal(0, issuing.ExitCode);
        using (var store = VariantStore.Open(Store))
            store.Approve(AccessActor.Owner("second"), store.Grant(AccessActor.Owner("test"), new GrantRequest { Subject = new Subject(SubjectKind.Role, "lab-director"), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Treatment] }));
        return server;
    }

    private RpcChannel Connect(ServerProcess server)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(_folder["director.pem"]);
        return new RpcChannel(new Uri($"https://localhost:{server.Port}"), new() { ClientCertificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null), IsServerCertificateTaken = (_, _, _) => true });
    }
}
