using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Cli;
using Warehouse.Client;
using Warehouse.Primitives;
using Warehouse.Protocol.V1;
using Warehouse.Server.Tests.Clients;
using Warehouse.Server.Uploads;
using Warehouse.Units;
using Xunit;
using static Warehouse.Server.Tests.Services.IngestServiceTests;
using Role = Warehouse.Engine.Access.Role;

namespace Warehouse.Server.Tests.Services;

/// <summary>Releases of annotations that come over the wire: what they come to is what the same line comes to on the store itself, wherever anything stops.</summary>
public sealed class ReleaseUploadTests
{
    private const string Bed = "format bed\nfield GENE text from 4 terms gene\n";

    /// <summary>Each line twice: of a copy of the store that lies here, and of the server. What is loaded, refused and listed is the same to the byte.</summary>
    [Fact]
    public async Task Loads_and_refusals_print_what_they_print_of_a_store_that_lies_here()
    {
        await using var house = await AlertHouse.StartAsync();
        var served = house.Served;
        var (pem, good) = (ServedCommands.Credentials(served, "steward", Role.DataSteward), house.Write("good", "Benign"));
        foreach (var part in (string[])["", ".keys", ".audit"]) Copy(served.StorePath + part, served["copy"] + part);
        var text = File.ReadAllText(good);
        string Written(string name, string content)
        {
            File.WriteAllText(served[name], content);
            return served[name];
        }
        var allele = house.Allele.Split('-');
        var map = Written("panel.map", Bed);
        var table = Written("macarthur.tsv", $"chrom\tpos\tref\talt\tmeasureset_id\tsymbol\tclinical_significance\treview_status\tall_traits\thgvs_c\n{string.Join('\t', allele)}\t7\tx\tBenign\tx\tx\tx\n");
        string[][] lines =
        [
            ["annotations load", "clinvar", good, "--release", "2024-01-07"],
            ["annotations load", "clinvar", good, "--release", "2024-01-07"], // again: nothing changes
            ["annotations load", "clinvar", good, "--release", "2024-01-08"], // the same file under another day
            ["annotations load", "clinvar", house.Write("other", "Pathogenic"), "--release", "2024-01-07"], // another file of that day
            ["annotations load", "panel", Written("panel.bed", "22\t1000\t1200\tLEFT\n22\t1300\t1400\tRIGHT\n"), "--release", "2024-02-01", "--mapping", map],
            ["annotations load", "panel", Written("bad.bed", "22\t1000\t1200\tLEFT\n22\tfar\t4000\tRIGHT\n"), "--release", "2024-02-02", "--mapping", map],
            ["annotations load", "panel", Written("far.bed", "22\t1000\t2000000000\tLEFT\n"), "--release", "2024-02-02", "--mapping", map],
            ["annotations load", "notes", Written("cut.vcf", text.TrimEnd('\n')), "--release", "2024-02-02"],
            ["annotations load", "notes", Written("build.vcf", text.Replace("GRCh37", "GRCh38")), "--release", "2024-02-02"],
            ["annotations load", "notes", Written("ref.vcf", text.Replace($"\t{allele[2]}\t{allele[3]}\t", $"\t{allele[3]}\t{allele[2]}\t")), "--release", "2024-02-02"],
            ["annotations load", "notes", Written("skip.vcf", text + $"{allele[0]}\tnowhere\t8\tA\tC\t.\t.\tCLNSIG=Benign\n"), "--release", "2024-02-02", "--on-error", "skip"],
            ["annotations load", "notes", Written("empty.vcf", ""), "--release", "2024-02-03"],
            ["annotations load", "notes", Written("broken.vcf.gz", "\u001f\u008b is no gzip"), "--release", "2024-02-03"],
            ["annotations load", "no-name!", good, "--release", "2024-02-03"],
            ["annotations load", "notes", good, "--release", "someday"],
            ["annotations load", "notes", served["missing.vcf"], "--release", "2024-02-03"],
            ["annotations load", "panel", good, "--release", "2024-02-03", "--mapping", Written("nonsense.map", "nonsense\n")],
            ["annotations list"],
            ["clinvar load", good, "--release", "2024-01-07"],
            ["clinvar load", Written("unknown.vcf", text.Replace("Benign", "rather_bad")), "--release", "2024-02-04"],
            ["clinvar load", served["unknown.vcf"], "--release", "2024-02-04", "--accept-unrecognised", "1"],
            ["clinvar load", house.Write("march", "Pathogenic"), "--release", "2024-03-03", "--hold"],
            ["clinvar load", table, "--release", "2024-03-10", "--hold"],
            ["clinvar load", served["missing.vcf"], "--release", "2024-04-03"],
            ["clinvar load", house.Write("older", "Likely_benign"), "--release", "2023-12-03"],
            ["clinvar releases"],
        ];
        var wrong = new List<string>();
        foreach (var (line, number) in lines.Select((l, i) => (l, i)))
        {
            string[] rest = [.. line[1..], "--format", ServedCommands.Formats[number % 3]];
            var here = ServedCommands.Run([.. line[0].Split(' '), served["copy"], .. rest]);
            var there = ServedCommands.Remote(served, pem, line[0], rest);
            if (line[0] == "annotations list" && there.Exit != ExitCode.Done) continue; // not for data stewards
            if (here.Exit != there.Exit || !here.Bytes.AsSpan().SequenceEqual(there.Bytes) || here.Error != there.Error) wrong.Add($"{string.Join(' ', line)}\nhere {here.Exit}: {here.Output}{here.Error}\nthere {there.Exit}: {there.Output}{there.Error}");
            if (here.Output.Length + here.Error.Length == 0) wrong.Add(string.Join(' ', line) + " says nothing");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Empty(Directory.EnumerateDirectories(served.StorePath + ".server/uploads"));
        // None of the words is in the server's log.
        Assert.DoesNotContain("rather", served.Log.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Alerts_follow_from_a_release_that_was_loaded_over_the_wire()
    {
        await using var house = await AlertHouse.StartAsync();
        await house.BeginAsync("Uncertain_significance", AlertHouse.Care(house.Carrier.Person, house.Client("carla", Role.Clinician).Id));
        house.Settle();
        var loaded = ServedCommands.Remote(house.Served, house.Served["director.pem"], "clinvar load", house.Write("february", "Pathogenic"), "--release", AlertHouse.February);
        Assert.True(loaded.Exit == ExitCode.Done, loaded.Error);
        house.Settle();
        using var carla = house.Connect("carla");
        Assert.Contains((await carla.InboxAsync()).Alerts, a => a.Change.Contains("uncertain>pathogenic", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_data_stewards_and_directors_load_and_a_stranger_learns_nothing()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        File.WriteAllText(served["a.bed"], "22\t1000\t2000\tLEFT\n");
        File.WriteAllText(served["a.map"], Bed);
        foreach (var (role, exit) in ((Role, ExitCode)[])[(Role.Analyst, ExitCode.CouldNot), (Role.Researcher, ExitCode.CouldNot), (Role.Operator, ExitCode.CouldNot), (Role.LabDirector, ExitCode.Done)])
        {
            var ran = ServedCommands.Remote(served, ServedCommands.Credentials(served, "the-" + role, role), "annotations load", "panel", served["a.bed"], "--release", "2024-01-07", "--mapping", served["a.map"]);
            Assert.True(exit == ran.Exit, $"{role}: {ran.Exit} {ran.Output}{ran.Error}");
            if (exit == ExitCode.CouldNot) Assert.Contains("not granted", ran.Error, StringComparison.Ordinal);
        }
        // Files of samples do not come by this method, nor releases by the other.
        var ingest = new Protocol.V1.Ingest.IngestClient(served.Client("both", Role.LabDirector).Channel);
        var (batch, _) = Release(Encoding.UTF8.GetBytes("22\t1\t2\tX\n"));
        foreach (var asRelease in (bool[])[true, false])
        {
            using var call = asRelease ? ingest.UploadRelease() : ingest.Upload();
            await call.RequestStream.WriteAsync(new UploadRequest { Batch = asRelease ? new Batch(batch) { Release = null } : batch });
            Assert.Equal("batch", Rule(await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default))));
        }
    }

    /// <summary>The same command again goes on where the one before was stopped, and sends nothing twice.</summary>
    [Fact]
    public async Task A_client_that_was_stopped_goes_on_with_the_next_run()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        var pem = ServedCommands.Credentials(served, "steward", Role.DataSteward);
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 30_000).Select(i => $"22\t{i / 100}\t{(i / 100) + 5}\tGENE{i}\n")));
        using var client = new WarehouseClient(new ConnectOptions { Server = new Uri(served.Url), Credentials = Credentials.Read(pem) });
        var half = bytes.Length / 2;
        using (var stop = new CancellationTokenSource())
        {
            // It has said what it will send, and is stopped before the first byte.
            var stopped = new ReleaseUpload { Source = "panel", Date = new DateOnly(2024, 1, 7), Mapping = Bed, Progress = (_, _, _) => stop.Cancel() };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.LoadAnnotationsAsync(new MemoryStream(bytes), stopped, null, stop.Token));
        }
        var kept = await File.ReadAllBytesAsync(Path.Combine(Directory.EnumerateDirectories(served.StorePath + ".server/uploads").Single(), "batch"));
        var batch = new Batch(Batch.Parser.ParseFrom(kept.AsSpan(64))) { Asking = ServedStore.Treatment };
        using (var channel = served.Channel(Credentials.Read(pem).Certificate))
        {
            using var call = new Protocol.V1.Ingest.IngestClient(channel).UploadRelease();
            await call.RequestStream.WriteAsync(new UploadRequest { Batch = batch });
            for (var offset = 0; offset < half; offset += 100_000) await call.RequestStream.WriteAsync(IngestServiceTests.Bytes([bytes], 0, offset, Math.Min(100_000, half - offset)));
            for (var received = 0L; received < half; received = call.ResponseStream.Current.Status.Received[0]) Assert.True(await call.ResponseStream.MoveNext(default));
        }
        var told = new List<(bool IsRead, long Done, long All)>();
        var again = new ReleaseUpload { Source = "panel", Date = new DateOnly(2024, 1, 7), Mapping = Bed, Progress = (isRead, done, all) => told.Add((isRead, done, all)) };
        var loaded = await client.LoadAnnotationsAsync(new MemoryStream(bytes), again);
        Assert.Equal((false, (long)half, (long)bytes.Length), told[0]);
        Assert.Equal((true, true, 30_000L), (loaded.IsNew, loaded.IsNewest, loaded.Release.Rows));
        var twice = await client.LoadAnnotationsAsync(new MemoryStream(bytes), new ReleaseUpload { Source = "panel", Date = new DateOnly(2024, 1, 7), Mapping = Bed });
        Assert.Equal((false, loaded.Release, loaded.Version), (twice.IsNew, twice.Release, twice.Version));
        Assert.Single(served.Owner((store, _) => store.AnnotationReleases()));
        var pipe = await Assert.ThrowsAsync<WarehouseException>(() => client.LoadAnnotationsAsync(new BufferedStream(new Pipe()), new ReleaseUpload { Source = "panel", Date = new DateOnly(2024, 1, 7) }));
        Assert.Equal("upload-pipe", pipe.Rule);
    }

    /// <summary>Stops the server at every step, in turn, also between the upload and the load: the next one goes on, and the release is there once.</summary>
    [Fact]
    public void A_stop_at_any_step_leaves_the_release_there_once()
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 100).Select(i => $"22\t{i * 10}\t{(i * 10) + 5}\tGENE{i}\n")));
        var (batch, files) = Release(bytes);
        var (isStopped, round) = (true, 0);
        for (; isStopped; round++)
        {
            using var own = new TempFolder();
            var step = 0;
            isStopped = false;
            for (var start = 0; start < 2; start++)
            {
                using var at = new Place(own, TimeProvider.System);
                void Step(string _)
                {
                    if (start == 0 && step++ == round) throw new StopHere();
                }
                try
                {
                    at.Uploads.AtStep = Step;
                    Send(at.Uploads, batch, files, Step);
                    break;
                }
                catch (StopHere)
                {
                    isStopped = true;
                }
            }
            using var after = new Place(own, TimeProvider.System);
            Assert.Equal(100, Assert.Single(after.Host.Ask(store => store.AnnotationReleases())).Rows);
            Assert.Empty(Directory.EnumerateDirectories(own["state/uploads"]));
        }
        Assert.True(round > 9, $"{round} rounds are fewer than there are steps");
    }

    [Fact]
    public void What_is_no_release_is_refused_before_a_byte_of_it_is_taken()
    {
        using var folder = new TempFolder();
        using var at = new Place(folder, TimeProvider.System);
        var (good, _) = Release("x"u8.ToArray());
        (string Rule, Action<Batch> Change)[] wrong =
        [
            ("annotation-source", b => b.Release.Source = "no-name!"), ("release-date", b => b.Release.Date = "7 January"), ("batch-release", b => b.Files.Add(b.Files[0].Clone())), ("batch-release", b => b.Sheet = ByteString.CopyFromUtf8("x")),
            ("batch-release", b => b.AssumeReference = true), ("mapping-length", b => b.Files[1].Length = 2 << 20), ("batch-files", b => b.Files[0].Length = -1),
        ];
        foreach (var (rule, change) in wrong)
        {
            var batch = good.Clone();
            change(batch);
            Assert.Equal(rule, Rule(Assert.Throws<RpcException>(() => at.Uploads.Begin("somebody", batch, this))));
        }
        Assert.NotNull(at.Uploads.Begin("somebody", good, this));
        // The same name for another day is another thing, as for files of samples.
        var later = good.Clone();
        later.Release.Date = "2024-01-08";
        Assert.Equal("batch-differs", Rule(Assert.Throws<RpcException>(() => at.Uploads.Begin("somebody", later, this))));
    }

    private static void Send(BatchUploads uploads, Batch batch, byte[][] files, Action<string> step)
    {
        var by = new object();
        step("begin");
        var staged = uploads.Begin("somebody", batch, by)!;
        for (var file = 0; file < files.Length; file++)
        {
            step("append");
            if (staged.Lengths()[file] == 0) staged.Append(by, IngestServiceTests.Bytes(files, file, 0, files[file].Length).Bytes);
            step("sync");
            staged.Sync();
        }
        var receipt = uploads.Load(staged, by, IngestServiceTests.Somebody, default);
        Assert.Equal(100, receipt!.Release.Rows);
        step("done");
    }

    internal static (Batch Batch, byte[][] Files) Release(byte[] bytes)
    {
        byte[][] files = [bytes, Encoding.UTF8.GetBytes(Bed)];
        var batch = BatchOf("release-1", files);
        batch.Release = new ReleaseFile { Source = "panel", Date = "2024-01-07" };
        return (batch, files);
    }

    internal static void Copy(string from, string to)
    {
        Durable.CreateFolder(to); // a key folder is its owner's alone
        foreach (var path in Directory.EnumerateFiles(from))
        {
            var target = Path.Combine(to, Path.GetFileName(path));
            if (Path.GetFileName(path) == "lock") File.Create(target).Dispose(); // the server that runs holds it
            else File.Copy(path, target);
        }
        foreach (var path in Directory.EnumerateDirectories(from)) Copy(path, Path.Combine(to, Path.GetFileName(path)));
    }

    private sealed class Pipe : MemoryStream
    {
        public override bool CanSeek => false;
    }
}
