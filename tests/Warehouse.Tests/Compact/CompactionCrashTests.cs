using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Primitives;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Compact;

/// <summary>F2: whatever fails or stops while a store is compacted, every answer stays, and the next compaction finishes the work.</summary>
public sealed class CompactionCrashTests : IDisposable
{
    private const string Header = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";
    private readonly TempFolder _folder = new();
    private readonly string[] _files;

    public CompactionCrashTests() => _files =
    [
        Write("a.vcf", "a\tb", "1\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1|1\n1\t200\t.\tG\tGA\t.\t.\t.\tGT\t./.\t0/1\n"),
        Write("c.vcf", "c", "1\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\n1\t300\t.\tT\tG\t.\tLow\t.\tGT\t1\n"),
        Write("d.vcf", "d", "1\t150\t.\tC\tT\t.\t.\t.\tGT\t0/1\n"),
        Write("c2.vcf", "c", "1\t100\t.\tA\tC\t.\t.\t.\tGT\t1/1\n"),
    ];

    [Theory]
    [InlineData(DurableException.DeviceError, 4)]
    [InlineData(DurableException.NoSpace, 4)]
    public void A_compaction_in_which_any_operation_fails_changes_no_answer(int errno, int step)
    {
        var (total, expected) = Rehearse();
        for (var at = 0L; at < total; at += step)
        {
            var machine = Prepare(out var disk, out var keys);
            machine.FailAt(machine.Operations + at, errno);
            Attempt(disk, keys);
            machine.Restart();
            CheckAndFinish(disk, keys, expected, $"operation {at} failed with {errno}");
        }
    }

    [Theory]
    [InlineData(null, 4)]
    [InlineData(7, 3)]
    public void A_power_cut_at_any_operation_of_a_compaction_changes_no_answer(int? seed, int step)
    {
        var (total, expected) = Rehearse();
        for (var at = 0L; at <= total; at += step)
        {
            var machine = Prepare(out var disk, out var keys);
            machine.CrashAt(machine.Operations + at);
            Attempt(disk, keys);
            machine.PowerCycle(seed is { } s ? (s * 1_000_003) + (int)at : null);
            CheckAndFinish(disk, keys, expected, $"power cut at operation {at}, seed {seed}");
        }
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string name, string samples, string lines)
    {
        File.WriteAllText(_folder[name], Header + samples + "\n" + lines);
        return _folder[name];
    }

    /// <summary>Four versions with data: two loads, a replacement, a withdrawal.</summary>
    private SimMachine Prepare(out SimDisk disk, out SimDisk keys)
    {
        var machine = new SimMachine();
        (disk, keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
        using var store = VariantStore.Over(StoreFolder.Create(disk, keys, StoreIdentity.New("toy1", ReadOnlyMemory<byte>.Empty, TimeProvider.System), TimeProvider.System));
        store.Ingest(new IngestRequest { Files = _files[..2], Threads = 1 });
        store.Ingest(new IngestRequest { Files = _files[2..3], Threads = 1 });
        store.Ingest(new IngestRequest { Files = _files[3..], Threads = 1, Replace = true });
        store.Withdraw(["d"]);
        return machine;
    }

    private (long Total, List<string> Expected) Rehearse()
    {
        var machine = Prepare(out var disk, out var keys);
        List<string> expected;
        using (var store = Open(disk, keys)) expected = Answers(store);
        Assert.Equal(4, expected.Count(l => l.Contains(" A C ", StringComparison.Ordinal)));
        var before = machine.Operations;
        Assert.True(Attempt(disk, keys));
        var total = machine.Operations - before;
        Assert.InRange(total, 60, 1000);
        return (total, expected);
    }

    private static VariantStore Open(SimDisk disk, SimDisk keys) => VariantStore.Over(StoreFolder.Open(disk, keys, TimeProvider.System));

    private static bool Attempt(SimDisk disk, SimDisk keys)
    {
        try
        {
            using var store = Open(disk, keys);
            store.Compact();
            return true;
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            return false;
        }
    }

    private static void CheckAndFinish(SimDisk disk, SimDisk keys, List<string> expected, string what)
    {
        try
        {
            using var store = Open(disk, keys);
            Assert.Equal(expected, Answers(store));
            Assert.DoesNotContain(store.Verify(), f => f.Kind != FindingKind.Surplus);
            var report = store.Compact();
            Assert.Equal(2, report.SegmentsAfter); // the replaced part of c keeps a segment of its own: a segment has one part of a sample
            Assert.Equal(expected, Answers(store));
            Assert.Empty(store.Verify());
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{what}: {e.Message}", e);
        }
    }

    /// <summary>Rows of the versions that have data, whatever newer versions there are.</summary>
    private static List<string> Answers(VariantStore store)
    {
        var lines = new List<string>();
        for (var version = 2L; version <= 5; version++)
        {
            using var session = store.OpenSession(new SessionOptions { Snapshot = version });
            lines.AddRange(session.Frequencies(new FrequencyRequest()).Select(r => $"{version} {r.Start} {r.Ref} {r.Alt} {r.Figures.Ac} {r.Figures.An} {r.Figures.NHomAlt} {r.Figures.NNoCall}"));
        }
        return lines;
    }
}
