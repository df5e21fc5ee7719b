using System.Globalization;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Audit;

/// <summary>Something that is not as the log wrote it.</summary>
/// <param name="Entry">First entry concerned.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="IsDamage">False for what a stop in the middle leaves and the next append mends.</param>
public sealed record AuditFinding(long Entry, string Problem, bool IsDamage);

/// <summary>
/// Reads a whole log and names each entry that was changed, removed, moved or added behind the back of the log (I7, F75). What was cut off at
/// its end together with the checkpoints over it is seen only against a checkpoint kept elsewhere: the witness. Of a log that is whole in itself and has not
/// the root of the witness, the root tells that one of the witness's entries is another one, and not which: the first is named, with the last. Others may append
/// meanwhile: read is as far as the last checkpoint goes that is there when its bundle's turn comes.
/// </summary>
public sealed class AuditVerifier
{
    /// <summary>Findings after which a search ends: a log whose first entry was removed has them all wrong.</summary>
    public const int MostFindings = 100;

    private const string Witness = "the witness";

    private readonly AuditFiles _files;
    private readonly NoteKey _signer;
    private readonly List<AuditFinding> _findings = [];
    private MerkleEdge _edge = new();
    private Checkpoint? _last;
    private bool _isBroken;

    private AuditVerifier(IStorage storage, NoteKey signer) => (_files, _signer) = (new AuditFiles(storage), signer);

    /// <summary>Reads the log in a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="keys">Of the store.</param>
    /// <param name="witness">A checkpoint of this log that was kept elsewhere, or null.</param>
    /// <param name="stop">Cancels.</param>
    /// <returns>Number of entries under the last checkpoint, and what is wrong, by entry.</returns>
    /// <exception cref="InputException">The witness is no checkpoint of this log.</exception>
    public static (long Entries, IReadOnlyList<AuditFinding> Findings) Verify(string path, AuditKeys keys, byte[]? witness, CancellationToken stop) =>
        Verify(DiskStorage.Open(path, "audit folder"), keys.Signer, witness, stop);

    internal static (long Entries, IReadOnlyList<AuditFinding> Findings) Verify(IStorage storage, NoteKey signer, byte[]? witness, CancellationToken stop)
    {
        Checkpoint? kept = null;
        if (witness is not null) kept = Checkpoint.TryOpen(witness, signer, out var opened) ? opened : throw new InputException("audit-checkpoint", "the witness is no checkpoint that this log's key signed", InputPlace.None);
        var verifier = new AuditVerifier(storage, signer);
        verifier.Run(kept, stop);
        return (verifier._last?.Size ?? 0, [.. verifier._findings.OrderBy(f => f.Entry).Take(MostFindings)]);
    }

    private void Run(Checkpoint? witness, CancellationToken stop)
    {
        var last = _files.LastBundle();
        for (var bundle = 0L; bundle <= last && _findings.Count < MostFindings; bundle++)
        {
            stop.ThrowIfCancellationRequested();
            Read(bundle, isLast: bundle == last, witness);
        }
        if (_findings.Count >= MostFindings) return;
        if (witness is { } kept && (_last?.Size ?? 0) < kept.Size)
            Damage(_last?.Size ?? 0, string.Create(CultureInfo.InvariantCulture, $"the log ends here; the witness has {kept.Size} entries: those behind were removed"));
    }

    private void Read(long bundle, bool isLast, Checkpoint? witness)
    {
        var first = bundle * TilePath.Width;
        // The other way round, entries that somebody appends meanwhile would be signed and not there.
        var notes = NotesOf(bundle, all: false);
        var file = _files.Read(AuditFiles.Entries(bundle)) ?? [];
        var (frames, frameBytes) = AuditFiles.Split(file);
        var size = notes.Count > 0 ? notes[^1].Size : first;
        var count = (int)Math.Min(size - first, frames.Count);
        var (findings, tile) = (_findings.Count, _files.ReadTile(0, bundle));
        if (isLast) tile = Growing(tile, (int)(size - first), notes);
        var leaves = Leaves(frames[..count], first, tile);
        if (count < size - first) Damage(first + count, "is missing");
        else if (!isLast && size != first + TilePath.Width) Damage(size, "is missing, and so is the checkpoint over it");
        else if (!isLast && (frames.Count != count || frameBytes != file.Length)) Damage(first + count, "stands behind the end of its bundle");
        else if (isLast && frameBytes != file.Length) Note(first + frames.Count, string.Create(CultureInfo.InvariantCulture, $"{file.Length - frameBytes} bytes of a torn end, which nobody was told of; the next append cuts them"));
        if (isLast && frames.Count > count && count == size - first) Note(first + count, string.Create(CultureInfo.InvariantCulture, $"{frames.Count - count} entries stand behind the last checkpoint; the next append takes them in"));

        if (!_isBroken) Compare(Signed(leaves, tile, size - first, notes), (first, findings), notes, witness);
        if (notes.Count > 0) _last = notes[^1];
        if (!isLast && leaves.Count == TilePath.Width) CheckTile(bundle, leaves);
    }

    /// <summary>Hashes the entries; names those that are not the one of their index, or that the tile has otherwise.</summary>
    private List<Digest> Leaves(List<ReadOnlyMemory<byte>> frames, long first, Digest[]? tile)
    {
        var leaves = new List<Digest>(frames.Count);
        Span<byte> head = stackalloc byte[48];
        for (var i = 0; i < frames.Count; i++)
        {
            var line = frames[i].Span;
            var leaf = MerkleTree.Leaf(line);
            leaves.Add(leaf);
            var text = AuditEntry.Head(first + i);
            var length = Encoding.ASCII.GetBytes(text, head);
            if (!line.StartsWith(head[..length])) Damage(first + i, "another entry stands in its place");
            else if (tile is not null && i < tile.Length && tile[i] != leaf) Damage(first + i, "is not what was written");
        }
        return leaves;
    }

    /// <summary>The leaves that were signed, when entries or else the tile still give them: then the tree goes on, and one changed entry does not make all behind it look changed.</summary>
    private List<Digest> Signed(List<Digest> leaves, Digest[]? tile, long count, List<Checkpoint> notes)
    {
        if (notes.Count == 0 || tile is null || tile.Length != count || (leaves.Count == count && Grown(leaves).Root() == notes[^1].Root)) return leaves;
        List<Digest> kept = [.. tile];
        return Grown(kept).Root() == notes[^1].Root ? kept : leaves;
    }

    /// <summary>The tile of the bundle that grows, as far as its last checkpoint goes; null where it has not what that one signs, as after a stop.</summary>
    private Digest[]? Growing(Digest[]? tile, int count, List<Checkpoint> notes) =>
        tile is not null && !_isBroken && notes.Count > 0 && tile.Length >= count && Grown([.. tile[..count]]).Root() == notes[^1].Root ? tile[..count] : null;

    private MerkleEdge Grown(List<Digest> leaves)
    {
        var edge = _edge.Copy();
        foreach (var leaf in leaves) edge.Add(leaf);
        return edge;
    }

    /// <summary>Compares the tree with what was signed: the last checkpoint of the bundle, and where that differs each of them, to find the first entries that differ.</summary>
    private void Compare(List<Digest> leaves, (long First, int Findings) before, List<Checkpoint> notes, Checkpoint? witness)
    {
        var (edge, after) = (_edge, Grown(leaves));
        _edge = after;
        var isWitnessed = witness is { } kept && kept.Size > before.First && kept.Size <= before.First + leaves.Count;
        var isSigned = notes.Count == 0 || (notes[^1].Size == after.Size && notes[^1].Root == after.Root());
        _isBroken = !isSigned;
        if (isSigned && !isWitnessed) return;
        List<(Checkpoint Checkpoint, string By)> all = [.. (isSigned ? notes : NotesOf(before.First / TilePath.Width, all: true)).Select(n => (n, "its checkpoint"))];
        if (isWitnessed) all.Add((witness!.Value, Witness));
        var (from, at) = (before.First, 0);
        foreach (var (checkpoint, by) in all.OrderBy(c => c.Checkpoint.Size))
        {
            while (edge.Size < checkpoint.Size && at < leaves.Count) edge.Add(leaves[at++]);
            if (edge.Size != checkpoint.Size) return;
            if (edge.Root() != checkpoint.Root)
            {
                // A log that was signed anew holds its own checkpoints, so these bound nothing that the witness tells.
                if (_findings.Count == before.Findings) Damage(by == Witness ? 0 : from, string.Create(CultureInfo.InvariantCulture, $"is not what {by} has, or one up to {checkpoint.Size - 1} is not"));
                return;
            }
            from = checkpoint.Size;
        }
    }

    /// <summary>The last checkpoint over a bundle, or all: they are many, and a signature takes as long as hashing a bundle.</summary>
    private List<Checkpoint> NotesOf(long bundle, bool all)
    {
        var first = bundle * TilePath.Width;
        var (frames, _) = AuditFiles.Split(_files.Read(AuditFiles.Checkpoints(bundle)) ?? []);
        var notes = new List<Checkpoint>();
        for (var i = frames.Count - 1; i >= 0; i--)
        {
            if (frames[i].Length == 0) continue;
            if (!Checkpoint.TryOpen(frames[i].Span, _signer, out var checkpoint)) Damage(first, "a checkpoint over its bundle is not signed");
            else notes.Insert(0, checkpoint);
            if (!all && notes.Count == 1) break;
        }
        return notes;
    }

    private void CheckTile(long bundle, List<Digest> leaves)
    {
        if (_files.ReadTile(0, bundle) is not { } tile) Note(bundle * TilePath.Width, "the tile of its bundle is missing; it is made again when it is needed");
        else if (!tile.AsSpan().SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(leaves)) && _findings.TrueForAll(f => f.Entry / TilePath.Width != bundle))
            Damage(bundle * TilePath.Width, "the tile of its bundle is not what was written");
    }

    private void Damage(long entry, string problem) => _findings.Add(new AuditFinding(entry, problem, IsDamage: true));

    private void Note(long entry, string problem) => _findings.Add(new AuditFinding(entry, problem, IsDamage: false));
}
