using System.Text;

namespace Warehouse.Engine.Simulate;

/// <summary>How many copies of a contig people have.</summary>
internal enum ContigKind
{
    /// <summary>Two.</summary>
    Autosome,

    /// <summary>X: by sex, two in PAR1.</summary>
    X,

    /// <summary>Y: by sex.</summary>
    Y,

    /// <summary>Mitochondrion: one.</summary>
    Mitochondrion,
}

/// <summary>A simulated contig. Sequence outside the window is N, but for a few bases at its ends.</summary>
/// <param name="Name">Name as in GRCh37.</param>
/// <param name="Kind">Copies.</param>
/// <param name="Sequence">Upper-case bases; its length is the contig's simulated length.</param>
/// <param name="Start">0-based start of the window that has sites.</param>
/// <param name="CellBases">Every site has a cell of this many bases of its own; cells follow each other from Start.</param>
/// <param name="SiteCount">Cells.</param>
/// <param name="ParEnd">0-based exclusive end of PAR1; 0 where there is none.</param>
internal sealed record Contig(string Name, ContigKind Kind, byte[] Sequence, int Start, int CellBases, int SiteCount, int ParEnd)
{
    /// <summary>0-based exclusive end of the window.</summary>
    public int End => Start + (CellBases * SiteCount);

    /// <summary>True in PAR1 (both windows start inside it or at its end).</summary>
    public bool InPar(int position) => position < ParEnd;
}

/// <summary>
/// The simulated reference: random sequence with short repeats. Autosomes 1, 2, 22 as long as their sites need; X and Y keep
/// the coordinates of GRCh37 around the end of PAR1 and are cut off behind it; MT has its full length. No PAR2.
/// </summary>
internal static class Genome
{
    private const int CellBases = 35;
    private const int MarginBases = 1000;
    private const int ParEndX = 2699520;
    private const int ParEndY = 2649520;
    private const int MitochondrionBases = 16569;

    /// <summary>Lays out the contigs, in order.</summary>
    public static List<Contig> Make(SimulationOptions options, bool hasMen)
    {
        var random = new Prng(options.Seed, 1);
        var sex = options.SexChromosomes && options.Variants >= 20;
        var x = sex ? Math.Min(4000, options.Variants * 6 / 100) & ~1 : 0;
        var y = sex && hasMen ? Math.Min(2000, options.Variants * 3 / 100) : 0;
        var mt = sex ? Math.Clamp(options.Variants / 100, 1, 300) : 0;
        var rest = options.Variants - x - y - mt;
        var contigs = new List<Contig>();
        foreach (var (name, count) in new[] { ("1", rest - (rest * 3 / 10) - (rest / 5)), ("2", rest * 3 / 10), ("22", rest / 5) })
            if (count > 0) contigs.Add(Autosome(name, count, random));
        if (x > 0) contigs.Add(Sparse("X", ContigKind.X, ParEndX - (x / 2 * CellBases), x, ParEndX, random));
        if (y > 0) contigs.Add(Sparse("Y", ContigKind.Y, ParEndY, y, ParEndY, random));
        if (mt > 0)
        {
            var cell = (MitochondrionBases - 400) / mt;
            contigs.Add(new Contig("MT", ContigKind.Mitochondrion, Bases(MitochondrionBases, 0, MitochondrionBases, random), 200, cell, mt, 0));
        }
        return contigs;
    }

    /// <summary>Writes <c>reference.fa</c> and <c>reference.fa.fai</c>, 60 bases a line.</summary>
    public static void Write(string folder, List<Contig> contigs)
    {
        const int lineBases = 60;
        var index = new StringBuilder();
        using var file = File.Create(Path.Combine(folder, "reference.fa"));
        using var fasta = new BufferedStream(file, 1 << 16);
        long offset = 0;
        foreach (var contig in contigs)
        {
            var head = Encoding.ASCII.GetBytes($">{contig.Name}\n");
            fasta.Write(head);
            offset += head.Length;
            index.Append(contig.Name).Append('\t').Append(contig.Sequence.Length).Append('\t').Append(offset).Append("\t60\t61\n");
            for (var at = 0; at < contig.Sequence.Length; at += lineBases)
            {
                var line = contig.Sequence.AsSpan(at, Math.Min(lineBases, contig.Sequence.Length - at));
                fasta.Write(line);
                fasta.WriteByte((byte)'\n');
                offset += line.Length + 1;
            }
        }
        File.WriteAllText(Path.Combine(folder, "reference.fa.fai"), index.ToString());
    }

    private static Contig Autosome(string name, int siteCount, Prng random)
    {
        var length = checked((siteCount * CellBases) + (2 * MarginBases));
        return new Contig(name, ContigKind.Autosome, Bases(length, 0, length, random), MarginBases, CellBases, siteCount, 0);
    }

    private static Contig Sparse(string name, ContigKind kind, int start, int siteCount, int parEnd, Prng random)
    {
        var end = start + (siteCount * CellBases);
        return new Contig(name, kind, Bases(end + MarginBases, start - MarginBases, end + MarginBases, random), start, CellBases, siteCount, parEnd);
    }

    /// <summary>Random bases in [start, end), N elsewhere; one base in eight lies in a repeat of a unit of 1 to 4 bases.</summary>
    private static byte[] Bases(int length, int start, int end, Prng random)
    {
        var sequence = new byte[length];
        sequence.AsSpan().Fill((byte)'N');
        var at = start;
        while (at < end)
        {
            sequence[at++] = (byte)"ACGT"[random.Below(4)];
            if (at - start < 8 || !random.Chance(0.01)) continue;
            var unit = 1 + random.Below(4);
            var repeatEnd = Math.Min(end, at + (unit * (2 + random.Below(7))));
            for (; at < repeatEnd; at++) sequence[at] = sequence[at - unit];
        }
        return sequence;
    }
}
