using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>VCF, BCF, BGZF and gzip. What is read is looked at: no record may say what its header or its own alleles forbid.</summary>
internal static class VariantTargets
{
    private const int MaxInflatedBytes = 16 << 20;

    /// <summary>One input in so many is also read with two threads, which must make no difference.</summary>
    private const int WithThreads = 16;

    /// <summary>All of them.</summary>
    public static IEnumerable<FuzzTarget> All()
    {
        var texts = VariantSeeds.All();
        yield return new FuzzTarget("vcf", texts, Read) { Words = VariantSeeds.Words, SoundSeeds = VariantSeeds.Texts.Length };
        var bcf = new FuzzTarget("bcf", VariantSeeds.Bcf(), Read) { Words = VariantSeeds.Words, SoundSeeds = VariantSeeds.SoundBcf.Length };
        yield return bcf with { Make = (random, mutator) => Frames.Bcf(random, mutator, bcf) };
        var bgzf = new FuzzTarget("bgzf", texts, Read) { Words = VariantSeeds.Words, SoundSeeds = 0 };
        yield return bgzf with { Make = (random, mutator) => Frames.Bgzf(random, mutator, bgzf) };
        var gzip = bgzf with { Name = "gzip" };
        yield return gzip with { Make = (random, mutator) => Frames.GzipFile(random, mutator, gzip) };
    }

    /// <summary>The input chooses how it is read, so that it alone tells the whole story.</summary>
    private static void Read(byte[] input)
    {
        var choice = Crc32.Compute(input);
        var options = new VcfReadOptions
        {
            Lint = (choice & 1) != 0, SkipBadRecords = (choice & 6) == 2, SitesOnly = (choice & 24) == 8, Limits = new VcfLimits { MaxInflatedBytes = MaxInflatedBytes },
        };
        if ((choice >> 8) % WithThreads == 0) Compare(input, options);
        ReadAll(input, options);
    }

    private static void Compare(byte[] input, VcfReadOptions options)
    {
        var (one, two) = (Outcome(input, options), Outcome(input, options with { Threads = 2 }));
        if (one != two) throw new InvalidOperationException($"with one thread {one}, with two {two}");
    }

    private static string Outcome(byte[] input, VcfReadOptions options)
    {
        try
        {
            return ReadAll(input, options);
        }
        catch (InputException refused)
        {
            return refused.Message;
        }
    }

    private static string ReadAll(byte[] input, VcfReadOptions options)
    {
        using var reader = VariantFile.Open(new MemoryStream(input), "fuzz", options);
        var record = new VcfRecord();
        var (contig, start) = (-1, -1);
        while (reader.Read(record))
        {
            if (record.ContigIndex == contig && record.Start < start) throw new InvalidOperationException("a record before the one before it");
            (contig, start) = (record.ContigIndex, record.Start);
            Check(record, reader.Header, options);
        }
        return $"{reader.RecordCount} records, {reader.Skipped.Values.Sum()} skipped, {Convert.ToHexString(reader.Sha256OfInput())}";
    }

    private static void Check(VcfRecord record, VcfHeader header, VcfReadOptions options)
    {
        if (record.Start < -1 || record.Ref.Length == 0 || (uint)record.ContigIndex >= (uint)header.Contigs.Count) throw new InvalidOperationException("a record without a place");
        if (record.InfoEnd != VcfRecord.MissingInt && record.InfoEnd < 0) throw new InvalidOperationException("an END that is none");
        if (record.SvLen.Count > 0 && (record.SvLen.Count != record.Alts.Count || record.SvLen.Exists(l => l < -1))) throw new InvalidOperationException("lengths that fit no allele");
        if (options.SitesOnly || !record.HasGt) return;
        if (record.SampleCount != header.Samples.Count) throw new InvalidOperationException("columns are lost");
        var irregular = 0;
        for (var s = 0; s < record.SampleCount; s++)
        {
            var (first, second) = (record.First[s], record.Second[s]);
            if (first == VcfRecord.IrregularMark)
            {
                var call = record.Irregular[irregular++];
                if (call.Sample != s || call.Alleles.Length is < 1 or > 16 || call.Alleles.Any(a => a < -1 || a > record.Alts.Count)) throw new InvalidOperationException("a call of alleles that are not there");
            }
            else if (first > record.Alts.Count + 1 || (second != VcfRecord.NoAllele && second > record.Alts.Count + 1)) throw new InvalidOperationException("a call of an allele that is not there");
        }
        if (irregular != record.Irregular.Count) throw new InvalidOperationException("a call too many");
    }
}
