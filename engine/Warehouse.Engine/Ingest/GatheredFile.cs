using Warehouse.Engine.Catalog;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>The call of a gathered file at a site.</summary>
/// <param name="Site">Number of the site within the worker.</param>
/// <param name="DetailAt">Where GQ, DP and AD begin in the detail of the file.</param>
/// <param name="First">First allele code, as in <see cref="VcfRecord"/>.</param>
/// <param name="Second">Second allele code.</param>
/// <param name="Flags">Whether it is written with a bar, and whether it fails --adj.</param>
/// <param name="Fields">Fields of its detail; none when it carries no ALT.</param>
internal readonly record struct GatherCall(int Site, int DetailAt, byte First, byte Second, GatherFlags Flags, byte Fields);

/// <summary>What a call says besides its alleles.</summary>
[Flags]
internal enum GatherFlags : byte
{
    None = 0,

    /// <summary>Written with <c>|</c>.</summary>
    Phased = 1,

    /// <summary>Fails the quality rule.</summary>
    FailsAdj = 2,

    /// <summary>Carries an ALT.</summary>
    Carries = 4,
}

/// <summary>A stretch of a gathered file on one contig: where its calls and its evidence begin.</summary>
/// <param name="Contig">Number of the contig within the worker.</param>
/// <param name="HeaderContig">Its place in the file's header.</param>
/// <param name="FirstCall">Index of the first call.</param>
/// <param name="FirstEvidence">Index of the first interval.</param>
internal sealed record GatherRun(int Contig, int HeaderContig, int FirstCall, int FirstEvidence)
{
    /// <summary>First start to last end.</summary>
    public (int Start, int End) Stretch { get; private set; } = (int.MaxValue, int.MinValue);

    public int CallEnd { get; set; }

    public int EvidenceEnd { get; set; }

    public void Extend(int start, int end) => Stretch = (Math.Min(Stretch.Start, start), Math.Max(Stretch.End, Math.Max(end, start + 1)));
}

/// <summary>
/// All that is stored of a file of one sample, in memory: calls by site, evidence, identity. Complete when <see cref="GatherReader"/>
/// hands it out; then immutable.
/// </summary>
internal sealed class GatheredFile
{
    public required GatherSites Sites { get; init; }

    public required VcfHeader Header { get; init; }

    public byte[] Sha256 { get; set; } = [];

    public long Records { get; set; }

    public long Variants { get; set; }

    public bool HasBlocks { get; set; }

    public List<GatherRun> Runs { get; } = [];

    public required GatherCall[] Calls { get; set; }

    public int CallCount { get; set; }

    public required byte[] Detail { get; set; }

    public int DetailLength { get; set; }

    public required (int Start, int End, byte Kind)[] Evidence { get; set; }

    public int EvidenceCount { get; set; }

    /// <summary>ID text per call, null where it is missing; null when no call of the file has one.</summary>
    public List<string?>? Ids { get; set; }

    public SexEvidence? Sex { get; set; }

    public IdentitySketch Sketch { get; set; } = IdentitySketch.Empty;

    /// <summary>Takes copies of what calls and intervals use; the arrays that were filled are the reader's again.</summary>
    public void Trim()
    {
        Calls = Calls.AsSpan(0, CallCount).ToArray();
        Detail = Detail.AsSpan(0, DetailLength).ToArray();
        Evidence = Evidence.AsSpan(0, EvidenceCount).ToArray();
    }

    /// <summary>Bytes of memory that it holds.</summary>
    public long Bytes => (CallCount * 12L) + DetailLength + (EvidenceCount * 12L) + ((Ids?.Count ?? 0) * 40L);
}
