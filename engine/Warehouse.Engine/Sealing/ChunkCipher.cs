using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Sealing;

/// <summary>Seals and opens the chunks of one file. One thread at a time: the cipher's state is reused from chunk to chunk.</summary>
internal sealed class ChunkCipher : IDisposable
{
    private readonly AesGcm _cipher;
    private readonly byte[] _associated = new byte[Digest.SizeBytes + 8];
    private readonly byte[] _nonce = new byte[12];

    internal ChunkCipher(FileKey key, ReadOnlySpan<byte> header)
    {
        Debug.Assert(header.Length == SealedFormat.HeaderBytes, "I7: the associated data bind the whole header");
        _cipher = new AesGcm(key.Sealing, SealedFormat.TagBytes);
        SHA256.HashData(header, _associated);
    }

    /// <summary>Seals one chunk; <paramref name="target"/> is longer by the tag.</summary>
    internal void Seal(long chunkIndex, bool isLast, ReadOnlySpan<byte> plain, Span<byte> target)
    {
        Debug.Assert(isLast || plain.Length == SealedFormat.ChunkBytes, "I7: only the last chunk may be short");
        SetPlace(chunkIndex, isLast);
        _cipher.Encrypt(_nonce, plain, target[..plain.Length], target.Slice(plain.Length, SealedFormat.TagBytes), _associated);
    }

    /// <summary>Opens one chunk, or throws and leaves zeros.</summary>
    internal void Open(long chunkIndex, bool isLast, ReadOnlySpan<byte> chunk, Span<byte> plain, string name)
    {
        Debug.Assert(chunk.Length == plain.Length + SealedFormat.TagBytes, "I3: a chunk is opened whole or not at all");
        SetPlace(chunkIndex, isLast);
        try
        {
            _cipher.Decrypt(_nonce, chunk[..plain.Length], chunk[plain.Length..], plain, _associated);
        }
        catch (AuthenticationTagMismatchException e)
        {
#if PLANTED_IGNORED_TAG
            plain.Clear();
#else
            throw new DamagedStoreException(name, $"chunk {chunkIndex} is not what was written", e);
#endif
        }
    }

    public void Dispose() => _cipher.Dispose();

    private void SetPlace(long chunkIndex, bool isLast)
    {
        BinaryPrimitives.WriteInt64BigEndian(_associated.AsSpan(Digest.SizeBytes), chunkIndex);
        BinaryPrimitives.WriteInt64BigEndian(_nonce.AsSpan(3), chunkIndex);
        _nonce[11] = (byte)(isLast ? 1 : 0);
    }
}
