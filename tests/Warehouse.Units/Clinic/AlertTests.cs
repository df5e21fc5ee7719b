using Warehouse.Clinic;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.Assessments;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Storage;
using Xunit;
using static Warehouse.Units.Clinic.AlertWorld;

namespace Warehouse.Units.Clinic;

/// <summary>Alerts end to end: a release comes, the right clinician hears, and nobody else.</summary>
public sealed class AlertTests
{
    private const string Sheet = "sample\tperson\nS1\tP1\nS2\tP2\nS3\tP3\nS4\tP1\n";

    [Fact]
    public void A_variant_becomes_pathogenic_and_the_clinician_of_its_carrier_has_one_alert_which_he_acknowledges()
    {
        using var world = Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        var report = world.Run();
        Assert.Equal((1, 1), (report.Raised, report.Open));
        Assert.Equal(["P1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic"], world.Open());
        Assert.Contains("S1", world.Used);
        using (var ben = world.Desk(Ben)) Assert.Empty(ben.Inbox());
        using var ann = world.Desk(Ann);
        var id = world.Book().Alerts.Single(a => !a.Draft.IsSelfTest).Id;
        Assert.Equal("alert-not-shown", Code(() => ann.Acknowledge(id, "seen")));
        var alert = Assert.Single(ann.Inbox());
        Assert.Equal((id, Grade.Critical, WatchTriggers.Class, "GENE1"), (alert.Id, alert.Draft.Grade, alert.Draft.Trigger, alert.Draft.Genes));
        Assert.Equal("alert-reason", Code(() => ann.Acknowledge(id, " ")));
        using (var ben = world.Desk(Ben)) Assert.Equal("alert-unknown", Code(() => ben.Acknowledge(id, "mine")));
        ann.Acknowledge(id, "recontacted");
        Assert.Equal("alert-closed", Code(() => ann.Acknowledge(id, "again")));
        Assert.Empty(ann.Inbox());
        Assert.Equal((0, 0), (world.Run().Raised, world.Open().Count));
        var closed = world.Book().Find(id)!;
        Assert.Equal((AlertState.Acknowledged, Ann, "recontacted"), (closed.State, closed.ClosedBy, closed.Reason));
    }

    [Fact]
    public void Two_watches_that_want_the_same_make_one_alert_and_a_release_that_comes_again_raises_nothing()
    {
        using var world = Ready();
        world.Append(new WatchSet(new Watch { Name = "gene", Scope = WatchScope.Genes, Items = ["gene1"], Hears = [Cid] }));
        world.Grant(Cid, "S1");
        Assert.True(world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign")));
        Assert.Equal(1, world.Run().Raised);
        var alert = world.Book().Alerts.Single(a => !a.Draft.IsSelfTest);
        Assert.Equal(["all", "gene"], alert.Draft.Watches);
        Assert.Equal([Ann, Cid], alert.Recipients.Order(StringComparer.Ordinal));
        Assert.False(world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign")));
        Assert.Equal(0, world.Run().Raised);
        Assert.Equal("clinvar-older", Code(() => world.Accept("2026-01-15", Entry(1, "Benign"))));
        Assert.Equal("clinvar-release", Code(() => world.Accept("tomorrow", Entry(1, "Benign"))));
    }

    [Fact]
    public void A_release_with_unknown_terms_or_cut_off_holds_only_once_somebody_accepts_that()
    {
        using var world = Ready();
        world.Shelve("2026-02-01", [Entry(1, "Pathogenic|Sort_of"), Entry(2, "Quite_other")]);
        var book = world.Book();
        var facts = ReleaseIntake.Look(world.Sources, book, "2026-02-01");
        Assert.Equal((2, 2), (facts.Alleles, facts.Unrecognised));
        Assert.Equal(["sort of", "quite other"], facts.First.Select(f => f.Text));
        Assert.Equal("clinvar-unrecognised", Code(() => ReleaseIntake.Accept(world.Sources, book, Owner, ("2026-02-01", facts), new AcceptOptions { Unrecognised = 1 })));
        Assert.True(ReleaseIntake.Accept(world.Sources, book, Owner, ("2026-02-01", facts), new AcceptOptions { Unrecognised = 2 }));
        Assert.Equal(3, world.Run().Raised); // nothing is dropped: what is not known is an alert too, and the director hears of it
        using (var director = world.Desk(Director)) Assert.Equal("clinvar 2026-02-01 has 2 alleles with unrecognised terms", Assert.Single(director.Inbox()).Draft.Change);
        world.Shelve("2026-03-01", [Entry(1, "Pathogenic")]);
        var cut = ReleaseIntake.Look(world.Sources, world.Book(), "2026-03-01");
        Assert.Equal(1, cut.Retracted);
        Assert.Equal("clinvar-truncated", Code(() => ReleaseIntake.Accept(world.Sources, world.Book(), Owner, ("2026-03-01", cut), new AcceptOptions())));
    }

    /// <summary>F81: P to B to P in two releases.</summary>
    [Fact]
    public void A_class_that_flips_and_flops_is_an_alert_each_time_and_says_so()
    {
        using var world = Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Accept("2026-03-01", Entry(1, "Benign"), Entry(2, "Benign"));
        world.Accept("2026-04-01", Entry(1, "Likely_pathogenic"), Entry(2, "Benign"));
        Assert.Equal(3, world.Run().Raised);
        Assert.Equal([false, false, true], world.Book().Alerts.Where(a => !a.Draft.IsSelfTest).OrderBy(a => a.Draft.Change, StringComparer.Ordinal).Select(a => (a.Draft.Kinds & ChangeKinds.FlipFlop) != 0));
    }

    [Fact]
    public void A_release_that_was_dropped_since_stops_nothing_but_what_follows_from_it()
    {
        using var world = Ready();
        world.Shelve("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Drop("2026-01-01");
        Assert.Throws<DamagedStoreException>(() => world.Run()); // what changed cannot be known: an error, never no alert
        world.Shelve("2026-01-01", Entry(1, "Uncertain_significance"), Entry(2, "Benign"));
        Assert.Equal(1, world.Run().Raised);
        world.Drop("2026-01-01");
        world.Load("sample\tperson\nS5\tP5\n", ("S5", "100"));
        Assert.Equal(1, world.Run().Raised);
        Assert.Contains("P5 1-100-A-G newly-seen germline pathogenic", world.Open());
        world.Drop("2026-02-01");
        world.Load("sample\tperson\nS6\tP6\n", ("S6", "100"));
        Assert.Throws<DamagedStoreException>(() => world.Run());
    }

    /// <summary>F83: late samples.</summary>
    [Fact]
    public void A_sample_that_is_loaded_after_a_release_raises_the_alert_then()
    {
        using var world = Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"), Entry(3, "Pathogenic"));
        Assert.Equal(1, world.Run().Raised);
        world.Load("sample\tperson\nS5\tP5\nS6\tP1\n", ("S5", "101"), ("S6", "100"));
        Assert.Equal(2, world.Run().Raised);
        // P5: what changed last, and what was pathogenic from its beginning in the release; the new sample of P1 tells nothing new of P1.
        Assert.Equal(["P1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", "P5 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", "P5 1-300-A-G clinvar 2026-02-01 germline absent>pathogenic"], world.Open());
        world.Accept("2026-03-01", Entry(1, "Pathogenic"), Entry(2, "Benign"), Entry(3, "Pathogenic"));
        world.Load("sample\tperson\nS7\tP7\n", ("S7", "100"));
        Assert.Equal(1, world.Run().Raised);
        Assert.Contains("P7 1-100-A-G newly-seen germline pathogenic", world.Open());
        Assert.Equal(0, world.Run().Raised);
    }

    [Fact]
    public void Withdrawal_before_delivery_suppresses_and_nobody_is_told()
    {
        using var world = Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Store.Withdraw(["S1"]);
        var way = new KeptWay();
        var report = world.Run(way);
        Assert.Equal((0, 0), (report.Raised, report.Open)); // it had not been raised yet: withdrawn samples carry nothing
        using var other = Ready();
        other.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        Assert.Equal(1, other.Run().Open);
        other.Store.Withdraw(["S1"]);
        report = other.Run(way);
        Assert.Equal((1, 0), (report.Suppressed, report.Open));
        Assert.DoesNotContain(way.Sent, m => !m.IsSelfTest);
        var alert = other.Book().Alerts.Single(a => !a.Draft.IsSelfTest);
        Assert.Equal((AlertState.Suppressed, "withdrawn"), (alert.State, alert.Reason));
        using var ann = other.Desk(Ann);
        Assert.Empty(ann.Inbox());
    }

    [Fact]
    public void An_alert_that_its_clinician_may_not_see_goes_to_who_may_and_to_nobody_is_an_alarm()
    {
        using var world = Ready();
        world.Store.Revoke(Warehouse.Engine.Access.AccessActor.Owner("lab"), 1);
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        var report = world.Run();
        Assert.Contains(report.Alarms, a => a.Text.Contains("nobody who may see"));
        using (var ann = world.Desk(Ann)) Assert.Empty(ann.Inbox());
        using (var ben = world.Desk(Ben)) Assert.Equal("P2", Assert.Single(ben.Inbox()).Draft.Person);
        world.Grant(Cid, "S1"); // the second deputy of P1
        report = world.Run();
        Assert.DoesNotContain(report.Alarms, a => a.Text.Contains("nobody who may see"));
        using (var cid = world.Desk(Cid)) Assert.Equal("P1", Assert.Single(cid.Inbox()).Draft.Person);
        world.Grant(Ann, "S1"); // the responsible clinician may see him again
        world.Run();
        using (var ann = world.Desk(Ann)) Assert.Equal("P1", Assert.Single(ann.Inbox()).Draft.Person);
        world.Append(new CareSet([new CareRow("P1", Cid, [])])); // the patient is somebody else's now
        world.Run();
        using (var ann = world.Desk(Ann)) Assert.Empty(ann.Inbox());
        using (var cid = world.Desk(Cid)) Assert.Single(cid.Inbox());
    }

    [Fact]
    public void What_nobody_acknowledges_goes_to_the_deputies_in_time_and_snoozing_and_delegating_hold_it()
    {
        using var world = Ready();
        world.Grant(Cid, "S1");
        world.Grant(Director, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        var id = world.Book().Alerts.Single(a => !a.Draft.IsSelfTest).Id;
        Assert.Equal(0, After(world, 3.9).Escalated);
        Assert.Equal(1, After(world, 0.2).Escalated);
        Assert.Equal([Ann], world.Book().Find(id)!.Recipients); // the first deputy, Ben, may not see P1: he is passed over, not told
        Assert.Equal(1, After(world, 4.1).Escalated);
        Assert.Equal([Ann, Cid], world.Book().Find(id)!.Recipients);
        using var cid = world.Desk(Cid);
        Assert.Single(cid.Inbox());
        Assert.Equal("alert-snooze", Code(() => cid.Snooze(id, world.Clock.Now.AddHours(25), "later")));
        cid.Snooze(id, world.Clock.Now.AddHours(10), "waiting for the family");
        Assert.Equal((0, 0), (After(world, 9).Escalated, After(world, 4).Escalated));
        Assert.Equal(1, After(world, 1.5).Escalated);
        Assert.Equal([Ann, Cid, Director], world.Book().Find(id)!.Recipients);
        Assert.Equal("alert-delegate", Code(() => cid.Delegate(id, Ben, "yours")));
        cid.Delegate(id, Director, "yours");
        world.Run();
        Assert.Equal(Director, world.Book().Find(id)!.Recipients[0]);
    }

    private static AlertRunReport After(AlertWorld world, double hours)
    {
        world.Clock.Now = world.Clock.Now.AddHours(hours);
        return world.Run();
    }

    /// <summary>F82: a sink that is down for a day.</summary>
    [Fact]
    public void A_way_that_is_down_for_a_day_is_tried_again_ever_more_slowly_and_nothing_is_dropped()
    {
        using var world = Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        var (way, other) = (new KeptWay { IsDown = true }, new KeptWay("other"));
        for (var minute = 0; minute < 24 * 60; minute += 15)
        {
            Assert.Contains(world.Run(way, other).Alarms, a => a.Text.StartsWith("kept does not work"));
            world.Clock.Now = world.Clock.Now.AddMinutes(15);
        }
        Assert.InRange(way.Tried, 20, 40);
        Assert.Empty(way.Sent);
        way.IsDown = false;
        world.Clock.Now = world.Clock.Now.AddHours(1);
        world.Run(way, other);
        var ids = world.Book().Alerts.Where(a => !a.Draft.IsSelfTest).Select(a => a.Id).Order().ToList();
        Assert.Equal(ids, way.Sent.Where(m => !m.IsSelfTest).Select(m => m.Id).Distinct().Order());
        Assert.Equal(ids, other.Sent.Where(m => !m.IsSelfTest).Select(m => m.Id).Distinct().Order());
        world.Run(way, other);
        Assert.All(way.Sent.GroupBy(m => m.Identity), g => Assert.Single(g)); // what its record has is not sent again
    }

    [Fact]
    public void More_messages_than_an_hour_may_have_go_as_one_and_none_is_dropped()
    {
        using var world = Ready();
        world.Append(new SettingsSet(new AlertSettings { MessagesAnHour = 5, Directors = [Director] }));
        world.Load("sample\tperson\nT1\tP1\n", ("T1", new string('1', 40)));
        world.Grant(Ann, "T1");
        world.Accept("2026-02-01", [.. Enumerable.Range(1, 40).Select(site => Entry(site, site == 7 ? "Benign" : "Pathogenic"))]);
        var way = new KeptWay();
        world.Run(way);
        var sent = way.Sent.Where(m => m.Recipient == Ann).ToList();
        Assert.Equal((5, 40), (sent.Count, sent.Sum(m => m.Alerts)));
        Assert.All(world.Book().Alerts.Where(a => a.Recipients.Contains(Ann)), a => Assert.Contains((way.Name, Ann), a.Delivered));
        Assert.Equal(Grade.Critical, sent[0].Grade);
        using var ann = world.Desk(Ann);
        string[] ids = [.. ann.Inbox().Select(a => a.Id)];
        Assert.Equal("alert-unknown", Code(() => ann.Acknowledge([.. ids, "x"], "all of one gene")));
        ann.Acknowledge([.. ids, ids[0]], "all of one gene");
        Assert.Equal((40, 0), (ids.Length, ann.Inbox().Count));
    }

    [Fact]
    public void The_self_test_runs_once_a_day_through_all_ways_and_its_failure_is_an_alarm()
    {
        using var world = Ready();
        var way = new KeptWay();
        Assert.Empty(world.Run(way).Alarms);
        Assert.Empty(way.Sent); // the self-test of today went by no way: there was none
        world.Clock.Now = world.Clock.Now.AddHours(25);
        Assert.Empty(world.Run(way).Alarms);
        Assert.True(Assert.Single(way.Sent).IsSelfTest);
        way.IsDown = true;
        world.Clock.Now = world.Clock.Now.AddHours(25);
        Assert.Contains(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.SelfTestFailed);
        Assert.Contains(world.Run(way).Alarms, a => a.Kind == AlertAlarmKind.SelfTestFailed);
        way.IsDown = false;
        world.Clock.Now = world.Clock.Now.AddHours(1);
        Assert.Empty(world.Run(way).Alarms);
        Assert.All(world.Book().Alerts, a => Assert.NotEqual(AlertState.Open, a.State));
        world.Append(new SettingsSet(new AlertSettings()));
        world.Clock.Now = world.Clock.Now.AddHours(25);
        Assert.Empty(world.Run(way).Alarms);
        Assert.Equal(Owner, way.Sent[^1].Recipient); // no director is named: it goes to whoever runs it
    }

    [Fact]
    public void A_clock_that_is_set_back_a_year_is_an_alarm_and_stops_no_escalation()
    {
        using var world = Ready();
        world.Grant(Cid, "S1");
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        world.Clock.Now = world.Clock.Now.AddYears(-1);
        world.Append(new SettingsSet(new AlertSettings { Directors = [Director] })); // any event notices it
        Assert.Contains(world.Run().Alarms, a => a.Text.StartsWith("the clock was set back"));
        Assert.Equal(0, After(world, 3).Escalated);
        Assert.Equal(1, After(world, 1.1).Escalated);
        world.Clock.Now = world.Clock.Now.AddYears(1);
        Assert.DoesNotContain(world.Run().Alarms, a => a.Text.StartsWith("the clock was set back"));
    }

    [Fact]
    public void Assessments_of_the_laboratory_raise_alerts_when_they_change_disagree_or_are_carried()
    {
        using var world = Ready();
        var allele = Entry(1, "").Allele;
        // What signs it is an event of another folder; its number is all that matters here.
        long Sign(NetClass before, NetClass net)
        {
            world.Store.Events.Append(new Warehouse.Engine.Events.EventBatch { Actor = Owner, ManifestVersion = world.Store.Version, Events = [new Warehouse.Engine.Events.NewEvent("assess/signed", 1, new byte[] { 1 })] });
            world.Assessments.Add(new SignedAssessment(world.Store.Events.Refresh(), allele, before, net));
            return world.Assessments[^1].Event;
        }
        var first = Sign(NetClass.Absent, NetClass.Pathogenic);
        Assert.Equal(2, world.Run().Raised);
        Assert.Equal([$"P1 1-100-A-G assessment {first} absent>pathogenic", "P1 1-100-A-G discordant own pathogenic clinvar uncertain"], world.Open());
        world.Load("sample\tperson\nS8\tP8\n", ("S8", "100"));
        Assert.Equal(2, world.Run().Raised);
        Assert.Contains("P8 1-100-A-G assessed-carried pathogenic", world.Open());
        Sign(NetClass.Pathogenic, NetClass.Uncertain);
        Assert.Equal(2, world.Run().Raised); // P1 and P8 hear that it changed; with ClinVar it agrees now
    }

    /// <summary>The same with what is really signed, superseded and taken back.</summary>
    [Fact]
    public void What_the_laboratory_signs_supersedes_and_takes_back_is_what_alerts_look_at()
    {
        using var world = Ready();
        var desk = new AssessmentDesk(world.Store);
        Assessment Signed(Tier tier, long? supersedes)
        {
            var draft = desk.Begin(SimDesk.Analyst, SimDesk.Content("1-100-A-G", tier: tier), supersedes);
            var inReview = desk.Submit(SimDesk.Analyst, draft.Id, draft.Version);
            return desk.Sign(SimDesk.Reviewer, draft.Id, inReview.Version, SignatureMeaning.Approved, "looked through");
        }
        var first = Signed(Tier.LikelyPathogenic, null);
        var second = Signed(Tier.Uncertain, first.Id);
        var given = desk.Begin(SimDesk.Analyst, SimDesk.Content("1-200-A-G"), null);
        desk.Retire(SimDesk.Reviewer, given.Id, given.Version, "never signed");
        desk.Retire(SimDesk.Reviewer, second.Id, second.Version, "wrong sample");
        var own = OwnAssessments.Of(world.Store.Events, world.Store.Assembly);
        Assert.Equal([(NetClass.Absent, NetClass.Pathogenic), (NetClass.Pathogenic, NetClass.Uncertain), (NetClass.Uncertain, NetClass.Absent)], own.Select(a => (a.Before, a.Net)));
        world.Assessments.AddRange(own);
        world.Run();
        Assert.Equal(["assessment absent>pathogenic", "assessment pathogenic>uncertain", "assessment uncertain>absent", "discordant own pathogenic clinvar uncertain"],
            world.Open().Select(o => string.Join(' ', o.Split(' ').Skip(2).Where(w => !w.All(char.IsAsciiDigit)))).Order(StringComparer.Ordinal));
    }

    /// <summary>An allele has a signed assessment for each condition: taking back one of them takes back no other.</summary>
    [Fact]
    public void Of_several_conditions_each_assessment_stands_for_itself_and_a_carrier_hears_of_the_gravest()
    {
        using var world = Ready();
        var desk = new AssessmentDesk(world.Store);
        Assessment Signed(Tier tier, string condition)
        {
            var draft = desk.Begin(SimDesk.Analyst, SimDesk.Content("1-200-A-G", tier: tier) with { ConditionId = condition });
            var inReview = desk.Submit(SimDesk.Analyst, draft.Id, draft.Version);
            return desk.Sign(SimDesk.Reviewer, draft.Id, inReview.Version, SignatureMeaning.Approved, "looked through");
        }
        Signed(Tier.Pathogenic, "MONDO:0000001");
        var second = Signed(Tier.Uncertain, "MONDO:0000002");
        world.Assessments.AddRange(OwnAssessments.Of(world.Store.Events, world.Store.Assembly));
        world.Run();
        world.Load("sample\tperson\nS8\tP8\n", ("S8", "010"));
        world.Run();
        Assert.Equal(["P8 1-200-A-G assessed-carried pathogenic", "P8 1-200-A-G discordant own pathogenic clinvar benign", "P8 1-200-A-G discordant own uncertain clinvar benign"], world.Open().Where(o => o.StartsWith("P8", StringComparison.Ordinal)));
        desk.Retire(SimDesk.Reviewer, second.Id, second.Version, "another disease");
        world.Assessments.Clear();
        world.Assessments.AddRange(OwnAssessments.Of(world.Store.Events, world.Store.Assembly));
        world.Run();
        world.Load("sample\tperson\nS9\tP9\n", ("S9", "010"));
        world.Run();
        Assert.Equal(["P9 1-200-A-G assessed-carried pathogenic", "P9 1-200-A-G discordant own pathogenic clinvar benign"], world.Open().Where(o => o.StartsWith("P9", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_watch_on_genes_hears_of_what_the_laboratory_signs_there_and_of_what_nobody_knows_the_gene_of()
    {
        using var world = Ready();
        world.Append(new WatchRemoved("all"), new WatchSet(new Watch { Name = "two", Scope = WatchScope.Genes, Items = ["GENE2"] }));
        void Sign(int site)
        {
            world.Store.Events.Append(new Warehouse.Engine.Events.EventBatch { Actor = Owner, ManifestVersion = world.Store.Version, Events = [new Warehouse.Engine.Events.NewEvent("assess/signed", 1, new byte[] { 1 })] });
            world.Assessments.Add(new SignedAssessment(world.Store.Events.Refresh(), Entry(site, "").Allele, NetClass.Absent, NetClass.Pathogenic));
            world.Run();
        }
        Sign(1); // the release says that it is of another gene
        Assert.Empty(world.Open());
        Sign(2);
        Assert.Contains(world.Open(), o => o.StartsWith("P2 1-200-A-G assessment", StringComparison.Ordinal));
        Assert.Equal("GENE2", world.Book().Alerts.First(a => a.Draft.Allele == "1-200-A-G").Draft.Genes);
        world.Load("sample\tperson\nS8\tP8\n", ("S8", "001"));
        Sign(3); // which the release does not have
        Assert.Contains(world.Open(), o => o.StartsWith("P8 1-300-A-G assessment", StringComparison.Ordinal));
    }

    [Fact]
    public void A_symbol_that_was_changed_is_watched_by_its_old_name_and_by_its_new_one()
    {
        foreach (var symbol in (string[])["GBA", "GBA1"])
        {
            using var world = Ready();
            world.Accept("2026-02-01", Entry(1, "Uncertain_significance", gene: "GBA:2629"));
            world.Append(new WatchRemoved("all"), new WatchSet(new Watch { Name = "one", Scope = WatchScope.Genes, Items = [symbol] }));
            world.Run();
            world.Accept("2026-03-01", Entry(1, "Pathogenic", gene: "GBA1:2629"));
            Assert.Equal(1, world.Run().Raised);
        }
    }

    /// <summary>A sample was entered under the wrong person: what it carries is new of the right one.</summary>
    [Fact]
    public void A_sample_that_is_given_to_another_person_raises_the_alerts_of_that_person()
    {
        using var world = Ready();
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        Assert.Equal(["P1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic"], world.Open());
        world.Load("sample\tperson\nS1\tP7\nS9\tP9\n", ("S9", "000"));
        world.Run();
        Assert.Contains("P7 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", world.Open());
    }

    /// <summary>Nobody may see it of that person any more, so nobody could acknowledge it: it must not wait for that.</summary>
    [Fact]
    public void What_was_told_of_the_wrong_person_is_closed_and_raised_again_when_it_was_the_right_one_after_all()
    {
        using var world = Ready();
        world.Load("sample\tperson\nS4\tP1\nS5\tP2\n", ("S4", "000"), ("S5", "010"));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        world.Run();
        const string OfP1 = "P1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", OfP2 = "P2 1-200-A-G clinvar 2026-02-01 germline benign>pathogenic";
        Assert.Equal([OfP1, OfP2], world.Open());
        using (var ann = world.Desk(Ann)) Assert.Single(ann.Inbox());
        world.Load("sample\tperson\nS1\tP7\nS2\tP7\nS9\tP9\n", ("S9", "000"));
        var report = world.Run();
        Assert.Equal((2, 1), (report.Raised, report.Suppressed)); // P2 has another sample that carries
        var closed = world.Book().Alerts.Single(a => a.Draft.Person == "P1");
        Assert.Equal((AlertState.Suppressed, "of another person"), (closed.State, closed.Reason));
        Assert.Equal([OfP2, "P7 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", "P7 1-200-A-G clinvar 2026-02-01 germline benign>pathogenic"], world.Open());
        world.Load("sample\tperson\nS1\tP1\nS10\tP9\n", ("S10", "000"));
        report = world.Run();
        Assert.Equal((1, 1), (report.Raised, report.Suppressed));
        Assert.Equal([OfP1, OfP2, "P7 1-200-A-G clinvar 2026-02-01 germline benign>pathogenic"], world.Open());
    }

    /// <summary>What was there before is asked of the sheet's history, which a purge leaves; of figures that it took, none is known.</summary>
    [Fact]
    public void Whom_samples_were_given_to_and_what_became_common_is_told_after_a_purge_too()
    {
        using var world = Ready();
        world.Append(new WatchSet(new Watch { Name = "common", Triggers = WatchTriggers.Frequency, FrequencyLine = 0.25, Hears = [Director] }));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"), Entry(3, "Pathogenic"));
        world.Run();
        Assert.Equal(["P1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic"], world.Open());
        world.Load("sample\tperson\nS1\tP7\nS9\tP9\n", ("S9", "200"));
        world.Store.Compact(world.Store.Version);
        world.Run();
        Assert.Contains("P7 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", world.Open());
        Assert.Contains(" 1-100-A-G frequency 0.25", world.Open());
        Assert.DoesNotContain(world.Open(), o => o.Contains("P2 ", StringComparison.Ordinal));
        var head = world.Book().Head;
        world.Run();
        Assert.Equal(head, world.Book().Head);
    }

    [Fact]
    public void A_watch_of_newly_seen_alleles_alone_hears_of_one_whose_class_has_just_changed()
    {
        using var world = Ready();
        world.Append(new WatchSet(new Watch { Name = "new", Triggers = WatchTriggers.NewlySeen, Hears = [Ben] }));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Benign"));
        world.Run();
        world.Load("sample\tperson\nS8\tP8\n", ("S8", "100"));
        world.Run();
        Assert.Equal(["P8 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic", "P8 1-100-A-G newly-seen germline pathogenic"], world.Open().Where(o => o.StartsWith("P8", StringComparison.Ordinal)));
        Assert.Equal(["new"], world.Book().Alerts.Single(a => a.Draft.Change.StartsWith("newly-seen", StringComparison.Ordinal)).Draft.Watches);
    }

    /// <summary>A store may spell contigs as RefSeq does; the log and ClinVar do not.</summary>
    [Fact]
    public void Alleles_are_watched_and_their_history_is_found_however_the_store_spells_contigs()
    {
        using var world = new AlertWorld { Contig = "NC_000001.11" };
        world.Load("sample\tperson\nS1\tP1\n", ("S1", "100"));
        using var session = world.Store.OpenSession();
        var watch = WatchIntake.Checked(new Watch { Name = "w", Scope = WatchScope.Alleles, Items = ["NC_000001.11-100-A-G", "chr1-200-A-G"] }, session);
        Assert.Equal(["1-100-A-G", "1-200-A-G"], watch.Items);
        world.Accept("2026-01-01", Entry(1, "Pathogenic"));
        var history = ReleaseHistory.Of(world.Sources, world.Book(), session.Resolve(["1-100-A-G"]).Single());
        Assert.Equal(NetClass.Pathogenic, Assert.Single(history).Said.Net);
    }

    [Theory]
    [InlineData(WatchScope.Everybody, "", 2)]
    [InlineData(WatchScope.Cohort, "heart", 1)]
    [InlineData(WatchScope.Cohort, "nobody", 0)]
    [InlineData(WatchScope.Person, "P2", 1)]
    [InlineData(WatchScope.Genes, "GENE2 GENE9", 1)]
    [InlineData(WatchScope.Regions, "chr1:150-200 2", 1)]
    [InlineData(WatchScope.Regions, "1:101-199", 0)]
    [InlineData(WatchScope.Alleles, "1-100-A-G", 1)]
    public void A_watch_looks_at_what_it_names(WatchScope scope, string items, int raised)
    {
        using var world = Ready();
        world.Store.SetCohort("heart", ["S1", "S3"], null);
        world.Append(new WatchRemoved("all"), new WatchSet(new Watch { Name = "one", Scope = scope, Items = items.Length == 0 ? [] : items.Split(' ') }));
        world.Accept("2026-02-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic"));
        Assert.Equal(raised, world.Run().Raised);
        world.Append(new WatchSet(new Watch { Name = "one", Least = Grade.Critical, Triggers = WatchTriggers.Class }));
        world.Accept("2026-03-01", Entry(1, "Uncertain_significance"), Entry(2, "Pathogenic", "practice_guideline"));
        Assert.Equal(0, world.Run().Raised); // major, and of review
        world.Append(new WatchSet(new Watch { Name = "one", Triggers = WatchTriggers.Review }));
        world.Accept("2026-04-01", Entry(1, "Pathogenic"), Entry(2, "Pathogenic", "no_assertion_criteria_provided"));
        Assert.Equal(1, world.Run().Raised);
        Assert.Contains("P2 1-200-A-G clinvar 2026-04-01 germline stars", world.Open());
    }

    [Fact]
    public void A_variant_that_becomes_too_common_here_is_told_once()
    {
        using var world = Ready();
        world.Append(new WatchSet(new Watch { Name = "common", Triggers = WatchTriggers.Frequency, FrequencyLine = 0.25, Hears = [Director] }));
        Assert.Equal(0, world.Run().Raised);
        world.Load("sample\tperson\nS9\tP9\n", ("S9", "200"));
        Assert.Equal(1, world.Run().Raised);
        Assert.Equal([" 1-100-A-G frequency 0.25"], world.Open());
        using var director = world.Desk(Director);
        Assert.Single(director.Inbox());
        world.Load("sample\tperson\nS10\tP10\n", ("S10", "200"));
        Assert.Equal(0, world.Run().Raised);
    }

    private static string Code(Action act)
    {
        try
        {
            act();
            return "done";
        }
        catch (InputException e)
        {
            return e.Code;
        }
    }

    /// <summary>S1 carries 1-100-A-G, S2 carries 1-200-A-G; Ann cares for P1, Ben for P2, each sees his patient; the release of January has both uncertain.</summary>
    internal static AlertWorld Ready()
    {
        var world = new AlertWorld();
        world.Load(Sheet, ("S1", "100"), ("S2", "010"), ("S3", "000"));
        world.Grant(Ann, "S1");
        world.Grant(Ben, "S2");
        world.Append(new SettingsSet(new AlertSettings { Directors = [Director] }), new CareSet([new CareRow("P1", Ann, [Ben, Cid]), new CareRow("P2", Ben, [])]), new WatchSet(new Watch { Name = "all" }));
        world.Accept("2026-01-01", Entry(1, "Uncertain_significance"), Entry(2, "Benign"));
        Assert.Equal(0, world.Run().Raised);
        return world;
    }
}
