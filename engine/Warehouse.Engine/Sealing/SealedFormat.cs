using System.Buffers.Binary;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// A sealed file: a header in clear, then chunks of AES-256-GCM. I3 and I7 rest on it: no chunk is used before its tag fits, and
/// a chunk fits only at its place in its file.
/// <code>
///   0   8  magic "WHSEALED"
///   8   2  format version, 1
///  10   1  algorithm, 1 = AES-256-GCM
///  11   1  log2 of the chunk size, 16
///  12   1  kind
///  13   3  zero
///  16  16  file id (big-endian)
///  32   8  epoch: the version that its commit was to become
///  40   4  key id: entry of the key table, which lies outside the store
///  44   4  zero
///  48  32  key commitment: HMAC-SHA256(commitment key, bytes 0 to 47)
///  80   …  chunks: ciphertext, as long as the plaintext, then a 16-byte tag
/// </code>
/// Integers are little-endian unless said. Every chunk but the last holds 65,536 bytes; the last holds 1 to 65,536, or none when
/// the content is empty. Nonce = chunk number as 11 bytes big-endian, then 1 for the last chunk, else 0. Associated data =
/// SHA-256 of the 80 header bytes, then the chunk number as 8 bytes big-endian. The data key is random and used for one file;
/// sealing and commitment key are HKDF-SHA256-Expand of it with "warehouse seal" and "warehouse commit".
/// </summary>
internal static class SealedFormat
{
    internal const int HeaderBytes = 80;
    internal const int ChunkLog2 = 16;
    internal const int ChunkBytes = 1 << ChunkLog2;
    internal const int TagBytes = 16;
    internal const int SealedChunkBytes = ChunkBytes + TagBytes;

    /// <summary>Keeps the number of sealings under one key far below the 2^32 that GCM allows.</summary>
    internal const long MaxContentBytes = 1L << 44;

    internal const byte ManifestKind = 0xF1, FileListKind = 0xF2, PartKind = 0xF3, EventKind = 0xF4, EventIndexKind = 0xF5;

    /// <summary>Kinds from here on belong to the store.</summary>
    internal const byte FirstStoreKind = 0xF0;

    internal const string FileFolder = "f", EventFolder = "e";
    internal const string Unfinished = ".tmp";

    private const int CommitmentAt = 48;

    private static ReadOnlySpan<byte> Magic => "WHSEALED"u8;

    internal static string FileName(FileId id) => $"{FileFolder}/{id}";

    internal static long SealedLength(long contentBytes) => HeaderBytes + contentBytes + TagBytes * Math.Max(1, (contentBytes + ChunkBytes - 1) >> ChunkLog2);

    /// <summary>Content length of a sealed length; -1 when no content gives that length.</summary>
    internal static long ContentLength(long lengthBytes)
    {
        var body = lengthBytes - HeaderBytes;
        if (body < TagBytes) return -1;
        var chunks = (body + SealedChunkBytes - 1) / SealedChunkBytes;
        var content = body - chunks * TagBytes;
        return content >= 0 && content <= MaxContentBytes && SealedLength(content) == lengthBytes ? content : -1;
    }

    internal static byte[] BuildHeader(SealedHeader fields, FileKey key)
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), 1);
        header[10] = 1;
        header[11] = ChunkLog2;
        header[12] = fields.Kind;
        fields.Id.Write(header.AsSpan(16));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), fields.Epoch);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(40), fields.KeyId);
        HMACSHA256.HashData(key.Commitment, header.AsSpan(0, CommitmentAt), header.AsSpan(CommitmentAt));
        return header;
    }

    /// <summary>Reads the fields that stand in clear; they mean nothing until <see cref="CheckCommitment"/>.</summary>
    internal static SealedHeader ParseHeader(ReadOnlySpan<byte> header, string name)
    {
        if (!header[..8].SequenceEqual(Magic)) throw new DamagedStoreException(name, "is not a sealed file");
        if (header[8] != 1 || header[9] != 0 || header[10] != 1 || header[11] != ChunkLog2) throw new DamagedStoreException(name, "its header names a format that this program does not know");
        return new SealedHeader(
            FileId.Read(header[16..]),
            header[12],
            BinaryPrimitives.ReadUInt64LittleEndian(header[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(header[40..]));
    }

    internal static void CheckCommitment(ReadOnlySpan<byte> header, FileKey key, string name)
    {
        Span<byte> expected = stackalloc byte[32];
        HMACSHA256.HashData(key.Commitment, header[..CommitmentAt], expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, header[CommitmentAt..HeaderBytes])) throw new DamagedStoreException(name, "its header is not what was written under its key");
    }
}

/// <summary>The fields of a sealed file's header.</summary>
internal readonly record struct SealedHeader(FileId Id, byte Kind, ulong Epoch, uint KeyId);
