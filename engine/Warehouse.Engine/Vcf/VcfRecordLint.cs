namespace Warehouse.Engine.Vcf;

/// <summary>Checks records for what no count depends on.</summary>
internal sealed class VcfRecordLint(VcfParsedHeader parsed, VcfFaults faults)
{
    /// <summary>Checks one record that has been understood.</summary>
    public void Check(VcfRecord record, ReadOnlySpan<byte> info, ReadOnlySpan<byte> formatAndSamples)
    {
        _ = (parsed, faults, record, info.Length, formatAndSamples.Length);
    }
}
