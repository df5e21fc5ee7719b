using System.Globalization;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Simulate;
using Warehouse.Rpc.Client;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Host;
using Warehouse.Units;
using Xunit;
using Xunit.Abstractions;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>More at once than there is room for (F60), and calls that nobody waits for any more (F63).</summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Connections = 200, CallsEach = 50;

    /// <summary>
    /// What the server's process has for all its objects: the collector of the runtime gives it no more. 128 MiB were enough when this was written, and 64 were not.
    /// Calls for which there is no place must cost no more than their headers.
    /// </summary>
    private const long HeapBytes = 192L << 20;

    [Fact]
    public async Task Ten_thousand_at_once_are_answered_right_or_refused()
    {
        using var folder = new TempFolder();
        var expected = Make(folder);
        using var identity = ServerIdentity.Open(folder["store.server"], [], TimeProvider.System);
        using var certificate = ServedStore.Shown(identity.Issue("many", 1, isService: true, roles: [Role.Analyst]).Pem);
        using var server = await ServerProcess.StartAsync(folder["store"], start => start.Environment["DOTNET_GCHeapHardLimit"] = HeapBytes.ToString("x", CultureInfo.InvariantCulture));
        var channels = Enumerable.Range(0, Connections).Select(_ => new RpcChannel(new Uri($"https://localhost:{server.Port}"), new()
        {
            ClientCertificate = certificate, IsServerCertificateTaken = (shown, _, _) => shown.Thumbprint == identity.ServerCertificate.Thumbprint,
        })).ToList();
        var clients = channels.ConvertAll(c => new V1.Variants.VariantsClient(c));
        try
        {
            // A few handshakes at a time: how long two hundred wait for each other is not what this shows.
            await Parallel.ForEachAsync(clients, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (client, stop) => await client.SeenAsync(Asking(expected[0].Query), cancellationToken: stop));
            var before = server.MostBytes;
            var (right, refused, wrong) = await AskAsync(clients, expected);
            output.WriteLine($"{right} right, {refused} refused; the server's process had {before} bytes at most before, and {server.MostBytes} with them");
            Assert.Equal(0, wrong);
            Assert.True(right >= 5000, $"{right} right, {refused} refused");
            Assert.True(refused > 0, "there was room for all: the test is too small");
            // It goes on as if nothing had been, ends when it is told to, and the log has every call.
            Assert.Equal(expected[1].Query, (await clients[0].SeenAsync(Asking(expected[1].Query))).Answers[0].Query);
            server.Terminate();
            Assert.Equal(0, await server.ExitAsync());
            using var audit = StoreAudit.Open(folder["store"], null, null);
            Assert.True(audit.Reader().Entries().LongCount(e => e.Entry.Outcome == "done") >= right);
        }
        finally
        {
            channels.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task A_listing_that_is_given_up_leaves_its_session_and_its_room()
    {
        await using var served = await ServedStore.StartAsync(variants: 6000);
        var (channel, id) = served.Service("quitter", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var client = new V1.Variants.VariantsClient(channel);
        for (var i = 0; i < 400; i++) // more than a caller has room for at a time
        {
            using var stop = new CancellationTokenSource();
            using var call = client.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment }, cancellationToken: stop.Token);
            if (i % 3 > 0) await call.ResponseStream.MoveNext(default);
            stop.Cancel();
        }
        using var last = client.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment });
        V1.AnswerEnd? end = null;
        await foreach (var chunk in last.ResponseStream.ReadAllAsync()) end = chunk.End;
        Assert.True(end!.Completeness.IsWhole);
    }

    /// <summary>A store of which analysts see everything; some questions, with what its owner is told.</summary>
    private static Expected[] Make(TempFolder folder)
    {
        Simulator.Run(new SimulationOptions { Folder = folder["sim"], Samples = 24, Variants = 400, Seed = 11 }, null, default);
        using var store = VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh37", ReferencePath = folder["sim/reference.fa"] });
        store.Ingest(new IngestRequest { Files = [folder["sim/cohort.vcf.gz"]], SheetPath = folder["sim/samples.tsv"] });
        var grant = store.Grant(AccessActor.Owner("test"), new() { Subject = new Subject(SubjectKind.Role, Subject.WordOf(Role.Analyst)), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Treatment] });
        store.Approve(AccessActor.Owner("second"), grant);
        using var session = store.OpenSession();
        string[] asked = [.. session.Frequencies(new FrequencyRequest()).Where(r => r.Figures.Ac > 0).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").Take(64), "22-1-A-C"];
        return [.. session.Seen(asked, SampleChoice.All).Select(a => new Expected(a.Query, (int)a.State + 1, a.Figures.Ac, a.Figures.An))];
    }

    /// <summary>Asks over all connections at once; who is refused asks again when another has been answered.</summary>
    private static async Task<(int Right, int Refused, int Wrong)> AskAsync(List<V1.Variants.VariantsClient> clients, Expected[] expected)
    {
        var (right, refused, wrong) = (0, 0, 0);
        var answers = new Answers();
        await Task.WhenAll(Enumerable.Range(0, Connections * CallsEach).Select(i => Task.Run(async () =>
        {
            var want = expected[i % expected.Length];
            while (true)
            {
                answers.Begin();
                var isRefused = false;
                try
                {
                    var answer = (await clients[i % Connections].SeenAsync(Asking(want.Query), deadline: DateTime.UtcNow.AddSeconds(50))).Answers[0];
                    Interlocked.Increment(ref (want == new Expected(answer.Query, (int)answer.State, answer.Figures?.Ac ?? 0, answer.Figures?.An ?? 0) ? ref right : ref wrong));
                    return;
                }
                catch (RpcException e) when (e.StatusCode is StatusCode.ResourceExhausted or StatusCode.DeadlineExceeded)
                {
                    Interlocked.Increment(ref refused);
                    isRefused = true;
                    if (e.StatusCode == StatusCode.DeadlineExceeded) return;
                }
                finally
                {
                    answers.End(isRefused);
                }
                await answers.NextAsync();
            }
        })));
        return (right, refused, wrong);
    }

    private static V1.SeenRequest Asking(string query) => new() { Asking = ServedStore.Treatment, Queries = { query } };

    private sealed record Expected(string Query, int State, long Ac, long An);

    /// <summary>Lets whoever was refused wait for a call that ends otherwise: one for each. Any thread.</summary>
    private sealed class Answers
    {
        private readonly Lock _gate = new();
        private readonly Queue<TaskCompletionSource> _waiting = new();
        private int _running;

        public void Begin()
        {
            lock (_gate) _running++;
        }

        public void End(bool isRefused)
        {
            TaskCompletionSource? next;
            lock (_gate)
            {
                // When none runs any more nobody else would wake who waits.
                next = --_running == 0 || !isRefused ? _waiting.TryDequeue(out var first) ? first : null : null;
            }
            next?.SetResult();
        }

        public Task NextAsync()
        {
            lock (_gate)
            {
                if (_running == 0) return Task.CompletedTask;
                var wakes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Enqueue(wakes);
                return wakes.Task;
            }
        }
    }
}
