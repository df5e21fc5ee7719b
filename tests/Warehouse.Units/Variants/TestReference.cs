using System.Text;
using Warehouse.Engine.Variants;

namespace Warehouse.Units.Variants;

/// <summary>Small references for tests: repeat-rich random sequences, and FASTA files of them.</summary>
internal static class TestReference
{
    /// <summary>A sequence made of random stretches, runs of one base, and short tandem repeats.</summary>
    public static string Repeats(Random random, int length)
    {
        var text = new StringBuilder();
        while (text.Length < length)
        {
            var unit = Bases(random, random.Next(1, random.Next(3) == 0 ? 12 : 4));
            var copies = random.Next(3) == 0 ? 1 : random.Next(2, 15);
            for (var i = 0; i < copies; i++) text.Append(unit);
        }
        return text.ToString(0, length);
    }

    public static string Bases(Random random, int length)
    {
        var text = new char[length];
        for (var i = 0; i < length; i++) text[i] = "ACGT"[random.Next(4)];
        return new string(text);
    }

    /// <summary>Writes a FASTA file, wrapped at <paramref name="lineBases"/>, and opens it (no .fai: made in memory).</summary>
    public static ReferenceGenome Open(string path, Assembly assembly, int lineBases, params (string Name, string Bases)[] contigs)
    {
        Write(path, lineBases, "\n", contigs);
        return ReferenceGenome.Open(path, assembly);
    }

    public static void Write(string path, int lineBases, string lineEnd, params (string Name, string Bases)[] contigs)
    {
        var text = new StringBuilder();
        foreach (var (name, bases) in contigs)
        {
            text.Append('>').Append(name).Append(lineEnd);
            for (var at = 0; at < bases.Length; at += lineBases) text.Append(bases.AsSpan(at, Math.Min(lineBases, bases.Length - at))).Append(lineEnd);
        }
        File.WriteAllText(path, text.ToString());
    }

    /// <summary>A random allele at a place of the sequence: SNV, MNV, insertion or deletion, often one that repeats what stands there, with padding to trim.</summary>
    public static (int Start, string Ref, string Alt) Allele(Random random, string bases)
    {
        while (true)
        {
            var start = random.Next(bases.Length);
            var r = bases.Substring(start, Math.Min(random.Next(1, 12), bases.Length - start));
            var cut = random.Next(r.Length + 1);
            var insert = random.Next(2) == 0 ? "" : random.Next(2) == 0 ? Bases(random, random.Next(1, 5)) : bases.Substring(start, Math.Min(random.Next(1, 7), bases.Length - start));
            var a = r[..cut] + insert + r[Math.Min(r.Length, cut + random.Next(0, 5))..];
            if (a.Length > 0 && a != r) return (start, r, a);
        }
    }
}
