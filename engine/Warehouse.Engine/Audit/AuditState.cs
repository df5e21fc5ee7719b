using System.Globalization;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Audit;

/// <summary>
/// What an appender has to know of a log: its last checkpoint, the edge of its tree, and the last bundle. Reading it checks that the last
/// checkpoint is signed and is one of the entries that are there.
/// </summary>
internal sealed class AuditState
{
    private AuditState(long bundle, MerkleEdge edge)
    {
        (Bundle, Edge) = (bundle, edge);
    }

    /// <summary>Number of the last bundle; 0 when there is none.</summary>
    internal long Bundle { get; private set; }

    /// <summary>The tree.</summary>
    internal MerkleEdge Edge { get; private set; }

    /// <summary>Leaves of the last bundle.</summary>
    internal List<Digest> Leaves { get; } = [];

    /// <summary>Lengths of the two files of the last bundle; -1 = it has none yet.</summary>
    internal (long Entries, long Checkpoints) LengthBytes { get; set; } = (-1, -1);

    /// <summary>Whole entries behind the last checkpoint, and bytes behind these, which are cut.</summary>
    internal (List<ReadOnlyMemory<byte>> Adopted, long CutBytes) Tail { get; private set; } = ([], 0);

    /// <summary>Something stands at the end that is not known to be durable: both files are to be written anew.</summary>
    internal bool IsDoubtful { get; private set; }

    /// <summary>Entries of the last bundle under its last checkpoint, and that checkpoint file as far as it is whole, with the mark that it is durable: true once it is written anew.</summary>
    internal (ReadOnlyMemory<byte> Entries, ReadOnlyMemory<byte> Checkpoints) Whole { get; private set; }

    /// <summary>Reads the end of a log.</summary>
    /// <exception cref="DamagedStoreException">The last checkpoint is not one of the entries.</exception>
    internal static AuditState Load(AuditFiles files, NoteKey signer)
    {
        var bundle = files.LastBundle();
        if (bundle < 0) return new AuditState(0, new MerkleEdge());
        var file = files.Read(AuditFiles.Entries(bundle));
        var entries = file ?? [];
        var notes = files.Read(AuditFiles.Checkpoints(bundle));
        // Both files are there before the first entry is written: entries without the other were not left by a stop.
        if (notes is null && entries.Length > 0) throw Damaged(bundle, "its checkpoints are missing");
        var (checkpoint, noteBytes, isConfirmed) = LastOf((bundle, notes ?? []), signer);
        if (checkpoint is null && bundle > 0) checkpoint = LastOf((bundle - 1, files.Read(AuditFiles.Checkpoints(bundle - 1)) ?? []), signer).Checkpoint ?? throw Damaged(bundle - 1, "holds no signed checkpoint");
        var size = checkpoint?.Size ?? 0;
        var (frames, frameBytes) = AuditFiles.Split(entries);
        var count = size - (bundle * TilePath.Width);
        if (count < 0 || count > frames.Count || count > TilePath.Width)
            throw Damaged(bundle, string.Create(CultureInfo.InvariantCulture, $"the last checkpoint is of {size} entries, and {(bundle * TilePath.Width) + frames.Count} are there"));

        var state = new AuditState(bundle, EdgeOf(files, bundle, size, checkpoint?.Root ?? MerkleTree.Empty, frames, (int)count));
        foreach (var frame in frames[..(int)count]) state.Leaves.Add(MerkleTree.Leaf(frame.Span));
        var wholeBytes = frames[..(int)count].Sum(f => f.Length + 2);
        state.Whole = (entries.AsMemory(0, wholeBytes), noteBytes == 0 || isConfirmed ? notes.AsMemory(0, noteBytes) : (byte[])[.. notes.AsSpan(0, noteBytes), 0, 0]);
        state.LengthBytes = (entries.Length, notes?.Length ?? -1);
        state.IsDoubtful = file is null || notes is null || !isConfirmed || noteBytes != notes.Length || wholeBytes != entries.Length;
        state.Adopt(frames[(int)count..], frameBytes, entries.Length);
        return state;
    }

    /// <summary>Goes on to the next bundle.</summary>
    internal void Next()
    {
        Bundle++;
        Leaves.Clear();
        LengthBytes = (-1, -1);
    }

    internal static DamagedStoreException Damaged(long bundle, string problem) => new($"audit log, bundle {bundle.ToString(CultureInfo.InvariantCulture)}", problem + "; see warehouse audit verify");

    /// <summary>Entries that were written but, as far as anybody can know, not acknowledged: whole ones in order are kept, what follows is cut.</summary>
    private void Adopt(List<ReadOnlyMemory<byte>> behind, int frameBytes, int fileBytes)
    {
        var adopted = new List<ReadOnlyMemory<byte>>();
        foreach (var frame in behind)
        {
            if (Leaves.Count + adopted.Count == TilePath.Width || !AuditEntry.TryParse(frame.Span, out var entry) || entry.Sequence != Edge.Size + adopted.Count) break;
            adopted.Add(frame);
        }
        Tail = (adopted, fileBytes - frameBytes + behind.Skip(adopted.Count).Sum(f => f.Length + 2));
    }

    /// <summary>The tree of the last checkpoint: from the tiles, and where these do not give its root, from all entries.</summary>
    private static MerkleEdge EdgeOf(AuditFiles files, long bundle, long size, Digest root, List<ReadOnlyMemory<byte>> frames, int count)
    {
        foreach (var rebuild in (ReadOnlySpan<bool>)[false, true])
        {
            var edge = rebuild ? Rebuild(files, bundle) : OfTiles(files, bundle);
            if (edge is null) continue;
            foreach (var frame in frames[..count]) edge.Add(MerkleTree.Leaf(frame.Span));
            if (edge.Size == size && edge.Root() == root) return edge;
        }
        throw Damaged(bundle, "its entries are not those of the last checkpoint");
    }

    private static MerkleEdge? OfTiles(AuditFiles files, long bundles)
    {
        var (edge, level, rest) = (new MerkleEdge(), 1, new Stack<(int Level, Digest[] Hashes)>());
        for (var left = bundles; left > 0; left /= TilePath.Width, level++)
        {
            var width = (int)(left % TilePath.Width);
            if (width == 0) continue;
            if (files.ReadTile(level, left / TilePath.Width) is not { } hashes || hashes.Length < width) return null;
            rest.Push((level, hashes[..width]));
        }
        foreach (var (height, hashes) in rest)
            foreach (var hash in hashes) edge.Add(hash, height * TilePath.Height);
        return edge;
    }

    private static MerkleEdge? Rebuild(AuditFiles files, long bundles)
    {
        var edge = new MerkleEdge();
        for (var bundle = 0L; bundle < bundles; bundle++)
        {
            var (frames, _) = AuditFiles.Split(files.Read(AuditFiles.Entries(bundle)) ?? []);
            if (frames.Count != TilePath.Width) return null;
            var leaves = frames.Select(f => MerkleTree.Leaf(f.Span)).ToArray();
            files.PutTiles(bundle, leaves);
            foreach (var leaf in leaves) edge.Add(leaf);
        }
        files.Storage.SyncFolder(AuditFiles.TilesFolder);
        return edge;
    }

    /// <summary>The last checkpoint of a file, where it ends, and whether it is known to be durable.</summary>
    /// <exception cref="DamagedStoreException">One that is marked as durable is not signed by the key: taking in what stands behind an older one would sign what somebody changed.</exception>
    private static (Checkpoint? Checkpoint, int Bytes, bool IsConfirmed) LastOf((long Bundle, byte[] Bytes) file, NoteKey signer)
    {
        var (frames, end) = AuditFiles.Split(file.Bytes);
        for (var i = frames.Count - 1; i >= 0; end -= 2 + frames[i].Length, i--)
        {
            if (frames[i].Length == 0) continue;
            var isConfirmed = i + 1 < frames.Count && frames[i + 1].Length == 0;
            if (Checkpoint.TryOpen(frames[i].Span, signer, out var checkpoint)) return (checkpoint, isConfirmed ? end + 2 : end, isConfirmed);
            if (isConfirmed) throw Damaged(file.Bundle, "its last checkpoint is not signed by the key of this log");
        }
        return (null, 0, false);
    }
}
