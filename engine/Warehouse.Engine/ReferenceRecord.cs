using System.Globalization;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine;

/// <summary>
/// What a store remembers of its reference: where it lay at init, and name, length and refget digest of every contig. Layout: LEB128-prefixed
/// text path, contig count, then per contig canonical name, length (LEB128), refget accession. Kept in the identity file of the store.
/// </summary>
internal static class ReferenceRecord
{
    public static byte[] Write(ReferenceGenome genome)
    {
        var to = new ByteWriter(4096);
        to.Text(Path.GetFullPath(genome.Path));
        to.Var(genome.Contigs.Count);
        foreach (var contig in genome.Contigs)
        {
            to.Text(contig.Canonical);
            to.Var(contig.LengthBases);
            to.Text(genome.RefgetAccession(contig.Canonical));
        }
        return to.ToArray();
    }

    /// <summary>Opens the reference and checks that it still has the contigs of init, by name and length.</summary>
    /// <param name="record">What <see cref="Write"/> wrote.</param>
    /// <param name="assembly">The store's assembly.</param>
    /// <param name="moved">Path to use instead of the remembered one, or null.</param>
    /// <exception cref="InputException">The file is gone or another one.</exception>
    public static ReferenceGenome Open(ReadOnlySpan<byte> record, Assembly assembly, string? moved)
    {
        var from = new ByteReader(record);
        var path = from.Text();
        if (!string.IsNullOrEmpty(moved)) path = moved;
        if (!File.Exists(path))
            throw new InputException("reference-gone", "the reference of this store is not where it was at init; name its new place in WAREHOUSE_REFERENCE", InputPlace.None);
        var genome = ReferenceGenome.Open(path, assembly);
        for (var left = from.Count(); left > 0; left--)
        {
            var (canonical, length) = (from.Text(), from.Count());
            from.Text();
            if (genome.Length(canonical) == length) continue;
            genome.Dispose();
            throw new InputException("reference-changed", string.Create(CultureInfo.InvariantCulture, $"the reference is not the one of init: contig {canonical} had {length} bases"), InputPlace.None);
        }
        return genome;
    }

    /// <summary>Refget accession of each contig.</summary>
    public static Dictionary<string, string> Digests(ReadOnlySpan<byte> record)
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        if (record.IsEmpty) return digests;
        var from = new ByteReader(record);
        from.Text();
        for (var left = from.Count(); left > 0; left--)
        {
            var canonical = from.Text();
            from.Count();
            digests[canonical] = from.Text();
        }
        return digests;
    }
}
