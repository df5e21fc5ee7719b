using System.Diagnostics;
using System.Globalization;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// The sketches of 1,024 samples in a row: part <c>sketches/N</c> of the manifest. A commit rewrites the parts of the samples that it changes,
/// at most 4 MiB each, so its cost does not grow with the store. Layout: version byte 1, then 1,024 sketches, see <see cref="IdentitySketch"/>.
/// </summary>
internal static class SketchPart
{
    /// <summary>Samples of a part.</summary>
    public const int Samples = 1024;

    /// <summary>Parts of a store; later samples have no sketch.</summary>
    public const int MaxParts = 1000;

    private const byte Version = 1;

    public static string NameOf(int part) => string.Create(CultureInfo.InvariantCulture, $"sketches/{part:d4}");

    /// <summary>Reads a part; empty sketches when it is absent.</summary>
    /// <exception cref="InvalidDataException">It is not what <see cref="Encode"/> writes.</exception>
    public static IdentitySketch[] Decode(byte[]? bytes)
    {
        var sketches = new IdentitySketch[Samples];
        Array.Fill(sketches, IdentitySketch.Empty);
        if (bytes is null) return sketches;
        var from = new ByteReader(bytes);
        if (from.Byte() != Version) throw new InvalidDataException("a part of the sketches has an unknown version");
        for (var i = 0; i < Samples; i++) sketches[i] = IdentitySketch.Read(ref from);
        from.End();
        return sketches;
    }

    public static byte[] Encode(IdentitySketch[] sketches)
    {
        Debug.Assert(sketches.Length == Samples);
        var to = new ByteWriter(1 << 16);
        to.Byte(Version);
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
