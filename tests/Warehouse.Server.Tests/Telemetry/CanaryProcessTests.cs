using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Rpc.Client;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Host;
using Warehouse.Server.Tests.Services;
using Warehouse.Units;
using Xunit;
using Xunit.Abstractions;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// C20, F78 and F79 on the program itself: every method is called, it is killed in the midst of calls and of uploads, started again, and crashed in the end. What it has
/// written to its terminal, sent, told its clients and left in its folders, and what others see of the process, has none of the tokens; and it leaves no dump.
/// </summary>
public sealed class CanaryProcessTests(ITestOutputHelper output)
{
    private const int Workers = 3, MostCalls = 150, PieceBytes = 64, LeastAnswered = 85;

    /// <summary>Exit code of what a signal ended, without its number; and of two signals: one that nobody hears, and one that stands for a crash, since the runtime does not take it for its own.</summary>
    private const int Signalled = 128, Kill = 9, CpuTime = 24;

    [Fact]
    public async Task A_program_that_is_killed_and_one_that_crashes_leave_nothing_of_persons_behind()
    {
        var seed = Random.Shared.Next();
        var chance = new Random(seed);
        using var folder = new TempFolder();
        using var house = await House.StartAsync(folder);
        await house.AskAllAsync();
        Assert.True(house.Calls.Done.Count >= LeastAnswered, $"{house.Calls.Done.Count} methods were answered");
        await house.AssertNothingShownAsync();
        var (kept, dropped) = (house.FileOf("kept"), house.FileOf("dropped"));
        await house.BeginAsync("dropped", dropped);
        var calls = 1 + chance.Next(MostCalls);
        output.WriteLine($"seed {seed}: killed behind {calls} calls");
        await house.KillAsync(kept, calls, chance);
        Assert.True(house.Uploaded() > 0, "nothing was received when it was killed");
        house.AssertNothingLeft(withUploads: false);

        await house.StartAsync();
        await house.FinishAsync("kept", kept);
        await house.DropAsync("dropped");
        Assert.Equal(0, house.Uploaded());
        await house.AskAllAsync(isWhole: false);
        await house.AssertNothingShownAsync();
        output.WriteLine(await house.CrashAsync() ? "the system writes a core file of a program that crashes here" : "the system writes no core files here: that there is none says nothing");
        house.AssertNothingLeft(withUploads: true);
        output.WriteLine($"{house.Left.Driven} calls, {house.Left.SearchedBytes} bytes, {house.Left.SearchedLines} lines");
        using (var audit = StoreAudit.Open(house.Store, null, null)) Assert.Empty(audit.Verify(null).Findings);
        Assert.All(VariantStore.Verify(house.Store, null), f => Assert.Equal(FindingKind.Surplus, f.Kind)); // files of versions before
    }

    /// <summary>The program over a store of tokens, who calls it, and the sinks around it.</summary>
    private sealed class House : IDisposable
    {
        private readonly TempFolder _folder;
        private readonly CanaryTokens _tokens = new(20261202);
        private readonly CanaryLab _lab;
        private readonly List<ServerProcess> _programs = [];
        private readonly List<string> _pems = [];
        private readonly List<RpcChannel> _channels = [];
        private readonly List<MethodDescriptor> _methods = [.. MethodTableTests.Services().SelectMany(s => s.Methods).OrderBy(m => Array.IndexOf(CanaryMethods.First, MethodCall.PathOf(m)) is >= 0 and var at ? at : int.MaxValue)];
        private readonly OtlpReceiver _receiver;
        private readonly CanaryRun _shown;
        private bool _withUploads = true;

        private House(TempFolder folder, OtlpReceiver receiver)
        {
            (_folder, _receiver, _lab) = (folder, receiver, new CanaryLab(folder, _tokens));
            Calls = new CanaryCalls(_tokens, _lab);
            Directory.CreateDirectory(Temp);
            Directory.CreateDirectory(Work);
            File.WriteAllText(_folder["serve.json"], $$$"""{"collector": {"address": "{{{receiver.Address}}}", "tracedPart": 1, "intervalSeconds": 1}, "limits": {"person": {"callsPerSecond": 100000, "burst": 100000, "calls": 64} } }""");
            using (var identity = ServerIdentity.Open(State, [], TimeProvider.System))
            {
                foreach (var (i, roles) in CanaryMethods.Persons.Index())
                {
                    var (pem, issued) = identity.Issue("person" + i, 1, roles: roles, hasSecondFactor: true);
                    _pems.Add(pem);
                    if (roles.Contains(Engine.Access.Role.Reviewer)) _lab.GrantAll(issued.Id, isReader: i == 0);
                }
            }
            var state = CanarySink.OfFiles("state", State);
            Left = new CanaryRun(_tokens, CanarySink.OfOutput("standard output", _programs, isError: false), CanarySink.OfOutput("standard error", _programs, isError: true), CanarySink.Of("figures and traces sent", () => receiver.Received),
                CanarySink.OfTrailers("ends of calls", Calls.Trailers), CanarySink.OfFiles("audit log", Store + ".audit"), CanarySink.OfFiles("store", Store), CanarySink.OfFiles("keys", Store + ".keys"), CanarySink.OfFiles("vault", Store + ".linkage"),
                state with { Read = () => state.Read().Where(r => _withUploads || !r.Place.StartsWith(Uploads, StringComparison.Ordinal)) },
                CanarySink.OfFiles("temp", Temp), CanarySink.OfFiles("work folder", Work), CanarySink.OfFileNames("names of files", folder["lab"]));
            Left.Allow("audit log", CanaryKind.Remark, "who signs a review off says so in his own words, and the log keeps them: the protocol says that they are of nobody");
            _shown = new CanaryRun(_tokens, CanarySink.OfProcesses("cmdline", () => [Program.Id]), CanarySink.OfProcesses("environ", () => [Program.Id]), CanarySink.Of("figures", () => Page("metrics")), CanarySink.Of("readiness", () => Page("readyz")));
        }

        /// <summary>What it leaves behind.</summary>
        public CanaryRun Left { get; }

        public CanaryCalls Calls { get; }

        public string Store => _lab.Store;

        private string State => Store + ".server";

        private string Uploads => Path.Combine(State, "uploads");

        private string Temp => _folder["lab/temp"];

        private string Work => _folder["lab/work"];

        private ServerProcess Program => _programs[^1];

        private V1.Ingest.IngestClient Ingest => new(_channels[0]);

        public static async Task<House> StartAsync(TempFolder folder)
        {
            var house = new House(folder, await OtlpReceiver.StartAsync());
            await house.StartAsync();
            return house;
        }

        /// <summary>Starts the program, which the system would let write core files as large as can be.</summary>
        public async Task StartAsync()
        {
            _programs.Add(await ServerProcess.StartAsync(Store, start =>
            {
                string[] words = [start.FileName, .. start.ArgumentList, "--config", _folder["serve.json"]];
                (start.FileName, start.WorkingDirectory, start.Environment["TMPDIR"]) = ("sh", Work, Temp);
                start.ArgumentList.Clear();
                foreach (var word in (string[])["-c", "ulimit -c $(ulimit -H -c); exec \"$0\" \"$@\"", .. words]) start.ArgumentList.Add(word);
            }));
            _channels.Clear();
            _channels.AddRange(_pems.Select(pem => new RpcChannel(new Uri($"https://localhost:{Program.Port}"), new() { ClientCertificate = ServedStore.Shown(pem), IsServerCertificateTaken = (_, _, _) => true })));
            // What it is told by its environment is not what it does with it.
            Assert.Equal(["Max", "core", "file", "size", "0", "0", "bytes"], File.ReadLines($"/proc/{Program.Id}/limits").First(l => l.StartsWith("Max core", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }

        /// <summary>Every method with its sound requests, and with a token in each field; or with one request.</summary>
        public async Task AskAllAsync(bool isWhole = true)
        {
            foreach (var method in _methods)
            {
                var path = MethodCall.PathOf(method);
                if (!isWhole)
                {
                    if (Calls.Methods.SoundOf(path).Length > 0) await AskAsync(method, 0);
                    continue;
                }
                foreach (var before in CanaryMethods.Before(path).Select(b => _methods.First(m => MethodCall.PathOf(m) == b))) await AskAsync(before, 0);
                for (var i = 0; i < Calls.Methods.SoundOf(path).Length; i++) await AskAsync(method, i);
                await Left.DriveAsync([(path, () => Calls.CallAsync(Of(method), method, CanaryCalls.Framed([Calls.Requests.Filled(method.InputType).First()])))]);
            }
        }

        /// <summary>What others see of it while it runs.</summary>
        public async Task AssertNothingShownAsync()
        {
            Assert.Contains("warehouse_calls_total{", await Task.Run(() => Page("metrics")), StringComparison.Ordinal);
            Assert.NotEmpty(File.ReadAllBytes($"/proc/{Program.Id}/cmdline"));
            _shown.AssertNoLeak();
        }

        /// <summary>A file of somebody new.</summary>
        public byte[] FileOf(string name) => _lab.Vcf([_tokens.Next(CanaryKind.SampleId) + name]).ToByteArray();

        /// <summary>Sends half of a file, and ends there.</summary>
        public async Task BeginAsync(string id, byte[] file)
        {
            using var call = Ingest.Upload();
            await Uploading.SendAsync(call, Uploading.BatchOf(id, file), file.AsMemory(0, file.Length / 2));
            await call.RequestStream.CompleteAsync();
            Assert.Equal(V1.BatchState.Receiving, (await Uploading.LastAsync(call)).State);
        }

        /// <summary>
        /// Kills it behind so many calls, while others run: some of any methods side by side, a stream of questions, somebody who hears of alerts, and an upload of which a
        /// little more comes with each call.
        /// </summary>
        public async Task KillAsync(byte[] file, int calls, Random chance)
        {
            using var upload = Ingest.Upload();
            await Uploading.SendAsync(upload, Uploading.BatchOf("kept", file), file.AsMemory(0, file.Length / 2));
            using var asking = new V1.Variants.VariantsClient(_channels[0]).SeenStream();
            await asking.RequestStream.WriteAsync(new V1.SeenStreamRequest { Request = new() { Asking = new() { Purpose = V1.Purpose.Treatment } }, Queries = { "1-100-A-G" } });
            Assert.True(await asking.ResponseStream.MoveNext(default));
            using var following = new V1.Alerts.AlertsClient(_channels[0]).Follow(new V1.FollowRequest { Asking = new() { Purpose = V1.Purpose.Treatment } });
            Assert.True(await following.ResponseStream.MoveNext(default));
            var (ended, isKilled, changes) = (0, false, new Changes());
            var asked = _methods.FindAll(m => m.Service.Name != nameof(V1.Ingest) && Calls.Methods.SoundOf(MethodCall.PathOf(m)).Length > 0); // uploads are ours alone
            var workers = Enumerable.Range(0, Workers).Select(_ => Task.Run(async () =>
            {
                while (!Volatile.Read(ref isKilled))
                {
                    MethodDescriptor method;
                    byte[][] requests;
                    lock (_tokens)
                    {
                        method = asked[chance.Next(asked.Count)];
                        requests = CanaryCalls.Framed(Calls.Methods.SoundOf(MethodCall.PathOf(method))[0]);
                    }
                    await Calls.CallAsync(Of(method), method, requests);
                    if (Interlocked.Increment(ref ended) == calls)
                    {
                        Program.Kill();
                        Volatile.Write(ref isKilled, true);
                    }
                    changes.Tell();
                }
            }));
            var sending = Task.Run(async () =>
            {
                // All but its end.
                for (var at = file.Length / 2; at + PieceBytes < file.Length && !Volatile.Read(ref isKilled); at += PieceBytes)
                {
                    var before = Volatile.Read(ref ended);
                    await upload.RequestStream.WriteAsync(Uploading.Piece(file, at, PieceBytes));
                    await changes.UntilAsync(() => Volatile.Read(ref ended) > before || Volatile.Read(ref isKilled));
                }
            });
            await Task.WhenAll(workers);
            Assert.Equal(Signalled + Kill, await Program.ExitAsync());
            foreach (var cut in (Func<Task>[])[() => Uploading.LastAsync(upload), () => ReadAsync(asking.ResponseStream), () => ReadAsync(following.ResponseStream)]) await Assert.ThrowsAsync<RpcException>(cut);
            await sending.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default); // a piece may have met the end
            AssertNoDump();
        }

        /// <summary>Goes on with an upload where the program before has stopped, to its end.</summary>
        public async Task FinishAsync(string id, byte[] file)
        {
            var kept = await Ingest.StatusAsync(new V1.BatchRequest { Asking = Uploading.Operations, Id = id });
            Assert.Equal(V1.BatchState.Receiving, kept.State);
            using var call = Ingest.Upload();
            await Uploading.SendAsync(call, Uploading.BatchOf(id, file), file, (int)Assert.Single(kept.Received));
            await call.RequestStream.WriteAsync(new V1.UploadRequest { Commit = true });
            await call.RequestStream.CompleteAsync();
            Assert.Equal(V1.BatchState.Committed, (await Uploading.LastAsync(call)).State);
        }

        /// <summary>Gives an upload up.</summary>
        public async Task DropAsync(string id) => await Ingest.CancelAsync(new V1.BatchRequest { Asking = Uploading.Operations, Id = id });

        /// <summary>Tokens in what is received and not yet loaded, where they lie as they came.</summary>
        public int Uploaded() => Directory.Exists(Uploads) ? Directory.GetFiles(Uploads, "*", SearchOption.AllDirectories).Sum(f => new CanarySearch(_tokens).Find("uploads", f, File.ReadAllBytes(f)).Count) : 0;

        /// <summary>Crashes it. Whether a program that forbids nothing leaves a core file when it does.</summary>
        public async Task<bool> CrashAsync()
        {
            Program.Signal("XCPU");
            Assert.Equal(Signalled + CpuTime, await Program.ExitAsync());
            AssertNoDump();
            using var careless = ServerProcess.Start(new("sh", ["-c", "ulimit -c $(ulimit -H -c); kill -XCPU $$"]) { WorkingDirectory = Work, RedirectStandardOutput = true, RedirectStandardError = true });
            Assert.Equal(Signalled + CpuTime, await careless.ExitAsync());
            var cores = Directory.GetFiles(Work);
            foreach (var core in cores) File.Delete(core);
            return cores.Length > 0;
        }

        /// <summary>Fails where a token came out.</summary>
        /// <param name="withUploads">Also where what is received is kept as it came.</param>
        public void AssertNothingLeft(bool withUploads)
        {
            _withUploads = withUploads;
            Assert.NotEmpty(_receiver.Received);
            Assert.All(_programs, p => Assert.Contains("\"event\":\"Started\"", p.Errors, StringComparison.Ordinal));
            Left.AssertNoLeak();
        }

        public void Dispose()
        {
            foreach (var channel in _channels) channel.Dispose();
            foreach (var program in _programs) program.Dispose();
            _receiver.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        /// <summary>No core file, no dump of the runtime, and no socket by which somebody could ask for one.</summary>
        private void AssertNoDump()
        {
            Assert.Empty(Directory.GetFileSystemEntries(Work));
            Assert.Empty(Directory.GetFileSystemEntries(Temp));
        }

        private static async Task ReadAsync<T>(IAsyncStreamReader<T> replies)
        {
            while (await replies.MoveNext(default))
            {
            }
        }

        private RpcChannel Of(MethodDescriptor method) => _channels[CanaryMethods.PersonOf(method)];

        private Task AskAsync(MethodDescriptor method, int which) => Left.DriveAsync([(method.FullName, () => Calls.CallAsync(Of(method), method, CanaryCalls.Framed(Calls.Methods.SoundOf(MethodCall.PathOf(method))[which])))]);

        private string Page(string name)
        {
            using var http = new HttpClient();
            using var reply = http.Send(new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{Program.OperatorPort}/{name}")));
            using var text = new StreamReader(reply.Content.ReadAsStream());
            return text.ReadToEnd();
        }
    }
}
