using Warehouse.Clinic.ClinVar;
using Xunit;

namespace Warehouse.Units.Clinic;

public sealed class ClinVarVocabularyTests
{
    [Theory]
    [InlineData("Pathogenic", NetClass.Pathogenic)]
    [InlineData("Likely pathogenic;Pathogenic", NetClass.Pathogenic)] // 2015, tables
    [InlineData("Likely_benign|Pathogenic", NetClass.Conflicting)]
    [InlineData("5|4", NetClass.Pathogenic)] // before 2018
    [InlineData("0|5", NetClass.Conflicting)]
    [InlineData("255", NetClass.Other)]
    [InlineData("Pathogenic/Likely_pathogenic", NetClass.Pathogenic)] // 2018
    [InlineData("Pathogenic,_risk_factor", NetClass.Pathogenic)]
    [InlineData("Benign/Likely_benign,_other", NetClass.Benign)]
    [InlineData("Conflicting_interpretations_of_pathogenicity,_Affects,_other", NetClass.Conflicting)]
    [InlineData("Conflicting_interpretations_of_pathogenicity", NetClass.Conflicting)] // 2021
    [InlineData("Uncertain_significance|drug_response", NetClass.Uncertain)]
    [InlineData("no_interpretation_for_the_single_variant", NetClass.Absent)]
    [InlineData("Conflicting_classifications_of_pathogenicity|risk_factor", NetClass.Conflicting)] // 2024
    [InlineData("Pathogenic/Likely_pathogenic/Pathogenic,_low_penetrance/Established_risk_allele|risk_factor", NetClass.Pathogenic)]
    [InlineData("Pathogenic,_low_penetrance", NetClass.Pathogenic)]
    [InlineData("Likely_pathogenic,_low_penetrance,_other", NetClass.Pathogenic)]
    [InlineData("Uncertain_significance/Uncertain_risk_allele", NetClass.Uncertain)]
    [InlineData("Likely_risk_allele", NetClass.Risk)]
    [InlineData("Established_risk_allele", NetClass.Risk)]
    [InlineData("Uncertain_risk_allele", NetClass.Uncertain)]
    [InlineData("no_classification_for_the_single_variant", NetClass.Absent)]
    [InlineData("no_classifications_from_unflagged_records", NetClass.Absent)]
    [InlineData("not_provided", NetClass.Absent)]
    [InlineData("drug_response", NetClass.Other)]
    [InlineData("association|confers_sensitivity|protective", NetClass.Other)]
    [InlineData("VUS-high", NetClass.Uncertain)]
    [InlineData(".", NetClass.Absent)]
    public void Values_of_every_year_come_to_a_class_and_are_known(string value, NetClass expected)
    {
        var found = Classification.Parse(ClinVarAxis.Germline, value, "", "");
        Assert.Empty(found.Unrecognised);
        Assert.Equal(expected, found.Net);
    }

    [Theory]
    [InlineData("Oncogenic", NetClass.Pathogenic)]
    [InlineData("Likely_oncogenic", NetClass.Pathogenic)]
    [InlineData("Oncogenic/Likely_oncogenic", NetClass.Pathogenic)]
    [InlineData("Uncertain_significance", NetClass.Uncertain)]
    [InlineData("Benign/Likely_benign", NetClass.Benign)]
    [InlineData("Conflicting_classifications_of_oncogenicity", NetClass.Conflicting)]
    public void Oncogenicity_is_an_axis_of_its_own(string value, NetClass expected)
    {
        var found = Classification.Parse(ClinVarAxis.Oncogenicity, value, "reviewed_by_expert_panel", "");
        Assert.Empty(found.Unrecognised);
        Assert.Equal((expected, 3), (found.Net, found.Stars));
        if (value.Contains("ncogenic")) Assert.NotEmpty(Classification.Parse(ClinVarAxis.Germline, value, "", "").Unrecognised);
    }

    [Theory]
    [InlineData("Tier_I_-_Strong", NetClass.Pathogenic)]
    [InlineData("Tier_II_-_Potential", NetClass.Potential)]
    [InlineData("Tier_III_-_Unknown", NetClass.Uncertain)]
    [InlineData("Tier_IV_-_Benign/Likely_benign", NetClass.Benign)]
    [InlineData("Tier_I_-_Strong|Tier_III_-_Unknown", NetClass.Pathogenic)]
    public void Tiers_are_known_and_of_several_the_strongest_counts(string value, NetClass expected)
    {
        var found = Classification.Parse(ClinVarAxis.SomaticImpact, value, "", "");
        Assert.Empty(found.Unrecognised);
        Assert.Equal(expected, found.Net);
    }

    [Theory]
    [InlineData("practice_guideline", 4)]
    [InlineData("reviewed_by_expert_panel", 3)]
    [InlineData("criteria_provided,_multiple_submitters,_no_conflicts", 2)]
    [InlineData("criteria_provided|multiple_submitters|no_conflicts", 2)]
    [InlineData("criteria provided, single submitter", 1)]
    [InlineData("criteria_provided,_conflicting_interpretations", 1)]
    [InlineData("criteria_provided,_conflicting_classifications", 1)]
    [InlineData("no_assertion_criteria_provided", 0)]
    [InlineData("no_classification_provided", 0)]
    [InlineData("no_classifications_from_unflagged_records", 0)]
    [InlineData("no assertion for the individual variant", 0)]
    [InlineData("single|exp|no_criteria", 3)]
    [InlineData("", 0)]
    public void Review_states_have_their_stars(string value, int stars) => Assert.Equal(stars, ClinVarVocabulary.StarsOf(value));

    [Fact]
    public void What_no_table_has_is_kept_as_it_is_spelled_and_hides_no_pathogenic_class()
    {
        var found = Classification.Parse(ClinVarAxis.Germline, "Benign|Sort_of_bad", "reviewed_by_a_friend", "Pathogenic(1)|Sort_of_bad(2)|Benign(x)");
        Assert.Equal((NetClass.Unrecognised, 0), (found.Net, found.Stars));
        Assert.Equal(["sort of bad", "reviewed_by_a_friend", "sort of bad(2)", "benign(x)"], found.Unrecognised);
        Assert.Equal(NetClass.Pathogenic, Classification.Parse(ClinVarAxis.Germline, "Likely_pathogenic|Sort_of_bad", "", "").Net);
        Assert.Null(ClinVarVocabulary.StarsOf("reviewed_by_a_friend"));
        foreach (var text in new[] { ",", "/", "|;", "low_penetrance", "pathogenic,_very_low_penetrance", new string('x', 10_000), "(", "%zz" })
        {
            Assert.NotEmpty(ClinVarVocabulary.Terms(ClinVarAxis.Germline, text).Unrecognised);
            _ = ClinVarVocabulary.Conflict(ClinVarAxis.Germline, text);
            _ = ClinVarVocabulary.StarsOf(text);
        }
    }

    [Theory]
    [InlineData("Pathogenic(1)|Uncertain_significance(12)")]
    [InlineData("Pathogenic(1),Uncertain_significance(12)")]
    [InlineData("Pathogenic(1)%3BUncertain_significance(12)")]
    public void Conflicts_are_counted(string value)
    {
        var (counts, unknown) = ClinVarVocabulary.Conflict(ClinVarAxis.Germline, value);
        Assert.Empty(unknown);
        Assert.Equal([(ClinVarTerms.Pathogenic, 1), (ClinVarTerms.Uncertain, 12)], counts);
        Assert.Equal([(ClinVarTerms.PathogenicLowPenetrance, 3)], ClinVarVocabulary.Conflict(ClinVarAxis.Germline, "Pathogenic,_low_penetrance(3)").Counts);
    }
}
