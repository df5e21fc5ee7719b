using System.Collections.Frozen;
using System.Globalization;

namespace Warehouse.Clinic.ClinVar;

/// <summary>
/// The spellings of ClinVar's VCF, strictly: what is not in these tables is unrecognised, and is told. Spelled with blanks, in lower case;
/// underscores of a file are blanks. The spellings of 2015 to 2016 are those of the test data, those from 2018 on those of ClinVar's pages on
/// classifications and review status. From memory, with no file of the data to hold them against: the numeric codes and one-word review
/// states of the VCF before 2018, and the sub-tiers of uncertain significance. Any thread.
/// </summary>
public static class ClinVarVocabulary
{
    /// <summary>Longest value of a field that is looked at; ClinVar's are below 300.</summary>
    public const int MaxValueCharacters = 4096;

    private const string LowPenetrance = "low penetrance";

    private static readonly FrozenDictionary<string, ClinVarTerms> Germline = new Dictionary<string, ClinVarTerms>
    {
        ["pathogenic"] = ClinVarTerms.Pathogenic, ["likely pathogenic"] = ClinVarTerms.LikelyPathogenic,
        ["pathogenic, low penetrance"] = ClinVarTerms.PathogenicLowPenetrance, ["likely pathogenic, low penetrance"] = ClinVarTerms.LikelyPathogenicLowPenetrance,
        ["established risk allele"] = ClinVarTerms.EstablishedRiskAllele, ["likely risk allele"] = ClinVarTerms.LikelyRiskAllele, ["uncertain risk allele"] = ClinVarTerms.UncertainRiskAllele,
        ["uncertain significance"] = ClinVarTerms.Uncertain,
        ["vus-high"] = ClinVarTerms.UncertainHigh, ["vus-mid"] = ClinVarTerms.UncertainMid, ["vus-low"] = ClinVarTerms.UncertainLow,
        ["uncertain significance, high"] = ClinVarTerms.UncertainHigh, ["uncertain significance, mid"] = ClinVarTerms.UncertainMid, ["uncertain significance, low"] = ClinVarTerms.UncertainLow,
        ["likely benign"] = ClinVarTerms.LikelyBenign, ["benign"] = ClinVarTerms.Benign,
        ["conflicting interpretations of pathogenicity"] = ClinVarTerms.Conflicting, ["conflicting classifications of pathogenicity"] = ClinVarTerms.Conflicting,
        ["conflicting data from submitters"] = ClinVarTerms.ConflictingData,
        ["drug response"] = ClinVarTerms.DrugResponse, ["confers sensitivity"] = ClinVarTerms.ConfersSensitivity, ["risk factor"] = ClinVarTerms.RiskFactor,
        ["association"] = ClinVarTerms.Association, ["association not found"] = ClinVarTerms.AssociationNotFound, ["affects"] = ClinVarTerms.Affects, ["protective"] = ClinVarTerms.Protective,
        ["histocompatibility"] = ClinVarTerms.Histocompatibility, ["other"] = ClinVarTerms.Other,
        ["not provided"] = ClinVarTerms.NotProvided, ["no classification provided"] = ClinVarTerms.NotProvided, ["no interpretation provided"] = ClinVarTerms.NotProvided,
        ["no classification for the single variant"] = ClinVarTerms.NotForSingleVariant, ["no interpretation for the single variant"] = ClinVarTerms.NotForSingleVariant,
        ["no classifications from unflagged records"] = ClinVarTerms.OnlyFlagged,
        ["0"] = ClinVarTerms.Uncertain, ["1"] = ClinVarTerms.NotProvided, ["2"] = ClinVarTerms.Benign, ["3"] = ClinVarTerms.LikelyBenign, ["4"] = ClinVarTerms.LikelyPathogenic,
        ["5"] = ClinVarTerms.Pathogenic, ["6"] = ClinVarTerms.DrugResponse, ["7"] = ClinVarTerms.Histocompatibility, ["255"] = ClinVarTerms.Other,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, ClinVarTerms> Oncogenicity = new Dictionary<string, ClinVarTerms>
    {
        ["oncogenic"] = ClinVarTerms.Oncogenic, ["likely oncogenic"] = ClinVarTerms.LikelyOncogenic, ["uncertain significance"] = ClinVarTerms.Uncertain,
        ["likely benign"] = ClinVarTerms.LikelyBenign, ["benign"] = ClinVarTerms.Benign,
        ["conflicting classifications of oncogenicity"] = ClinVarTerms.Conflicting, ["conflicting interpretations of oncogenicity"] = ClinVarTerms.Conflicting,
        ["not provided"] = ClinVarTerms.NotProvided, ["no classification provided"] = ClinVarTerms.NotProvided,
        ["no classification for the single variant"] = ClinVarTerms.NotForSingleVariant, ["no classifications from unflagged records"] = ClinVarTerms.OnlyFlagged,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, ClinVarTerms> SomaticImpact = new Dictionary<string, ClinVarTerms>
    {
        ["tier i - strong"] = ClinVarTerms.TierOne, ["tier ii - potential"] = ClinVarTerms.TierTwo, ["tier iii - unknown"] = ClinVarTerms.TierThree,
        ["tier iv - benign/likely benign"] = ClinVarTerms.TierFour,
        ["not provided"] = ClinVarTerms.NotProvided, ["no classification provided"] = ClinVarTerms.NotProvided,
        ["no classification for the single variant"] = ClinVarTerms.NotForSingleVariant, ["no classifications from unflagged records"] = ClinVarTerms.OnlyFlagged,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, int> Stars = new Dictionary<string, int>
    {
        ["practice guideline"] = 4, ["reviewed by expert panel"] = 3, ["criteria provided, multiple submitters, no conflicts"] = 2, ["criteria provided, multiple submitters"] = 2,
        ["criteria provided, conflicting interpretations"] = 1, ["criteria provided, conflicting classifications"] = 1, ["criteria provided, single submitter"] = 1,
        ["no assertion criteria provided"] = 0, ["no assertion provided"] = 0, ["no classification provided"] = 0, ["no interpretation provided"] = 0,
        ["no assertion for the individual variant"] = 0, ["no interpretation for the single variant"] = 0, ["no classification for the single variant"] = 0,
        ["no classifications from unflagged records"] = 0,
        ["guideline"] = 4, ["exp"] = 3, ["mult"] = 2, ["conf"] = 1, ["single"] = 1, ["no criteria"] = 0, ["no assertion"] = 0,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The terms of a value, and what of it no table has, as it was spelled.</summary>
    /// <param name="axis">Whose vocabulary.</param>
    /// <param name="value">As the file spells it; empty or <c>.</c> = nothing is said.</param>
    public static (ClinVarTerms Terms, IReadOnlyList<string> Unrecognised) Terms(ClinVarAxis axis, string value)
    {
        if (value is "" or ".") return (ClinVarTerms.None, []);
        if (value.Length > MaxValueCharacters) return (ClinVarTerms.None, [value[..MaxValueCharacters]]);
        var table = axis switch { ClinVarAxis.Germline => Germline, ClinVarAxis.Oncogenicity => Oncogenicity, _ => SomaticImpact };
        var (terms, unknown) = (ClinVarTerms.None, new List<string>());
        foreach (var piece in Plain(value).Split(['|', ';'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // A term may have a separator in it, so the longer one is looked for before it is cut.
            if (table.TryGetValue(piece, out var whole)) terms |= whole;
            else
                foreach (var part in piece.Split('/', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                    if (table.TryGetValue(part, out var known)) terms |= known;
                    else AddListed(part, table, ref terms, unknown);
        }
        return terms == ClinVarTerms.None && unknown.Count == 0 ? (terms, [value]) : (terms, unknown);
    }

    /// <summary>0 to 4 stars of a review status; null when no table has it. Several, one per submission as files before 2018 have them, give the most.</summary>
    public static int? StarsOf(string value)
    {
        if (value is "" or ".") return 0;
        if (value.Length > MaxValueCharacters) return null;
        var plain = Plain(value);
        if (Stars.TryGetValue(plain, out var stars) || Stars.TryGetValue(plain.Replace("|", ", ", StringComparison.Ordinal), out stars)) return stars;
        int? most = null;
        foreach (var piece in plain.Split(['|', ';'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Stars.TryGetValue(piece, out stars)) return null;
            most = Math.Max(most ?? 0, stars);
        }
        return most;
    }

    /// <summary>How many submitters say what, as CLNSIGCONF or ONCCONF spell it: <c>Pathogenic(1)|Uncertain_significance(2)</c>.</summary>
    public static (IReadOnlyList<(ClinVarTerms Term, int Submitters)> Counts, IReadOnlyList<string> Unrecognised) Conflict(ClinVarAxis axis, string value)
    {
        if (value is "" or ".") return ([], []);
        if (value.Length > MaxValueCharacters) return ([], [value[..MaxValueCharacters]]);
        var (counts, unknown) = (new List<(ClinVarTerms, int)>(), new List<string>());
        var plain = Plain(value);
        for (var at = 0; at < plain.Length;)
        {
            // Its commas part both entries and the words of one term, so an entry ends with its number alone.
            var close = plain.IndexOf(')', at);
            var entry = (close < 0 ? plain[at..] : plain[at..close]).TrimStart('|', ',', ';', ' ');
            at = close < 0 ? plain.Length : close + 1;
            if (entry.Length == 0) continue;
            var open = entry.LastIndexOf('(');
            if (close >= 0 && open > 0 && int.TryParse(entry[(open + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var submitters) && Terms(axis, entry[..open]) is (not ClinVarTerms.None, { Count: 0 }) named) counts.Add((named.Terms, submitters));
            else unknown.Add(close < 0 ? entry : entry + ")");
        }
        return (counts, unknown);
    }

    /// <summary>Terms parted by commas, of which one goes with the word before it.</summary>
    private static void AddListed(string text, FrozenDictionary<string, ClinVarTerms> table, ref ClinVarTerms terms, List<string> unknown)
    {
        var words = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < words.Length; i++)
        {
            if (i + 1 < words.Length && table.TryGetValue($"{words[i]}, {words[i + 1]}", out var both))
            {
                terms |= both;
                i++;
            }
            else if (table.TryGetValue(words[i], out var one)) terms |= one;
            else if (words[i] == LowPenetrance && (terms & (ClinVarTerms.Pathogenic | ClinVarTerms.LikelyPathogenic)) != 0) terms |= ClinVarTerms.PathogenicLowPenetrance;
            else unknown.Add(words[i]);
        }
        if (words.Length == 0) unknown.Add(text);
    }

    private static string Plain(string value)
    {
        var text = value.Contains('%', StringComparison.Ordinal) ? Uri.UnescapeDataString(value) : value;
        return text.Replace('_', ' ').Replace(",  ", ", ", StringComparison.Ordinal).Trim().ToLowerInvariant();
    }
}
