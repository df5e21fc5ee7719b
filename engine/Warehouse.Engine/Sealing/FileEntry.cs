using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// Random 128-bit name of a sealed file; as text 32 lower-case hex digits, most significant first. Two words and not a UInt128: code that
/// touches one is left out of ahead-of-time images, and everything that opens a store would be compiled at start.
/// </summary>
/// <param name="High">The first 8 bytes, big-endian.</param>
/// <param name="Low">The last 8 bytes, big-endian.</param>
public readonly record struct FileId(ulong High, ulong Low)
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
    public static FileId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Reads the text form; false for anything but 32 lower-case hex digits.</summary>
    public static bool TryParse(string text, out FileId id)
    {
        id = default;
        if (text.Length != 32 || !TryWord(text.AsSpan(0, 16), out var high) || !TryWord(text.AsSpan(16), out var low)) return false;
        id = new FileId(high, low);
        return id.ToString() == text;
    }

    /// <summary>Writes the binary form.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
    }

    /// <inheritdoc/>
    public bool Equals(FileId other) => High == other.High && Low == other.Low;

    /// <inheritdoc/>
    public override int GetHashCode() => High.GetHashCode() ^ Low.GetHashCode(); // random bits

    /// <inheritdoc/>
    public override string ToString() => High.ToString("x16", CultureInfo.InvariantCulture) + Low.ToString("x16", CultureInfo.InvariantCulture);

    private static bool TryWord(ReadOnlySpan<char> text, out ulong value) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}

/// <summary>A SHA-256 digest; words for the reason given at <see cref="FileId"/>.</summary>
/// <param name="First">Bytes 0 to 7, big-endian.</param>
/// <param name="Second">Bytes 8 to 15.</param>
/// <param name="Third">Bytes 16 to 23.</param>
/// <param name="Fourth">Bytes 24 to 31.</param>
public readonly record struct Digest(ulong First, ulong Second, ulong Third, ulong Fourth)
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
    public static Digest Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));

    /// <summary>Writes the binary form.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, First);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Second);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], Third);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], Fourth);
    }

    /// <inheritdoc/>
    public bool Equals(Digest other) => First == other.First && Second == other.Second && Third == other.Third && Fourth == other.Fourth;

    /// <inheritdoc/>
    public override int GetHashCode() => First.GetHashCode();

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
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
