namespace Warehouse.Engine.Vcf;

/// <summary>Number and Type that the specification gives its own INFO and FORMAT keys (VCF 4.1 to 4.5, sections 1.4 and 1.6). Only lint asks.</summary>
internal static class VcfReserved
{
    private const int FirstVersionWithDepths = 403;

    private static readonly Dictionary<string, VcfDefinition> InfoKeys = Table(
        "AA 1 String", "AC A Integer", "AD R Integer", "ADF R Integer", "ADR R Integer", "AF A Float", "AN 1 Integer", "BQ 1 Float",
        "CIGAR A String", "DB 0 Flag", "DP 1 Integer", "END 1 Integer", "H2 0 Flag", "H3 0 Flag", "MQ 1 Float", "MQ0 1 Integer",
        "NS 1 Integer", "SOMATIC 0 Flag", "VALIDATED 0 Flag", "1000G 0 Flag", "IMPRECISE 0 Flag", "NOVEL 0 Flag", "SVTYPE 1 String");

    private static readonly Dictionary<string, VcfDefinition> FormatKeys = Table(
        "AD R Integer", "ADF R Integer", "ADR R Integer", "DP 1 Integer", "EC A Integer", "FT 1 String", "GL G Float", "GLE . String", "GP G Float",
        "GQ 1 Integer", "GT 1 String", "HQ 2 Integer", "MQ 1 Integer", "PL G Integer", "PQ 1 Integer", "PS 1 Integer");

    private static readonly HashSet<string> NeverNegative = new(StringComparer.Ordinal) { "AC", "AF", "AN", "BQ", "DP", "END", "MQ", "MQ0", "NS" };

    /// <summary>The definition of an INFO key, or null when it is free.</summary>
    public static VcfDefinition? Info(string key, int version) => Find(InfoKeys, key, version);

    /// <summary>The definition of a FORMAT key, or null when it is free.</summary>
    public static VcfDefinition? Format(string key, int version) => Find(FormatKeys, key, version);

    /// <summary>True for INFO keys whose values cannot be below zero.</summary>
    public static bool IsNeverNegative(string key) => NeverNegative.Contains(key);

    private static VcfDefinition? Find(Dictionary<string, VcfDefinition> table, string key, int version)
    {
        if (version < FirstVersionWithDepths && key is "AD" or "ADF" or "ADR") return null;
        return table.TryGetValue(key, out var found) ? found : null;
    }

    private static Dictionary<string, VcfDefinition> Table(params string[] rows) =>
        rows.Select(row => row.Split(' ')).ToDictionary(c => c[0], c => new VcfDefinition(c[1], c[2]), StringComparer.Ordinal);
}
