using System.Buffers.Binary;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>BCF that is damaged or unusual: refused with its place, or understood, never anything else.</summary>
public sealed class BcfDamageTests
{
    [Fact]
    public void A_changed_byte_or_a_cut_gives_records_or_a_refusal()
    {
        const int seed = 5;
        var whole = Plain(new RandomRecords(seed, 3), 12);
        var random = new Random(seed);
        var (read, refused) = (0, 0);
        for (var round = 0; round < 2_000; round++)
        {
            var bytes = whole.ToArray();
            var at = random.Next(bytes.Length);
            if (round % 4 == 0) bytes = bytes[..at];
            else bytes[at] ^= (byte)(1 << random.Next(8));
            try
            {
                VcfFiles.ReadAll(bytes, new VcfReadOptions { SkipBadRecords = round % 8 == 1 });
                read++;
            }
            catch (InputException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {round}, byte {at}: {e}");
            }
        }
        Assert.True(read > 100 && refused > 500, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Claimed_lengths_are_checked_before_they_are_believed()
    {
        var whole = Plain(new RandomRecords(6, 2), 2);
        var text = BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(5));
        var record = 9 + text;
        Assert.Equal("line-cap", Code(whole, record, 0xFFFFFFFF));
        Assert.Equal("line-cap", Code(whole, record + 4, 0xFFFFFFFF));
        Assert.Equal("bcf-length", Code(whole, record, 23));
        Assert.Equal("bcf-truncated", Code(whole, record, 60 << 20));
        Assert.Equal("vcf-no-columns", Code([.. "BCF\u0002\u0002"u8, 0xFF, 0xFF, 0xFF, 0xFF, .. "##fileformat=VCFv4.3\n"u8], 0, null));
        Assert.Equal("bcf-samples", Code(whole, record + 8 + 20, 3));
        Assert.Equal("bcf-chrom", Code(whole, record + 8, 2));
        Assert.Equal("vcf-pos-beyond", Code(whole, record + 12, 100_001));
        Assert.Equal("bcf-rlen", Code(whole, record + 16, uint.MaxValue));
        Assert.Equal("bcf-length", Code([.. whole[..record], .. Grown(whole[record..])], 0, null));
    }

    [Fact]
    public void A_bad_record_is_skipped_on_request_and_the_next_one_read()
    {
        var source = new RandomRecords(8, 4);
        var whole = Plain(source, 20);
        var record = 9 + BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(5));
        for (var i = 0; i < 3; i++) record += 8 + BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(record)) + BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(record + 4));
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(record + 8), 77);
        var place = Assert.Throws<InputException>(() => VcfFiles.ReadAll(whole)).Place;
        Assert.Equal((4, record, "CHROM"), (place.Line, place.OffsetBytes, place.Field));
        using var reader = VcfFiles.Open(whole, new VcfReadOptions { SkipBadRecords = true });
        var read = new VcfRecord();
        while (reader.Read(read)) { }
        Assert.Equal((19, 1), (reader.RecordCount, reader.Skipped["bcf-chrom"]));
    }

    [Fact]
    public void The_phase_of_the_first_copy_counts_from_version_4_4_on()
    {
        var record = VariantWriterTests.Site();
        (record.SampleCount, record.HasGt) = (4, true);
        (record.First, record.Second, record.Phased) = ([1, 1, 1, 1], [2, 2, 255, 2], [0, 1, 0, 0]);
        var target = new MemoryStream();
        using (var writer = new VariantWriter(target, VariantEncoding.Bcf, RandomRecords.MetaLines, ["a", "b", "c", "d"]))
        {
            writer.Write(record, []);
            writer.Finish();
        }
        var bytes = Inflate(target.ToArray());
        foreach (var sample in new[] { 0, 1, 2 }) bytes[bytes.Length - 8 + (2 * sample)] |= 1;
        Assert.Empty(ReadOne(bytes).Irregular);
        bytes[9 + "##fileformat=VCFv4.".Length] = (byte)'4';
        var read = ReadOne(bytes);
        Assert.Equal("|0/1", Assert.Single(read.Irregular).Text);
        Assert.Equal([VcfRecord.IrregularMark, 1, 1, 1], read.First[..4]);
        Assert.Equal([0, 2, VcfRecord.NoAllele, 2], read.Second[..4]);
        Assert.Equal([0, 1, 0, 0], read.Phased[..4]);
    }

    [Fact]
    public void The_genotype_kernel_equals_its_definition_for_every_number_of_samples()
    {
        using var memory = new GuardedMemory(1024);
        var random = new Random(9);
        for (var samples = 0; samples <= 256; samples++)
            for (var round = 0; round < 8; round++)
            {
                var altCount = new[] { 0, 1, 3, 61, 62, 90 }[random.Next(6)];
                var cells = new byte[2 * samples];
                for (var i = 0; i < cells.Length; i++) cells[i] = i % 2 == 1 && random.Next(9) == 0 ? (byte)0x81 : (byte)random.Next(Math.Min((2 * altCount) + 4, 128));
                if (round >= 4 && samples > 0) cells[random.Next(cells.Length)] = (byte)random.Next(256);
                var (left, right) = (Empty(samples, altCount), Empty(samples, altCount));
                var hasLeadingPhase = round % 4 == 3;
                var expected = BcfGenotypeKernel.Scalar(cells, left, hasLeadingPhase);
                var place = $"seed 9, {samples} samples, round {round}";
                Assert.True(expected == BcfGenotypeKernel.Steps(memory.Copy<byte>(cells), right, hasLeadingPhase), place);
                if (expected) Assert.True(left.First.AsSpan().SequenceEqual(right.First) && left.Second.AsSpan().SequenceEqual(right.Second) && left.Phased.AsSpan().SequenceEqual(right.Phased), place);
                if (expected) CompareWithOneByOne(cells, left, place);
            }
    }

    /// <summary>The path that takes any width and number of copies, on the same cells in two widths.</summary>
    private static void CompareWithOneByOne(byte[] cells, VcfRecord expected, string place)
    {
        var names = Enumerable.Range(0, expected.SampleCount).Select(i => "S" + i).ToArray();
        using var header = VcfFiles.Open(VcfFiles.Header(names));
        var faults = new VcfFaults("test", lint: false, _ => { });
        var parsed = new VcfParsedHeader(header.Header, [], [], [], HasFormatColumn: true);
        var parser = new BcfGenotypeParser(parsed, new BcfDictionary(header.Header, faults, new VcfLimits()), faults, new VcfLimits());
        var wide = new byte[2 * cells.Length];
        for (var i = 0; i < cells.Length; i++) BinaryPrimitives.WriteInt16LittleEndian(wide.AsSpan(2 * i), cells[i] == 0x81 ? (short)-32767 : cells[i]);
        foreach (var (typed, values) in new[] { (new BcfTyped(BcfTyped.Int8, 2), cells), (new BcfTyped(BcfTyped.Int16, 2), wide) })
        {
            var read = Empty(expected.SampleCount, expected.Alts.Count);
            parser.GenotypesOneByOne(typed, values, read);
            Assert.True(expected.First.AsSpan().SequenceEqual(read.First) && expected.Second.AsSpan().SequenceEqual(read.Second) && expected.Phased.AsSpan().SequenceEqual(read.Phased), place);
        }
    }

    private static VcfRecord Empty(int samples, int altCount)
    {
        var padded = (samples + 63) / 64 * 64;
        var record = new VcfRecord { SampleCount = samples, First = new byte[padded], Second = new byte[padded], Phased = new byte[padded] };
        for (var i = 0; i < altCount; i++) record.Alts.Add("<X>"u8.ToArray());
        record.First.AsSpan().Fill(7);
        return record;
    }

    private static byte[] Plain(RandomRecords source, int count) => Inflate(VariantWriterTests.Write(source, source.Make(count), VariantEncoding.Bcf));

    private static byte[] Inflate(byte[] packed)
    {
        using var input = new BgzfInput(new RawInput(new MemoryStream(packed), "test"), 1 << 30, 1);
        var bytes = new byte[1 << 20];
        return bytes[..input.ReadFully(bytes)];
    }

    private static VcfRecord ReadOne(byte[] bytes)
    {
        using var reader = VcfFiles.Open(bytes);
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        return record;
    }

    /// <summary>A record with one byte more in its shared part than its values take.</summary>
    private static byte[] Grown(byte[] record)
    {
        var shared = BinaryPrimitives.ReadInt32LittleEndian(record);
        byte[] grown = [.. record[..(8 + shared)], 0, .. record[(8 + shared)..]];
        BinaryPrimitives.WriteInt32LittleEndian(grown, shared + 1);
        return grown;
    }

    private static string Code(byte[] bytes, int at, uint? value)
    {
        var changed = bytes.ToArray();
        if (value is { } number) BinaryPrimitives.WriteUInt32LittleEndian(changed.AsSpan(at), number);
        return Assert.Throws<InputException>(() => VcfFiles.ReadAll(changed)).Code;
    }
}
