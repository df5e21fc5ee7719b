using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine.Access;
using Warehouse.Engine.Events;
using Warehouse.Engine.Variants;
using Xunit;
using static Warehouse.Units.Clinic.AlertWorld;

namespace Warehouse.Units.Clinic;

/// <summary>Rounds that must not stand still: however much is raised at once, however the clock goes, whoever loses access, and when nobody acknowledges.</summary>
public sealed class AlertRoundTests
{
    [Fact]
    public void More_recipients_than_an_event_has_room_for_are_routed_all_the_same()
    {
        using var world = new AlertWorld();
        world.Load("sample\tperson\nS1\tP1\n", ("S1", "1"));
        string[] many = [.. Enumerable.Range(0, 30).Select(i => $"cert:{i:d64}")];
        world.Append(new WatchSet(new Watch { Name = "w", Hears = many }));
        world.Append(new AlertsRaised([.. Enumerable.Range(1, 520).Select(Frequent)]));
        var way = new KeptWay();
        world.Run(way);
        Assert.All(world.Book().Alerts.Where(a => !a.Draft.IsSelfTest), a => Assert.Equal(many, a.Recipients));
        Assert.Equal(many, way.Sent.Where(m => !m.IsSelfTest).Select(m => m.Recipient).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void More_hearers_than_one_event_has_room_for_are_told_as_far_as_it_goes()
    {
        using var world = new AlertWorld();
        world.Load("sample\tperson\nS1\tP1\n", ("S1", "1"));
        world.Append(new WatchSet(new Watch { Name = "v", Hears = [.. Enumerable.Range(0, 9_000).Select(i => $"cert:{i:d64}")] }), new WatchSet(new Watch { Name = "w", Hears = [.. Enumerable.Range(9_000, 9_000).Select(i => $"cert:{i:d64}")] }));
        world.Append(new AlertsRaised([Frequent(1) with { Watches = ["v", "w"] }]));
        world.Run();
        Assert.InRange(world.Book().Alerts.Single(a => !a.Draft.IsSelfTest).Recipients.Count, 5_000, 9_000);
        Assert.Equal(world.Book().Head, RunAgain(world)); // and it stays so
    }

    [Fact]
    public void Long_alleles_are_raised_in_as_many_events_as_they_need_and_one_that_needs_more_than_an_event_is_packed()
    {
        using var world = new AlertWorld();
        var body = string.Concat(Enumerable.Repeat("ACGT", 1_250));
        List<Variant> alleles = [.. Enumerable.Range(1, 250).Select(i => Variant.FromNormalized("1", 10_000 * i, "C" + body + "C", "T"))];
        var longest = Variant.FromNormalized("1", 4_000_000, "C" + string.Concat(Enumerable.Repeat("ACGTTGCA", 110_000)) + "C", "T" + string.Concat(Enumerable.Repeat("TGCATCAA", 40_000)) + "T");
        alleles.Add(longest);
        world.LoadCarrier("S1", alleles);
        world.Grant(Ann);
        world.Append(new CareSet([new CareRow("S1", Ann, [])]), new WatchSet(new Watch { Name = "all" }));
        world.Accept("2026-01-01", Entry(1, "Benign"));
        world.Accept("2026-02-01", [Entry(1, "Benign"), .. alleles.Select(a => Entry(1, "Pathogenic") with { Allele = a })]);
        var way = new KeptWay();
        Assert.Equal(251, world.Run(way).Raised);
        var raised = world.Book().Alerts.Where(a => !a.Draft.IsSelfTest).ToList();
        Assert.All(raised, a => Assert.Equal([Ann], a.Recipients));
        Assert.Contains(raised, a => a.Draft.Allele == longest.ToString());
        Assert.Equal(251, way.Sent.Where(m => m.Recipient == Ann).Sum(m => m.Alerts));
        using var ann = world.Desk(Ann);
        Assert.Equal(251, ann.Inbox().Count);
        Assert.Contains(world.Store.Events.Read(), e => e.Kind == "alerts/raised-packed");
        Assert.DoesNotContain(world.Store.Events.Read(), e => e.Payload.Length > 700_000);
    }

    [Fact]
    public void Packed_alerts_come_back_and_damage_in_them_is_seen()
    {
        var chance = new Random(1129);
        string Bases(int count) => string.Create(count, chance, (text, from) =>
        {
            for (var i = 0; i < text.Length; i++) text[i] = "ACGT"[from.Next(4)];
        });
        // The longest that a VCF may have, REF and ALT.
        Assert.InRange(AlertCodec.Encode(new AlertsRaised([Frequent(1) with { Allele = $"1-100-{Bases(1 << 20)}-{Bases(1 << 20)}" }]), DateTimeOffset.UnixEpoch).Payload.Length, AlertCodec.LargestPlainBytes, 700_000);
        var draft = Frequent(1) with { Allele = $"1-100-{Bases(880_000)}-G", Samples = ["S1"], Grade = Grade.Critical };
        var packed = AlertCodec.Encode(new AlertsRaised([draft]), DateTimeOffset.UnixEpoch);
        Assert.True(packed.Payload.Length < AlertCodec.LargestPlainBytes);
        var (one, at) = AlertCodec.Decode(Logged(packed.Payload));
        var back = Assert.Single(Assert.IsType<AlertsRaised>(one).Drafts);
        Assert.Equal((draft.Allele, draft.Grade, DateTimeOffset.UnixEpoch, "S1"), (back.Allele, back.Grade, at, Assert.Single(back.Samples)));
        foreach (var length in (int[])[0, 1, 3, 4, packed.Payload.Length / 2, packed.Payload.Length - 12]) Assert.Throws<InvalidDataException>(() => AlertCodec.Decode(Logged(packed.Payload[..length])));
        var bytes = packed.Payload.ToArray();
        bytes[0]--;
        Assert.Throws<InvalidDataException>(() => AlertCodec.Decode(Logged(bytes)));

        LoggedEvent Logged(ReadOnlyMemory<byte> payload) => new() { Number = 1, TimeUtc = DateTimeOffset.UnixEpoch, Actor = Owner, ManifestVersion = 1, Kind = packed.Kind, Schema = packed.Schema, Payload = payload };
    }

    [Fact]
    public void A_step_that_fails_in_whatever_way_is_told_and_holds_up_no_message()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        world.Accept("2026-03-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        var way = new KeptWay();
        var broken = world.Sources with { Release = (_, _) => throw new NotSupportedException("a mistake") };
        Assert.Throws<NotSupportedException>(() => new AlertRun(broken, world.Clock, Owner, [way]).Run());
        Assert.Equal([Ann], way.Sent.Where(m => !m.IsSelfTest).Select(m => m.Recipient));
        world.Run(way);
        Assert.Contains(way.Sent, m => m.Recipient == Ben);
    }

    [Fact]
    public void A_clock_that_is_set_back_while_nothing_else_happens_stops_no_escalation_and_no_self_test()
    {
        using var world = AlertTests.Ready();
        world.Grant(Cid, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        world.Clock.Now = world.Clock.Now.AddYears(-1);
        Assert.Contains(world.Run().Alarms, a => a.Kind == AlertAlarmKind.ClockBehind);
        var head = world.Book().Head;
        Assert.Equal(head, RunAgain(world)); // that it was set back is written once
        Assert.Equal(0, After(world, 3.9).Escalated);
        Assert.Equal(1, After(world, 0.2).Escalated);
        var test = world.Book().SelfTest;
        After(world, 20);
        Assert.NotEqual(test, world.Book().SelfTest);
        // It is set back once more.
        world.Clock.Now = world.Clock.Now.AddDays(-3);
        world.Run();
        Assert.Equal(1, After(world, 4.1).Escalated);
    }

    [Fact]
    public void What_nobody_acknowledges_is_an_alarm_in_the_end_and_the_directors_are_told_again_and_again()
    {
        using var world = AlertTests.Ready();
        world.Grant(Director, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var way = new KeptWay();
        for (var level = 0; level <= 3; level++) Assert.DoesNotContain(After(world, level == 0 ? 0 : 4.1, way).Alarms, a => a.Kind == AlertAlarmKind.Overdue);
        var id = world.Book().Alerts.Single(a => !a.Draft.IsSelfTest).Id;
        Assert.Equal([Ann, Director], world.Book().Find(id)!.Recipients); // the deputies may not see P1
        using (var director = world.Desk(Director)) director.Show(id); // he looks, and does nothing
        int Told(string who) => way.Sent.Count(m => m.Id == id && m.Recipient == who);
        Assert.Equal((1, 1), (Told(Ann), Told(Director)));
        Assert.Contains(After(world, 4.1, way).Alarms, a => a.Kind == AlertAlarmKind.Overdue);
        Assert.Contains(AlertStatus.Of(world.Book()).Alarms, a => a.Kind == AlertAlarmKind.Overdue);
        Assert.Equal((1, 2), (Told(Ann), Told(Director)));
        Assert.Equal(0, After(world, 0.1, way).Sent);
        After(world, 4.1, way);
        Assert.Equal((1, 3), (Told(Ann), Told(Director)));
        var (before, escalated) = (Told(Director), 0);
        for (var day = 0; day < 30; day++) escalated += After(world, 24.1, way).Escalated;
        Assert.Equal((30, before + 30), (escalated, Told(Director)));
        for (var level = 0; level < 3; level++) Assert.Equal(0, After(world, 6, way).Escalated); // by now once a day
        Assert.Contains(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.Overdue);
        Assert.All(way.Sent.GroupBy(m => m.Identity), g => Assert.Single(g));
        using (var director = world.Desk(Director)) director.Snooze(id, world.Clock.Now.AddHours(2), "the family is away");
        Assert.DoesNotContain(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.Overdue);
        using (var ann = world.Desk(Ann))
        {
            ann.Show(id);
            ann.Acknowledge(id, "recontacted");
        }
        Assert.Equal(0, After(world, 30, way).Escalated);
        Assert.DoesNotContain(AlertStatus.Of(world.Book()).Alarms, a => a.Kind == AlertAlarmKind.Overdue);
    }

    [Fact]
    public void Whose_access_is_taken_before_he_has_looked_is_no_recipient_any_more_and_another_hears_at_once()
    {
        using var world = AlertTests.Ready();
        world.Grant(Cid, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var way = new KeptWay();
        world.Run(way);
        Assert.Equal([Ann], Recipients(world));
        world.Store.Revoke(AccessActor.Owner("lab"), 1);
        Assert.DoesNotContain(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.NobodyMaySee);
        Assert.Equal([Cid], Recipients(world));
        Assert.Single(way.Sent, m => m.Recipient == Cid);
        world.Store.Revoke(AccessActor.Owner("lab"), 3);
        Assert.Contains(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.NobodyMaySee);
        Assert.Empty(Recipients(world));
        world.Grant(Ann, "S1");
        Assert.DoesNotContain(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.NobodyMaySee);
        Assert.Equal([Ann], Recipients(world));
        Assert.Equal(world.Book().Head, RunAgain(world));
    }

    [Fact]
    public void Access_that_ends_by_itself_is_seen_too()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        var (policy, now) = (world.Store.Policy(), world.Clock.Now);
        Assert.Equal(EntryState.InForce, policy.StateOf(policy.Entries[0], now));
        world.Clock.Now = now.AddDays(91); // nobody has attested the grants
        Assert.Contains(world.Run().Alarms, a => a.Kind == AlertAlarmKind.NobodyMaySee);
        Assert.Empty(Recipients(world));
    }

    [Fact]
    public void Who_was_wanted_and_may_see_it_since_hears_besides_those_who_could()
    {
        using var world = AlertTests.Ready();
        world.Append(new WatchSet(new Watch { Name = "all", Hears = [Cid, Ann] }));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var way = new KeptWay();
        world.Run(way);
        Assert.Equal([Ann], Recipients(world));
        world.Grant(Cid, "S1");
        world.Run(way);
        Assert.Equal([Cid, Ann], Recipients(world));
        Assert.Equal([Ann, Cid], way.Sent.Where(m => !m.IsSelfTest).Select(m => m.Recipient));
        Assert.Equal(world.Book().Head, RunAgain(world));
    }

    /// <summary>A server knows whose certificates state a role; the command line, beside it, does not.</summary>
    [Fact]
    public void Who_does_not_know_the_callers_leaves_what_somebody_routed_who_does()
    {
        using var world = AlertTests.Ready();
        world.Append(new WatchSet(new Watch { Name = "all", Hears = ["role:clinician"] }));
        world.Grant(Cid, "S1");
        world.Grant(Director, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var served = world.Sources with { Callers = () => [new Caller { Id = Cid, Roles = new HashSet<Role> { Role.Clinician } }] };
        void Serve() => new AlertRun(served, world.Clock, Owner, []).Run();
        Serve();
        Assert.Equal([Cid], Recipients(world));
        var head = world.Book().Head;
        Assert.Equal(head, RunAgain(world));
        Serve();
        Assert.Equal(head, world.Book().Head);
        // What is in force is another: who may see it is looked at here too, with what is known here, and there with what is known there.
        world.Store.Revoke(AccessActor.Owner("lab"), 1);
        Assert.NotEqual(head, RunAgain(world));
        Assert.Equal([Director], Recipients(world));
        Assert.Equal(world.Book().Head, RunAgain(world));
        Serve();
        Assert.Equal([Cid], Recipients(world));
        // What has to be routed here is looked at again there.
        world.Append(new WatchSet(new Watch { Name = "all", Hears = ["role:clinician"] }));
        RunAgain(world);
        Assert.Equal([Director], Recipients(world));
        Serve();
        Assert.Equal([Cid], Recipients(world));
        Assert.Equal(world.Book().Head, RunAgain(world));
    }

    [Fact]
    public void A_grant_by_cohort_is_looked_at_again_when_the_cohort_is_set_and_not_with_each_version()
    {
        using var world = AlertTests.Ready();
        world.Store.SetCohort("ward", ["S2"], null);
        var id = world.Store.Grant(AccessActor.Owner("lab"), new GrantRequest { Subject = Subject.Parse(Cid), Cohort = "ward", Details = [Detail.Record], Purposes = [Purpose.Treatment], Reason = "care" });
        world.Store.Approve(AccessActor.Owner("lab"), id);
        world.Append(new WatchSet(new Watch { Name = "all", Hears = [Cid, Ann] }));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        Assert.Equal([Ann], Recipients(world));
        world.Store.SetCohort("other", ["S1"], null);
        world.Run();
        Assert.DoesNotContain(world.Store.Events.Read(world.Book().Derived.Event + 1), e => e.Kind == AlertCodec.Prefix + "access");
        world.Store.SetCohort("ward", ["S1"], null);
        world.Run();
        Assert.Equal([Cid, Ann], Recipients(world));
    }

    [Fact]
    public void Of_more_genes_than_an_event_has_room_for_the_first_are_told_however_they_are_parted()
    {
        using var world = AlertTests.Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic", gene: string.Join('|', Enumerable.Range(1, 60_000).Select(i => $"GENE{i}:{i}"))), Entry(2, "Benign"));
        Assert.Equal(1, world.Run().Raised);
        var genes = world.Book().Alerts.Single(a => !a.Draft.IsSelfTest).Draft.Genes;
        Assert.InRange(genes.Length, 30_000, 1 << 15);
        Assert.Equal(Enumerable.Range(1, genes.Split('|').Length).Select(i => $"GENE{i}"), genes.Split('|'));
    }

    private static AlertDraft Frequent(int site) => new() { Trigger = WatchTriggers.Frequency, Person = "", Allele = $"1-{100 * site}-A-G", Change = "frequency 0.25", Grade = Grade.Major, Watches = ["w"] };

    private static IReadOnlyList<string> Recipients(AlertWorld world) => world.Book().Alerts.Single(a => !a.Draft.IsSelfTest && a.State == AlertState.Open).Recipients;

    private static AlertRunReport After(AlertWorld world, double hours, params IAlertWay[] ways)
    {
        world.Clock.Now = world.Clock.Now.AddHours(hours);
        return world.Run(ways);
    }

    private static long RunAgain(AlertWorld world)
    {
        world.Run();
        return world.Book().Head;
    }
}
