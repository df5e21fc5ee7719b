using Warehouse.Engine.Events;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Units.Events;

/// <summary>The event log without faults: numbers, order, conflicts, merging.</summary>
public sealed class EventLogTests
{
    [Fact]
    public void A_log_that_nobody_wrote_is_empty_and_makes_nothing()
    {
        var sim = SimEvents.With(0);
        var before = sim.Machine.Changes;
        using var log = sim.Open();
        Assert.Equal(0, log.Refresh());
        Assert.Empty(log.Read());
        log.Compact();
        Assert.Equal(before, sim.Machine.Changes);
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void What_is_appended_is_read_by_others_from_any_number_on()
    {
        var sim = SimEvents.With(10);
        using var log = sim.Open();
        var all = log.Read().ToList();
        Assert.Equal(SimEvents.CheckWhole(log), all.Count);
        for (var from = 1; from <= all.Count; from++) Assert.Equal(all.Skip(from - 1).Select(e => e.Number), log.Read(from).Select(e => e.Number));
        Assert.Empty(log.Read(all.Count + 1));
        Assert.Equal(("local:somebody", "test/number", 1), (all[3].Actor, all[3].Kind, all[3].Schema));
        Assert.Empty(sim.Verify());
        Assert.DoesNotContain(sim.Files(), f => f.Any(char.IsAsciiLetter) && !f.StartsWith("e/0", StringComparison.Ordinal));
    }

    [Fact]
    public void A_batch_that_expects_another_head_changes_nothing_and_says_what_is_there()
    {
        var sim = SimEvents.With(3);
        using var log = sim.Open();
        using var other = sim.Open();
        var head = log.Refresh();
        other.Append(SimEvents.Batch(head + 1, 2, head));
        var conflict = Assert.Throws<EventConflictException>(() => log.Append(SimEvents.Batch(head + 1, 1, head)));
        Assert.Equal((head, head + 2), (conflict.Expected, conflict.Found));
        Assert.Equal(head + 3, log.Append(SimEvents.Batch(head + 3, 1, head + 2)));
        Assert.Equal(head + 4, other.Append(SimEvents.Batch(head + 4, 1)));
        Assert.Equal(head + 4, SimEvents.CheckWhole(log));
    }

    [Fact]
    public void As_of_a_version_are_the_events_that_follow_it_or_an_older_one()
    {
        var sim = SimEvents.With(20);
        using var log = sim.Open();
        var all = log.Read().ToList();
        for (var version = 0L; version < 8; version++) Assert.Equal(all.Where(e => e.ManifestVersion <= version).Select(e => e.Number), log.Read(asOf: version).Select(e => e.Number));
        // Who had looked at an older version writes behind what is there.
        log.Append(SimEvents.Batch(all.Count + 1, 1) with { ManifestVersion = 1 });
        Assert.Equal(all[^1].ManifestVersion, log.Read(all.Count + 1).Single().ManifestVersion);
    }

    [Fact]
    public void A_clock_that_is_set_back_changes_no_order()
    {
        var sim = SimEvents.With(2);
        using var log = sim.Open(new StoppedClock(new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        SimEvents.AppendNext(log, 2);
        var times = log.Read().Select(e => e.TimeUtc).ToList();
        Assert.Equal(times.Order(), times);
        Assert.Equal(2026, times[^1].Year);
    }

    [Fact]
    public void Small_files_are_merged_by_and_by_and_no_event_changes()
    {
        var sim = SimEvents.With(0);
        using var log = sim.Open();
        for (var i = 0; i < 700; i++)
        {
            SimEvents.AppendNext(log, 1);
            Assert.InRange(sim.Files().Count, 1, EventFiles.MergeAt + 8);
        }
        Assert.Equal(700, SimEvents.CheckWhole(log));
        using var other = sim.Open();
        Assert.Equal(700, SimEvents.CheckWhole(other));
        log.Compact();
        Assert.Single(sim.Files());
        Assert.Equal(701, SimEvents.AppendNext(other, 1)); // though it has not seen that its files are gone
        Assert.Equal(701, SimEvents.CheckWhole(other));
        Assert.Equal(701, SimEvents.CheckWhole(log));
        Assert.Empty(sim.Verify());
    }

    [Fact]
    public void Random_work_of_three_processes_is_what_a_list_says()
    {
        var seed = Environment.TickCount;
        var chance = new Random(seed);
        var sim = SimEvents.With(0);
        EventLog[] logs = [sim.Open(), sim.Open(), sim.Open()];
        var (model, known) = (new List<string>(), new long[3]);
        for (var step = 0; step < 2000; step++)
        {
            var who = chance.Next(3);
            switch (chance.Next(20))
            {
                case 0:
                    logs[who].Compact();
                    break;
                case < 6:
                    var from = chance.Next(model.Count + 1) + 1;
                    Assert.True(model.Skip(from - 1).SequenceEqual(logs[who].Read(from).Select(e => Convert.ToHexString(e.Payload.Span))), $"seed {seed}, step {step}");
                    break;
                case < 10:
                    known[who] = logs[who].Refresh();
                    Assert.True(model.Count == known[who], $"seed {seed}, step {step}");
                    break;
                default:
                    var events = Enumerable.Range(0, chance.Next(1, 4)).Select(_ => new NewEvent("test", 1, BitConverter.GetBytes(chance.NextInt64()))).ToList();
                    var isExpecting = chance.Next(2) == 0;
                    try
                    {
                        known[who] = logs[who].Append(new EventBatch { Actor = "a", ManifestVersion = 1, Events = events, ExpectedHead = isExpecting ? known[who] : null });
                        model.AddRange(events.Select(e => Convert.ToHexString(e.Payload.Span)));
                    }
                    catch (EventConflictException e)
                    {
                        Assert.True(isExpecting && known[who] != model.Count && e.Found == model.Count, $"seed {seed}, step {step}");
                    }
                    break;
            }
        }
        Assert.True(sim.Verify().Count == 0, $"seed {seed}");
        foreach (var log in logs) log.Dispose();
    }

    [Fact]
    public void Four_threads_with_a_log_each_append_all_that_they_say()
    {
        var sim = SimEvents.With(0);
        Parallel.For(0, 4, _ =>
        {
            using var log = sim.Open();
            for (var done = 0; done < 40;)
            {
                var head = log.Refresh();
                try
                {
                    log.Append(SimEvents.Batch(head + 1, 1, head));
                    done++;
                }
                catch (EventConflictException)
                {
                    // Another thread was first.
                }
            }
        });
        using var read = sim.Open();
        Assert.Equal(160, SimEvents.CheckWhole(read));
    }

    [Fact]
    public void What_no_log_holds_is_refused_before_anything_is_written()
    {
        var sim = SimEvents.With(1);
        using var log = sim.Open();
        var before = sim.Machine.Changes;
        var fit = SimEvents.Batch(2, 1);
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { Events = [] }));
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { Actor = "" }));
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { Actor = new string('a', 513) }));
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { ManifestVersion = 0 }));
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { Events = [new NewEvent("Patient 1", 1, default)] }));
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { Events = [new NewEvent("a", 0, default)] }));
        Assert.ThrowsAny<ArgumentException>(() => log.Append(fit with { Events = [new NewEvent("a", 1, new byte[EventLog.MaxPayloadBytes + 1])] }));
        Assert.Equal(before, sim.Machine.Changes);
    }

    [Fact]
    public void A_lock_that_is_held_for_ever_is_an_error_not_a_hang()
    {
        var sim = SimEvents.With(1);
        using var held = sim.Store.Lock("e/lock", exclusive: true);
        using var log = sim.Open();
        log.LockAttempts = 3;
        Assert.Throws<StoreBusyException>(() => log.Append(SimEvents.Batch(2, 1)));
    }

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
