using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>Rows F20 to F23 of the fault matrix: BGZF, gzip and sizes.</summary>
public sealed class CompressedInputTests
{
    private static readonly byte[] EndMarker = Convert.FromHexString("1f8b08040000000000ff0600424302001b0003000000000000000000");
    private static readonly string Text = VcfFiles.Header("A", "B") + string.Concat(Enumerable.Range(1, 900).Select(i => $"1\t{i}\t.\tA\tC\t.\tPASS\tAC={i}\tGT\t0|1\t./.\n"));

    [Fact]
    public void Plain_gzip_and_bgzf_give_the_same_records_for_any_number_of_threads()
    {
        var text = Encoding.ASCII.GetBytes(Text);
        foreach (var (bytes, threads) in new[] { (text, 1), (Gzip(text), 1), (Bgzf(text, 700), 1), (Bgzf(text, 700), 2), (Bgzf(text, 31), 4), (Gzip(text).Concat(Gzip(text[..0])).ToArray(), 1) })
        {
            using var reader = VcfFiles.Open(bytes, new VcfReadOptions { Threads = threads });
            var record = new VcfRecord();
            var read = new StringBuilder();
            while (reader.Read(record)) read.Append(Encoding.ASCII.GetString(record.LineText.Span)).Append('\n');
            Assert.EndsWith(read.ToString(), Text, StringComparison.Ordinal);
            Assert.Equal(900, reader.RecordCount);
            Assert.Equal(bytes.Length, reader.CompressedBytesRead);
            Assert.Equal(SHA256.HashData(bytes), reader.Sha256OfInput());
        }
    }

    [Fact]
    public void Lines_of_every_length_are_the_same_whether_their_bytes_were_lent_or_copied()
    {
        // Around what a batch holds and what is kept free before it; empty blocks lie among the others.
        const int seed = 91;
        var random = new Random(seed);
        var text = new StringBuilder();
        foreach (var length in new[] { 1, BgzfBatch.RoomBytes - 3, 5, BgzfBatch.RoomBytes, 9, BgzfBatch.RoomBytes + 2, 2 * BgzfBatch.MaxBytes, 3, (5 << 20) + 1, 70_000, 0, 2 })
        {
            text.Append('x', length).Append(length).Append('\n');
            for (var i = random.Next(40); i > 0; i--) text.Append('y', random.Next(20_000)).Append(i % 3 == 0 ? "\r\n" : "\n");
        }
        var bytes = Encoding.ASCII.GetBytes(text.Append("no end").ToString());
        var expected = Lines(new PlainInput(new RawInput(new MemoryStream(bytes), "test")));
        Assert.True(expected.Count > 100);
        var blocks = new MemoryStream();
        for (var at = 0; at < bytes.Length;)
        {
            var count = Math.Min(bytes.Length - at, random.Next(3) == 0 ? random.Next(3000) : BgzfBatch.MaxBlockBytes);
            blocks.Write(Bgzf(bytes[at..(at + count)], BgzfBatch.MaxBlockBytes).AsSpan()[..^EndMarker.Length]);
            if (random.Next(4) == 0) blocks.Write(EndMarker);
            at += count;
        }
        blocks.Write(EndMarker);
        foreach (var threads in new[] { 1, 2, 5 })
            Assert.True(expected.SequenceEqual(Lines(new BgzfInput(new RawInput(new MemoryStream(blocks.ToArray()), "test", threads > 1), 1 << 30, threads))), $"seed {seed}, {threads} threads");
    }

    /// <summary>Number, offset, length and checksum of each line.</summary>
    private static List<(long Line, long Offset, int Length, uint Checksum)> Lines(DecodedInput input)
    {
        using (input)
        {
            using var lines = new LineInput(input);
            var read = new List<(long, long, int, uint)>();
            while (lines.Next(64 << 20, out var line)) read.Add((lines.Line, lines.LineOffset, line.Length, Crc32.Compute(line.Span)));
            return read;
        }
    }

    [Fact]
    public void A_digest_before_the_end_is_refused()
    {
        using var reader = VcfFiles.Open(Text);
        Assert.Throws<InvalidOperationException>(() => reader.Sha256OfInput());
    }

    [Fact]
    public void Every_truncation_of_a_bgzf_file_is_refused()
    {
        var whole = Bgzf(Encoding.ASCII.GetBytes(Text), 20_000);
        for (var length = 0; length < whole.Length; length++)
        {
            var code = Assert.Throws<InputException>(() => VcfFiles.ReadAll(whole[..length], new VcfReadOptions { SkipBadRecords = true })).Code;
            Assert.Contains(code, new[] { "input-empty", "vcf-fileformat", "vcf-control", "gzip-truncated", "gzip-trailing", "bgzf-truncated", "bgzf-no-end" });
        }
    }

    [Fact]
    public void Every_truncation_of_a_gzip_file_is_refused()
    {
        var whole = Gzip(Encoding.ASCII.GetBytes(Text));
        for (var length = 2; length < whole.Length; length++)
            Assert.Equal("gzip-truncated", Assert.Throws<InputException>(() => VcfFiles.ReadAll(whole[..length])).Code);
    }

    [Fact]
    public void Bytes_after_a_gzip_member_are_refused_and_a_second_member_is_read()
    {
        var text = Encoding.ASCII.GetBytes(Text);
        var two = Gzip(text[..5_000]).Concat(Gzip(text[5_000..])).ToArray();
        Assert.Equal(900, VcfFiles.ReadAll(two));
        Assert.Equal("gzip-trailing", Code([.. Gzip(text), 0]));
        Assert.Equal("gzip-trailing", Code([.. Gzip(text), .. "garbage"u8]));
        Assert.Equal("gzip-truncated", Code([.. Gzip(text), 0x1f, 0x8b]));
        Assert.Equal("gzip-truncated", Code([.. Gzip(text), .. Gzip(text)[..50]]));
    }

    [Fact]
    public void Every_flipped_bit_of_a_bgzf_file_is_refused_or_changes_no_text()
    {
        var text = Encoding.ASCII.GetBytes(Text);
        var whole = Bgzf(text[..2_000], 1_000);
        var random = new Random(20);
        for (var i = 0; i < 2_000; i++)
        {
            var flipped = (byte[])whole.Clone();
            var bit = random.Next(flipped.Length * 8);
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.True(VcfFiles.ReadAll(flipped) == VcfFiles.ReadAll(whole), $"seed 20, bit {bit}");
            }
            catch (InputException)
            {
                continue;
            }
        }
    }

    [Fact]
    public void Faults_of_bgzf_frames_are_refused_by_name()
    {
        var text = Encoding.ASCII.GetBytes(Text);
        var block = Block(text[..3_000]);
        var rest = Bgzf(text[3_000..], 60_000);
        Assert.Equal("bgzf-crc", Code([.. With(block, block.Length - 8, (byte)(block[^8] ^ 1)), .. rest]));
        Assert.Equal("bgzf-isize", Code([.. With(block, block.Length - 4, (byte)(block[^4] ^ 1)), .. rest]));
        Assert.Equal("bgzf-isize", Code([.. With(block, block.Length - 2, 1), .. rest]));
        Assert.Equal("bgzf-header", Code([.. block, .. Gzip(text[3_000..])]));
        Assert.Equal("bgzf-header", Code([.. block, .. new byte[40]]));
        Assert.Equal("bgzf-size", Code([.. block, .. With(With(block, 16, 0), 17, 0), .. rest]));
        Assert.Equal("bgzf-size", Code([.. block, .. With(block, 12, (byte)'X'), .. rest]));
        Assert.Equal("bgzf-no-end", Code([.. block, .. rest[..^EndMarker.Length]]));
        Assert.Equal(900, VcfFiles.ReadAll([.. block, .. EndMarker, .. rest]));
        Assert.Equal(900, VcfFiles.ReadAll([.. Block(text[..3_000], extra: [(byte)'Z', (byte)'Z', 3, 0, 1, 2, 3]), .. rest]));
    }

    [Fact]
    public void A_bomb_stops_at_the_byte_cap_and_not_at_a_ratio()
    {
        var bomb = Gzip([.. Encoding.ASCII.GetBytes(Text), .. Encoding.ASCII.GetBytes("1\t950\t.\tA\t<DEL>\t.\t.\tX=" + new string('0', 40_000_000) + "\tGT\t0|0\t0|0\n")]);
        Assert.True(bomb.Length < 100_000);
        Assert.Equal(901, VcfFiles.ReadAll(bomb));
        var limits = new VcfReadOptions { Limits = new VcfLimits { MaxInflatedBytes = 30_000_000 } };
        Assert.Equal("inflate-cap", Assert.Throws<InputException>(() => VcfFiles.ReadAll(bomb, limits)).Code);
        Assert.Equal("gzip-nested", Code(Gzip(Gzip(Encoding.ASCII.GetBytes(Text)))));
    }

    [Fact]
    public void A_line_without_end_is_refused_at_the_line_cap()
    {
        var limits = new VcfReadOptions { Limits = new VcfLimits { MaxLineBytes = 8 << 20 } };
        using var endless = new EndlessStream(Encoding.ASCII.GetBytes(Text + "1\t950\t.\tA\tC\t.\t.\tX="));
        using var reader = VariantFile.Open(endless, "-", limits);
        var record = new VcfRecord();
        for (var i = 0; i < 900; i++) Assert.True(reader.Read(record));
        Assert.Equal("line-cap", Assert.Throws<InputException>(() => reader.Read(record)).Code);
        Assert.True(endless.BytesGiven < 16 << 20);
    }

    [Fact]
    public void Headers_that_never_end_are_refused()
    {
        Assert.Equal("gzip-header", Code([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, .. Enumerable.Repeat((byte)'n', 70_000)]));
        Assert.Equal("gzip-flags", Code([0x1f, 0x8b, 8, 0x20, 0, 0, 0, 0, 0, 3]));
        Assert.Equal("gzip-method", Code([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 3]));
        var fields = string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"k{i}=1"));
        Assert.Equal(900, VcfFiles.ReadAll(Text.Replace("##contig=<ID=2>", $"##contig=<ID=2,{fields}>", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_no_vcf_is_refused_by_name()
    {
        Assert.Equal("input-empty", Code([]));
        Assert.Equal("input-empty", Code(Gzip([])));
        Assert.Equal("input-empty", Code(EndMarker));
        Assert.Equal("byte-order-mark", Code([0xEF, 0xBB, 0xBF, .. Encoding.ASCII.GetBytes(Text)]));
        Assert.Equal("byte-order-mark", Code([0xFF, 0xFE, .. Encoding.Unicode.GetBytes(Text)]));
        Assert.Equal("vcf-fileformat", Code(Bgzf([(byte)'B', (byte)'C', (byte)'F', 2, 2, 0, 0, 0, 0], 100)));
        Assert.Equal("bcf-version", Code(Bgzf([(byte)'B', (byte)'C', (byte)'F', 2, 1, 0, 0, 0, 0], 100)));
        Assert.Equal("input-missing", Assert.Throws<InputException>(() => VariantFile.Open("no-such-file.vcf", new VcfReadOptions())).Code);
    }

    /// <summary>Found by mutation: each refused header left a buffer of 4 MiB to the collector.</summary>
    [Fact]
    public void A_refused_header_gives_its_buffers_back()
    {
        var text = Encoding.ASCII.GetBytes("##fileformat=VCFv9.9\n");
        Code(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++) Code(text);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 << 20);
    }

    [Fact]
    public void The_fast_checksum_is_the_slow_one_at_every_length()
    {
        Assert.Equal(0xCBF43926u, Crc32.Compute("123456789"u8));
        var bytes = new byte[70_000];
        new Random(32).NextBytes(bytes);
        foreach (var length in Enumerable.Range(0, 600).Append(65_536).Append(70_000))
        {
            var slow = Crc32.ComputeTable(bytes.AsSpan(0, length), 0);
            Assert.True(slow == Crc32.Compute(bytes.AsSpan(0, length)), $"seed 32, length {length}");
            Assert.True(slow == Crc32.Compute(bytes.AsSpan(length / 3, length - length / 3), Crc32.Compute(bytes.AsSpan(0, length / 3))), $"seed 32, length {length} in two pieces");
        }
    }

    private static string Code(byte[] bytes) => Assert.Throws<InputException>(() => VcfFiles.ReadAll(bytes)).Code;

    private static byte[] With(byte[] bytes, int at, byte value)
    {
        var copy = (byte[])bytes.Clone();
        copy[at] = value;
        return copy;
    }

    private static byte[] Gzip(byte[] text)
    {
        var deflated = Deflate(text);
        var trailer = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, Crc32.Compute(text));
        BinaryPrimitives.WriteInt32LittleEndian(trailer.AsSpan(4), text.Length);
        return [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, (byte)'n', 0, .. deflated, .. trailer];
    }

    private static byte[] Bgzf(byte[] text, int blockBytes) => [.. text.Chunk(blockBytes).SelectMany(c => Block(c)), .. EndMarker];

    private static byte[] Block(byte[] text, byte[]? extra = null)
    {
        var deflated = Deflate(text);
        var tail = Gzip(text)[^8..];
        var extraBytes = 6 + (extra?.Length ?? 0);
        var size = 12 + extraBytes + deflated.Length + 8 - 1;
        return [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, (byte)extraBytes, 0, .. extra ?? [], (byte)'B', (byte)'C', 2, 0, (byte)size, (byte)(size >> 8), .. deflated, .. tail];
    }

    private static byte[] Deflate(byte[] text)
    {
        var into = new MemoryStream();
        using (var deflate = new DeflateStream(into, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(text);
        return into.Length > 0 ? into.ToArray() : [3, 0];
    }

    /// <summary>A head, then zeros as text for ever.</summary>
    private sealed class EndlessStream(byte[] head) : MemoryStream(head)
    {
        public long BytesGiven { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var got = base.Read(buffer, offset, count);
            if (got == 0) buffer.AsSpan(offset, got = count).Fill((byte)'0');
            BytesGiven += got;
            return got;
        }
    }
}
