namespace Warehouse.Clinic.ClinVar;

/// <summary>What a classification is about. ClinVar keeps the three apart, and so do comparisons and alerts.</summary>
public enum ClinVarAxis
{
    /// <summary>Of germline variants, for Mendelian disease, risk and drug response (CLNSIG).</summary>
    Germline,

    /// <summary>Whether a somatic variant drives cancer (ONC).</summary>
    Oncogenicity,

    /// <summary>What a somatic variant means for diagnosis, prognosis or therapy (SCI).</summary>
    SomaticImpact,
}

/// <summary>
/// Every term of the three vocabularies, whatever its spelling was in which year. A classification is a set of them: values were, and are, combined.
/// </summary>
[Flags]
public enum ClinVarTerms : ulong
{
    /// <summary>No term.</summary>
    None = 0,

    /// <summary>Pathogenic.</summary>
    Pathogenic = 1UL << 0,

    /// <summary>Likely pathogenic.</summary>
    LikelyPathogenic = 1UL << 1,

    /// <summary>Pathogenic, low penetrance.</summary>
    PathogenicLowPenetrance = 1UL << 2,

    /// <summary>Likely pathogenic, low penetrance.</summary>
    LikelyPathogenicLowPenetrance = 1UL << 3,

    /// <summary>Established risk allele.</summary>
    EstablishedRiskAllele = 1UL << 4,

    /// <summary>Likely risk allele.</summary>
    LikelyRiskAllele = 1UL << 5,

    /// <summary>Uncertain risk allele.</summary>
    UncertainRiskAllele = 1UL << 6,

    /// <summary>Uncertain significance.</summary>
    Uncertain = 1UL << 7,

    /// <summary>Uncertain significance, near to likely pathogenic.</summary>
    UncertainHigh = 1UL << 8,

    /// <summary>Uncertain significance, in the middle.</summary>
    UncertainMid = 1UL << 9,

    /// <summary>Uncertain significance, near to likely benign.</summary>
    UncertainLow = 1UL << 10,

    /// <summary>Likely benign.</summary>
    LikelyBenign = 1UL << 11,

    /// <summary>Benign.</summary>
    Benign = 1UL << 12,

    /// <summary>ClinVar says itself that its submitters do not agree.</summary>
    Conflicting = 1UL << 13,

    /// <summary>Conflicting data from submitters: a consortium that does not agree in itself.</summary>
    ConflictingData = 1UL << 14,

    /// <summary>Drug response.</summary>
    DrugResponse = 1UL << 15,

    /// <summary>Confers sensitivity.</summary>
    ConfersSensitivity = 1UL << 16,

    /// <summary>Risk factor.</summary>
    RiskFactor = 1UL << 17,

    /// <summary>Association.</summary>
    Association = 1UL << 18,

    /// <summary>Association not found.</summary>
    AssociationNotFound = 1UL << 19,

    /// <summary>Affects.</summary>
    Affects = 1UL << 20,

    /// <summary>Protective.</summary>
    Protective = 1UL << 21,

    /// <summary>Histocompatibility, of the numeric codes before 2018.</summary>
    Histocompatibility = 1UL << 22,

    /// <summary>Other.</summary>
    Other = 1UL << 23,

    /// <summary>Not provided.</summary>
    NotProvided = 1UL << 24,

    /// <summary>No classification for the single variant: it was classified as a part of a haplotype or genotype alone.</summary>
    NotForSingleVariant = 1UL << 25,

    /// <summary>No classifications from unflagged records: all that there were are doubted by ClinVar.</summary>
    OnlyFlagged = 1UL << 26,

    /// <summary>Oncogenic.</summary>
    Oncogenic = 1UL << 27,

    /// <summary>Likely oncogenic.</summary>
    LikelyOncogenic = 1UL << 28,

    /// <summary>Tier I, strong.</summary>
    TierOne = 1UL << 29,

    /// <summary>Tier II, potential.</summary>
    TierTwo = 1UL << 30,

    /// <summary>Tier III, unknown.</summary>
    TierThree = 1UL << 31,

    /// <summary>Tier IV, benign or likely benign.</summary>
    TierFour = 1UL << 32,
}
