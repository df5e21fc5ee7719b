using BenchmarkDotNet.Running;
using Warehouse.Benchmarks;

// "quick [samples] [rows]" reads a stopwatch in seconds; everything else goes to BenchmarkDotNet.
if (args is ["quick", .. var sizes])
{
    var benchmarks = new SampleSetsBenchmarks();
    if (sizes.Length > 0) benchmarks.SampleCount = int.Parse(sizes[0], System.Globalization.CultureInfo.InvariantCulture);
    if (sizes.Length > 1) benchmarks.RowCount = int.Parse(sizes[1], System.Globalization.CultureInfo.InvariantCulture);
    foreach (var line in benchmarks.Quick()) Console.WriteLine(line);
    return 0;
}
// "haplotypes STORE" times the packed form of the genotypes of a store.
if (args is ["haplotypes", var store])
{
    foreach (var line in HaplotypeReading.Of(store)) Console.WriteLine(line);
    return 0;
}
BenchmarkSwitcher.FromAssembly(typeof(SampleSetsBenchmarks).Assembly).Run(args);
return 0;
