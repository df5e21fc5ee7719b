using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Xunit;
using Xunit.Abstractions;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>More at once than there is room for (F60), and calls that nobody waits for any more (F63).</summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Connections = 200, CallsEach = 50;

    /// <summary>
    /// What the runtime may keep for ten thousand calls at once, of server and clients together, since both are this process: 40 KiB a call, and they had a
    /// sixth of it when this was written. Calls for which there is no place must cost no more than their headers.
    /// </summary>
    private const long MostBytes = Connections * CallsEach * (40L << 10);

    [Fact]
    public async Task Ten_thousand_at_once_are_answered_right_or_refused()
    {
        // Two hundred handshakes at once wait for each other, on a machine that does other things too: how long one may take is not what this shows.
        await using var served = await ServedStore.StartAsync((_, options) => options with { ConnectionLimits = new() { HandshakeTimeout = TimeSpan.FromMinutes(5) } }, samples: 24, variants: 400);
        var (first, id) = served.Service("many", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var expected = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            string[] asked = [.. session.Frequencies(new FrequencyRequest()).Where(r => r.Figures.Ac > 0).Select(r => $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}").Take(64), "22-1-A-C"];
            return session.Seen(asked, SampleChoice.All).Select(a => (a.Query, State: (int)a.State + 1, a.Figures.Ac, a.Figures.An)).ToArray();
        });
        await new V1.Variants.VariantsClient(first).SeenAsync(Asking(expected[0].Query));
        var clients = Enumerable.Range(0, Connections).Select(_ => new V1.Variants.VariantsClient(served.Again(first))).ToArray();
        var (right, refused, wrong) = (0, 0, 0);
        var (before, most) = (GC.GetTotalMemory(forceFullCollection: true), 0L);
        using var looking = new Timer(_ => most = Math.Max(most, GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes), null, 0, 20);
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
                    Interlocked.Increment(ref (want.State == (int)answer.State && want.Ac == (answer.Figures?.Ac ?? 0) && want.An == (answer.Figures?.An ?? 0) ? ref right : ref wrong));
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
                // There is room again when another has been answered.
                await answers.NextAsync();
            }
        })));
        await looking.DisposeAsync();
        output.WriteLine($"{right} right, {refused} refused; the heap had {before} bytes before and {most} at most");
        Assert.True(most - before < MostBytes, $"the heap grew from {before} to {most} bytes");
        Assert.Equal(0, wrong);
        Assert.True(right >= 5000, $"{right} right, {refused} refused");
        Assert.True(refused > 0, "there was room for all: the test is too small");
        // It goes on as if nothing had been, and the log has every call.
        Assert.Equal(expected[1].Query, (await new V1.Variants.VariantsClient(first).SeenAsync(Asking(expected[1].Query))).Answers[0].Query);
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        Assert.True(audit.Reader().Entries().LongCount(e => e.Entry.Outcome == "done") >= right);
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

    private static V1.SeenRequest Asking(string query) => new() { Asking = ServedStore.Treatment, Queries = { query } };

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
