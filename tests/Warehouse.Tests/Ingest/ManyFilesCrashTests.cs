using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>I1 and I2 where an ingest writes a segment of many files, or merges those that earlier commits left.</summary>
public sealed class ManyFilesCrashTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(Gather.LeastFiles, 1)]
    [InlineData(1, Gather.LeastFiles - 1)]
    public void A_power_cut_at_any_operation_leaves_all_files_of_the_command_or_none(int files, int before)
    {
        var old = Files("old", before);
        var added = Files("new", files);
        var rehearsal = Prepare(old, out var disk, out var keys);
        var without = Answers(disk, keys);
        var operations = rehearsal.Operations;
        Assert.True(Attempt(disk, keys, added));
        var total = rehearsal.Operations - operations;
        var with = Answers(disk, keys);
        Assert.NotEqual(without, with);
        for (var at = 0L; at <= total; at += Math.Max(1, total / 24))
        {
            var machine = Prepare(old, out disk, out keys);
            machine.CrashAt(machine.Operations + at);
            var acknowledged = Attempt(disk, keys, added);
            machine.PowerCycle((int)at);
            var answers = Answers(disk, keys);
            Assert.True(answers.SequenceEqual(with) || (!acknowledged && answers.SequenceEqual(without)), $"power cut at operation {at} of {total}");
            Assert.True(Attempt(disk, keys, added));
            Assert.Equal(with, Answers(disk, keys));
        }
    }

    public void Dispose() => _folder.Dispose();

    private string[] Files(string name, int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var path = _folder[$"{name}{i}.vcf"];
        File.WriteAllText(path, $"##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{name}{i}\n1\t{100 + (i % 3)}\t.\tA\tC\t.\t.\t.\tGT\t0/1\n1\t300\t.\tG\tT\t.\t.\t.\tGT\t1|1\n");
        return path;
    })];

    private static SimMachine Prepare(string[] files, out SimDisk disk, out SimDisk keys)
    {
        var machine = new SimMachine();
        (disk, keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
        using var store = VariantStore.Over(StoreFolder.Create(disk, keys, StoreIdentity.New("toy1", ReadOnlyMemory<byte>.Empty, TimeProvider.System), TimeProvider.System));
        store.Ingest(new IngestRequest { Files = files, Threads = 1 });
        return machine;
    }

    private static VariantStore Open(SimDisk disk, SimDisk keys) => VariantStore.Over(StoreFolder.Open(disk, keys, TimeProvider.System));

    private static bool Attempt(SimDisk disk, SimDisk keys, string[] files)
    {
        try
        {
            using var store = Open(disk, keys);
            store.Ingest(new IngestRequest { Files = files, Threads = 1 });
            return true;
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            return false;
        }
    }

    private static List<string> Answers(SimDisk disk, SimDisk keys)
    {
        using var store = Open(disk, keys);
        Assert.DoesNotContain(store.Verify(), f => f.Kind != FindingKind.Surplus);
        using var session = store.OpenSession();
        return [.. session.Frequencies(new FrequencyRequest()).Select(r => $"{r.Start} {r.Figures.Ac} {r.Figures.An}")];
    }
}
