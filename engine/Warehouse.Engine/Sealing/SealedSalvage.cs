using Warehouse.Primitives;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// Copies what of a sealed file can be proved, chunk by chunk: each is authenticated at its place before it is written, and one that
/// is not whole becomes zeros, which no reader takes for content (I3, I7). A header that is damaged is made anew, since the name, the kind and
/// the key id stand in the entry, the epoch is a number up to the newest version, and the chunks fit under the right one alone.
/// </summary>
internal static class SealedSalvage
{
    /// <summary>Copies.</summary>
    /// <param name="from">The file as it is; reads of it may fail.</param>
    /// <param name="to">An empty file.</param>
    /// <param name="expected">What the entry of the file says, its key, and the newest epoch that it can have.</param>
    /// <param name="copied">Gets the bytes of each chunk.</param>
    /// <param name="stop">Cancels.</param>
    /// <returns>Ranges of the content that are lost, ascending; null when nothing of it is whole. And whether what is around the content is as it was written.</returns>
    internal static (List<(long Start, long End)>? Lost, bool IsAsWritten) Copy(IStorageFile from, IStorageFile to, (FileEntry Entry, FileKey Key, ulong NewestEpoch) expected, Action<long> copied, CancellationToken stop)
    {
        var entry = expected.Entry;
        if (SealedFormat.SealedLength(entry.ContentBytes) != entry.LengthBytes || HeaderOf(from, expected) is not { } found) return (null, false);
        var (header, isAsWritten) = (found.Header, found.IsAsWritten && from.LengthBytes == entry.LengthBytes);
        using var cipher = new ChunkCipher(expected.Key, header);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (chunk, plain, lost) = (new byte[SealedFormat.SealedChunkBytes], new byte[SealedFormat.ChunkBytes], new List<(long Start, long End)>());
        to.Append(header);
        for (var index = 0L; index <= LastChunk(entry); index++)
        {
            stop.ThrowIfCancellationRequested();
            var (start, length) = (index * SealedFormat.ChunkBytes, LengthOf(entry, index));
            var sealedBytes = chunk.AsSpan(0, length + SealedFormat.TagBytes);
            if (TryOpen(from, cipher, (entry, index), sealedBytes, plain.AsSpan(0, length))) digest.AppendData(plain, 0, length);
            else
            {
                sealedBytes.Clear();
                if (lost.Count > 0 && lost[^1].End == start) lost[^1] = (lost[^1].Start, start + length);
                else lost.Add((start, start + length));
            }
            to.Append(sealedBytes);
            copied(sealedBytes.Length);
        }
        CryptographicOperations.ZeroMemory(plain);
        var isNothing = lost.Count == 0 ? Digest.Read(digest.GetHashAndReset()) != entry.ContentSha256 : lost is [(0, var end)] && end == entry.ContentBytes;
        return (isNothing ? null : lost, isAsWritten);
    }

    private static (byte[] Header, bool IsAsWritten)? HeaderOf(IStorageFile from, (FileEntry Entry, FileKey Key, ulong NewestEpoch) expected)
    {
        var (entry, header) = (expected.Entry, new byte[SealedFormat.HeaderBytes]);
        try
        {
            from.Read(0, header);
            var fields = SealedFormat.ParseHeader(header, entry.Name);
            SealedFormat.CheckCommitment(header, expected.Key, entry.Name);
            return (fields.Id, fields.Kind, fields.KeyId) == (entry.Id, entry.Kind, entry.KeyId) ? (header, true) : null;
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            return Rebuilt(from, expected) is { } made ? (made, false) : null;
        }
    }

    private static byte[]? Rebuilt(IStorageFile from, (FileEntry Entry, FileKey Key, ulong NewestEpoch) expected)
    {
        var entry = expected.Entry;
        var (chunk, plain) = (new byte[SealedFormat.SealedChunkBytes], new byte[SealedFormat.ChunkBytes]);
        foreach (var index in new SortedSet<long> { 0, LastChunk(entry) }) // what tore the header may have torn the first chunk too
            for (var epoch = expected.NewestEpoch; epoch > 0; epoch--)
            {
                var (header, length) = (SealedFormat.BuildHeader(new SealedHeader(entry.Id, entry.Kind, epoch, entry.KeyId), expected.Key), LengthOf(entry, index));
                using var cipher = new ChunkCipher(expected.Key, header);
                if (TryOpen(from, cipher, (entry, index), chunk.AsSpan(0, length + SealedFormat.TagBytes), plain.AsSpan(0, length))) return header;
            }
        return null;
    }

    private static bool TryOpen(IStorageFile from, ChunkCipher cipher, (FileEntry Entry, long Index) place, Span<byte> chunk, Span<byte> plain)
    {
        try
        {
            from.Read(SealedFormat.HeaderBytes + (place.Index * SealedFormat.SealedChunkBytes), chunk);
            cipher.Open(place.Index, place.Index == LastChunk(place.Entry), chunk, plain, place.Entry.Name);
            return true;
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            return false;
        }
    }

    private static long LastChunk(FileEntry entry) => Math.Max(0, (entry.ContentBytes - 1) >> SealedFormat.ChunkLog2);

    private static int LengthOf(FileEntry entry, long index) => (int)Math.Min(SealedFormat.ChunkBytes, entry.ContentBytes - (index * SealedFormat.ChunkBytes));
}
