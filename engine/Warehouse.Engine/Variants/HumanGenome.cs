namespace Warehouse.Engine.Variants;

/// <summary>
/// Public facts of the two human reference assemblies: contig lengths, RefSeq accession versions, pseudo-autosomal regions.
/// Source: the assembly reports of the Genome Reference Consortium. Immutable.
/// </summary>
internal sealed class HumanGenome
{
    /// <summary>Canonical names in order; indexes of all tables here.</summary>
    public static readonly string[] Contigs =
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "X", "Y", "MT"];

    /// <summary>Length of NC_001807, which UCSC hg19 calls chrM: another sequence than the MT of GRCh37.</summary>
    public const int OldMitochondrionBases = 16571;

    /// <summary>Accession of the mitochondrion of both assemblies.</summary>
    public const string MitochondrionAccession = "NC_012920.1";

    public static readonly HumanGenome Build37 = new("GRCh37",
        [249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747, 135006516, 133851895,
            115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520, 48129895, 51304566, 155270560, 59373566, 16569],
        [10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9],
        [(60000, 2699520), (154931043, 155260560)],
        [(10000, 2649520), (59034049, 59363566)]);

    public static readonly HumanGenome Build38 = new("GRCh38",
        [248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422, 135086622, 133275309,
            114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167, 46709983, 50818468, 156040895, 57227415, 16569],
        [11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10],
        [(10000, 2781479), (155701382, 156030895)],
        [(10000, 2781479), (56887902, 57217415)]);

    private HumanGenome(string name, int[] lengths, int[] versions, (int Start, int End)[] parX, (int Start, int End)[] parY)
    {
        Name = name;
        Lengths = lengths;
        Versions = versions;
        ParX = parX;
        ParY = parY;
    }

    /// <summary>GRCh37 or GRCh38.</summary>
    public string Name { get; }

    /// <summary>Contig lengths in bases.</summary>
    public int[] Lengths { get; }

    /// <summary>Version of accession NC_0000nn of contigs 1 to 22, X and Y.</summary>
    public int[] Versions { get; }

    /// <summary>Pseudo-autosomal regions of X, 0-based half-open.</summary>
    public (int Start, int End)[] ParX { get; }

    /// <summary>Pseudo-autosomal regions of Y, 0-based half-open.</summary>
    public (int Start, int End)[] ParY { get; }

    /// <summary>The other of the two.</summary>
    public HumanGenome Other => this == Build37 ? Build38 : Build37;

    /// <summary>Index of a canonical contig, or -1.</summary>
    public static int IndexOf(string canonical) => Array.IndexOf(Contigs, canonical);
}
