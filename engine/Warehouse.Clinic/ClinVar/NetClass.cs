namespace Warehouse.Clinic.ClinVar;

/// <summary>What a classification comes to for who treats a patient. Comparisons and alerts go by it, not by spelling or shades.</summary>
public enum NetClass
{
    /// <summary>No record, or a record without a classification.</summary>
    Absent,

    /// <summary>Benign or likely benign; of somatic impact tier IV.</summary>
    Benign,

    /// <summary>Uncertain significance, uncertain risk allele; of somatic impact tier III.</summary>
    Uncertain,

    /// <summary>Submitters do not agree.</summary>
    Conflicting,

    /// <summary>Likely or established risk allele, risk factor.</summary>
    Risk,

    /// <summary>Pathogenic or likely pathogenic, of low penetrance too; oncogenic or likely oncogenic; of somatic impact tier I.</summary>
    Pathogenic,

    /// <summary>Of somatic impact tier II.</summary>
    Potential,

    /// <summary>Something that is not on the scale from benign to pathogenic: drug response, association, protective, affects, other.</summary>
    Other,

    /// <summary>Something that no table has: nobody knows yet what it comes to.</summary>
    Unrecognised,
}

/// <summary>What ClinVar says of an allele on one axis. Immutable.</summary>
public sealed record Classification
{
    private const ClinVarTerms AnyPathogenic = ClinVarTerms.Pathogenic | ClinVarTerms.LikelyPathogenic | ClinVarTerms.PathogenicLowPenetrance | ClinVarTerms.LikelyPathogenicLowPenetrance
        | ClinVarTerms.Oncogenic | ClinVarTerms.LikelyOncogenic;

    private const ClinVarTerms AnyUncertain = ClinVarTerms.Uncertain | ClinVarTerms.UncertainHigh | ClinVarTerms.UncertainMid | ClinVarTerms.UncertainLow;

    private const ClinVarTerms AnyBenign = ClinVarTerms.Benign | ClinVarTerms.LikelyBenign;

    private const ClinVarTerms AnyRisk = ClinVarTerms.EstablishedRiskAllele | ClinVarTerms.LikelyRiskAllele | ClinVarTerms.RiskFactor;

    private const ClinVarTerms AnyOther = ClinVarTerms.DrugResponse | ClinVarTerms.ConfersSensitivity | ClinVarTerms.Association | ClinVarTerms.AssociationNotFound | ClinVarTerms.Affects
        | ClinVarTerms.Protective | ClinVarTerms.Histocompatibility | ClinVarTerms.Other;

    /// <summary>Nothing is said.</summary>
    public static Classification None { get; } = new();

    /// <summary>The terms.</summary>
    public ClinVarTerms Terms { get; private init; }

    /// <summary>Stars of the review, 0 to 4.</summary>
    public int Stars { get; private init; }

    /// <summary>What no table has: values, review states and conflicts, as the file spells them.</summary>
    public IReadOnlyList<string> Unrecognised { get; private init; } = [];

    /// <summary>How many submitters say what, where they conflict.</summary>
    public IReadOnlyList<(ClinVarTerms Term, int Submitters)> Conflict { get; private init; } = [];

    /// <summary>Its value has a term that no table has.</summary>
    public bool HasUnknownTerm { get; private init; }

    /// <summary>What it comes to.</summary>
    public NetClass Net { get; private init; }

    /// <summary>Reads the fields of one axis as a file spells them; empty where it has none.</summary>
    public static Classification Parse(ClinVarAxis axis, string significance, string reviewStatus, string conflict)
    {
        if (significance is "" or "." && reviewStatus is "" or "." && conflict is "" or ".") return None;
        var (terms, unknown) = ClinVarVocabulary.Terms(axis, significance);
        var (counts, unknownCounts) = ClinVarVocabulary.Conflict(axis, conflict);
        var stars = ClinVarVocabulary.StarsOf(reviewStatus);
        string[] unrecognised = [.. unknown, .. stars is null ? [reviewStatus] : Array.Empty<string>(), .. unknownCounts];
        return new Classification { Terms = terms, Stars = stars ?? 0, Conflict = counts, Unrecognised = unrecognised, HasUnknownTerm = unknown.Count > 0, Net = NetOf(terms, unknown.Count > 0) };
    }

    /// <summary>What two records of one allele say together: of the stars the more, since that review is not taken back by another record.</summary>
    public Classification And(Classification other)
    {
        if (this == None || other == None) return this == None ? other : this;
        var terms = Terms | other.Terms;
        var isUnknown = HasUnknownTerm || other.HasUnknownTerm;
        return new Classification { Terms = terms, Stars = Math.Max(Stars, other.Stars), Conflict = [.. Conflict, .. other.Conflict], Unrecognised = [.. Unrecognised, .. other.Unrecognised], HasUnknownTerm = isUnknown, Net = NetOf(terms, isUnknown) };
    }

    /// <summary>
    /// The rules, first that applies: a term that nobody knows, unless another says pathogenic, which must not be lost behind it; a stated conflict;
    /// more than one of pathogenic, uncertain and benign is a conflict; the one there is (of tiers the strongest, since they differ by condition);
    /// risk; else something other; else nothing. What is beside the scale does not take a class off it.
    /// </summary>
    private static NetClass NetOf(ClinVarTerms terms, bool isUnknown)
    {
        if (isUnknown && (terms & AnyPathogenic) == 0) return NetClass.Unrecognised;
        if ((terms & (ClinVarTerms.Conflicting | ClinVarTerms.ConflictingData)) != 0) return NetClass.Conflicting;
        var (pathogenic, uncertain, benign) = ((terms & AnyPathogenic) != 0, (terms & AnyUncertain) != 0, (terms & AnyBenign) != 0);
        if ((pathogenic ? 1 : 0) + (uncertain ? 1 : 0) + (benign ? 1 : 0) > 1) return NetClass.Conflicting;
        if (pathogenic || (terms & ClinVarTerms.TierOne) != 0) return NetClass.Pathogenic;
        if ((terms & ClinVarTerms.TierTwo) != 0) return NetClass.Potential;
        if (uncertain || (terms & ClinVarTerms.TierThree) != 0) return NetClass.Uncertain;
        if (benign || (terms & ClinVarTerms.TierFour) != 0) return NetClass.Benign;
        if ((terms & AnyRisk) != 0) return NetClass.Risk;
        if ((terms & ClinVarTerms.UncertainRiskAllele) != 0) return NetClass.Uncertain;
        return (terms & AnyOther) != 0 ? NetClass.Other : NetClass.Absent;
    }
}
