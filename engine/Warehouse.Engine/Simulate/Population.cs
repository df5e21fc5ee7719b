using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Simulate;

/// <summary>Sex as recorded or as the chromosomes say.</summary>
internal enum Sex : byte
{
    /// <summary>Not recorded.</summary>
    Unknown,

    /// <summary>Two X.</summary>
    Xx,

    /// <summary>X and Y.</summary>
    Xy,
}

/// <summary>The people: sexes, ancestries, trios, and what was planted. Haplotypes of sample s are 2s (from the mother) and 2s + 1.</summary>
internal sealed class Population
{
    private static readonly string[] GroupNames = ["AFR", "AMR", "EAS", "EUR", "SAS", "MID", "OCE", "FIN", "ASJ", "AMI"];
    private readonly int[] _familyOf;
    private readonly bool[] _affected;
    private readonly ulong _seed;

    /// <summary>Draws the people.</summary>
    public Population(SimulationOptions options)
    {
        var n = options.Samples;
        var random = new Prng(options.Seed, 2);
        (Count, _seed) = (n, options.Seed);
        Names = new string[n];
        GenotypeSex = new Sex[n];
        RecordedSex = new Sex[n];
        Group = new byte[n];
        ChildOf = new int[n];
        IsMother = new bool[n];
        IsChild = new bool[n];
        CopyOf = new int[n];
        _familyOf = new int[n];
        _affected = new bool[n];
        Array.Fill(ChildOf, -1);
        Array.Fill(CopyOf, -1);
        Array.Fill(_familyOf, -1);
        for (var s = 0; s < n; s++)
        {
            Names[s] = "S" + (s + 1).ToString("D6", CultureInfo.InvariantCulture);
            GenotypeSex[s] = random.Chance(0.5) ? Sex.Xx : Sex.Xy;
            Group[s] = (byte)random.Below(options.AncestryGroups);
            _affected[s] = random.Chance(0.3);
        }
        PlantFamilies((int)(n * options.FamilyShare / 3));
        PlantDuplicates(options.PlantDuplicates, random);
        for (var s = 0; s < n; s++) RecordedSex[s] = random.Chance(0.03) ? Sex.Unknown : GenotypeSex[s];
        PlantSexErrors(options.PlantSexErrors, random);
        FounderHaplotypes = [.. Enumerable.Range(0, 2 * n).Where(h => !IsChild[h >> 1] && !IsDuplicate[h >> 1])];
    }

    /// <summary>Samples.</summary>
    public int Count { get; }

    /// <summary>Names in column order.</summary>
    public string[] Names { get; }

    /// <summary>What the genotypes say.</summary>
    public Sex[] GenotypeSex { get; }

    /// <summary>What the sheet says.</summary>
    public Sex[] RecordedSex { get; }

    /// <summary>Ancestry group of a sample.</summary>
    public byte[] Group { get; }

    /// <summary>The one child of a parent, or -1.</summary>
    public int[] ChildOf { get; }

    /// <summary>True for a mother in a trio.</summary>
    public bool[] IsMother { get; }

    /// <summary>True for a child in a trio.</summary>
    public bool[] IsChild { get; }

    /// <summary>The sample that is a copy of this one, or -1.</summary>
    public int[] CopyOf { get; }

    /// <summary>True when a sample copies another.</summary>
    public bool[] IsDuplicate { get; private set; } = [];

    /// <summary>Haplotypes that are not copied from another sample.</summary>
    public int[] FounderHaplotypes { get; }

    /// <summary>Samples whose recorded sex was planted wrong.</summary>
    public SortedSet<int> SexErrors { get; } = [];

    /// <summary>Copies of a contig that a sample has in its genotypes: 0, 1 or 2.</summary>
    public int Ploidy(int sample, ContigKind kind, bool par) => kind switch
    {
        ContigKind.Autosome => 2,
        ContigKind.Mitochondrion => 1,
        ContigKind.X => GenotypeSex[sample] == Sex.Xx || par ? 2 : 1,
        _ => GenotypeSex[sample] == Sex.Xy && !par ? 1 : 0,
    };

    /// <summary>Writes <c>samples.tsv</c>. Every sample is its own person: a planted duplicate is for others to find.</summary>
    public void WriteSheet(string path)
    {
        var random = new Prng(_seed, 3);
        using var sheet = new StreamWriter(path, false, new UTF8Encoding(false)) { NewLine = "\n" };
        sheet.WriteLine("sample\tperson\tcounts\tsex\tancestry\tassay\taffected\tfamily\tduo\tconsent_until\tfastq_sha256\taligner\tcaller\tfilters\tmodel_version\torder_ref\toperator");
        for (var s = 0; s < Count; s++)
        {
            var family = _familyOf[s] < 0 ? "" : "F" + (_familyOf[s] + 1).ToString("D5", CultureInfo.InvariantCulture);
            var sha = string.Concat(Enumerable.Range(0, 4).Select(_ => random.Next().ToString("x16", CultureInfo.InvariantCulture)));
            var assay = random.Chance(0.6) ? "WGS" : "WES";
            var use = random.Chance(0.8) ? "DUO:0000042" : "DUO:0000007";
            var until = (2027 + random.Below(10)).ToString(CultureInfo.InvariantCulture) + "-12-31";
            var number = Names[s][1..];
            sheet.WriteLine($"{Names[s]}\tP{number}\tyes\t{Text(RecordedSex[s])}\t{GroupNames[Group[s]]}\t{assay}\t{(_affected[s] ? "yes" : "no")}\t{family}\t{use}\t{until}\t{sha}\tbwa-mem 0.7.17\tGATK HaplotypeCaller 4.2\tLowQual\tnone\tORD-{number}\top{1 + random.Below(4)}");
        }
    }

    /// <summary>Writes <c>planted.tsv</c>: kind, sample, and the other sample (duplicate) or the sex of the genotypes (sex).</summary>
    public void WritePlanted(string path)
    {
        using var planted = new StreamWriter(path, false, new UTF8Encoding(false)) { NewLine = "\n" };
        planted.WriteLine("kind\tsample\tother");
        for (var s = 0; s < Count; s++)
            if (CopyOf[s] >= 0) planted.WriteLine($"duplicate\t{Names[s]}\t{Names[CopyOf[s]]}");
        foreach (var s in SexErrors) planted.WriteLine($"sex\t{Names[s]}\t{Text(GenotypeSex[s])}");
    }

    private static string Text(Sex sex) => sex switch { Sex.Xx => "XX", Sex.Xy => "XY", _ => "unknown" };

    /// <summary>Trios are the first samples: father, mother, child; one ancestry each.</summary>
    private void PlantFamilies(int count)
    {
        for (var f = 0; f < count; f++)
        {
            var (father, mother, child) = (3 * f, (3 * f) + 1, (3 * f) + 2);
            GenotypeSex[father] = Sex.Xy;
            GenotypeSex[mother] = Sex.Xx;
            IsMother[mother] = true;
            IsChild[child] = true;
            ChildOf[father] = ChildOf[mother] = child;
            Group[mother] = Group[child] = Group[father];
            _familyOf[father] = _familyOf[mother] = _familyOf[child] = f;
            _affected[child] = true;
        }
    }

    /// <summary>Duplicates are the last samples, each of another original before them.</summary>
    private void PlantDuplicates(int count, Prng random)
    {
        IsDuplicate = new bool[Count];
        var originals = Count - count;
        for (var s = originals; s < Count; s++)
        {
            var original = random.Below(originals);
            while (CopyOf[original] >= 0) original = (original + 1) % originals;
            CopyOf[original] = s;
            IsDuplicate[s] = true;
            GenotypeSex[s] = GenotypeSex[original];
            Group[s] = Group[original];
        }
    }

    private void PlantSexErrors(int count, Prng random)
    {
        while (SexErrors.Count < count)
        {
            var s = random.Below(Count);
            if (!SexErrors.Add(s)) continue;
            RecordedSex[s] = GenotypeSex[s] == Sex.Xx ? Sex.Xy : Sex.Xx;
        }
    }
}
