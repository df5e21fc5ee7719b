using System.Text;
using Warehouse.Clinic;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.Assessments;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Events;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Vcf;

namespace Warehouse.Simulation.Fuzz;

/// <summary>What laboratories hand in and exchange (assessments, who cares for whom, the table of grades, the words of ClinVar), and the payloads of the event log, which a writer's mistake could damage.</summary>
internal static class ClinicTargets
{
    private static readonly byte[][] Json = FuzzTarget.WordsOf(
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "false", "1e400", "-0", "\"\"", "\"id\":1", "\"version\":4294967297", "\"content\":{}", "\"variant\":\"1-5-A-C\"", "\"class\":\"pathogenic\"", "\"PVS1\"", "MONDO:0005267", "warehouse.assessment/1", "=cmd", "\u0000", "\u00ff");

    private static readonly AssessmentContent Content = new()
    {
        Allele = AssessedAllele.Parse("22-1029-A-G"), ConditionId = "MONDO:0005267", ConditionName = "heart disease", Class = Tier.LikelyPathogenic,
        Criteria = [new CriterionUse("PVS1", Strength.VeryStrong, "stop in exon 2") { References = ["PMID:1"] }], Inheritance = Inheritance.AutosomalDominant, References = ["PMID:25741868"], Text = "=1+1; 50 %, ž",
    };

    private static readonly OtherAssessment Statement = new()
    {
        Laboratory = "A", Id = 7, Version = 3, State = AssessmentState.Signed, Assembly = "GRCh38", Content = Content, SignedBy = "oidc:https://id.example|b", SignedUtc = new DateTimeOffset(2026, 1, 1, 8, 0, 0, TimeSpan.Zero), SignedReason = "read",
    };

    private static readonly AlertDraft Draft = new()
    {
        Trigger = WatchTriggers.Class, Person = "P1", Allele = "1-100-A-G", Change = "clinvar 2026-02-01 germline uncertain>pathogenic", Grade = Grade.Critical, Genes = "GENE1", Ids = "7", Samples = ["S1", "S2"], Watches = ["all"], Kinds = ChangeKinds.FlipFlop,
    };

    private static readonly AlertEvent[] AlertEvents =
    [
        new Salted([1, 2, 3, 4]), new WatchSet(new Watch { Name = "w", Scope = WatchScope.Genes, Items = ["GENE1", "GENE2"], Hears = ["local:a"], FrequencyLine = 0.25 }), new WatchRemoved("w"), new CareSet([new CareRow("P1", "local:a", ["local:b", "local:c"])]),
        new GradesSet(GradeTable.DefaultText), new SettingsSet(new AlertSettings { Directors = ["local:d"] }), new ReleaseAccepted("2026-02-01", "digest", 3, 1), new AlertsRaised([Draft, Draft with { Person = "P2", IsSelfTest = true }]), new DerivedThrough(9, 2),
        new AlertsRouted([("0123", ["local:a"])]), new AlertsDelivered("webhook", "local:a", ["0123"]), new DeliveryFailed("webhook", 2, DateTimeOffset.UnixEpoch), new DeliveryFailed("webhook", 2, DateTimeOffset.UnixEpoch) { Recipient = "local:a" }, new AccessLooked("0123"), new AlertsShown("local:a", ["0123"]), new AlertAcknowledged("0123", "local:a", "why"),
        new AlertDelegated("0123", "local:a", "local:b", "why"), new AlertSnoozed("0123", "local:a", DateTimeOffset.UnixEpoch, "why"), new AlertEscalated("0123", 2, "why"), new AlertEscalated("0123", 3, "why") { Again = ["local:d"] }, new AlertSuppressed("0123", "withdrawn"), new SelfTestBegun("1"), new SelfTestPassed("1"), new ClockMoved(-5),
    ];

    private static readonly AssessmentEvent[] AssessmentEvents =
    [
        new AssessmentEvent.Drafted(null, 0, 3, Content), new AssessmentEvent.Drafted(7, 1, null, Content), new AssessmentEvent.Submitted(7, 2), new AssessmentEvent.Returned(7, 3, "why"),
        new AssessmentEvent.Signed(7, 4, SignatureMeaning.Approved, "read", new string('a', 64)) { IsAlone = true }, new AssessmentEvent.Given(7, 5, "why"), new AssessmentEvent.SettingsChanged(new AssessmentSettings()), new AssessmentEvent.Imported(Statement),
    ];

    /// <summary>All of them.</summary>
    public static IEnumerable<FuzzTarget> All()
    {
        NewEvent[] alerts = [.. AlertEvents.Select(e => AlertCodec.Encode(e, DateTimeOffset.UnixEpoch))], assessments = [.. AssessmentEvents.Select(e => e.Encode())];
        yield return new FuzzTarget("alert-event", Seeds(alerts), b => ReadAlertEvent(b, alerts)) { Expects = e => e is InvalidDataException };
        yield return new FuzzTarget("assess-event", Seeds(assessments), b => ReadAssessmentEvent(b, assessments)) { Words = Json, Expects = e => e is InputException or StoreRefusedException };
        yield return new FuzzTarget("assessment", [Statement.ToLine(), (Statement with { SignedBy = null, State = AssessmentState.Draft }).ToLine()], ReadStatement) { Words = Json };
        yield return new FuzzTarget("care", ["person\tresponsible\tdeputies\nP1\tlocal:a\tlocal:b,oidc:https://idp|c\nP2\t\t\nP3\tlocal:a\n"u8.ToArray()], ReadCare) { Words = FuzzTarget.WordsOf("\t", "\n", ",", ":", "|", "local:", "oidc:", "https://", "person", "deputies", " ", "\u00ff") };
        yield return new FuzzTarget("grades", [Encoding.UTF8.GetBytes(GradeTable.DefaultText)], ReadGrades) { Words = FuzzTarget.WordsOf("*", "#", "\n", "\r\n", "\t", " ", "germline", "oncogenicity", "somatic-impact", "flip-flop", "none", "critical", "1", "-", "class,stars") };
        yield return new FuzzTarget("clinvar-terms", ClinVarSeeds.Terms, ReadTerms) { Words = ClinVarSeeds.Words };
    }

    /// <summary>A payload, with its kind as a first byte.</summary>
    private static byte[][] Seeds(NewEvent[] events) => [.. events.Select((e, i) => (byte[])[(byte)i, .. e.Payload.Span])];

    private static LoggedEvent Logged(byte[] input, NewEvent[] events) => new()
    {
        Number = 1, TimeUtc = DateTimeOffset.UnixEpoch, Actor = "local:lab", ManifestVersion = 1, Kind = events[input.Length == 0 ? 0 : input[0] % events.Length].Kind, Schema = 1, Payload = input.AsMemory(Math.Min(1, input.Length)),
    };

    /// <summary>What is understood can be written, and is understood again.</summary>
    private static void ReadAlertEvent(byte[] input, NewEvent[] events)
    {
        var (one, at) = AlertCodec.Decode(Logged(input, events));
        var again = AlertCodec.Encode(one, at);
        if (again.Kind != Logged(input, events).Kind) throw new InvalidOperationException("another kind of event");
        AlertCodec.Decode(Logged(input, events) with { Payload = again.Payload });
    }

    private static void ReadAssessmentEvent(byte[] input, NewEvent[] events)
    {
        var one = AssessmentEvent.Decode(Logged(input, events))!;
        var again = one.Encode();
        if (!AssessmentEvent.Decode(Logged(input, events) with { Payload = again.Payload })!.Encode().Payload.Span.SequenceEqual(again.Payload.Span)) throw new InvalidOperationException("an event does not come back");
        _ = one.Subjects(1).Count();
    }

    /// <summary>What is read and written again is in the one canonical form; as a row for ClinVar and as a VCF it is whole.</summary>
    private static void ReadStatement(byte[] input)
    {
        var read = OtherAssessment.Parse(input);
        var line = read.ToLine();
        if (!OtherAssessment.Parse(line).ToLine().AsSpan().SequenceEqual(line)) throw new InvalidOperationException("a statement does not come back");
        var own = new Assessment { Id = read.Id, Version = read.Version, State = read.State, Content = read.Content, Authors = ["a"], By = "a", TimeUtc = read.SignedUtc, ManifestVersion = 1 };
        if (AssessmentTables.ClinVarRow(own).Count != AssessmentTables.ClinVarColumns.Count) throw new InvalidOperationException("a row for ClinVar has other columns than its header");
        var text = string.Concat(AssessmentTables.VcfLines([own, own with { Id = 9 }], "GRCh38").Select(l => l + "\n"));
        try
        {
            using var reader = VariantFile.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "vcf", new VcfReadOptions { SitesOnly = true });
            var (record, records) = (new VcfRecord(), 0);
            while (reader.Read(record)) records++;
            if (records != 1) throw new InvalidOperationException("an allele is more than one line");
        }
        catch (InputException refused)
        {
            throw new InvalidOperationException("the VCF of an assessment is refused: " + refused.Message, refused);
        }
    }

    private static void ReadCare(byte[] input)
    {
        var lines = Encoding.UTF8.GetString(input).Split('\n').Select((l, i) => (Number: i + 1L, Text: l.TrimEnd('\r'))).Where(l => l.Text.Length > 0);
        foreach (var row in CareTable.ReadAll(lines, "fuzz"))
            if (row.Person.Length is 0 or > WatchIntake.MaxPerson || row.Deputies.Any(d => d.Length == 0)) throw new InvalidOperationException("a row without a person or a deputy without a name");
    }

    private static void ReadGrades(byte[] input)
    {
        var table = GradeTable.Parse(Encoding.UTF8.GetString(input), "fuzz");
        if (table.Rows.Any(r => r.Length != 5) || !GradeTable.Parse(table.Text).Rows.SelectMany(r => r).SequenceEqual(table.Rows.SelectMany(r => r))) throw new InvalidOperationException("a table does not come back");
    }

    /// <summary>Nothing that ClinVar may come to say stops the reading: it is known, or told as not known; the latter counts as refused here.</summary>
    private static void ReadTerms(byte[] input)
    {
        var lines = Encoding.UTF8.GetString(input).Split('\n');
        var axis = (ClinVarAxis)(lines[0].Length == 0 ? 0 : lines[0][0] % 3);
        var found = Classification.Parse(axis, lines[0].Length == 0 ? "" : lines[0][1..], lines.ElementAtOrDefault(1) ?? "", lines.ElementAtOrDefault(2) ?? "");
        if (found.Stars is < 0 or > 4) throw new InvalidOperationException($"{found.Stars} stars");
        if (found.Unrecognised.Any(u => u.Length > ClinVarVocabulary.MaxValueCharacters)) throw new InvalidOperationException("what is told is longer than what is looked at");
        if (lines[0].Trim('0', '1', '2', ' ', '.', '_', '\r').Length > 1 && found.Terms == ClinVarTerms.None && found.Unrecognised.Count == 0) throw new InvalidOperationException("a value is dropped");
        if (found.Unrecognised.Count > 0) throw new InputException("clinvar-unrecognised", "not known", InputPlace.None);
    }
}
