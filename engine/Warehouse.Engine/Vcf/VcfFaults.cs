using System.Diagnostics.CodeAnalysis;

namespace Warehouse.Engine.Vcf;

/// <summary>The place that is being read, and the two things that can be wrong with it: refused, or only worth a warning.</summary>
internal sealed class VcfFaults(string file, bool lint, Action<string> warn)
{
    /// <summary>True when records are checked for what no count depends on.</summary>
    public bool Lints { get; } = lint;

    /// <summary>1-based line.</summary>
    public long Line { get; set; }

    /// <summary>Offset of the line in the decompressed bytes.</summary>
    public long OffsetBytes { get; set; }

    /// <summary>Refuses the line.</summary>
    [DoesNotReturn]
    public void Refuse(string code, string field, string expected) =>
        throw new InputException(code, expected, new InputPlace(file, Line, OffsetBytes, field));

    /// <summary>Refuses the line, quoting what was found; only for CHROM, POS, ID, REF, ALT, QUAL, FILTER and header keys.</summary>
    [DoesNotReturn]
    public void Refuse(string code, string field, ReadOnlySpan<byte> found, string expected) =>
        Refuse(code, field, $"found {InputException.Quote(found)}, expected {expected}");

    /// <summary>Notes something under --lint.</summary>
    public void Warn(string code, string field, string text)
    {
        if (Lints) warn(Describe(code, field, text));
    }

    /// <summary>A warning at this place, in words.</summary>
    public string Describe(string code, string field, string text) => $"{new InputPlace(file, Line, OffsetBytes, field)}: {text} [{code}]";
}
