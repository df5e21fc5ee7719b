using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// The parts <c>senders/0</c> to <c>senders/f</c> of the manifest: which versions are batches of whom, by the first digit of the digest of the
/// sender, each a version byte (1) and then per batch, in the order of the versions: SHA-256 of the sender's id (32 bytes), the version. Written in
/// the commit that has the batch, as its mark is. Drawn in FORMAT.md.
/// </summary>
internal static class BatchSenders
{
    /// <summary>What the names of the parts begin with.</summary>
    public const string Prefix = "senders/";

    private const byte Version = 1;

    /// <summary>Digest of a sender, in lower-case hexadecimal.</summary>
    public static string DigestOf(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)));

    /// <summary>Name of the part that has a sender, or would.</summary>
    public static string PartOf(string digest) => Prefix + digest[0];

    /// <summary>Versions that are batches of a sender.</summary>
    /// <exception cref="InvalidDataException">The part is not what <see cref="With"/> writes.</exception>
    public static HashSet<long> VersionsOf(byte[]? part, string digest) => [.. Decode(part).Where(b => b.Sender == digest).Select(b => b.Version)];

    /// <summary>The part with a batch more.</summary>
    public static byte[] With(byte[]? part, string digest, long version)
    {
        var to = new ByteWriter(4096);
        to.Byte(Version);
        foreach (var (sender, at) in Decode(part).Append((digest, version)))
        {
            to.Raw(Convert.FromHexString(sender));
            to.Var((ulong)at);
        }
        return to.ToArray();
    }

    private static List<(string Sender, long Version)> Decode(byte[]? part)
    {
        var batches = new List<(string, long)>();
        if (part is null) return batches;
        var from = new ByteReader(part);
        if (from.Byte() != Version) throw new InvalidDataException("the senders of batches have an unknown version");
        while (from.Remaining > 0) batches.Add((Convert.ToHexStringLower(from.Raw(32)), (long)from.Var()));
        return batches;
    }
}
