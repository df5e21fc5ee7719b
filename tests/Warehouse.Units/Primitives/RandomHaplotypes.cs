using Warehouse.Primitives;

namespace Warehouse.Units.Primitives;

/// <summary>Genotypes of a block made up from founders that are copied with switches, so that there is an order to find, and their columns.</summary>
internal sealed class RandomHaplotypes
{
    /// <summary>Draws a block.</summary>
    /// <param name="random">Seeded.</param>
    /// <param name="samples">Samples.</param>
    /// <param name="records">Records of 1 to 3 rows.</param>
    /// <param name="masked">Chance of a missing call, and of an absent one.</param>
    /// <param name="phased">False: no call is swapped.</param>
    public RandomHaplotypes(Random random, int samples, int records, double masked, bool phased)
    {
        const int Founders = 6;
        SampleCount = samples;
        FirstRow = new int[records + 1];
        for (var r = 0; r < records; r++) FirstRow[r + 1] = FirstRow[r] + (random.Next(5) == 0 ? random.Next(4) : 1);
        SampleSetsBuilder het = new(samples), hom = new(samples), missing = new(samples), absent = new(samples);
        var copied = Enumerable.Range(0, 2 * samples).Select(_ => random.Next(Founders)).ToArray();
        var swapped = new BitWriter();
        for (var r = 0; r < records; r++)
        {
            for (var i = 0; i < copied.Length; i++)
                if (random.Next(50) == 0) copied[i] = random.Next(Founders);
            var rows = FirstRow[r + 1] - FirstRow[r];
            var density = Math.Pow(random.NextDouble(), 3);
            var founders = Enumerable.Range(0, Founders).Select(_ => random.NextDouble() < density ? random.Next(rows + 1) : 0).ToArray();
            AddRecord(random, rows, i => random.Next(400) == 0 ? random.Next(rows + 1) : founders[copied[i]], (het, hom, missing, absent), (masked, phased), swapped);
        }
        (Missing, Absent) = (missing.Build(), absent.Build());
        Columns = new HaplotypeColumns(het.Build(), hom.Build(), swapped.Words.ContainsAnyExcept(0UL) ? swapped.Words.ToArray() : null);
    }

    public int SampleCount { get; }

    public int[] FirstRow { get; }

    public HaplotypeColumns Columns { get; }

    public SampleSets Missing { get; }

    public SampleSets Absent { get; }

    private void AddRecord(Random random, int rows, Func<int, int> alleleOf, (SampleSetsBuilder Het, SampleSetsBuilder Hom, SampleSetsBuilder Missing, SampleSetsBuilder Absent) to, (double Masked, bool Phased) how, BitWriter swapped)
    {
        var words = (SampleCount + 63) / 64;
        ulong[][] het = [.. Enumerable.Range(0, rows).Select(_ => new ulong[words])], hom = [.. Enumerable.Range(0, rows).Select(_ => new ulong[words])];
        ulong[] missing = new ulong[words], absent = new ulong[words];
        for (var s = 0; s < SampleCount; s++)
        {
            var (word, bit) = (s >> 6, 1UL << (s & 63));
            if (random.NextDouble() < how.Masked)
            {
                (random.Next(2) == 0 ? missing : absent)[word] |= bit;
                continue;
            }
            var (a, b) = (alleleOf(2 * s), alleleOf((2 * s) + 1));
            if (!how.Phased && a > b) (a, b) = (b, a);
            if (a == b && a > 0) hom[a - 1][word] |= bit;
            if (a == b) continue;
            if (a > 0) het[a - 1][word] |= bit;
            if (b > 0) het[b - 1][word] |= bit;
            swapped.Append(a > b ? 1UL : 0, 1);
        }
        foreach (var plane in het) to.Het.AddBits(plane);
        foreach (var plane in hom) to.Hom.AddBits(plane);
        to.Missing.AddBits(missing);
        to.Absent.AddBits(absent);
    }
}
