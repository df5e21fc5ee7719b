namespace Warehouse.Units.Oracle;

/// <summary>
/// Alleles that evidence stands for at a place, by sex: <paramref name="Expected"/> where it is known, else null (a block's own GT decides);
/// <paramref name="OfAssumption"/> what callable intervals and assumption give, null = nothing; <paramref name="Never"/>: not assessed whatever is
/// called (XX on Y); <paramref name="NoReference"/>: calls count, evidence and assumption do not (XY in the PARs of Y);
/// <paramref name="OneCopy"/>: a call written diploid is one allele (XY outside the PARs).
/// </summary>
internal readonly record struct NaivePloidy(int? Expected, int? OfAssumption, bool Never = false, bool NoReference = false, bool OneCopy = false)
{
    /// <summary>Pseudoautosomal regions, 1-based inclusive.</summary>
    private static readonly Dictionary<(string, string), (int From, int To)[]> Par = new()
    {
        [("GRCh37", "X")] = [(60_001, 2_699_520), (154_931_044, 155_260_560)],
        [("GRCh37", "Y")] = [(10_001, 2_649_520), (59_034_050, 59_363_566)],
        [("GRCh38", "X")] = [(10_001, 2_781_479), (155_701_383, 156_030_895)],
        [("GRCh38", "Y")] = [(10_001, 2_781_479), (56_887_903, 57_217_415)],
    };

    /// <summary>Sex is XX or XY; anything else is unknown.</summary>
    public static NaivePloidy Of(string contig, int start, string sex, string assembly)
    {
        if (contig == "MT") return new(1, 1);
        if (contig is not ("X" or "Y")) return new(2, 2);
        if (sex is not ("XX" or "XY") || !Par.TryGetValue((assembly, contig), out var par)) return new(null, contig == "X" ? 2 : null);
        if (sex == "XX") return contig == "X" ? new(2, 2) : new(0, 0, Never: true);
        if (!par.Any(p => p.From <= start + 1 && start + 1 <= p.To)) return new(1, 1, OneCopy: true);
        return contig == "X" ? new(2, 2) : new(null, null, NoReference: true);
    }
}

/// <summary>Which records and blocks pass under the filters of a query.</summary>
internal sealed class NaiveJudge(NaiveQuery query, bool asThePythonReadsIt)
{
    /// <summary>counts_oracle.py takes a row of only non-base alleles with <c>&lt;NON_REF&gt;</c> among them for a block, also <c>*,&lt;NON_REF&gt;</c>.</summary>
    public NaiveRowKind KindOf(NaiveRow row) =>
        asThePythonReadsIt && row.Variants.Count == 0 && row.Alts.Any(NaiveVcf.IsAnyOther) ? NaiveRowKind.Block : row.Kind;

    /// <summary>The record gives a call: it has a called allele and fails no filter in force.</summary>
    public bool Gives(NaiveRow row, NaiveCall call) => call.Called.Length > 0 && !(query.Pass && !row.FilterPasses) && !(query.Adj && !AdjPasses(row, call));

    private bool AdjPasses(NaiveRow row, NaiveCall call)
    {
        if (call.Number("DP") is not { } depth || depth < (call.Alleles.Length == 1 ? 5 : 10)) return false;
        if (call.Number("GQ") is not { } quality || quality < 20) return false;
        if (call.Called.Distinct().Count() < 2) return true;
        if (call.Called.Length < call.Alleles.Length && !asThePythonReadsIt) return true; // a half-call has no balance test: 0/1/. too
        var depths = call.Field("AD")?.Split(',');
        if (depths is null) return false;
        if (asThePythonReadsIt && (depths.Length <= row.Alts.Length || depths.Contains("."))) return false; // it wants every entry, also those not called
        return call.Called.Where(a => a != "0").Select(int.Parse).All(a => a < depths.Length && depths[a] != "." && 5 * long.Parse(depths[a]) >= depth);
    }

    /// <summary>
    /// The block is evidence for this sample. GQ or, without it, RGQ is its quality under the block threshold and under adj alike, and MIN_DP or,
    /// without it, DP its depth: the page names both of each and leaves the order open.
    /// </summary>
    public bool BlockPasses(NaiveRow row, NaiveCall call)
    {
        if (!row.FilterPasses || !call.Alleles.All(a => a == "0")) return false;
        var quality = call.Number("GQ") ?? call.Number("RGQ");
        if (quality < row.File.Ingest.BlockGq) return false;
        return !query.Adj || quality >= 20 && (call.Number("MIN_DP") ?? call.Number("DP")) >= (call.Alleles.Length == 1 ? 5 : 10);
    }
}
