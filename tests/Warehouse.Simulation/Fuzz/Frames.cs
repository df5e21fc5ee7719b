using System.Buffers.Binary;
using System.IO.Compression;
using Warehouse.Engine.Simulate;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>Puts bytes into gzip members, BGZF blocks and BCF records whose lengths and checksums are right, or wrong in one field alone, so that damage gets past them.</summary>
internal static class Frames
{
    private const int TrailerBytes = 8;
    private static readonly byte[] EndMarker = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>A gzip member with every part of its header that the flags name.</summary>
    public static byte[] Gzip(ReadOnlySpan<byte> text, byte flags = 0, bool stored = true)
    {
        var into = new List<byte>(text.Length + 64) { 0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3 };
        if ((flags & 4) != 0) into.AddRange([5, 0, 1, 2, 3, 4, 5]);
        if ((flags & 8) != 0) into.AddRange("name\0"u8);
        if ((flags & 16) != 0) into.AddRange("words\0"u8);
        if ((flags & 2) != 0) into.AddRange(BitConverter.GetBytes((ushort)Crc32.Compute([.. into])));
        into.AddRange(stored ? Stored(text) : Deflated(text));
        into.AddRange(Trailer(text));
        return [.. into];
    }

    /// <summary>A BGZF block.</summary>
    public static byte[] Block(ReadOnlySpan<byte> text, bool stored = true)
    {
        var data = stored ? Stored(text) : Deflated(text);
        var size = 18 + data.Length + TrailerBytes - 1;
        return [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, (byte)'B', (byte)'C', 2, 0, (byte)size, (byte)(size >> 8), .. data, .. Trailer(text)];
    }

    /// <summary>Cuts text into blocks of chance length.</summary>
    public static List<byte[]> Blocks(Prng random, ReadOnlySpan<byte> text)
    {
        var blocks = new List<byte[]>();
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(text.Length - at, random.Below(4) == 0 ? random.Below(8) : 1 + random.Below(Math.Max(16, text.Length)));
            blocks.Add(Block(text.Slice(at, length)));
            at += length;
        }
        blocks.Add(EndMarker);
        return blocks;
    }

    /// <summary>A BGZF file of a text, sound but for what chance changes in its frame.</summary>
    public static byte[] Bgzf(Prng random, Mutator mutator, FuzzTarget target)
    {
        var text = target.Seeds[random.Below(target.Seeds.Count)];
        if (random.Below(4) == 0) text = mutator.Change(random, text, target.Seeds, target.Words);
        var blocks = Blocks(random, text);
        var which = random.Below(blocks.Count);
        switch (random.Below(12))
        {
            case 0: blocks[which] = Block(text.AsSpan(0, Math.Min(text.Length, 4_000)), stored: false); break;
            case 1: blocks[which] = DamagedData(random, blocks[which]); break;
            case 2: blocks.RemoveAt(which); break;
            case 3: blocks.Insert(which, blocks[random.Below(blocks.Count)]); break;
            case 4: blocks[which] = Gzip(text, (byte)random.Below(256)); break;
            case 5: blocks[which] = WithSubfields(random, blocks[which]); break;
            case 6: return mutator.Change(random, Join(blocks), [Join(blocks)], []);
            case 7: break;
            default: blocks[which] = WithField(random, blocks[which]); break;
        }
        return Join(blocks);
    }

    /// <summary>A gzip file likewise.</summary>
    public static byte[] GzipFile(Prng random, Mutator mutator, FuzzTarget target)
    {
        var text = target.Seeds[random.Below(target.Seeds.Count)];
        var damaged = random.Below(3);
        if (damaged == 0) text = mutator.Change(random, text, target.Seeds, target.Words);
        var cut = random.Below(text.Length + 1);
        var flags = (byte)(random.Below(3) == 0 ? random.Below(32) : 0);
        byte[] whole = random.Below(2) == 0 ? Gzip(text, flags, random.Below(4) != 0) : [.. Gzip(text.AsSpan(0, cut), flags), .. Gzip(text.AsSpan(cut))];
        return damaged == 1 ? mutator.Change(random, whole, [whole], []) : whole;
    }

    /// <summary>A BCF file of which one part, the header or half a record, is changed, and every length is right; or wrong in one.</summary>
    public static byte[] Bcf(Prng random, Mutator mutator, FuzzTarget target)
    {
        var parts = PartsOf(target.Seeds[random.Below(target.Seeds.Count)]);
        for (var times = 1 + random.Below(2); times > 0; times--)
        {
            var which = random.Below(8) == 0 ? 0 : random.Below(parts.Count);
            parts[which] = mutator.Change(random, parts[which], [parts[which], parts[random.Below(parts.Count)]], target.Words);
        }
        var into = new List<byte>(1 << 12);
        into.AddRange("BCF\u0002\u0002"u8);
        into.AddRange(BitConverter.GetBytes(parts[0].Length));
        into.AddRange(parts[0]);
        for (var i = 1; i + 1 < parts.Count; i += 2)
        {
            into.AddRange(BitConverter.GetBytes(parts[i].Length));
            into.AddRange(BitConverter.GetBytes(parts[i + 1].Length));
            into.AddRange(parts[i]);
            into.AddRange(parts[i + 1]);
        }
        return random.Below(8) == 0 ? mutator.Change(random, [.. into], [[.. into]], target.Words) : [.. into];
    }

    /// <summary>Header text, then shared and sample part of each record.</summary>
    private static List<byte[]> PartsOf(byte[] bcf)
    {
        var header = BinaryPrimitives.ReadInt32LittleEndian(bcf.AsSpan(5));
        var parts = new List<byte[]> { bcf[9..(9 + header)] };
        for (var at = 9 + header; at < bcf.Length;)
        {
            var (shared, samples) = (BinaryPrimitives.ReadInt32LittleEndian(bcf.AsSpan(at)), BinaryPrimitives.ReadInt32LittleEndian(bcf.AsSpan(at + 4)));
            at += 8;
            parts.Add(bcf[at..(at + shared)]);
            parts.Add(bcf[(at + shared)..(at + shared + samples)]);
            at += shared + samples;
        }
        return parts;
    }

    private static byte[] Join(List<byte[]> blocks) => [.. blocks.SelectMany(b => b)];

    /// <summary>One number of the frame at a limit: header, XLEN, subfield, BSIZE, CRC, ISIZE.</summary>
    private static byte[] WithField(Prng random, byte[] block)
    {
        var copy = (byte[])block.Clone();
        var (at, width) = ((int At, int Width)[])[(0, 1), (2, 1), (3, 1), (10, 2), (12, 1), (13, 1), (14, 2), (16, 2), (16, 2), (block.Length - 8, 4), (block.Length - 4, 4), (block.Length - 4, 4)] is var fields ? fields[random.Below(fields.Length)] : default;
        var old = width == 1 ? copy[at] : width == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(copy.AsSpan(at)) : BinaryPrimitives.ReadUInt32LittleEndian(copy.AsSpan(at));
        long[] values = [0, 1, old - 1L, old + 1L, 18, 25, 26, 27, 65_535, 65_536, 65_537, int.MaxValue, uint.MaxValue, (long)random.Next()];
        var value = values[random.Below(values.Length)];
        for (var i = 0; i < width; i++) copy[at + i] = (byte)(value >> (8 * i));
        return copy;
    }

    /// <summary>Other subfields before and after the one with the length, now and then that one twice; BSIZE is right.</summary>
    private static byte[] WithSubfields(Prng random, byte[] block)
    {
        byte[] length = [(byte)'B', (byte)'C', 2, 0, 0, 0];
        byte[] other = [(byte)'Z', (byte)'Z', (byte)random.Below(4), 0, 7];
        byte[] extra = random.Below(4) switch { 0 => [.. other, .. length], 1 => [.. length, .. other], 2 => [.. length, .. length], _ => [.. other, .. other] };
        var size = block.Length - 18 + 12 + extra.Length - 1;
        var at = extra.AsSpan().IndexOf("BC"u8);
        if (at >= 0) (extra[at + 4], extra[at + 5]) = ((byte)size, (byte)(size >> 8));
        return [.. block[..10], (byte)extra.Length, 0, .. extra, .. block[18..]];
    }

    /// <summary>Changes the compressed bytes and leaves lengths and checksum.</summary>
    private static byte[] DamagedData(Prng random, byte[] block)
    {
        var copy = (byte[])block.Clone();
        var data = block.Length - 18 - TrailerBytes;
        for (var times = 1 + random.Below(3); times > 0; times--) copy[18 + random.Below(Math.Max(1, data))] = (byte)random.Next();
        return copy;
    }

    private static byte[] Trailer(ReadOnlySpan<byte> text) => [.. BitConverter.GetBytes(Crc32.Compute(text)), .. BitConverter.GetBytes(text.Length)];

    private static byte[] Stored(ReadOnlySpan<byte> text) => [1, (byte)text.Length, (byte)(text.Length >> 8), (byte)~text.Length, (byte)(~text.Length >> 8), .. text];

    private static byte[] Deflated(ReadOnlySpan<byte> text)
    {
        var into = new MemoryStream();
        using (var deflate = new DeflateStream(into, CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(text);
        return into.Length > 0 ? into.ToArray() : [3, 0];
    }
}
