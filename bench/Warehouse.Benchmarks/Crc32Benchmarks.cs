using BenchmarkDotNet.Attributes;
using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>CRC-32 of one BGZF block, every path.</summary>
public class Crc32Benchmarks
{
    private readonly byte[] _block = new byte[65280];

    [GlobalSetup]
    public void Fill() => new Random(1).NextBytes(_block);

    [Benchmark(Baseline = true), Work(65280, "B")]
    public uint Table() => Crc32.ComputeTable(_block, 0);

    [Benchmark, Work(65280, "B")]
    public uint Folding() => Crc32.ComputeFolding(_block, 0);

    [Benchmark, Work(65280, "B")]
    public uint Wide() => Crc32.ComputeWide(_block, 0);
}
