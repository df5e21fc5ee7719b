using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Warehouse.Engine.Sealing;

/// <summary>Random 128-bit name of a sealed file; as text 32 lower-case hex digits, most significant first.</summary>
public readonly record struct FileId(UInt128 Value)
{
    /// <summary>Size of the binary form, big-endian.</summary>
    public const int SizeBytes = 16;

    /// <summary>A fresh random id.</summary>
    public static FileId New()
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    /// <summary>Reads the binary form.</summary>
    public static FileId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Reads the text form; false for anything but 32 lower-case hex digits.</summary>
    public static bool TryParse(string text, out FileId id)
    {
        id = default;
        if (text.Length != 32 || !UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)) return false;
        id = new FileId(value);
        return id.ToString() == text;
    }

    /// <summary>Writes the binary form.</summary>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}

/// <summary>A SHA-256 digest.</summary>
public readonly record struct Digest(UInt128 High, UInt128 Low)
{
    /// <summary>Size of the binary form, in the byte order of SHA-256.</summary>
    public const int SizeBytes = 32;

    /// <summary>Digest of some bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SizeBytes];
        SHA256.HashData(bytes, hash);
        return Read(hash);
    }

    /// <summary>Reads the binary form.</summary>
    public static Digest Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    /// <summary>Writes the binary form.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], Low);
    }

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString() => High.ToString("x32", CultureInfo.InvariantCulture) + Low.ToString("x32", CultureInfo.InvariantCulture);
}

/// <summary>
/// How a manifest names a sealed file. On disk, little-endian but for the id and the digest:
/// <code>
///  0  16  file id (big-endian)
/// 16   1  kind
/// 17   3  zero
/// 20   4  key id
/// 24   8  length of the sealed file
/// 32   8  length of its content
/// 40  32  SHA-256 of its content
/// </code>
/// </summary>
/// <param name="Id">Random id, the file's name.</param>
/// <param name="Kind">What is inside; 1 to 239 belong to the caller, the rest to the store.</param>
/// <param name="KeyId">Entry of the key table.</param>
/// <param name="LengthBytes">Sealed length on disk.</param>
/// <param name="ContentBytes">Length of the plaintext.</param>
/// <param name="ContentSha256">Digest of the plaintext: equal for equal inputs, whatever the keys (I12).</param>
public readonly record struct FileEntry(FileId Id, byte Kind, uint KeyId, long LengthBytes, long ContentBytes, Digest ContentSha256)
{
    /// <summary>Size of the binary form.</summary>
    public const int SizeBytes = 72;

    /// <summary>Name in the store folder.</summary>
    internal string Name => SealedFormat.FileName(Id);

    internal void Write(Span<byte> bytes)
    {
        bytes[..SizeBytes].Clear();
        Id.Write(bytes);
        bytes[16] = Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], KeyId);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], LengthBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], ContentBytes);
        ContentSha256.Write(bytes[40..]);
    }

    internal static FileEntry Read(ReadOnlySpan<byte> bytes) => new(
        FileId.Read(bytes),
        bytes[16],
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
        Digest.Read(bytes[40..]));
}
