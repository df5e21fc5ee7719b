using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Manifests;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Annotations;

/// <summary>I1 and I2 for a load of annotations, and for a release that is dropped: a stop at every operation, and a disk that fails at every operation.</summary>
public sealed class AnnotationCrashTests : IDisposable
{
    private const int InputOutput = 5, NoSpace = 28;
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, NoSpace)]
    [InlineData(false, InputOutput)]
    public void A_power_cut_or_a_failure_at_any_operation_leaves_the_release_whole_or_not_at_all(bool drops, int errno)
    {
        var (first, second) = (Write("first", 40), Write("second", 300));
        bool Change(SimDisk disk, SimDisk keys) => Attempt(disk, keys, store => _ = drops ? store.RetireAnnotations("clinvar") : Load(store, second, "2024-02-01").Release);
        var machine = Prepare(first, out var disk, out var keys);
        var without = Answers(disk, keys);
        var operations = machine.Operations;
        Assert.True(Change(disk, keys));
        var total = machine.Operations - operations;
        var with = Answers(disk, keys);
        Assert.NotEqual(without, with);
        for (var at = 0L; at <= total; at++)
        {
            machine = Prepare(first, out disk, out keys);
            if (errno == 0) machine.CrashAt(machine.Operations + at);
            else machine.FailAt(machine.Operations + at, errno);
            var acknowledged = Change(disk, keys);
            machine.PowerCycle((int)at);
            var answers = Answers(disk, keys);
            Assert.True(answers == with || (!acknowledged && answers == without), $"power cut at operation {at} of {total}");
            if (answers == with) continue;
            Assert.True(Change(disk, keys));
            Assert.Equal(with, Answers(disk, keys));
        }
    }

    [Fact]
    public void Damage_of_any_byte_of_a_release_is_told_and_never_read_as_missing()
    {
        Prepare(Write("first", 40), out var disk, out var keys);
        using var store = Open(disk, keys);
        var file = disk.AllFiles().Where(f => f.StartsWith("f/", StringComparison.Ordinal)).MaxBy(f => disk.Peek(f).Length)!;
        var whole = disk.Peek(file);
        for (var at = 0; at < whole.Length; at += 1 + (whole.Length / 60))
        {
            var damaged = (byte[])whole.Clone();
            damaged[at] ^= 4;
            disk.Poke(file, damaged);
            Assert.Contains(store.Verify(), f => f.Kind == FindingKind.Damaged);
            Assert.ThrowsAny<Exception>(() => Says(store));
        }
        disk.Poke(file, whole);
        Assert.NotEmpty(Says(store));
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string name, int records)
    {
        var path = _folder[name + ".vcf"];
        File.WriteAllText(path, "##fileformat=VCFv4.1\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n##INFO=<ID=GENE,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
            + string.Concat(Enumerable.Range(0, records).Select(i => $"1\t{100 + (i * 7)}\t{i}\tA\tG\t.\t.\tCLNSIG={name}{i % 5};GENE=G{i / 10}\n")));
        return path;
    }

    private static AnnotationReceipt Load(VariantStore store, string file, string day) => store.LoadAnnotations(new AnnotationRequest { Source = "clinvar", Date = DateOnly.ParseExact(day, "yyyy-MM-dd"), File = file });

    private static SimMachine Prepare(string file, out SimDisk disk, out SimDisk keys)
    {
        var machine = new SimMachine();
        (disk, keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
        using var store = VariantStore.Over(StoreFolder.Create(disk, keys, StoreIdentity.New("toy1", ReadOnlyMemory<byte>.Empty, TimeProvider.System), TimeProvider.System));
        Load(store, file, "2024-01-01");
        return machine;
    }

    private static VariantStore Open(SimDisk disk, SimDisk keys) => VariantStore.Over(StoreFolder.Open(disk, keys, TimeProvider.System));

    private static bool Attempt(SimDisk disk, SimDisk keys, Action<VariantStore> change)
    {
        try
        {
            using var store = Open(disk, keys);
            change(store);
            return true;
        }
        catch (Exception e) when (e is IOException or SimCrashException)
        {
            return false;
        }
    }

    private static string Answers(SimDisk disk, SimDisk keys)
    {
        using var store = Open(disk, keys);
        Assert.DoesNotContain(store.Verify(), f => f.Kind != FindingKind.Surplus);
        return string.Join(' ', store.AnnotationReleases().Select(r => r.ToString() + (r.UntilVersion > 0 ? " retired" : ""))) + Says(store);
    }

    private static string Says(VariantStore store)
    {
        if (store.AnnotationReleases().All(r => r.UntilVersion > 0)) return "";
        using var reader = store.OpenAnnotations("clinvar");
        return string.Join('\n', reader.Blocks().SelectMany(b => Enumerable.Range(0, b.Count).Select(row => $"{b.VariantOf(row)} {b.Column(0).StringOf(b.Column(0).Codes[row])} {b.Column(1).StringOf(b.Column(1).Codes[row])}")))
            + string.Join(' ', reader.Search("G1", 100).Select(v => v.ToString()));
    }
}
