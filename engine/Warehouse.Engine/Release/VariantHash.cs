using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Warehouse.Engine.Release;

/// <summary>Stands for a normalised variant in the ledger: the first 16 bytes of the SHA-256 of its key. Two words for the reason given at <see cref="Sealing.FileId"/>.</summary>
internal readonly record struct VariantHash(ulong High, ulong Low)
{
    internal const int SizeBytes = 16;

    /// <summary>Of the key by which the engine knows a variant, in one spelling whatever was asked.</summary>
    internal static VariantHash Of(string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetMaxByteCount(key.Length);
        Span<byte> bytes = length <= 512 ? stackalloc byte[length] : new byte[length];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(key, bytes)], hash);
        return Read(hash);
    }

    internal static VariantHash Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
    }

    public bool Equals(VariantHash other) => High == other.High && Low == other.Low;

    public override int GetHashCode() => High.GetHashCode();
}
