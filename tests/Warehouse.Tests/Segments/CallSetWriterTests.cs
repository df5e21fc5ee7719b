using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Segments;

/// <summary>The writer of a file's segments holds two blocks at most, however slow the disk.</summary>
public sealed class CallSetWriterTests
{
    private const int Blocks = 5;

    [Fact]
    public async Task One_block_is_written_while_the_next_is_collected_and_the_one_after_it_waits()
    {
        using var folder = new TempFolder();
        var changes = new Changes();
        using var disk = new SlowDisk(changes);
        var storage = disk.Over(DiskStorage.Open(folder.Path));
        using var writer = new CallSetWriter((first, count) => new SegmentWriter(NewFile(storage), [first]), samples: 1, new CallSetOptions(BlockGq: 20, SkipBad: false, Threads: 2));
        disk.Hold();
        var collected = 0;
        var feeding = Task.Run(() =>
        {
            for (var contig = 0; contig < Blocks; contig++)
            {
                Add(writer, contig);
                Volatile.Write(ref collected, contig + 1);
                changes.Tell();
            }
        });
        await changes.UntilAsync(() => disk.IsWaiting && Volatile.Read(ref collected) >= 2); // the second block is collected while the first is written
        var third = SpinWait.SpinUntil(() => Volatile.Read(ref collected) > 2, TimeSpan.FromMilliseconds(150)); // nothing tells of what does not come
        disk.LetGo();
        await feeding;
        Assert.False(third, "a third block is collected meanwhile");
        Assert.Equal(Enumerable.Range(0, Blocks), Assert.Single(writer.Complete()).Blocks.Select(b => b.Contig));
    }

    /// <summary>A record that begins a block by its contig, with an ID too long and too random for the writer to keep it in its buffer.</summary>
    private static void Add(CallSetWriter writer, int contig)
    {
        var id = new byte[3 << 20];
        new Random(80 + contig).NextBytes(id);
        for (var i = 0; i < id.Length; i++) id[i] = (byte)('0' + (id[i] & 63));
        var record = new VcfRecord { ContigIndex = contig, Start = 10, Id = id, Ref = "A"u8.ToArray(), Filter = "."u8.ToArray(), Passes = true, InfoEnd = VcfRecord.MissingInt, SampleCount = 1, HasGt = true, First = new byte[64], Second = new byte[64], Phased = new byte[64] };
        record.Alts.Add("C"u8.ToArray());
        (record.First[0], record.Second[0]) = (1, 2);
        writer.AddRecord(contig, record, "A"u8, [new NormalizedRow(AlleleKind.Bases, record.Alts[0], record.Start, default, default, null)]);
    }

    private static SealedWriter NewFile(IStorage storage) => new(storage, new SealedHeader(FileId.New(), SegmentWriter.FileKind, 1, 1), FileKey.New(), "segment");

    /// <summary>A disk whose appends can be made to wait.</summary>
    private sealed class SlowDisk(Changes changes) : IDisposable
    {
        private readonly ManualResetEventSlim _go = new(true);
        private volatile bool _isWaiting;

        public bool IsWaiting => _isWaiting;

        public IStorage Over(IStorage disk) => new WatchedStorage(disk, what =>
        {
            if (what == nameof(IStorageFile.Append)) Wait();
        });

        public void Hold() => _go.Reset();

        public void LetGo() => _go.Set();

        public void Dispose() => _go.Dispose();

        private void Wait()
        {
            _isWaiting = !_go.IsSet;
            changes.Tell();
            _go.Wait(TimeSpan.FromMinutes(3)); // longer than anybody waits for the waiting
        }
    }
}
