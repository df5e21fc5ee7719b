using System.Buffers.Binary;
using System.Globalization;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Release;

/// <summary>
/// The first record of a ledger file. LEB128 integers but for the tag:
/// <code>
/// format version, 1; epoch; samples; 1 when the epoch begins with this file; records of the file before it that count; the tag of the last of these (16 bytes)
/// where the epoch begins: number of projects, and of each its name, day, refusals of that day, 1 when it is locked
/// </code>
/// </summary>
internal sealed record LedgerBegin(long Epoch, int Samples, bool IsEpochStart, long RecordsBefore, byte[] TagBefore)
{
    internal IReadOnlyList<RefusalRecord> Carried { get; init; } = [];

    internal byte[] Encode()
    {
        var to = new ByteWriter();
        to.Var(1);
        to.Var((ulong)Epoch);
        to.Var(Samples);
        to.Bool(IsEpochStart);
        to.Var((ulong)RecordsBefore);
        to.Raw(TagBefore);
        to.Var(Carried.Count);
        foreach (var carried in Carried)
        {
            to.Text(carried.Project);
            to.Var(carried.Day);
            to.Var(carried.Refusals);
            to.Bool(carried.IsLocked);
        }
        return to.ToArray();
    }

    internal static LedgerBegin Decode(ReadOnlySpan<byte> bytes)
    {
        var from = new ByteReader(bytes);
        if (from.Var() != 1) throw new StoreRefusedException("the release ledger has a format that this program does not know");
        var begin = new LedgerBegin((long)from.Var(), from.Count(), from.Bool(), (long)from.Var(), from.Raw(LedgerCipher.TagBytes).ToArray());
        var carried = new RefusalRecord[from.Count(from.Remaining)];
        for (var i = 0; i < carried.Length; i++) carried[i] = new RefusalRecord(from.Text(), from.Count(), from.Count(), from.Bool());
        from.End();
        return begin with { Carried = carried };
    }
}

/// <summary>
/// Reads the files of a ledger, named by their numbers in twelve digits. Each process that writes begins a file of its own, which says how much
/// of the one before it counts, and takes over what it found there that nobody knows to be durable. An epoch begins with a file, and
/// files before it are not read. One record is in memory at a time.
/// </summary>
internal sealed class LedgerFiles(IStorage storage, LedgerCipher cipher)
{
    private const int ScanBytes = 1 << 16;

    private readonly byte[] _zeros = new byte[LedgerCipher.TagBytes];

    internal static string NameOf(long file) => file.ToString("d12", CultureInfo.InvariantCulture);

    /// <summary>Number of the last file, or -1.</summary>
    internal long Last()
    {
        var last = -1L;
        foreach (var name in storage.List(""))
            if (name.Length == 12 && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var file)) last = Math.Max(last, file);
        return last;
    }

    /// <summary>What the files say.</summary>
    /// <param name="last">Number of the last one.</param>
    /// <param name="witness">A head that was given out; null = none is known.</param>
    /// <returns>The state; how many records of the last file are known to be durable and the tag of the last of them; and the contents of the whole ones behind it, applied too.</returns>
    /// <exception cref="DamagedStoreException">Something that is known to have been durable is missing or changed.</exception>
    internal (LedgerState State, long Records, byte[] Tag, List<byte[]> Doubtful) Load(long last, LedgerHead? witness)
    {
        var chain = new Stack<(long File, LedgerBegin Begin)>();
        for (var file = last; ; file--)
        {
            var begin = file < 0 ? throw Damaged(0, "is missing") : BeginOf(file);
            chain.Push((file, begin));
            if (begin.IsEpochStart) break;
        }
        var first = chain.Peek();
        var state = new LedgerState(first.Begin.Epoch, first.Begin.Samples);
        foreach (var carried in first.Begin.Carried) carried.Apply(state);
        while (chain.TryPop(out var at))
        {
            var next = chain.TryPeek(out var following) ? following.Begin : null;
            var run = new Run(at.File, next?.RecordsBefore ?? long.MaxValue, witness?.File == at.File ? witness : null);
            Read(run, state);
            if (next is null) return (state, run.Confirmed.Records, run.Confirmed.Tag, run.Doubtful);
            if (run.Records != next.RecordsBefore || !run.Tag.AsSpan().SequenceEqual(next.TagBefore)) throw Damaged(at.File, "does not go as far as the next one says");
        }
        throw new InvalidOperationException("a ledger without a last file");
    }

    internal static DamagedStoreException Damaged(long file, string problem) => new("release ledger, file " + NameOf(file), problem);

    private LedgerBegin BeginOf(long file)
    {
        using var bytes = Open(file);
        var content = ReadRecord(bytes, 0, (file, 0), _zeros, out _) ?? throw Damaged(file, "does not begin as it was written");
        return LedgerBegin.Decode(content);
    }

    private IStorageFile Open(long file)
    {
        try
        {
            return storage.Open(NameOf(file));
        }
        catch (Primitives.DurableException e) when (e.Errno == Primitives.DurableException.Missing)
        {
            throw Damaged(file, "is missing");
        }
    }

    private void Read(Run run, LedgerState state)
    {
        using var file = Open(run.File);
        Span<byte> mark = stackalloc byte[LedgerCipher.MarkBytes];
        var at = 0L;
        while (at < file.LengthBytes && run.Records < run.Limit)
        {
            if (file.LengthBytes - at >= LedgerCipher.MarkBytes)
            {
                file.Read(at, mark);
                if (cipher.MarkedAt(mark, run.File) == run.Records)
                {
                    run.Confirm();
                    at += LedgerCipher.MarkBytes;
                    continue;
                }
            }
            if (ReadRecord(file, at, (run.File, run.Records), run.Records == 0 ? _zeros : run.Tag, out var tag) is not { } content) break;
            at += LedgerCipher.FrameBytes(content.Length);
            run.Add(content, tag);
            if (run.Records > 1) Apply(run.File, content, state);
        }
        if (run.HasFailedWitness) throw Damaged(run.File, "is not, or not as long as, what was answered from");
        if (run.Records == run.Limit) return; // what stands behind was taken over by the next file
        if (LastMarkBehind(file, at, run.File) > run.Records) throw Damaged(run.File, string.Create(CultureInfo.InvariantCulture, $"record {run.Records} is not what was written"));
    }

    private static void Apply(long file, byte[] content, LedgerState state)
    {
        try
        {
            LedgerRecord.Decode(content, state).Apply(state);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(file, e.Message);
        }
    }

    private byte[]? ReadRecord(IStorageFile file, long at, (long File, long Number) place, ReadOnlySpan<byte> tagBefore, out byte[] tag)
    {
        tag = _zeros;
        Span<byte> head = stackalloc byte[4];
        if (file.LengthBytes - at < LedgerCipher.FrameBytes(0)) return null;
        file.Read(at, head);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 0 or > LedgerCipher.MaxContentBytes || file.LengthBytes - at < LedgerCipher.FrameBytes(length)) return null;
        var (frame, content) = (new byte[LedgerCipher.FrameBytes(length)], new byte[length]);
        file.Read(at, frame);
        tag = frame[^LedgerCipher.TagBytes..];
        return cipher.TryOpen(frame, content, place, tagBefore) ? content : null;
    }

    /// <summary>The most records that a mark behind a place vouches for, or -1: what is unreadable before such a mark was durable once.</summary>
    private long LastMarkBehind(IStorageFile file, long at, long number)
    {
        var (last, window) = (-1L, new byte[ScanBytes]);
        for (var from = at; file.LengthBytes - from >= LedgerCipher.MarkBytes; from += ScanBytes - LedgerCipher.MarkBytes + 1)
        {
            var bytes = window.AsSpan(0, (int)Math.Min(ScanBytes, file.LengthBytes - from));
            file.Read(from, bytes);
            for (var i = 0; i <= bytes.Length - LedgerCipher.MarkBytes; i++)
                if (bytes[i] == 0xff) last = Math.Max(last, cipher.MarkedAt(bytes[i..], number));
        }
        return last;
    }

    /// <summary>How far the reading of one file has come.</summary>
    private sealed class Run(long file, long limit, LedgerHead? witness)
    {
        internal long File => file;

        internal long Limit => limit;

        internal long Records { get; private set; }

        internal byte[] Tag { get; private set; } = [];

        internal (long Records, byte[] Tag) Confirmed { get; private set; }

        internal List<byte[]> Doubtful { get; private set; } = [];

        /// <summary>The head that was given out is not among what was read.</summary>
        internal bool HasFailedWitness { get; private set; } = witness is not null && witness.Records <= limit;

        internal void Add(byte[] content, byte[] tag)
        {
            (Records, Tag) = (Records + 1, tag);
            Doubtful.Add(content);
            if (Records == witness?.Records) HasFailedWitness = Convert.ToHexStringLower(tag) != witness.Tag;
        }

        internal void Confirm()
        {
            Confirmed = (Records, Tag);
            Doubtful = [];
        }
    }
}
