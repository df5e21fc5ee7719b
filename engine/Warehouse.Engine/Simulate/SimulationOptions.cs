namespace Warehouse.Engine.Simulate;

/// <summary>How the genotypes are laid out in files.</summary>
public enum SimulationShape
{
    /// <summary>One file of all samples: <c>cohort.vcf.gz</c>.</summary>
    Joint,

    /// <summary>One variants-only file per sample: <c>single/NAME.vcf.gz</c>.</summary>
    Single,

    /// <summary>One file with reference blocks per sample: <c>gvcf/NAME.g.vcf.gz</c>.</summary>
    Gvcf,
}

/// <summary>Which FORMAT fields a joint or single file has. gVCF always has GT:AD:DP:GQ:PL.</summary>
public enum SimulationFormat
{
    /// <summary>GT alone.</summary>
    Gt,

    /// <summary>GT:GQ:DP:AD.</summary>
    Full,
}

/// <summary>What to simulate. The same options give the same decompressed bytes on every machine and with every thread count.</summary>
public sealed record SimulationOptions
{
    /// <summary>Most samples of a joint file.</summary>
    public const int MaxSamples = 1_000_000;

    /// <summary>Most samples with a file each: every file stays open until the end of its contig.</summary>
    public const int MaxSampleFiles = 4096;

    /// <summary>Most sites.</summary>
    public const int MaxVariants = 10_000_000;

    /// <summary>Folder to write; made when missing. Files of earlier runs with the same names are replaced.</summary>
    public required string Folder { get; init; }

    /// <summary>Samples, at least 1.</summary>
    public int Samples { get; init; } = 100;

    /// <summary>Sites (records of the joint file), at least 1; 3 % of them have two or three alleles.</summary>
    public int Variants { get; init; } = 1000;

    /// <summary>Seed of every draw.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Files to write.</summary>
    public SimulationShape Shape { get; init; }

    /// <summary>FORMAT fields.</summary>
    public SimulationFormat Format { get; init; }

    /// <summary>Exponent a of the site-frequency spectrum: an allele has k copies with a probability in proportion to k^-a.</summary>
    public double SfsExponent { get; init; } = 1.25;

    /// <summary>Share of genotypes that are no-calls.</summary>
    public double MissingRate { get; init; } = 0.005;

    /// <summary>Share of diploid genotypes with one allele missing. plink2 refuses any, so 0 unless asked.</summary>
    public double HalfCallRate { get; init; }

    /// <summary>Also simulate X and Y around the end of PAR1, and MT. PAR2 is not simulated: it would need the whole
    /// sequences. Needs at least 20 variants. plink2 wants the sexes with such a file: <c>--psam</c> and <c>--split-par b37</c>.</summary>
    public bool SexChromosomes { get; init; } = true;

    /// <summary>Write indels in repeats to the right of their normalised place and with shared bases, as some callers do.</summary>
    public bool Unnormalised { get; init; }

    /// <summary>Write <c>|</c> between alleles (gVCF always writes <c>/</c>).</summary>
    public bool Phased { get; init; } = true;

    /// <summary>Write AC, AN and AF of the written genotypes into INFO of the joint file.</summary>
    public bool InfoCounts { get; init; }

    /// <summary>Share of samples that are in trios of father, mother, child.</summary>
    public double FamilyShare { get; init; } = 0.2;

    /// <summary>Ancestry groups with drifted frequencies, 1 to 10.</summary>
    public int AncestryGroups { get; init; } = 6;

    /// <summary>Write <c>callable.bed</c>. Not together with gVCF, whose blocks say what was assessed.</summary>
    public bool Callable { get; init; }

    /// <summary>Write <c>truth.tsv</c> and <c>planted.tsv</c>.</summary>
    public bool Truth { get; init; }

    /// <summary>Samples that are a second look at another sample, under another name and person.</summary>
    public int PlantDuplicates { get; init; }

    /// <summary>Samples whose recorded sex is not that of their genotypes.</summary>
    public int PlantSexErrors { get; init; }

    /// <summary>Write a file per contig for each sample: gVCF only.</summary>
    public bool SplitByContig { get; init; }

    /// <summary>Threads that compress the joint file.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Also write two releases in the form of ClinVar's of that year, and what changed between them; null = none.</summary>
    public ClinVarForm? ClinVar { get; init; }

    /// <summary>The sets of the speed page: <c>A</c> 100,000 sites x 2,504 samples, <c>B</c> 20,000 x 50,000, <c>C</c> 200 files of one sample with about 48,220 records each,
    /// <c>Cg</c> 200 gVCF files with 27.1 million records together, <c>D</c> 5,000,000 sites x 32 samples, and <c>small</c> 2,000 x 60 with X, Y, MT and the truth.</summary>
    /// <exception cref="InputException">The name is none of these.</exception>
    public static SimulationOptions Preset(string name, string folder) => name switch
    {
        "A" => new() { Folder = folder, Samples = 2504, Variants = 100_000, SfsExponent = 1.25, SexChromosomes = false, FamilyShare = 0 },
        "B" => new() { Folder = folder, Samples = 50_000, Variants = 20_000, SfsExponent = 1.3, SexChromosomes = false, FamilyShare = 0 },
        "C" => new() { Folder = folder, Samples = 200, Variants = 361_400, Shape = SimulationShape.Single, Format = SimulationFormat.Full, SexChromosomes = false, FamilyShare = 0 },
        "Cg" => new() { Folder = folder, Samples = 200, Variants = 318_500, Shape = SimulationShape.Gvcf, SexChromosomes = false, FamilyShare = 0 },
        "D" => new() { Folder = folder, Samples = 32, Variants = 5_000_000, SexChromosomes = false, FamilyShare = 0 },
        "small" => new() { Folder = folder, Samples = 60, Variants = 2000, Truth = true },
        _ => throw Refuse("the preset is A, B, C, Cg, D or small"),
    };

    /// <summary>Refuses options that cannot be simulated.</summary>
    /// <exception cref="InputException">An option is out of range or does not go with another.</exception>
    internal void Check()
    {
        var mostSamples = Shape == SimulationShape.Joint ? MaxSamples : MaxSampleFiles;
        if (Samples < 1 || Samples > mostSamples) throw Refuse($"samples must be 1 to {mostSamples}");
        if (Variants is < 1 or > MaxVariants) throw Refuse($"variants must be 1 to {MaxVariants}");
        if (!(SfsExponent >= 0 && SfsExponent <= 5)) throw Refuse("the exponent of the frequency spectrum must be 0 to 5");
        if (!(MissingRate >= 0 && HalfCallRate >= 0 && MissingRate + HalfCallRate <= 0.5)) throw Refuse("missing and half-calls together must be 0 to 0.5");
        if (!(FamilyShare >= 0 && FamilyShare <= 1)) throw Refuse("the share of samples in families must be 0 to 1");
        if (AncestryGroups is < 1 or > 10) throw Refuse("ancestry groups must be 1 to 10");
        if (Threads is < 1 or > 64) throw Refuse("threads must be 1 to 64");
        if (PlantDuplicates < 0 || PlantDuplicates > Samples / 4) throw Refuse("planted duplicates must be 0 to a quarter of the samples");
        if (PlantDuplicates > Samples - (3 * (int)(Samples * FamilyShare / 3))) throw Refuse("planted duplicates need as many samples outside families");
        if (PlantSexErrors < 0 || PlantSexErrors > Samples / 4) throw Refuse("planted sex errors must be 0 to a quarter of the samples");
        if (Callable && Shape == SimulationShape.Gvcf) throw Refuse("callable intervals do not go with gVCF: its blocks say what was assessed");
        if (SplitByContig && Shape != SimulationShape.Gvcf) throw Refuse("only gVCF can be split by contig");
        if (InfoCounts && Shape != SimulationShape.Joint) throw Refuse("INFO counts are for the joint file");
    }

    private static InputException Refuse(string expected) => new("simulate-options", expected, InputPlace.None);
}

/// <summary>What a run wrote.</summary>
/// <param name="Files">Paths relative to the folder, in order of writing.</param>
/// <param name="Samples">Samples.</param>
/// <param name="Records">Variant records over all files; reference blocks are not among them.</param>
/// <param name="Alleles">Base alleles (ALT rows after splitting) at the simulated sites.</param>
/// <param name="NonReferenceGenotypes">Genotypes with at least one copy, summed over the alleles.</param>
/// <param name="MissingGenotypes">No-calls, summed over sites.</param>
public sealed record SimulationReport(IReadOnlyList<string> Files, int Samples, long Records, long Alleles, long NonReferenceGenotypes, long MissingGenotypes);
