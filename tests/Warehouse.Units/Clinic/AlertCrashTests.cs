using System.Text;
using System.Text.Json;
using Warehouse.Clinic.Alerts;
using Warehouse.Simulation;
using static Warehouse.Units.Clinic.AlertWorld;

namespace Warehouse.Units.Clinic;

/// <summary>
/// Stops at every operation of the disks while a release is taken, alerts are derived, routed, delivered, shown and acknowledged (F80, I10). After each the work begins anew
/// on what the disks have; at the end everything must be as if nothing had happened: no alert lost, none twice, none acknowledged that was not shown.
/// </summary>
internal static class AlertCrashes
{
    private const string First = "P1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic";

    /// <summary>Runs.</summary>
    /// <param name="seed">Decides what a power cut leaves, and which operation is the first.</param>
    /// <param name="every">One operation of so many is stopped at.</param>
    public static (int Runs, List<string> Failures) Run(int seed, int every)
    {
        var (chance, failures, runs) = (new Random(seed), new List<string>(), 0);
        using var prepared = Prepare();
        prepared.Reopen();
        long operations;
        List<string> expected;
        using (var whole = new AlertWorld(prepared, prepared.Machine.Copy()))
        {
            var begin = whole.Machine.Operations;
            Work(whole, new Journal());
            operations = whole.Machine.Operations - begin;
            expected = whole.Open();
        }
        for (var at = chance.Next(every); at < operations && failures.Count < 5; at += every, runs++)
        {
            var kind = runs % 3;
            try
            {
                using var world = new AlertWorld(prepared, prepared.Machine.Copy());
                var journal = new Journal();
                Stop(world, journal, (at, kind), chance);
                Work(world, journal);
                world.Clock.Now = world.Clock.Now.AddHours(1); // a way that failed is tried again later
                world.Run(new FhirFolderWay(world.Machine.Disks[2], asTask: false));
                if (Quarrel(world, journal, expected) is { } quarrel) failures.Add($"seed {seed}, operation {at} of {operations}, kind {kind}: {quarrel}");
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failures.Add($"seed {seed}, operation {at} of {operations}, kind {kind}: {e}");
            }
        }
        return (runs, failures);
    }

    /// <summary>What somebody outside knows: which alerts he was shown, and which acknowledgements came back.</summary>
    private sealed class Journal
    {
        public HashSet<string> Shown { get; } = [];

        public HashSet<string> Acknowledged { get; } = [];
    }

    private static AlertWorld Prepare()
    {
        var world = new AlertWorld();
        world.Load("sample\tperson\nS1\tP1\nS2\tP2\nS3\tP3\n", ("S1", "110"), ("S2", "010"), ("S3", "001"));
        world.Grant(Ann, "S1");
        world.Grant(Ben, "S2", "S3");
        world.Append(new SettingsSet(new AlertSettings { Directors = [Director] }), new CareSet([new CareRow("P1", Ann, [Ben]), new CareRow("P2", Ben, []), new CareRow("P3", Ben, [])]), new WatchSet(new Watch { Name = "all" }));
        world.Accept("2026-01-01", Entry(1, "Uncertain_significance"), Entry(2, "Benign"), Entry(3, "Benign"));
        world.Run();
        world.Shelve("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Uncertain_significance"), Entry(3, "Benign"));
        world.Shelve("2026-03-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"), Entry(3, "Likely_pathogenic"));
        return world;
    }

    /// <summary>All the work; what is done already is passed over, as by people who go on after a stop.</summary>
    private static void Work(AlertWorld world, Journal journal)
    {
        var way = new FhirFolderWay(world.Machine.Disks[2], asTask: false);
        Take(world, "2026-02-01");
        world.Run(way);
        using (var ann = world.Desk(Ann))
        {
            foreach (var alert in ann.Inbox()) journal.Shown.Add(alert.Id);
            var first = world.Book().Alerts.Single(a => $"{a.Draft.Person} {a.Draft.Allele} {a.Draft.Change}" == First);
            if (first.State == AlertState.Open)
            {
                ann.Acknowledge(first.Id, "recontacted");
                journal.Acknowledged.Add(first.Id);
            }
        }
        Take(world, "2026-03-01");
        world.Run(way);
    }

    private static void Take(AlertWorld world, string release)
    {
        var book = world.Book();
        ReleaseIntake.Accept(world.Sources, book, Owner, (release, ReleaseIntake.Look(world.Sources, book, release)), new AcceptOptions());
    }

    private static void Stop(AlertWorld world, Journal journal, (long At, int Kind) how, Random chance)
    {
        world.Machine.Plan(world.Machine.Operations + how.At, how.Kind == 2 ? SimFault.Error : SimFault.Crash, seed: chance.Next(1, int.MaxValue));
        try
        {
            Work(world, journal);
        }
        catch (Exception e) when (e is SimCrashException or IOException)
        {
            // It stopped here.
        }
        world.Reopen();
        if (how.Kind == 1) world.Machine.PowerCycle(chance.Next());
        else world.Machine.Restart();
    }

    private static string? Quarrel(AlertWorld world, Journal journal, List<string> expected)
    {
        var (book, open) = (world.Book(), world.Open());
        if (!open.SequenceEqual(expected)) return $"open are [{string.Join("; ", open)}], expected [{string.Join("; ", expected)}]";
        if (book.Alerts.GroupBy(a => a.Draft.Key).FirstOrDefault(g => g.Count() > 1) is { } twice) return $"twice: {twice.Key}";
        var texts = world.Machine.Disks[2].AllFiles().Where(f => f.EndsWith(".json", StringComparison.Ordinal)).Select(f => Encoding.UTF8.GetString(world.Machine.Disks[2].Peek(f))).ToList();
        foreach (var alert in book.Alerts.Where(a => !a.Draft.IsSelfTest))
        {
            if (alert.State == AlertState.Acknowledged && !journal.Shown.Contains(alert.Id)) return "acknowledged and never shown";
            if (alert.State != AlertState.Acknowledged && journal.Acknowledged.Contains(alert.Id)) return "an acknowledgement was lost";
            if (alert.Recipients.Count == 0) return "nobody hears";
            foreach (var recipient in alert.Recipients)
                if (!alert.Shown.ContainsKey(recipient) && !texts.Any(t => t.Contains(alert.Id, StringComparison.Ordinal) && t.Contains(JsonEncodedText.Encode(recipient).Value, StringComparison.Ordinal))) return $"no message went to {recipient}";
        }
        return null;
    }
}

/// <summary>Some of the operations in the units; the soak takes every one.</summary>
public sealed class AlertCrashTests
{
    [Xunit.Fact]
    public void A_stop_at_any_operation_loses_no_alert_raises_none_twice_and_acknowledges_none_that_was_not_shown()
    {
        const int Seed = 1129;
        var (runs, failures) = AlertCrashes.Run(Seed, every: 23);
        Xunit.Assert.True(failures.Count == 0, string.Join('\n', failures));
        Xunit.Assert.True(runs > 10, "too few operations");
    }
}
