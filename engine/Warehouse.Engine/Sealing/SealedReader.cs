using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// Random access to the plaintext of a sealed file. I3: every chunk is authenticated before a byte of it is handed out; what is not
/// as written throws <see cref="DamagedStoreException"/>. Thread-safe; a failure leaves the reader usable.
/// </summary>
public sealed class SealedReader : IDisposable
{
    private const int BatchChunks = 4;

    private readonly IStorageFile _file;
    private readonly string _name;
    private readonly FileKey _key;
    private readonly byte[] _header;
    private readonly long _lastChunk;
    private readonly ConcurrentStack<Desk> _desks = new();

    private SealedReader(IStorageFile file, string name, byte[] header, FileKey key, long contentBytes)
    {
        _file = file;
        _name = name;
        _header = header;
        _key = key;
        LengthBytes = contentBytes;
        _lastChunk = Math.Max(0, (contentBytes - 1) >> SealedFormat.ChunkLog2);
    }

    /// <summary>Name of the file in the store.</summary>
    public string Name => _name;

    /// <summary>Length of the plaintext.</summary>
    public long LengthBytes { get; }

    /// <summary>Opens a file that a manifest names.</summary>
    internal static SealedReader Open(IStorage storage, FileEntry entry, KeyFolder keys)
    {
        if (SealedFormat.SealedLength(entry.ContentBytes) != entry.LengthBytes) throw new DamagedStoreException(entry.Name, "the manifest gives it an impossible length");
        var reader = Open(storage, entry.Name, keys, out var header);
#if PLANTED_IGNORED_FILE_IDENTITY
        var problem = header.Kind != entry.Kind ? "another file stands in its place"
#else
        var problem = header.Id != entry.Id || header.Kind != entry.Kind || header.KeyId != entry.KeyId ? "another file stands in its place"
#endif
            : reader.LengthBytes != entry.ContentBytes ? "its length is not the one in the manifest"
            : null;
        if (problem is null) return reader;
        reader.Dispose();
        throw new DamagedStoreException(entry.Name, problem);
    }

    /// <summary>Opens a file by name alone: length and header are checked against themselves and the key.</summary>
    internal static SealedReader Open(IStorage storage, string name, KeyFolder keys, out SealedHeader header) => Open(storage, name, h => keys.Find(h.KeyId, h.Id), out header);

    /// <summary>Opens a completed file before its commit is published: its key is not in the key table yet.</summary>
    internal static SealedReader OpenUnfinished(IStorage storage, SealedWriter writer) => Open(storage, writer.UnfinishedName, _ => new FileKey(writer.Key.Data), out _);

    /// <summary>Opens a file whose key is not found in the key table.</summary>
    internal static SealedReader Open(IStorage storage, string name, Func<SealedHeader, FileKey?> findKey, out SealedHeader header)
    {
        var file = OpenFile(storage, name);
        FileKey? key = null;
        try
        {
            var contentBytes = SealedFormat.ContentLength(file.LengthBytes);
            if (contentBytes < 0) throw new DamagedStoreException(name, "its length is not that of a sealed file");
            var bytes = new byte[SealedFormat.HeaderBytes];
            file.Read(0, bytes);
            header = SealedFormat.ParseHeader(bytes, name);
            key = findKey(header) ?? throw new DamagedStoreException(name, "the key table has no key for it: it was destroyed, or the key folder is older than the store");
            SealedFormat.CheckCommitment(bytes, key, name);
            return new SealedReader(file, name, bytes, key, contentBytes);
        }
        catch
        {
            key?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="destination"/> with the plaintext from <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches past the end: a mistake of the caller.</exception>
    /// <exception cref="DamagedStoreException">A chunk is not what was written; the destination is zeroed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, LengthBytes - destination.Length);
        if (!_desks.TryPop(out var desk)) desk = new Desk(new ChunkCipher(_key, _header), LengthBytes);
        try
        {
            ReadChunks(desk, offset, destination);
        }
        catch
        {
            destination.Clear();
            desk.PlainChunk = -1;
            throw;
        }
        finally
        {
            _desks.Push(desk);
        }
    }

    /// <summary>Reads and authenticates everything, the empty last chunk too.</summary>
    /// <returns>Digest of the content.</returns>
    internal Digest ReadAll(CancellationToken stop)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var most = (int)Math.Min(BatchChunks * SealedFormat.ChunkBytes, LengthBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            if (LengthBytes == 0) CheckEmpty();
            for (long at = 0; at < LengthBytes;)
            {
                stop.ThrowIfCancellationRequested();
                var batch = buffer.AsSpan(0, (int)Math.Min(most, LengthBytes - at));
                Read(at, batch);
                digest.AppendData(batch);
                at += batch.Length;
            }
            return Digest.Read(digest.GetHashAndReset());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer.AsSpan(0, most));
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Closes the file and wipes keys and plaintext. No call may run or follow.</summary>
    public void Dispose()
    {
        while (_desks.TryPop(out var desk)) desk.Dispose();
        _key.Dispose();
        _file.Dispose();
    }

    private static IStorageFile OpenFile(IStorage storage, string name)
    {
        try
        {
            return storage.Open(name);
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing)
        {
            throw new DamagedStoreException(name, "is missing", e) { IsMissing = true };
        }
    }

    private void ReadChunks(Desk desk, long offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var chunk = offset >> SealedFormat.ChunkLog2;
            var skip = (int)(offset & (SealedFormat.ChunkBytes - 1));
            var taken = skip == 0 ? ReadWhole(desk, chunk, destination) : 0;
            if (taken == 0)
            {
                var plain = Plain(desk, chunk)[skip..];
                taken = Math.Min(plain.Length, destination.Length);
                plain[..taken].CopyTo(destination);
            }
            offset += taken;
            destination = destination[taken..];
        }
    }

    /// <summary>Opens chunks that are asked for whole straight into the destination; returns the bytes done, 0 when the first is not.</summary>
    private int ReadWhole(Desk desk, long firstChunk, Span<byte> destination)
    {
        var chunks = (int)Math.Min(BatchChunks, destination.Length >> SealedFormat.ChunkLog2);
        if (chunks < BatchChunks && firstChunk + chunks == _lastChunk && destination.Length == LengthBytes - (firstChunk << SealedFormat.ChunkLog2)) chunks++;
        if (chunks == 0) return 0;
        var bytes = (int)Math.Min((long)chunks << SealedFormat.ChunkLog2, destination.Length);
        var sealedBytes = desk.Sealed.AsSpan(0, bytes + chunks * SealedFormat.TagBytes);
        _file.Read(OffsetOf(firstChunk), sealedBytes);
        for (var i = 0; i < chunks; i++)
        {
            var at = i << SealedFormat.ChunkLog2;
            var length = Math.Min(SealedFormat.ChunkBytes, bytes - at);
            var chunk = sealedBytes.Slice(i * SealedFormat.SealedChunkBytes, length + SealedFormat.TagBytes);
            desk.Cipher.Open(firstChunk + i, firstChunk + i == _lastChunk, chunk, destination.Slice(at, length), _name);
        }
        return bytes;
    }

    /// <summary>One opened chunk, kept until another is asked for.</summary>
    private Span<byte> Plain(Desk desk, long chunk)
    {
        var length = (int)Math.Min(SealedFormat.ChunkBytes, LengthBytes - (chunk << SealedFormat.ChunkLog2));
        var plain = desk.Plain.AsSpan(0, length);
        if (desk.PlainChunk == chunk) return plain;
        desk.PlainChunk = -1;
        var sealedBytes = desk.Sealed.AsSpan(0, length + SealedFormat.TagBytes);
        _file.Read(OffsetOf(chunk), sealedBytes);
        desk.Cipher.Open(chunk, chunk == _lastChunk, sealedBytes, plain, _name);
        desk.PlainChunk = chunk;
        return plain;
    }

    private void CheckEmpty()
    {
        Span<byte> tag = stackalloc byte[SealedFormat.TagBytes];
        _file.Read(SealedFormat.HeaderBytes, tag);
        using var cipher = new ChunkCipher(_key, _header);
        cipher.Open(0, isLast: true, tag, [], _name);
    }

    private static long OffsetOf(long chunk) => SealedFormat.HeaderBytes + chunk * SealedFormat.SealedChunkBytes;

    /// <summary>What one thread needs to read: taken from the stack, put back after. A small file needs little.</summary>
    private sealed class Desk(ChunkCipher cipher, long contentBytes) : IDisposable
    {
        private readonly int _plainBytes = (int)Math.Min(SealedFormat.ChunkBytes, contentBytes);
        private byte[]? _plain;

        internal ChunkCipher Cipher => cipher;

        internal byte[] Sealed { get; } = ArrayPool<byte>.Shared.Rent((int)Math.Min(BatchChunks * SealedFormat.SealedChunkBytes, SealedFormat.SealedLength(contentBytes)));

        internal byte[] Plain => _plain ??= ArrayPool<byte>.Shared.Rent(_plainBytes);

        internal long PlainChunk { get; set; } = -1;

        public void Dispose()
        {
            cipher.Dispose();
            ArrayPool<byte>.Shared.Return(Sealed);
            if (_plain is null) return;
            CryptographicOperations.ZeroMemory(_plain.AsSpan(0, _plainBytes));
            ArrayPool<byte>.Shared.Return(_plain);
        }
    }
}
