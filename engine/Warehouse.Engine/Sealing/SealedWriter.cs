using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// Writes one sealed file (format: <see cref="SealedFormat"/>). One thread owns it. Without <see cref="Complete"/> the file stays
/// unfinished: no manifest can name it, its key is never stored, and it is removed as garbage.
/// </summary>
public sealed class SealedWriter : IDisposable
{
    private const int BatchChunks = 4;

    private readonly IStorageFile _file;
    private readonly SealedHeader _header;
    private readonly FileKey _key;
    private readonly ChunkCipher _cipher;
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash? _sealedDigest;
    private byte[]? _plain = ArrayPool<byte>.Shared.Rent(SealedFormat.ChunkBytes);
    private byte[]? _sealed = ArrayPool<byte>.Shared.Rent(BatchChunks * SealedFormat.SealedChunkBytes);
    private int _plainBytes, _sealedBytes;
    private long _chunkIndex;
    private bool _isComplete;

    /// <summary>Starts a file. The key stays the caller's; the name is the one that the file gets when it is linked.</summary>
    internal SealedWriter(IStorage storage, SealedHeader header, FileKey key, string name)
    {
        Name = name;
        _header = header;
        _key = key;
        var bytes = SealedFormat.BuildHeader(header, key);
        _cipher = new ChunkCipher(key, bytes);
        if (header.Kind == SealedFormat.ManifestKind) _sealedDigest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _sealedDigest?.AppendData(bytes);
        _file = storage.Create(UnfinishedName);
        try
        {
            _file.Append(bytes);
        }
        catch (DurableException)
        {
            // The caller never gets to know this file, so nobody else would remove it: a full disk must not fill with names.
            Release();
            storage.Delete(UnfinishedName);
            throw;
        }
    }

    /// <summary>Plaintext bytes written so far.</summary>
    public long PositionBytes { get; private set; }

    /// <summary>
    /// Digest of a completed manifest file as it lies on disk. Of what was written, not of what can be read back: one wrong bit of a
    /// reading, acknowledged, would lock everybody out of a sound store.
    /// </summary>
    internal Digest SealedSha256 { get; private set; }

    internal FileId Id => _header.Id;

    internal uint KeyId => _header.KeyId;

    internal FileKey Key => _key;

    internal string Name { get; }

    internal string UnfinishedName => Name + SealedFormat.Unfinished;

    /// <summary>Appends plaintext.</summary>
    public void Write(ReadOnlySpan<byte> plaintext)
    {
        ObjectDisposedException.ThrowIf(_plain is null || _isComplete, this);
        if (PositionBytes + plaintext.Length > SealedFormat.MaxContentBytes) throw new StoreRefusedException("a sealed file holds at most 16 TiB");
        PositionBytes += plaintext.Length;
        while (plaintext.Length > 0)
        {
            // A full chunk waits until more follows: the last chunk is sealed as the last.
            if (_plainBytes == SealedFormat.ChunkBytes) Emit(_plain.AsSpan(0, _plainBytes), isLast: false);
            if (_plainBytes == 0 && plaintext.Length > SealedFormat.ChunkBytes)
            {
                Emit(plaintext[..SealedFormat.ChunkBytes], isLast: false);
                plaintext = plaintext[SealedFormat.ChunkBytes..];
                continue;
            }
            var taken = Math.Min(plaintext.Length, SealedFormat.ChunkBytes - _plainBytes);
            plaintext[..taken].CopyTo(_plain.AsSpan(_plainBytes));
            _plainBytes += taken;
            plaintext = plaintext[taken..];
        }
    }

    /// <summary>Ends the file and makes its bytes durable. It becomes part of the store when a commit that names it is published.</summary>
    /// <returns>How a manifest names it.</returns>
    public FileEntry Complete()
    {
        ObjectDisposedException.ThrowIf(_plain is null || _isComplete, this);
        Emit(_plain.AsSpan(0, _plainBytes), isLast: true);
        Flush();
#if !PLANTED_SKIPPED_FILE_SYNC
        _file.Sync();
#endif
        _isComplete = true;
        var length = _file.LengthBytes;
        Debug.Assert(length == SealedFormat.SealedLength(PositionBytes), "I7: the sealed length follows from the content length");
        var entry = new FileEntry(_header.Id, _header.Kind, _header.KeyId, length, PositionBytes, Digest.Read(_digest.GetHashAndReset()));
        if (_sealedDigest is not null) SealedSha256 = Digest.Read(_sealedDigest.GetHashAndReset());
        Release();
        return entry;
    }

    /// <summary>Releases the file; without <see cref="Complete"/> it is garbage.</summary>
    public void Dispose() => Release();

    private void Release()
    {
        if (_plain is null) return;
        CryptographicOperations.ZeroMemory(_plain);
        ArrayPool<byte>.Shared.Return(_plain);
        ArrayPool<byte>.Shared.Return(_sealed!);
        _plain = _sealed = null;
        _cipher.Dispose();
        _digest.Dispose();
        _sealedDigest?.Dispose();
        _file.Dispose();
    }

    private void Emit(ReadOnlySpan<byte> plain, bool isLast)
    {
        _digest.AppendData(plain);
        if (_sealedBytes + plain.Length + SealedFormat.TagBytes > BatchChunks * SealedFormat.SealedChunkBytes) Flush();
        _cipher.Seal(_chunkIndex++, isLast, plain, _sealed.AsSpan(_sealedBytes));
        _sealedBytes += plain.Length + SealedFormat.TagBytes;
        _plainBytes = 0;
    }

    private void Flush()
    {
        _file.Append(_sealed.AsSpan(0, _sealedBytes));
        _sealedDigest?.AppendData(_sealed.AsSpan(0, _sealedBytes));
        _sealedBytes = 0;
    }
}
