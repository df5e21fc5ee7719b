using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Xunit;
using static Warehouse.Units.Clinic.AlertWorld;

namespace Warehouse.Units.Clinic;

/// <summary>Who waits for messages when a way refuses some, is slow or is down, and which messages are the same one.</summary>
public sealed class AlertDeliveryTests
{
    [Fact]
    public void What_is_refused_for_one_recipient_holds_up_nobody_and_is_tried_for_him_ever_more_slowly()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        var (tried, way) = (0, new KeptWay());
        way.Before = m =>
        {
            if (m.Recipient != Ann) return;
            tried++;
            throw new MessageRefusedException("550");
        };
        for (var minute = 0; minute < 600; minute += 10)
        {
            // Others are taken all the time, which says nothing of her.
            if (minute == 300) world.Accept("2026-03-01", Entry(1, "Pathogenic"), Entry(2, "Uncertain_significance"));
            var report = world.Run(way);
            Assert.DoesNotContain(report.Alarms, a => a.Kind == AlertAlarmKind.WayFails);
            var alarm = Assert.Single(report.Alarms, a => a.Kind == AlertAlarmKind.RecipientRefused);
            Assert.Matches("^kept takes no messages for 1 of [23] recipients: in the order of their ids 1$", alarm.Text);
            Assert.Contains(alarm, AlertStatus.Of(world.Book()).Alarms);
            world.Clock.Now = world.Clock.Now.AddMinutes(10);
        }
        Assert.InRange(tried, 8, 16);
        Assert.Equal(2, way.Sent.Where(m => m.Recipient == Ben).Select(m => m.Id).Distinct().Count());
        way.Before = null;
        world.Clock.Now = world.Clock.Now.AddHours(1);
        Assert.DoesNotContain(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.RecipientRefused);
        Assert.Single(way.Sent, m => m.Recipient == Ann);
        Assert.DoesNotContain(AlertStatus.Of(world.Book()).Alarms, a => a.Kind == AlertAlarmKind.RecipientRefused);
    }

    /// <summary>Whatever a way throws over an address is about that address.</summary>
    [Fact]
    public void A_mistake_of_a_way_over_one_recipient_is_his_and_a_way_that_is_down_is_not_tried_for_the_next()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        var way = new KeptWay { Before = m => _ = m.Recipient == Ann ? throw new FormatException("no address") : 0 };
        Assert.Contains(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.RecipientRefused);
        Assert.Single(way.Sent, m => m.Recipient == Ben);
        using var other = AlertTests.Ready();
        other.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        var down = new KeptWay { IsDown = true };
        Assert.Contains(other.Run(down).Alarms, a => a.Kind == AlertAlarmKind.WayFails);
        Assert.Equal(1, down.Tried);
    }

    [Fact]
    public void A_way_that_is_slow_has_its_time_in_each_run_and_the_next_goes_on_with_who_waits_longest()
    {
        using var world = Frequent(recipients: 40, alerts: 3);
        var way = new KeptWay { Before = _ => world.Clock.Passed += TimeSpan.FromSeconds(2) };
        var other = new KeptWay("other");
        Assert.Equal(8 + 120, world.Run(way, other).Sent); // half of thirty seconds each
        Assert.Equal(8, way.Sent.Select(m => m.Recipient).Distinct().Count());
        for (var run = 2; run <= 5; run++) world.Run(way, other);
        Assert.Equal(40, way.Sent.Select(m => m.Recipient).Distinct().Count()); // nobody has a second before everybody has one
        for (var run = 6; run <= 15; run++) world.Run(way, other);
        Assert.Equal(0, world.Run(way, other).Sent);
        Assert.Equal(120, way.Sent.Select(m => m.Identity).Distinct().Count());
        Assert.Equal(120, way.Sent.Count);
    }

    /// <summary>Recipients for whom a slow way takes nothing must not use up each run before the others.</summary>
    [Fact]
    public void Who_is_refused_slowly_does_not_keep_others_waiting_for_ever()
    {
        using var world = Frequent(recipients: 40, alerts: 1);
        var way = new KeptWay();
        way.Before = m =>
        {
            world.Clock.Passed += TimeSpan.FromSeconds(10);
            if (string.CompareOrdinal(m.Recipient, "cert:20") < 0) throw new MessageRefusedException("451");
        };
        for (var run = 0; run < 30; run++)
        {
            world.Run(way);
            world.Clock.Now = world.Clock.Now.AddMinutes(2);
        }
        Assert.Equal(20, way.Sent.Select(m => m.Recipient).Distinct().Count());
    }

    /// <summary>No answer over one recipient's message looks like a way that is down: it must not be his message that is tried each time.</summary>
    [Fact]
    public void A_way_that_fails_over_one_recipient_alone_does_not_keep_those_behind_him_waiting_for_ever()
    {
        using var world = Frequent(recipients: 5, alerts: 1);
        var way = new KeptWay { Before = m => _ = m.Recipient == "cert:00" ? throw new IOException("no answer") : 0 };
        for (var run = 0; run < 4; run++)
        {
            Assert.Contains(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.WayFails);
            world.Clock.Now = world.Clock.Now.AddHours(1);
        }
        Assert.Equal(["cert:01", "cert:02", "cert:03", "cert:04"], way.Sent.Select(m => m.Recipient));
        way.Before = null;
        world.Run(way);
        Assert.Contains(way.Sent, m => m.Recipient == "cert:00");
    }

    [Fact]
    public void Different_messages_have_different_identities_and_the_same_one_keeps_its_own()
    {
        using var world = AlertTests.Ready();
        world.Grant(Cid, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var (way, identities) = (new KeptWay(), new List<string>());
        // It goes out, and the run is stopped before it can say so.
        way.Before = m =>
        {
            if (m.Recipient != Ann) return;
            identities.Add(m.Identity);
            if (identities.Count == 1) throw new IOException("no answer");
        };
        world.Run(way);
        world.Clock.Now = world.Clock.Now.AddHours(9);
        world.Run(way); // to the deputies meanwhile
        world.Run(way);
        Assert.Equal(2, identities.Count);
        Assert.Equal(identities[0], identities[1]);
        var sent = way.Sent.Where(m => !m.IsSelfTest).ToList();
        world.Clock.Now = world.Clock.Now.AddHours(5);
        world.Run(way);
        sent = [.. way.Sent.Where(m => !m.IsSelfTest)];
        Assert.Equal([Ann, Cid], sent.Select(m => m.Recipient).Order(StringComparer.Ordinal));
        Assert.Single(sent.Select(m => m.Id).Distinct());
        Assert.Equal(2, sent.Select(m => m.Identity).Distinct().Count());
    }

    [Fact]
    public void An_alert_that_is_raised_again_is_another_message_and_about_the_sample_that_there_is_now()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var (way, folder) = (new KeptWay(), new FhirFolderWay(world.Machine.Disks[2], asTask: false));
        world.Run(way, folder);
        var before = Files(world);
        world.Store.Withdraw(["S1"]);
        Assert.Equal(1, world.Run(way, folder).Suppressed);
        world.Load("sample\tperson\nS5\tP1\n", ("S5", "100"));
        world.Grant(Ann, "S5");
        Assert.Equal(1, world.Run(way, folder).Raised);
        var sent = way.Sent.Where(m => m.Recipient == Ann).ToList();
        Assert.Equal((2, 1, 2), (sent.Count, sent.Select(m => m.Id).Distinct().Count(), sent.Select(m => m.Identity).Distinct().Count()));
        Assert.Equal(before + 1, Files(world));
        using var ann = world.Desk(Ann);
        var alert = Assert.Single(ann.Inbox());
        Assert.Equal(["S5"], ann.SamplesOf(alert));

        static int Files(AlertWorld world) => world.Machine.Disks[2].AllFiles().Count;
    }

    [Fact]
    public void Tasks_and_communications_in_one_folder_are_both_written()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run(new FhirFolderWay(world.Machine.Disks[2], asTask: false), new FhirFolderWay(world.Machine.Disks[2], asTask: true));
        var files = world.Machine.Disks[2].AllFiles();
        Assert.Equal(files.Count(f => f.Contains("fhir-task", StringComparison.Ordinal)), files.Count(f => f.Contains("fhir-communication", StringComparison.Ordinal)));
        Assert.True(files.Count >= 2);
    }

    /// <summary>Alerts that are about no person, of which many hear.</summary>
    private static AlertWorld Frequent(int recipients, int alerts)
    {
        var world = new AlertWorld();
        world.Load("sample\tperson\nS1\tP1\n", ("S1", "1"));
        world.Append(new WatchSet(new Watch { Name = "w", Hears = [.. Enumerable.Range(0, recipients).Select(i => $"cert:{i:d2}")] }));
        world.Append(new SettingsSet(new AlertSettings { Directors = ["cert:00"] }));
        world.Run();
        world.Append(new AlertsRaised([.. Enumerable.Range(1, alerts).Select(site => new AlertDraft { Trigger = WatchTriggers.Frequency, Person = "", Allele = $"1-{100 * site}-A-G", Change = "frequency 0.25", Grade = Grade.Major, Watches = ["w"] })]));
        return world;
    }
}
