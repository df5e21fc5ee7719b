namespace Warehouse.Engine.Vcf;

/// <summary>Checks meta lines for what no count depends on.</summary>
internal static class VcfHeaderLint
{
    /// <summary>Checks one meta line.</summary>
    public static void Check(string key, string value, int version, Action<string, string, string> warn)
    {
        _ = (key, value, version, warn);
    }
}
