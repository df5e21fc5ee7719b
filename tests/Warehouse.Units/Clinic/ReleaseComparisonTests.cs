using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Xunit;
using static Warehouse.Units.Clinic.AlertWorld;

namespace Warehouse.Units.Clinic;

public sealed class ReleaseComparisonTests
{
    [Theory]
    [InlineData("Uncertain_significance", "Pathogenic", ChangeKinds.Upgrade, Grade.Critical)]
    [InlineData("Pathogenic", "Likely_benign", ChangeKinds.Downgrade, Grade.Critical)]
    [InlineData("Pathogenic", "Uncertain_significance", ChangeKinds.Downgrade, Grade.Major)]
    [InlineData("Likely_pathogenic", "Pathogenic", ChangeKinds.None, Grade.None)]
    [InlineData("Conflicting_interpretations_of_pathogenicity", "Conflicting_classifications_of_pathogenicity", ChangeKinds.None, Grade.None)]
    [InlineData("Pathogenic", "Conflicting_classifications_of_pathogenicity", ChangeKinds.ConflictBegun | ChangeKinds.Downgrade, Grade.Major)]
    [InlineData("Conflicting_classifications_of_pathogenicity", "Benign", ChangeKinds.ConflictEnded | ChangeKinds.Downgrade, Grade.Minor)]
    [InlineData("Uncertain_significance", "Conflicting_classifications_of_pathogenicity", ChangeKinds.ConflictBegun, Grade.Minor)]
    [InlineData("Benign", "Likely_risk_allele", ChangeKinds.Upgrade, Grade.Major)]
    [InlineData("not_provided", "Pathogenic", ChangeKinds.Appeared, Grade.Critical)]
    [InlineData("Pathogenic", "no_classifications_from_unflagged_records", ChangeKinds.Retracted, Grade.Major)]
    [InlineData("Benign", "drug_response", ChangeKinds.Sideways, Grade.Minor)]
    [InlineData("Uncertain_significance", "Very_bad_indeed", ChangeKinds.Sideways, Grade.Major)]
    public void A_change_of_class_has_its_kind_and_grade(string before, string after, ChangeKinds kinds, Grade grade)
    {
        var changes = Compare([Entry(1, before)], [Entry(1, after)]);
        if (kinds == ChangeKinds.None) Assert.Empty(changes);
        else Assert.Equal([(kinds, grade)], changes.Select(c => (c.Kinds, c.Grade)));
    }

    [Fact]
    public void Records_that_come_go_move_merge_and_split_are_told_apart_from_changes_of_class()
    {
        Assert.Equal((ChangeKinds.Appeared, Grade.Critical), One([], [Entry(1, "Pathogenic")]));
        Assert.Equal((ChangeKinds.Retracted, Grade.Major), One([Entry(1, "Pathogenic")], []));
        Assert.Equal((ChangeKinds.Stars, Grade.Minor), One([Entry(1, "Pathogenic")], [Entry(1, "Pathogenic", "practice_guideline")]));
        Assert.Equal((ChangeKinds.MovedCondition, Grade.Minor), One([Entry(1, "Pathogenic", conditions: "A|B")], [Entry(1, "Pathogenic", conditions: "B|C")]));
        Assert.Empty(Compare([Entry(1, "Pathogenic", conditions: "A|B")], [Entry(1, "Pathogenic", conditions: "B|A")]));
        // The record 7 went into 8, whose allele is the same: no change of class, and nobody is told.
        Assert.Equal((ChangeKinds.Merged, Grade.None), One([Entry(1, "Pathogenic", id: "7")], [Entry(1, "Pathogenic", id: "8")]));
        // The record 7 stood for both alleles; now it stands for one of them.
        Assert.Equal([(ChangeKinds.Split, "1-200-A-G")], Compare([Entry(1, "Benign", id: "7"), Entry(2, "Benign", id: "7")], [Entry(1, "Benign", id: "7"), Entry(2, "Benign", id: "8")]).Select(c => (c.Kinds, c.Allele.ToString())));
        // Another spelling's record went away: what is left says less, and only the class counts.
        Assert.Equal(ChangeKinds.ConflictEnded | ChangeKinds.Upgrade | ChangeKinds.Merged, Compare([Entry(1, "Benign", id: "7").And(Entry(1, "Pathogenic", id: "8"))], [Entry(1, "Pathogenic", id: "8")]).Single().Kinds);
    }

    [Fact]
    public void A_class_that_goes_back_to_what_it_was_is_marked_however_long_it_was_another()
    {
        List<ClinVarAllele>[] history = [[Entry(1, "Pathogenic"), Entry(2, "Benign")], [Entry(1, "Benign"), Entry(2, "Benign")], [Entry(1, "Benign"), Entry(2, "Uncertain_significance")], [Entry(1, "Likely_pathogenic"), Entry(2, "Pathogenic")]];
        var changes = ReleaseComparison.Run(() => history[2], () => history[3], GradeTable.Default).ToList();
        var marked = ReleaseComparison.WithFlipFlops(changes, [new ShelvedRelease("1", () => history[1]), new ShelvedRelease("0", () => history[0])]);
        Assert.Equal([ChangeKinds.Upgrade | ChangeKinds.FlipFlop, ChangeKinds.Upgrade], marked.Select(c => c.Kinds));
    }

    /// <summary>The walk over both releases against dictionaries, over random releases.</summary>
    [Fact]
    public void Random_releases_are_compared_as_a_naive_program_compares_them()
    {
        const int Seed = 20261129;
        var chance = new Random(Seed);
        string[] classes = ["Pathogenic", "Likely_pathogenic", "Benign", "Uncertain_significance", "Conflicting_classifications_of_pathogenicity", "not_provided", "other", "New_term", "Pathogenic|drug_response"];
        for (var round = 0; round < 200; round++)
        {
            var (before, after) = (Some(), Some());
            var naive = new SortedDictionary<int, string>();
            for (var site = 1; site <= 40; site++)
            {
                var (old, now) = (before.Find(e => e.Allele.Start == (100 * site) - 1)?.Germline.Net ?? NetClass.Absent, after.Find(e => e.Allele.Start == (100 * site) - 1)?.Germline.Net ?? NetClass.Absent);
                if (old != now) naive[site] = $"{old}>{now}";
            }
            var found = Compare(before, after).Where(c => c.IsOfClass).ToDictionary(c => (c.Allele.Start + 1) / 100, c => $"{c.From}>{c.To}");
            Assert.True(naive.SequenceEqual(found), $"seed {Seed}, round {round}");
        }

        List<ClinVarAllele> Some() => [.. Enumerable.Range(1, 40).Where(_ => chance.Next(4) > 0).Select(site => Entry(site, classes[chance.Next(classes.Length)]))];
    }

    [Fact]
    public void The_director_grades_and_what_no_line_fits_is_major()
    {
        var change = Compare([Entry(1, "Benign")], [Entry(1, "Uncertain_significance")]).Single();
        Assert.Equal(Grade.None, GradeTable.Parse("germline upgrade benign uncertain none\n* * * * minor\n").Of(change));
        Assert.Equal(Grade.Major, GradeTable.Parse("# nothing\n").Of(change));
        foreach (var bad in new[] { "germline upgrade benign uncertain", "germline upgrade benign uncertain grave", "germline upgrade benign 1 minor", "x * * * minor", "* * * * *" })
            Assert.Equal("grade-row", Assert.Throws<InputException>(() => GradeTable.Parse(bad)).Code);
    }

    [Fact]
    public void Records_of_one_allele_are_one_entry()
    {
        var one = ClinVarAllele.ByAllele([Entry(1, "Pathogenic", id: "9"), Entry(1, "Benign", "practice_guideline", id: "10"), Entry(2, "Benign")]).ToList();
        Assert.Equal([NetClass.Conflicting, NetClass.Benign], one.Select(e => e.Germline.Net));
        Assert.Equal((4, "10,9"), (one[0].Germline.Stars, string.Join(',', one[0].Ids)));
        Assert.Throws<ArgumentException>(() => ClinVarAllele.ByAllele([Entry(2, "Benign"), Entry(1, "Benign")]).ToList());
    }

    private static (ChangeKinds, Grade) One(List<ClinVarAllele> before, List<ClinVarAllele> after)
    {
        var change = Assert.Single(Compare(before, after));
        return (change.Kinds, change.Grade);
    }

    private static List<ClassChange> Compare(List<ClinVarAllele> before, List<ClinVarAllele> after) => [.. ReleaseComparison.Run(() => before, () => after, GradeTable.Default)];
}
