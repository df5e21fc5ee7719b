using System.Text;

namespace Warehouse.Units.Oracle;

/// <summary>A stretch of a contig in which random records lie. From is 0-based.</summary>
internal readonly record struct Island(string Contig, int From, int Length);

/// <summary>An invented sequence that has a base at every position of every contig, with short repeats in a third of it, and the places where records lie.</summary>
internal sealed class RandomGenome
{
    private const int ToyLength = 2000;
    private readonly int _seed;

    public RandomGenome(Random random, bool withReference)
    {
        _seed = random.Next();
        HasReference = withReference;
        Assembly = withReference ? "toy1" : random.Next(6) switch { 0 => "GRCh38", 1 => "hg38", 2 => "hs37d5", 3 => "other1", _ => "GRCh37" };
        Islands = [.. withReference ? Toy(random) : Human(random, Assembly is "GRCh38" or "hg38")];
    }

    public string Assembly { get; }
    public bool HasReference { get; }

    /// <summary>In the order of a file: contig by contig, ascending.</summary>
    public IReadOnlyList<Island> Islands { get; }
    public IEnumerable<string> Contigs => Islands.Select(i => i.Contig).Distinct();

    public char Base(string contig, int at)
    {
        var window = at / 40;
        var h = Hash(contig, window);
        if (window < 3 || h % 3 != 0) return "ACGT"[(int)(Hash(contig, at + 1_000_000_007L) % 4)];
        var period = 1 + (int)(h / 3 % 4);
        return "ACGT"[(int)(Hash(contig, window * 7919L + at % period) % 4)];
    }

    public string Bases(string contig, int at, int length) => string.Concat(Enumerable.Range(at, length).Select(i => Base(contig, i)));

    /// <summary>Contig to bases; null without a reference.</summary>
    public Dictionary<string, string>? Reference => HasReference ? Contigs.ToDictionary(c => c, c => Bases(c, 0, ToyLength)) : null;

    /// <summary>Text of the FASTA file and of its index.</summary>
    public (string Fasta, string Index) Fasta()
    {
        var (fasta, index) = (new StringBuilder(), new StringBuilder());
        foreach (var (contig, sequence) in Reference ?? [])
        {
            fasta.Append($">{contig}\n");
            index.Append($"{contig}\t{sequence.Length}\t{fasta.Length}\t50\t51\n");
            foreach (var line in sequence.Chunk(50)) fasta.Append(line).Append('\n');
        }
        return (fasta.ToString(), index.ToString());
    }

    private static IEnumerable<Island> Toy(Random random)
    {
        yield return new("1", 150, 60);
        yield return new("1", 700, 60);
        if (random.Next(2) == 0) yield return new("10", 300, 60);
        if (random.Next(2) == 0) yield return new("X", 300, 60);
        if (random.Next(2) == 0) yield return new("MT", 300, 60);
    }

    private static IEnumerable<Island> Human(Random random, bool is38)
    {
        yield return new("1", 20_000, 50);
        if (random.Next(2) == 0) yield return new("1", 900_000, 50);
        if (random.Next(3) == 0) yield return new("10", 70_000, 50);
        foreach (var edge in Edges(random, is38 ? [10_001, 2_781_480, 155_701_383, 156_030_896] : [60_001, 2_699_521, 154_931_044, 155_260_561])) yield return new("X", edge - 1 - 20, 40);
        foreach (var edge in Edges(random, is38 ? [10_001, 2_781_480, 56_887_903, 57_217_416] : [10_001, 2_649_521, 59_034_050, 59_363_567])) yield return new("Y", edge - 1 - 20, 40);
        if (random.Next(2) == 0) yield return new("MT", 400, 50);
        if (random.Next(6) == 0) yield return new("GL000192.1", 500, 50);
    }

    /// <summary>None, or some of the first bases inside or behind a PAR (1-based), ascending.</summary>
    private static IEnumerable<int> Edges(Random random, int[] edges) => random.Next(5) == 0 ? [] : edges.Where(_ => random.Next(2) == 0);

    private ulong Hash(string contig, long n)
    {
        var h = (ulong)_seed * 0x9E3779B97F4A7C15UL + (ulong)n;
        foreach (var c in contig) h = (h ^ c) * 0x100000001B3UL;
        h ^= h >> 31;
        h *= 0xBF58476D1CE4E5B9UL;
        return h ^ (h >> 29);
    }
}

/// <summary>One site: a record without its samples. Start is 0-based.</summary>
internal sealed record RandomSite(string Contig, int Start, string Ref, string[] Alts, string Info)
{
    /// <summary>A random site near a place; null when the dice gave alleles that are no record.</summary>
    public static RandomSite? Draw(Random random, RandomGenome genome, Island island)
    {
        var start = island.From + random.Next(island.Length);
        string Ref(int length) => genome.Bases(island.Contig, start, length);
        string Other(int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "ACGT"[random.Next(4)]));
        var kind = random.Next(100);
        var (r, alts) = kind switch
        {
            < 30 => (Ref(1), new[] { Other(1) }),
            < 42 => (Ref(1), [Other(1), Other(1), Other(1)]),
            < 50 => (Ref(1), [Ref(1) + Other(1 + random.Next(4))]),
            < 58 => (Ref(1), [Ref(1 + random.Next(1, 5))]), // the next bases again: shifts in repeats
            < 72 => (Ref(2 + random.Next(6)), [Ref(1)]),
            < 78 => (Ref(2 + random.Next(2)), [Other(2)]),
            < 88 => (Ref(3), [Ref(1), Other(1) + Ref(3)[1..], Ref(3) + Other(1)]),
            < 92 => (Ref(1), ["<DEL>"]),
            < 94 => (Ref(1), ["*"]),
            _ => (Ref(1), Array.Empty<string>()),
        };
        alts = [.. alts.Where(a => a != r).Distinct()];
        if (alts.Length == 0 && kind < 94) return null;
        var bases = alts.Length > 0 && alts.All(NaiveVcf.IsBases);
        if (bases && random.Next(10) == 0) (r, alts) = (r + genome.Base(island.Contig, start + r.Length), [.. alts.Select(a => a + genome.Base(island.Contig, start + r.Length))]);
        if (bases && random.Next(10) == 0)
        {
            var before = genome.Base(island.Contig, start - 1).ToString();
            (start, r, alts) = (start - 1, before + r, [.. alts.Select(a => before + a)]);
        }
        var info = alts.Contains("<DEL>") ? $"SVTYPE=DEL;SVLEN=-12;END={start + 13}" : ".";
        if (bases && random.Next(25) == 0) alts = [.. alts, "<DUP>"];
        else if (bases && random.Next(8) == 0) alts = [.. alts, "*"];
        return new RandomSite(island.Contig, start, r, [.. alts.OrderBy(_ => random.Next())], info);
    }
}
