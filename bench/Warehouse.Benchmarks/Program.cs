using BenchmarkDotNet.Running;
using Warehouse.Benchmarks;

// "quick [samples] [rows]" reads a stopwatch in seconds; the modes below it say what they do; everything else goes to BenchmarkDotNet.
if (args is ["quick", .. var sizes])
{
    var benchmarks = new SampleSetsBenchmarks();
    if (sizes.Length > 0) benchmarks.SampleCount = int.Parse(sizes[0], System.Globalization.CultureInfo.InvariantCulture);
    if (sizes.Length > 1) benchmarks.RowCount = int.Parse(sizes[1], System.Globalization.CultureInfo.InvariantCulture);
    foreach (var line in benchmarks.Quick()) Console.WriteLine(line);
    return 0;
}
// "warm STORE [--tenth FILE] [--by COLUMN]" asks frequency questions of a store in one process.
if (args is ["warm", _, ..]) return Warm.Run(args[1..]);
BenchmarkSwitcher.FromAssembly(typeof(SampleSetsBenchmarks).Assembly).Run(args);
return 0;
