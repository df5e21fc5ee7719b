namespace Warehouse.Engine.Vcf;

/// <summary>What the header of a VCF or BCF file says, checked. Immutable but for <see cref="Contigs"/>, to which a reader appends names that records use undeclared.</summary>
public sealed class VcfHeader
{
    /// <summary>fileformat as major * 100 + minor: 401 to 405.</summary>
    public required int Version { get; init; }

    /// <summary>Contigs in header order.</summary>
    public required List<VcfContig> Contigs { get; init; }

    /// <summary>Sample names in column order; no duplicates.</summary>
    public required IReadOnlyList<string> Samples { get; init; }

    /// <summary>Every meta line (starting with ##) as written, in order, without line ends.</summary>
    public required IReadOnlyList<string> MetaLines { get; init; }

    /// <summary>Values of ##reference lines, as written.</summary>
    public required IReadOnlyList<string> References { get; init; }

    /// <summary>Things that no count depends on but that the specification forbids; shown under --lint.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>A contig of a header.</summary>
/// <param name="Name">As written.</param>
/// <param name="LengthBases">0 when not stated.</param>
/// <param name="Md5">Lower-case hex when stated, else empty.</param>
/// <param name="Declared">False when only records use it.</param>
public sealed record VcfContig(string Name, int LengthBases, string Md5, bool Declared);
