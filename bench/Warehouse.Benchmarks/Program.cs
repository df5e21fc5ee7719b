using BenchmarkDotNet.Running;
using Warehouse.Benchmarks;

// "quick [samples] [rows]" reads a stopwatch in seconds, "guard STORE" runs the paths of bench/guard.sh; everything
// else goes to BenchmarkDotNet.
if (args is ["guard", var guarded])
{
    GuardPaths.Run(guarded);
    return 0;
}
if (args is ["quick", .. var sizes])
{
    var benchmarks = new SampleSetsBenchmarks();
    if (sizes.Length > 0) benchmarks.SampleCount = int.Parse(sizes[0], System.Globalization.CultureInfo.InvariantCulture);
    if (sizes.Length > 1) benchmarks.RowCount = int.Parse(sizes[1], System.Globalization.CultureInfo.InvariantCulture);
    foreach (var line in benchmarks.Quick()) Console.WriteLine(line);
    return 0;
}
// "points STORE QUERIES.vcf" looks single alleles up and takes one sample out.
if (args is ["points", var store, var queries]) return Points.Run(store, queries);
BenchmarkSwitcher.FromAssembly(typeof(SampleSetsBenchmarks).Assembly).Run(args);
return 0;
