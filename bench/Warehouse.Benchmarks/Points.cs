using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;

namespace Warehouse.Benchmarks;

/// <summary>
/// Questions about points of a store: <c>points STORE QUERIES.vcf</c> prints name, median, least and most, tab-separated. Look-ups are of
/// the alleles of the file in a random order, all blocks warm; "first" is opening the store, a session and one look-up; "sample" is the
/// carriers of one sample, warm, out of a store of many.
/// </summary>
internal static class Points
{
    private const int Rounds = 9;

    /// <summary>Runs all.</summary>
    public static int Run(string storePath, string queriesPath)
    {
        var (contigs, starts, refs, alts) = Read(queriesPath);
        Print("first_answer_ms", Times(() =>
        {
            using var store = VariantStore.Open(storePath);
            using var session = store.OpenSession();
            using var lookup = session.PrepareLookup(SampleChoice.All);
            lookup.Find(contigs[0], starts[0], refs[0], alts[0], out _);
            return 1;
        }, 1e3));
        using var opened = VariantStore.Open(storePath);
        using var asking = opened.OpenSession();
        using var warm = asking.PrepareLookup(SampleChoice.All);
        var (seen, copies) = (0L, 0L);
        long Look()
        {
            (seen, copies) = (0, 0);
            for (var i = 0; i < starts.Length; i++)
            {
                if (warm.Find(contigs[i], starts[i], refs[i], alts[i], out var figures) == SeenState.Seen) seen++;
                copies += figures.Ac;
            }
            return starts.Length;
        }
        Look();
        Print("lookup_us", Times(Look, 1e6));
        var one = new SampleChoice { Names = [asking.View.Catalog.Samples[0].Name] };
        Print("sample_ms", Times(() =>
        {
            var carriers = 0L;
            foreach (var row in asking.Rows(new GenotypeRequest { Samples = one })) carriers += row.Start & 1;
            return carriers >= 0 ? 1 : 0;
        }, 1e3));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"points: {starts.Length} alleles asked, {seen} seen, {copies} copies"));
        return 0;
    }

    private static (string[] Contigs, int[] Starts, byte[][] Refs, byte[][] Alts) Read(string path)
    {
        var (contigs, starts, refs, alts) = (new List<string>(), new List<int>(), new List<byte[]>(), new List<byte[]>());
        using var reader = VariantFile.Open(path, new VcfReadOptions { SitesOnly = true });
        var record = new VcfRecord();
        while (reader.Read(record))
        {
            contigs.Add(reader.Header.Contigs[record.ContigIndex].Name);
            starts.Add(record.Start);
            refs.Add(record.Ref.ToArray());
            alts.Add(record.Alts[0].ToArray());
        }
        var order = new int[starts.Count];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        new Random(1).Shuffle(order);
        return ([.. order.Select(i => contigs[i])], [.. order.Select(i => starts[i])], [.. order.Select(i => refs[i])], [.. order.Select(i => alts[i])]);
    }

    /// <summary>Time of a unit of work per round; the work returns how many units it did.</summary>
    private static double[] Times(Func<long> work, double perSecond)
    {
        var times = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            var units = work();
            times[i] = Stopwatch.GetElapsedTime(begin).TotalSeconds * perSecond / units;
        }
        return times;
    }

    private static void Print(string name, double[] times)
    {
        Array.Sort(times);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{times[times.Length / 2]:G4}\t{times[0]:G4}\t{times[^1]:G4}"));
    }
}
