using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Simulation.Faults;
using Xunit;

namespace Warehouse.Tests.Storage;

/// <summary>F19: clocks that jump, stand still or go back. Order is by version; no time of the store is before that of the version before; nothing is dropped because of a time.</summary>
public sealed class ClockTests
{
    private const int Cases = 50, Changes = 12;

    /// <summary>Loads, withdrawals, cohorts, compactions and collections, the clock jumping before, between and within them, beside the model that knows no time.</summary>
    [Fact]
    public void Whatever_the_clock_does_versions_rise_and_every_snapshot_answers_as_it_did()
    {
        for (var seed = 1; seed <= Cases; seed++)
        {
            var chance = new Random(seed);
            using var temp = new TempFolder();
            var (files, ledger, workload, clock) = (new SampleFiles(temp.Path), new Ledger(), new Workload(chance), new JumpingClock(chance));
            var host = SimHost.Create();
            using var store = VariantStore.Over(StoreFolder.Open(host.Disk, host.Keys, clock));
            for (var i = 0; i < Changes; i++)
            {
                clock.Jump();
                var change = workload.Next(ledger.State);
                ledger.Begin(change);
                ledger.Acknowledge(change.Do(store, host.Disk, host.Keys, files));
                if (ledger.Quarrel(store, isThorough: i % 4 == 3) is { } quarrel) Assert.Fail($"seed {seed}, change {i}, {change}: {quarrel}");
            }
            var snapshots = store.Snapshots();
            Assert.Equal(snapshots.Select(s => s.Version).Order(), snapshots.Select(s => s.Version));
            Assert.Equal(snapshots.Select(s => s.CreatedUtc).Order(), snapshots.Select(s => s.CreatedUtc));
            Assert.True(clock.Jumps > Changes, $"seed {seed}: the clock was asked {clock.Jumps} times");
            host.Machine.PowerCycle();
            using var later = host.Open(); // its clock is in 2026 again
            if (ledger.Quarrel(later, isThorough: true) is { } late) Assert.Fail($"seed {seed}, afterwards: {late}");
        }
    }

    /// <summary>A later load was once shown as the first, when the clock had gone back between the two.</summary>
    [Fact]
    public void First_seen_is_the_first_load_and_never_later_than_last_seen_when_the_clock_goes_back()
    {
        using var temp = new TempFolder();
        var files = new SampleFiles(temp.Path);
        var host = SimHost.Create();
        var clock = new SetClock { Now = new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero) };
        using var store = VariantStore.Over(StoreFolder.Open(host.Disk, host.Keys, clock));
        void Load(string sample) => new Change(ChangeKind.Ingest, SampleFiles.NameOf(0, sample)).Do(store, host.Disk, host.Keys, files);
        (DateTimeOffset? First, DateTimeOffset? Last) Seen()
        {
            using var session = store.OpenSession();
            var answer = session.Seen([SampleFiles.Alleles[0]], SampleChoice.All).Single();
            return (answer.FirstSeen, answer.LastSeen);
        }
        var june = clock.Now;
        Load("s1");
        clock.Now = june.AddYears(-1);
        Load("s2");
        Assert.Equal((june, june), Seen()); // not a year before it was first loaded
        clock.Now = june.AddYears(10);
        Load("s4");
        clock.Now = june.AddDays(1); // set right again
        Load("s5");
        Assert.Equal((june, june.AddYears(10)), Seen()); // what was promised with a time stays behind it
        Assert.Equal(store.Snapshots()[^1].CreatedUtc, Seen().Last);
    }

    private sealed class SetClock : TimeProvider
    {
        public required DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }

    /// <summary>Goes on, stands still, jumps by a year back or ten on, repeats a second as a leap second does, or shows another time at each question.</summary>
    private sealed class JumpingClock(Random chance) : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 12, 31, 23, 59, 59, TimeSpan.Zero);
        private readonly Lock _gate = new();
        private DateTimeOffset _now = Start;
        private int _mood;

        public int Jumps { get; private set; }

        public void Jump()
        {
            lock (_gate)
            {
                Jumps++;
                _mood = chance.Next(6);
                _now = Moved(_mood);
            }
        }

        public override DateTimeOffset GetUtcNow()
        {
            lock (_gate)
            {
                Jumps++;
                return _now = _mood == 5 ? Moved(chance.Next(5)) : _mood == 1 ? _now : _now.AddMilliseconds(1);
            }
        }

        private DateTimeOffset Moved(int how) => how switch
        {
            0 => _now.Year > 1990 ? _now.AddYears(-1) : Start,
            2 => _now.Year < 9000 ? _now.AddYears(10) : Start,
            3 => _now.AddSeconds(-1),
            4 => DateTimeOffset.UnixEpoch,
            _ => _now,
        };
    }
}
