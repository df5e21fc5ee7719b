using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// The sketches of 1,024 samples in a row: part <c>sketches/N</c> of the manifest. A commit rewrites the parts of the samples that it changes,
/// at most 4 MiB each, so its cost does not grow with the store. The signatures come first: they tell nearly all pairs of people apart, so
/// that a new sample is compared with all others by 64 bytes of each. Version 1, of the first programs, has no signatures and is read.
/// <code>
/// u8 version = 2 | 1,024 signatures of 64 bytes, see IdentitySketch | 1,024 sketches
/// </code>
/// </summary>
internal static class SketchPart
{
    /// <summary>Samples of a part.</summary>
    public const int Samples = 1024;

    /// <summary>Parts of a store; later samples have no sketch.</summary>
    public const int MaxParts = 1000;

    /// <summary>Bytes up to the sketches.</summary>
    public const int HeadBytes = 1 + (Samples * IdentitySketch.Groups);

    private const byte Version = 2;
    private const byte VersionWithoutSignatures = 1;

    public static string NameOf(int part) => string.Create(CultureInfo.InvariantCulture, $"sketches/{part:d4}");

    /// <summary>Reads a part; empty sketches when it is absent.</summary>
    /// <exception cref="InvalidDataException">It is not what <see cref="Encode"/> writes.</exception>
    public static IdentitySketch[] Decode(byte[]? bytes)
    {
        var sketches = new IdentitySketch[Samples];
        Array.Fill(sketches, IdentitySketch.Empty);
        if (bytes is null) return sketches;
        var from = new ByteReader(bytes);
        var version = from.Byte();
        if (version is not (Version or VersionWithoutSignatures)) throw new InvalidDataException("a part of the sketches has an unknown version");
        var signatures = version == Version ? from.Raw(HeadBytes - 1) : default;
        for (var i = 0; i < Samples; i++)
        {
            sketches[i] = IdentitySketch.Read(ref from);
            if (version == Version && !signatures.Slice(i * IdentitySketch.Groups, IdentitySketch.Groups).SequenceEqual(sketches[i].Signature))
                throw new InvalidDataException("a sketch does not have the signature that stands for it");
        }
        from.End();
        return sketches;
    }

    /// <summary>The signatures of a part, sample by sample; empty when it has none of its own.</summary>
    /// <param name="head">Its first bytes, at most <see cref="HeadBytes"/>.</param>
    public static ReadOnlySpan<byte> Signatures(ReadOnlySpan<byte> head) => head.Length == HeadBytes && head[0] == Version ? head[1..] : default;

    public static byte[] Encode(IdentitySketch[] sketches)
    {
        Debug.Assert(sketches.Length == Samples);
        var to = new ByteWriter(1 << 16);
        to.Byte(Version);
        foreach (var sketch in sketches) to.Raw(sketch.Signature);
        foreach (var sketch in sketches) sketch.Write(to);
        return to.ToArray();
    }

    /// <summary>The parts that change when samples are withdrawn, without their sketches.</summary>
    /// <param name="read">Reads a part by name; null when absent.</param>
    /// <param name="samples">Samples withdrawn.</param>
    public static IEnumerable<(string Name, byte[] Content)> Without(Func<string, byte[]?> read, IEnumerable<int> samples)
    {
        foreach (var group in samples.GroupBy(s => s / Samples))
        {
            if (read(NameOf(group.Key)) is not { } bytes) continue;
            var sketches = Decode(bytes);
            foreach (var sample in group) sketches[sample % Samples] = IdentitySketch.Empty;
            yield return (NameOf(group.Key), Encode(sketches));
        }
    }
}
