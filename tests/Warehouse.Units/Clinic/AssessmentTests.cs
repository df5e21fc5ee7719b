using System.Text;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Events;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Units.Clinic;

/// <summary>Assessments: what they say, who sees them, as of when; exchange with others.</summary>
public sealed class AssessmentTests
{
    [Fact]
    public void What_is_signed_is_found_by_its_allele_with_signature_and_every_version()
    {
        using var sim = new SimDesk();
        var draft = sim.Desk.Begin(SimDesk.Analyst, SimDesk.Content());
        draft = sim.Desk.Edit(SimDesk.Second, draft.Id, draft.Version, SimDesk.Content(text: "more"));
        var inReview = sim.Desk.Submit(SimDesk.Analyst, draft.Id, draft.Version);
        Assert.Empty(sim.Desk.SignedOf(SimDesk.Clinician, draft.Content.Allele));
        Assert.Equal("second-person", Assert.Throws<AccessRefusedException>(() => sim.Desk.Sign(SimDesk.Actor("second", Role.Reviewer), draft.Id, inReview.Version, SignatureMeaning.Approved, "mine")).Rule);
        sim.Desk.Sign(SimDesk.Reviewer, draft.Id, inReview.Version, SignatureMeaning.Responsible, "looked through");
        var found = Assert.Single(sim.Desk.SignedOf(SimDesk.Clinician, AssessedAllele.Parse("22-1029-A-G")));
        Assert.Equal((SimDesk.Reviewer.Id, SignatureMeaning.Responsible, "looked through", false), (found.Signature!.By, found.Signature.Meaning, found.Signature.Reason, found.Signature.IsAlone));
        Assert.Equal(["", "more", "more", "more"], sim.Desk.History(SimDesk.Analyst, found.Id).Select(h => h.Content.Text));
        Assert.Equal([4], sim.Desk.History(SimDesk.Clinician, found.Id).Select(h => h.Version)); // drafts are for those who write
        Assert.Equal([SimDesk.Analyst.Id, SimDesk.Second.Id], found.Authors);
    }

    [Fact]
    public void As_of_an_older_version_of_the_store_what_was_said_then_is_said()
    {
        using var sim = new SimDesk();
        var first = sim.Signed(SimDesk.Content());
        using (var folder = sim.Sim.Open())
        using (var commit = folder.BeginCommit())
        {
            commit.SetPart("further", [1]);
            commit.Publish();
        }
        var second = sim.Signed(SimDesk.Content(tier: Tier.Pathogenic), first.Id);
        Assert.Equal((1, 2), (first.ManifestVersion, second.ManifestVersion));
        Assert.Equal(Tier.LikelyPathogenic, Assert.Single(sim.Desk.SignedOf(SimDesk.Clinician, first.Content.Allele, asOf: 1)).Content.Class);
        Assert.Equal(Tier.Pathogenic, Assert.Single(sim.Desk.SignedOf(SimDesk.Clinician, first.Content.Allele)).Content.Class);
        Assert.Equal((AssessmentState.Superseded, second.Id), (sim.Desk.Get(first.Id)!.State, sim.Desk.Get(first.Id)!.SupersededBy));
    }

    [Fact]
    public void The_owner_signs_alone_only_while_the_policy_names_nobody_who_could()
    {
        using var sim = new SimDesk();
        var (one, other) = (sim.Desk.Begin(SimDesk.Owner, SimDesk.Content()), sim.Desk.Begin(SimDesk.Owner, SimDesk.Content("1-1-A-C")));
        sim.Desk.Submit(SimDesk.Owner, one.Id, 1);
        sim.Desk.Submit(SimDesk.Owner, other.Id, 1);
        Assert.True(sim.Desk.Sign(SimDesk.Owner, one.Id, 2, SignatureMeaning.Approved, "nobody else is here").Signature!.IsAlone);
        sim.Store.Approve(SimDesk.Owner, sim.Store.Assign(SimDesk.Owner, Subject.Parse(SimDesk.Reviewer.Id), Role.Reviewer));
        Assert.Equal("second-person", Assert.Throws<AccessRefusedException>(() => sim.Desk.Sign(SimDesk.Owner, other.Id, 2, SignatureMeaning.Approved, "alone")).Rule);
        Assert.False(sim.Desk.Sign(AccessActor.Owner("another"), other.Id, 2, SignatureMeaning.Approved, "together").Signature!.IsAlone);
    }

    [Theory]
    [InlineData("assess-reason", Tier.Pathogenic, "", "")]
    [InlineData("assess-reason", Tier.LikelyPathogenic, "no need", "")]
    [InlineData("assess-condition", Tier.LikelyPathogenic, "", "OMIM:1")]
    [InlineData("assess-condition", Tier.LikelyPathogenic, "", "MONDO:00052x7")]
    public void Content_that_no_assessment_says_is_refused(string rule, Tier tier, string reason, string condition)
    {
        var content = SimDesk.Content(tier: tier) with { DifferenceReason = reason };
        if (condition.Length > 0) content = content with { ConditionId = condition };
        Assert.Equal(rule, Assert.Throws<InputException>(() => content.Checked()).Code);
    }

    [Fact]
    public void Criteria_count_once_have_known_codes_and_BA1_alone_stands_alone()
    {
        CriterionUse pvs = new("PVS1", Strength.VeryStrong, ""), ba = new("BA1", Strength.StandAlone, "");
        foreach (var (rule, uses) in ((string, CriterionUse[])[])[("assess-criterion", [pvs, pvs]), ("assess-criterion", [pvs with { Code = "PVS2" }]), ("assess-strength", [pvs with { Strength = Strength.StandAlone }]),
            ("assess-strength", [ba with { Strength = Strength.Strong }]), ("assess-reference", [pvs with { References = ["PMID:x"] }]), ("assess-class", [])])
            Assert.Equal(rule, Assert.Throws<InputException>(() => (SimDesk.Content() with { Criteria = uses, Uncertain = rule == "assess-class" ? UncertainTier.Low : null }).Checked()).Code);
        Assert.Equal(["PVS1", "BA1"], (SimDesk.Content(tier: Tier.Benign) with { Criteria = [ba, pvs], DifferenceReason = "" }).Checked().Criteria.Select(c => c.Code));
    }

    [Fact]
    public void Two_people_who_edit_the_same_version_are_told_so_and_nothing_is_merged()
    {
        using var sim = new SimDesk();
        var draft = sim.Desk.Begin(SimDesk.Analyst, SimDesk.Content());
        sim.Desk.Edit(SimDesk.Analyst, draft.Id, 1, SimDesk.Content(text: "mine"));
        Assert.Equal("assess-conflict", Assert.Throws<InputException>(() => sim.Desk.Edit(SimDesk.Second, draft.Id, 1, SimDesk.Content(text: "hers"))).Code);
        Assert.Equal("mine", sim.Desk.Get(draft.Id)!.Content.Text);
    }

    [Fact]
    public void An_exchange_file_that_is_imported_and_written_again_is_the_same_bytes()
    {
        using var ours = new SimDesk();
        using var theirs = new SimDesk();
        ours.Desk.Set(SimDesk.Director, new AssessmentSettings { Laboratory = "Lab Ä, \"quoted\" & =1+1" });
        ours.Signed(SimDesk.Content(text: "free text with \u202e, \t and 😀"));
        ours.Signed(SimDesk.Content("X-5-ACGT-A", tier: Tier.Uncertain) with { Uncertain = UncertainTier.High });
        ours.Desk.Begin(SimDesk.Analyst, SimDesk.Content("2-2-C-T"));
        var lines = ours.Desk.List(SimDesk.Director).Select(a => OtherAssessment.Of(a, ours.Desk.Settings.Laboratory, ours.Store.Assembly.Name).ToLine()).ToList();
        Assert.All(lines, l => Assert.All(l, b => Assert.InRange(b, (byte)' ', (byte)'~')));
        Assert.Equal(new ImportReceipt(3, 0, 0), theirs.Desk.Import(SimDesk.Analyst, [.. lines.Select(l => OtherAssessment.Parse(l))]));
        Assert.Equal(new ImportReceipt(0, 3, 0), theirs.Desk.Import(SimDesk.Analyst, [.. lines.Select(l => OtherAssessment.Parse(l))]));
        Assert.Equal(lines.Select(Encoding.UTF8.GetString), new AssessmentDesk(theirs.Store).Others(SimDesk.Director).Select(o => Encoding.UTF8.GetString(o.ToLine())));
    }

    [Fact]
    public void An_import_takes_all_or_nothing_passes_older_versions_over_and_refuses_what_contradicts()
    {
        using var sim = new SimDesk();
        var one = new OtherAssessment { Laboratory = "other", Id = 1, Version = 2, State = AssessmentState.Draft, Assembly = sim.Store.Assembly.Name, Content = SimDesk.Content() };
        sim.Desk.Import(SimDesk.Analyst, [one]);
        Assert.Equal(new ImportReceipt(0, 0, 1), sim.Desk.Import(SimDesk.Analyst, [one with { Version = 1 }]));
        foreach (var (rule, bad) in ((string, OtherAssessment)[])[("assess-import", one with { Content = SimDesk.Content(text: "x") }), ("assess-assembly", one with { Assembly = "GRCh37" }), ("assess-own", one with { Laboratory = "own" })])
            Assert.Equal(rule, Assert.Throws<InputException>(() => sim.Desk.Import(SimDesk.Analyst, [one with { Id = 7 }, bad])).Code);
        Assert.Single(sim.Desk.Others(SimDesk.Analyst));
        var line = Encoding.UTF8.GetString(one.ToLine());
        foreach (var changed in (string[])[line.Replace("/1\"", "/2\"", StringComparison.Ordinal), line.Replace("\"points\":8", "\"points\":9", StringComparison.Ordinal), line.Replace("\"id\":1", "\"id\":1,\"extra\":2", StringComparison.Ordinal),
            line.Replace("\"id\":1", "\"id\":1,\"id\":1", StringComparison.Ordinal), line[..^1], "[]", line + line])
            Assert.Throws<InputException>(() => OtherAssessment.Parse(Encoding.UTF8.GetBytes(changed)));
    }

    [Fact]
    public void Discordance_is_graded_by_buckets_and_lists_the_worst_first()
    {
        Assert.Null(DiscordantPair.GradeOf(Tier.Pathogenic, Tier.LikelyPathogenic));
        Assert.Null(DiscordantPair.GradeOf(Tier.Benign, Tier.LikelyBenign));
        foreach (var harmful in (Tier[])[Tier.LikelyPathogenic, Tier.Pathogenic])
            foreach (var harmless in (Tier[])[Tier.Benign, Tier.LikelyBenign])
            {
                Assert.Equal(DiscordanceGrade.Critical, DiscordantPair.GradeOf(harmful, harmless));
                Assert.Equal(DiscordanceGrade.Major, DiscordantPair.GradeOf(Tier.Uncertain, harmful));
                Assert.Equal(DiscordanceGrade.Minor, DiscordantPair.GradeOf(harmless, Tier.Uncertain));
            }
        var allele = AssessedAllele.Parse("1-1-A-C");
        var pairs = DiscordantPair.Find([new("own", allele, "MONDO:0000001", Tier.Pathogenic), new("clinvar", allele, null, Tier.Uncertain), new("lab b", allele, "MONDO:0000001", Tier.Benign), new("own", AssessedAllele.Parse("2-1-A-C"), null, Tier.Benign)]);
        Assert.Equal([("lab b", "own", DiscordanceGrade.Critical, true), ("clinvar", "own", DiscordanceGrade.Major, false), ("clinvar", "lab b", DiscordanceGrade.Minor, false)],
            pairs.Select(p => (p.First.Source, p.Second.Source, p.Grade, p.IsOfOneCondition)));
    }

    [Fact]
    public void Criteria_of_frequency_follow_from_the_figures_and_show_them()
    {
        Check(200, 2000, "BA1");
        Check(60, 2000, "BS1");
        Check(10, 2000, null);
        Check(0, 2000, "PM2");
        Check(0, 1999, null);
        static void Check(long ac, long an, string? code)
        {
            var evidence = FrequencyEvidence.Judge(new CountFigures { Ac = ac, An = an, NSamples = 1000 }, 7, AssessmentSettings.Default);
            Assert.Equal(code, evidence.Criterion?.Code);
            Assert.Contains($"AC {ac}, AN {an}", evidence.Criterion?.Evidence ?? evidence.Note, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Tables_for_others_have_what_is_signed()
    {
        using var sim = new SimDesk();
        var signed = sim.Signed(SimDesk.Content("X-5-ACGT-A", text: "=cmd()"));
        sim.Signed(SimDesk.Content("2-7-C-T"));
        sim.Signed(SimDesk.Content("2-7-C-T", "MONDO:0000001", Tier.Benign));
        var row = AssessmentTables.ClinVarColumns.Zip(AssessmentTables.ClinVarRow(signed)).ToDictionary(p => p.First, p => p.Second);
        Assert.Equal(("X", "5", "8", "ACGT", "A", "0005267", "Likely pathogenic"), (row["Chromosome"], row["Start"], row["Stop"], row["Reference allele"], row["Alternate allele"], row["Condition ID value"], row["Germline classification"]));
        var lines = AssessmentTables.VcfLines(sim.Desk.List(SimDesk.Director), "GRCh38").Where(l => l[0] != '#').ToList();
        Assert.Equal(2, lines.Count);
        Assert.StartsWith("2\t7\t.\tC\tT\t.\t.\tWHA_CLASS=benign,likely-pathogenic;WHA_COND=MONDO%3A0000001,MONDO%3A0005267;WHA_POINTS=8,8;WHA_CRIT=PVS1_very-strong,PVS1_very-strong;WHA_ID=", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Changed_lines_and_changed_events_are_refused_by_a_rule_or_understood()
    {
        var (chance, taken) = (new Random(5), 0);
        var line = new OtherAssessment { Laboratory = "other", Id = 1, Version = 2, State = AssessmentState.Signed, Assembly = "GRCh38", Content = SimDesk.Content(text: "x"), SignedBy = "y" }.ToLine();
        var logged = new LoggedEvent { Number = 1, TimeUtc = DateTimeOffset.UnixEpoch, Actor = "a", ManifestVersion = 1, Kind = "assess/draft", Schema = 1, Payload = new AssessmentEvent.Drafted(null, 0, null, SimDesk.Content()).Encode().Payload };
        var encoded = EventFile.Encode(logged);
        var range = new EventRange("00000000000000000001", 1, default, new EventEnd(1, EventFile.ChainAfter(default, encoded), 1, logged.TimeUtc.UtcTicks));
        byte[] file = [.. EventFile.Header(range, 1), (byte)(encoded.Length | 0x80), (byte)(encoded.Length >> 7), .. encoded];
        Assert.Single(EventFile.Events(file, EventFile.Range(file, range.Name)));
        for (var i = 0; i < 30_000; i++)
        {
            try
            {
                var canonical = OtherAssessment.Parse(Changed(line)).ToLine();
                Assert.Equal(canonical, OtherAssessment.Parse(canonical).ToLine());
            }
            catch (InputException)
            {
                taken++;
            }
            try
            {
                var changed = Changed(file);
                foreach (var (one, _) in EventFile.Events(changed, EventFile.Range(changed, range.Name))) AssessmentEvent.Decode(one);
            }
            catch (Exception e) when (e is StoreException or InputException)
            {
                taken++;
            }
        }
        Assert.InRange(taken, 10_000, 60_000);

        byte[] Changed(byte[] sound)
        {
            var bytes = (byte[])sound.Clone();
            for (var many = chance.Next(1, 4); many > 0; many--) bytes[chance.Next(bytes.Length)] = (byte)(chance.Next(2) == 0 ? chance.Next(256) : "0-{}\"\\,:u"[chance.Next(9)]);
            return chance.Next(4) == 0 ? bytes[..chance.Next(bytes.Length)] : bytes;
        }
    }

    [Fact]
    public void An_event_that_no_desk_wrote_is_damage_and_one_of_a_later_program_is_not_passed_over()
    {
        using var sim = new SimDesk();
        var draft = sim.Desk.Begin(SimDesk.Analyst, SimDesk.Content());
        var log = sim.Store.Events;
        log.Append(new() { Actor = "x", ManifestVersion = 1, Events = [new("assess/submit", 1, Encoding.UTF8.GetBytes(FormattableString.Invariant($"{{\"id\":{draft.Id},\"version\":9}}")))] });
        Assert.Throws<DamagedStoreException>(() => sim.Desk.Get(draft.Id));
        using var later = new SimDesk();
        later.Store.Events.Append(new() { Actor = "x", ManifestVersion = 1, Events = [new("watch/made", 9, default), new("assess/draft", 2, "{}"u8.ToArray())] });
        Assert.Throws<StoreRefusedException>(() => later.Desk.Get(1));
    }
}
