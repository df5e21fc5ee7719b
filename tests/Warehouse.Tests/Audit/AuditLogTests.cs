using System.Collections.Concurrent;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>I5: what an append acknowledged is there, in order, after any stop; what fails is not acknowledged.</summary>
public sealed class AuditLogTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(700)]
    public void What_is_appended_is_read_verified_and_proved(int count)
    {
        using var sim = SimLog.With(count, batch: 100);
        Assert.Equal(Enumerable.Range(0, count).Select(i => $"call {i}"), sim.Calls());
        Assert.Empty(sim.Verify());
        for (var i = 0; i < count; i += 37) Assert.Equal(count, sim.Read().ProveEntry(i).Size);
        Assert.Throws<InputException>(() => sim.Read().ProveEntry(count));
        Assert.Equal(count == 0, sim.Read().LatestCheckpoint() is null);
    }

    [Fact]
    public void Another_process_goes_on_where_the_last_one_ended()
    {
        using var sim = new SimLog();
        using var first = sim.Open();
        using var second = sim.Open();
        for (var i = 0; i < 600; i += 2)
        {
            first.Append([SimLog.Entry(i)]);
            second.Append([SimLog.Entry(i + 1)]);
        }
        Assert.Equal(Enumerable.Range(0, 600).Select(i => $"call {i}"), sim.Calls());
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public async Task Many_appends_at_once_share_their_syncs()
    {
        using var sim = SimLog.With(1);
        using var log = sim.Open();
        var before = sim.Machine.CountOf("fsync");
        var indices = await Task.WhenAll(Enumerable.Range(1, 1000).Select(i => log.AppendAsync([SimLog.Entry(i)])));
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => (long)i), indices.Order());
        Assert.Empty(sim.Verify());
        Assert.Equal(1001, sim.Calls().Distinct().Count());
        Assert.InRange(sim.Machine.CountOf("fsync") - before, 8, 1500);
    }

    [Fact]
    public async Task What_waits_when_the_log_is_closed_is_durable_and_told()
    {
        using var sim = SimLog.With(1);
        Task<long>[] appends;
        using (var log = sim.Open()) appends = [.. Enumerable.Range(1, 300).Select(i => log.AppendAsync([SimLog.Entry(i)]))];
        sim.Machine.PowerCycle();
        Assert.Equal(Enumerable.Range(1, 300).Select(i => (long)i), (await Task.WhenAll(appends)).Order());
        Assert.Equal(301, sim.Calls().Distinct().Count());
    }

    /// <summary>Whoever blocks and finds nobody writing writes what waits; those who come meanwhile, for as long as they come, another one writes.</summary>
    [Fact]
    public async Task Who_blocks_is_the_writer_of_others_no_longer_than_until_his_own_entry_is_durable()
    {
        using var sim = SimLog.With(1);
        var clock = new BusyClock();
        using var log = new AuditLog(sim.Disk, sim.Keys, clock);
        var (others, more) = (new ConcurrentQueue<Task<long>>(), new Changes());
        clock.AtCommit = () =>
        {
            others.Enqueue(log.AppendAsync([SimLog.Entry(2 + others.Count)]));
            more.Tell();
        };
        var own = Task.Factory.StartNew(() => log.Append([SimLog.Entry(1)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            Assert.Equal(1, await own.WaitAsync(TimeSpan.FromSeconds(30)));
            // They go on, and whoever blocks meanwhile waits for two batches at the most.
            var seen = others.Count;
            await more.UntilAsync(() => others.Count >= seen + 10);
            await Task.Factory.StartNew(() => log.Append([SimLog.Entry(-1)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            clock.AtCommit = null;
        }
        Assert.Equal(others.Count, (await Task.WhenAll(others)).Distinct().Count());
        Assert.Equal(others.Count + 3, sim.Calls().Distinct().Count());
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public async Task Who_blocks_when_the_log_is_closed_writes_for_all_who_wait_since_nobody_else_would()
    {
        using var sim = SimLog.With(1);
        var clock = new BusyClock();
        var log = new AuditLog(sim.Disk, sim.Keys, clock);
        await log.AppendAsync([SimLog.Entry(1)]); // there is a writer, which ends
        log.Dispose();
        var others = new List<Task<long>>();
        clock.AtCommit = () =>
        {
            if (others.Count < 10) others.Add(log.AppendAsync([SimLog.Entry(3 + others.Count)]));
        };
        Assert.Equal(2, log.Append([SimLog.Entry(2)]));
        Assert.Equal(Enumerable.Range(3, 10).Select(i => (long)i), await Task.WhenAll(others).WaitAsync(TimeSpan.FromSeconds(30)));
        log.Dispose();
        Assert.Equal(13, sim.Calls().Distinct().Count());
    }

    /// <summary>Those who wait are told in lots, and what follows runs where they are told: that must not be where the log is written.</summary>
    [Fact]
    public async Task Who_was_told_and_goes_on_for_long_holds_up_no_later_append()
    {
        using var sim = SimLog.With(1);
        using var log = sim.Open();
        using var mayEnd = new ManualResetEventSlim();
        var isTold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var held = HoldAsync();
        await isTold.Task;
        for (var i = 2; i < 10; i++) Assert.Equal(i, i % 2 == 0 ? await log.AppendAsync([SimLog.Entry(i)]) : log.Append([SimLog.Entry(i)]));
        mayEnd.Set();
        Assert.Equal(1, await held);

        async Task<long> HoldAsync()
        {
            var index = await log.AppendAsync([SimLog.Entry(1)]).ConfigureAwait(false);
            isTold.SetResult();
            mayEnd.Wait();
            return index;
        }
    }

    [Theory]
    [InlineData(SimFault.Crash)]
    [InlineData(SimFault.Error)]
    public void Whatever_stops_at_any_operation_what_was_acknowledged_is_there(SimFault fault)
    {
        // The first append makes the log; the last ones begin a bundle and write the tiles of the one before.
        foreach (var start in (ReadOnlySpan<int>)[0, 3, 254])
        {
            for (var at = 0L; ; at++)
            {
                Assert.InRange(at, 0, 400);
                using var sim = SimLog.With(start, batch: 50);
                var before = sim.Machine.Changes;
                sim.Machine.PlanChange(before + at, fault, seed: (int)at + 1);
                var acknowledged = start + Attempt(sim, start, 4);
                var isUnharmed = sim.Machine.Changes - before <= at;
                if (!isUnharmed) CheckAfter(sim, acknowledged, $"{fault} at change {at} after {start} entries");
                if (isUnharmed) break;
            }
        }
    }

    [Fact]
    public void A_failed_sync_ends_appending_until_the_next_start()
    {
        using var sim = SimLog.With(3);
        using var log = sim.Open();
        log.Append([SimLog.Entry(3)]);
        sim.Machine.PlanChange(sim.Machine.Changes + 1, SimFault.Error);
        Assert.Throws<DurableException>(() => log.Append([SimLog.Entry(4)]));
        Assert.True(sim.Machine.IsPoisoned);
        Assert.Throws<StorePoisonedException>(() => log.Append([SimLog.Entry(5)]));
        using var other = sim.Open();
        Assert.Throws<StorePoisonedException>(() => other.Append([SimLog.Entry(5)]));
        Assert.Throws<AuditRefusedException>(() => new AuditCall(other, sim.Keys, SimLog.Entry(0), "q", sim.Machine.Clock).Begin());
    }

    [Fact]
    public void A_full_disk_refuses_and_with_room_the_log_goes_on()
    {
        using var sim = SimLog.With(3);
        using var log = sim.Open();
        sim.Machine.PlanChange(sim.Machine.Changes, SimFault.Error, DurableException.NoSpace);
        Assert.Throws<DurableException>(() => log.Append([SimLog.Entry(9)]));
        log.Append([SimLog.Entry(3)]);
        Assert.Equal(["call 0", "call 1", "call 2", "call 3"], sim.Calls());
        Assert.Contains(sim.Read().Entries(), e => e.Entry.Kind == AuditKind.Recovered);
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void Tiles_that_are_gone_are_made_again()
    {
        using var sim = SimLog.With(600, batch: 100);
        foreach (var tile in sim.Disk.AllFiles().Where(f => f.StartsWith("tiles/", StringComparison.Ordinal))) sim.Disk.Poke(tile, null);
        Assert.Equal(600, sim.Read().ProveEntry(5).Size);
        using (var log = sim.Open()) log.Append([SimLog.Entry(600)]);
        Assert.Empty(sim.Verify());
        Assert.Equal(601, sim.Read().ProveEntry(600).Size);
    }

    [Fact]
    public void A_clock_that_goes_back_changes_no_order()
    {
        using var sim = SimLog.With(300, batch: 1);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => (long)i), sim.Read().Entries().Select(e => e.Entry.Sequence));
    }

    /// <summary>F77: whatever stands in a field, an entry is one line of ASCII and gives back what was put in.</summary>
    [Theory]
    [InlineData("a\r\nb")]
    [InlineData("\",\"outcome\":\"done\"}")]
    [InlineData("\u001b[31m\u0000\u007f")]
    [InlineData("\u202eabc\u2066")]
    [InlineData("\u2028\u0085\ud83d\ude00")]
    [InlineData("\\u0041\\")]
    public void A_hostile_text_stays_in_its_field(string text)
    {
        var entry = SimLog.Entry(7) with { Sequence = 9, Who = text, Role = text, Verb = text, Purpose = text, Policy = text, Outcome = text, Note = text, Subjects = [text, "b"], Rows = -1, Snapshot = 3 };
        var line = entry.ToBytes();
        Assert.DoesNotContain(line, b => b is < 0x20 or > 0x7e);
        Assert.True(AuditEntry.TryParse(line, out var read));
        Assert.Equal((text, text, text, text, text, 9), (read.Who, read.Verb, read.Note, read.Outcome, read.Subjects[0], read.Sequence));
        Assert.False(AuditEntry.TryParse([.. line, (byte)' '], out _));
        Assert.False(AuditEntry.TryParse(Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(line).Replace("\"v\":1", "\"v\":2", StringComparison.Ordinal)), out _));
        Assert.False(AuditEntry.TryParse(Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(line).Replace("\"v\":1", "\"v\":1,\"x\":1", StringComparison.Ordinal)), out _));
    }

    /// <summary>Lines that were written are hashed as they are: how an entry is written must not change by a byte.</summary>
    [Fact]
    public void A_line_is_what_the_plain_writer_makes_of_its_entry()
    {
        const int Seed = 20261129;
        var random = new Random(Seed);
        for (var i = 0; i < 20_000; i++)
        {
            var entry = new AuditEntry
            {
                Kind = (AuditKind)random.Next(Enum.GetValues<AuditKind>().Length), Call = Text()!, Who = Text()!, Role = Text()!, Verb = Text()!, Purpose = Text()!, Sequence = random.NextInt64() >> random.Next(63),
                Utc = Time(), FirstUtc = random.Next(3) == 0 ? Time() : null, LastUtc = random.Next(3) == 0 ? Time() : null, Calls = Number(), Snapshot = Number(), Policy = Text(true), Scope = Text(true), Cohort = Text(true), Query = Text(true),
                Outcome = Text(true), Rows = Number(), DurationMs = Number(), Result = Text(true), Note = Text(true), Subjects = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Text()!)],
            };
            Assert.True(Encoding.ASCII.GetBytes(PlainLine.Of(entry)).AsSpan().SequenceEqual(entry.ToBytes()), $"seed {Seed}, {PlainLine.Of(entry)}");
            Assert.True(AuditEntry.TryParse(entry.ToBytes(), out _), $"seed {Seed}, {PlainLine.Of(entry)}");
        }

        DateTimeOffset Time() => new(random.NextInt64(DateTime.MaxValue.Ticks), TimeSpan.Zero);

        long? Number() => random.Next(3) == 0 ? null : (random.NextInt64() >> random.Next(63)) * (random.Next(2) == 0 ? 1 : -1);

        string? Text(bool mayLack = false)
        {
            if (mayLack && random.Next(3) == 0) return null;
            var text = new StringBuilder();
            for (var length = random.Next(8) == 0 ? random.Next(250, 300) : random.Next(40); length > 0; length--)
                text.Append(random.Next(6) switch { 0 => (char)random.Next(0x80), 1 => (char)random.Next(0xD800, 0xE000), 2 => (char)random.Next(0x10000), _ => (char)random.Next(' ', 0x7F) });
            return text.ToString();
        }
    }

    [Fact]
    public void No_byte_passes_before_the_entry_that_names_the_sample_is_durable()
    {
        using var sim = SimLog.With(0);
        using var log = sim.Open();
        using var call = new AuditCall(log, sim.Keys, SimLog.Entry(0), "question", sim.Machine.Clock);
        var target = new MemoryStream();
        using var stream = new AuditedStream(target, call);
        foreach (var sample in Enumerable.Range(0, 2000)) call.Shows($"sample {sample}");
        Assert.Equal(0, sim.Machine.Changes);
        stream.Write("abc"u8);
        sim.Machine.PowerCycle();
        Assert.Equal(3, target.Length);
        Assert.Equal([1500, 500], sim.Read().Entries().Select(e => e.Entry.Subjects.Count));
        Assert.Contains(sim.Keys.Hide("sample", "sample 1999"), sim.Read().Entries(1).Single().Entry.Subjects);
        Assert.DoesNotContain("sample 1", Encoding.ASCII.GetString(sim.Disk.Peek("entries/000000000000")), StringComparison.Ordinal);
    }

    private static int Attempt(SimLog sim, int from, int count)
    {
        try
        {
            using var log = sim.Open();
            for (var i = 0; i < count; i++)
            {
                try
                {
                    log.Append([SimLog.Entry(from + i)]);
                }
                catch (Exception e) when (e is IOException or SimCrashException)
                {
                    return i;
                }
            }
        }
        catch (SimCrashException)
        {
            return 0;
        }
        return count;
    }

    /// <summary>The process is gone; the next one appends at once, or after a power cut; and then the power goes once more.</summary>
    private static void CheckAfter(SimLog sim, int acknowledged, string what)
    {
        foreach (var seed in (ReadOnlySpan<int?>)[-1, null, 1, 2, 3])
        {
            using var after = new SimLog(sim.Machine.Copy());
            if (seed == -1) after.Machine.Restart();
            else after.Machine.PowerCycle(seed);
            using (var log = after.Open()) log.Append([SimLog.Entry(9999)]);
            after.Machine.PowerCycle(seed == -1 ? null : seed);
            var calls = after.Calls();
            Assert.True(Enumerable.Range(0, acknowledged).Select(i => $"call {i}").SequenceEqual(calls.Take(acknowledged)), $"{what}, seed {seed}: {acknowledged} acknowledged, there: {string.Join(',', calls)}");
            Assert.Equal("call 9999", calls[^1]);
            Assert.InRange(calls.Count, acknowledged + 1, acknowledged + 2);
            Assert.True(after.Verify().Count == 0, $"{what}, seed {seed}: {string.Join(';', after.Verify())}");
        }
    }

    /// <summary>A clock that the log looks at once in each batch: at that moment something else is appended.</summary>
    private sealed class BusyClock : TimeProvider
    {
        private readonly Lock _gate = new();
        private Action? _atCommit;

        /// <summary>Once it is another one, nothing of the one before runs any more.</summary>
        public Action? AtCommit
        {
            get => _atCommit;
            set
            {
                lock (_gate) _atCommit = value;
            }
        }

        public override DateTimeOffset GetUtcNow()
        {
            lock (_gate) _atCommit?.Invoke();
            return base.GetUtcNow();
        }
    }
}
