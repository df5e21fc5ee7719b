using System.Buffers.Binary;
using System.IO.Compression;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

public sealed class BgzfWriterTests
{
    private const string EndBlock = "1F8B08040000000000FF0600424302001B0003000000000000000000";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(BgzfWriter.MaxBlockBytes - 1)]
    [InlineData(BgzfWriter.MaxBlockBytes)]
    [InlineData(BgzfWriter.MaxBlockBytes + 1)]
    [InlineData(300_000)]
    public void Blocks_inflate_to_what_was_written(int length)
    {
        var random = new Random(length);
        var text = new byte[length];
        for (var i = 0; i < length; i++) text[i] = (byte)"0|1\t"[random.Next(4)];
        var noise = new byte[length];
        random.NextBytes(noise);
        foreach (var content in new[] { text, noise })
        {
            var (file, blocks) = Inflate(Write(content, 1));
            Assert.Equal(content, file);
            Assert.Equal((length + BgzfWriter.MaxBlockBytes - 1) / BgzfWriter.MaxBlockBytes, blocks);
        }
    }

    [Fact]
    public void Threads_do_not_change_a_byte()
    {
        var random = new Random(5);
        var content = new byte[1_000_000];
        for (var i = 0; i < content.Length; i++) content[i] = (byte)"0|1\t"[random.Next(4)];
        Assert.Equal(Write(content, 1), Write(content, 3));
    }

    [Fact]
    public void Flush_ends_a_block_and_leaves_the_end_block_to_dispose()
    {
        using var target = new MemoryStream();
        using (var writer = new BgzfWriter(target, leaveOpen: true))
        {
            writer.Write("abc"u8);
            writer.Flush();
            Assert.False(Convert.ToHexString(target.ToArray()).EndsWith(EndBlock, StringComparison.Ordinal));
            writer.Write("def"u8);
        }
        var (content, blocks) = Inflate(target.ToArray());
        Assert.Equal("abcdef"u8.ToArray(), content);
        Assert.Equal(2, blocks);
    }

    [PeerFact("bgzip")]
    public void Bgzip_accepts_the_file()
    {
        using var folder = new TempFolder();
        var noise = new byte[200_000];
        new Random(6).NextBytes(noise);
        File.WriteAllBytes(folder["x.gz"], Write(noise, 2));
        Assert.Equal((0, "", ""), Peer.Run("bgzip", "-t", folder["x.gz"]));
    }

    private static byte[] Write(byte[] content, int threads)
    {
        using var target = new MemoryStream();
        using (var writer = new BgzfWriter(target, threads: threads, leaveOpen: true))
            for (var at = 0; at < content.Length; at += 7001) writer.Write(content.AsSpan(at, Math.Min(7001, content.Length - at)));
        return target.ToArray();
    }

    /// <summary>A reader by the letter of the format.</summary>
    internal static (byte[] Content, int Blocks) Inflate(byte[] file)
    {
        using var content = new MemoryStream();
        var (at, blocks) = (0, 0);
        while (true)
        {
            Assert.Equal("1F8B08040000000000FF060042430200", Convert.ToHexString(file, at, 16));
            var length = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at + 16)) + 1;
            if (at + length == file.Length)
            {
                Assert.Equal(EndBlock, Convert.ToHexString(file, at, length));
                return (content.ToArray(), blocks);
            }
            var before = content.Length;
            using var inflate = new DeflateStream(new MemoryStream(file, at + 18, length - 26), CompressionMode.Decompress);
            inflate.CopyTo(content);
            var block = content.GetBuffer().AsSpan((int)before, (int)(content.Length - before));
            Assert.Equal(block.Length, BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + length - 4)));
            Assert.Equal(Warehouse.Primitives.Crc32.ComputeTable(block, 0), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + length - 8)));
            at += length;
            blocks++;
        }
    }
}
