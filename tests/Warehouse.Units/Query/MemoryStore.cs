using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Variants;
using Warehouse.Simulation;
using Warehouse.Units.Oracle;

namespace Warehouse.Units.Query;

/// <summary>
/// A store in memory, driven through the engine. What it reads, a few kilobytes of text a command, lies in a temporary folder: the readers
/// of VCF, FASTA, sheets and regions take paths.
/// </summary>
internal sealed class MemoryStore : IDisposable
{
    private readonly TempFolder _folder = new(inMemory: true);
    private readonly (SimDisk Store, SimDisk Keys) _disks;
    private int _files;

    public MemoryStore(string assembly, (string Fasta, string Index)? reference = null, TimeProvider? clock = null)
    {
        byte[] record = [];
        if (reference is { } texts)
        {
            File.WriteAllText(_folder["ref.fa"], texts.Fasta);
            File.WriteAllText(_folder["ref.fa.fai"], texts.Index);
            using var genome = ReferenceGenome.Open(_folder["ref.fa"], Assembly.Parse(assembly));
            record = ReferenceRecord.Write(genome);
        }
        var machine = new SimMachine();
        var time = clock ?? machine.Clock;
        _disks = (new SimDisk(machine), new SimDisk(machine, device: 2));
        Store = VariantStore.Over(StoreFolder.Create(_disks.Store, _disks.Keys, StoreIdentity.New(Assembly.Parse(assembly).Name, record, time), time));
    }

    public VariantStore Store { get; }

    /// <summary>Its key folder.</summary>
    public IStorage Keys => _disks.Keys;

    /// <summary>A store with all commands of a random one.</summary>
    public static MemoryStore Of(RandomStore random)
    {
        var store = new MemoryStore(random.Genome.Assembly, random.Genome.HasReference ? random.Genome.Fasta() : null);
        foreach (var command in random.Commands) store.Ingest(command.How, [.. command.Files.Select(f => f.Text)]);
        return store;
    }

    /// <summary>Damages a part of the newest version: a byte of its file is another.</summary>
    public void Damage(string part, TimeProvider clock)
    {
        using var folder = StoreFolder.Open(_disks.Store, _disks.Keys, clock);
        var name = folder.Current.Parts[part].Name;
        var bytes = _disks.Store.Peek(name);
        bytes[^1] ^= 1;
        _disks.Store.Poke(name, bytes);
    }

    /// <summary>The same disks, opened once more.</summary>
    public VariantStore Reopen(TimeProvider clock) => VariantStore.Over(StoreFolder.Open(_disks.Store, _disks.Keys, clock));

    public IngestReceipt Ingest(NaiveIngest how, params string[] files) => Store.Ingest(new IngestRequest
    {
        Files = [.. files.Select(text => Write(text, ".vcf"))], BlockGq = how.BlockGq, AssumeReference = how.AssumeReference, Threads = 1,
        SheetPath = how.Sheet is { } sheet ? Write(sheet, ".tsv") : null, CallablePath = how.Callable is { } bed ? Write(bed, ".bed") : null,
    });

    /// <summary>The rows of <c>freq</c> as the naive evaluator writes them.</summary>
    public List<CountRow> Rows(FrequencyRequest request, SessionOptions? options = null)
    {
        using var session = Store.OpenSession(options);
        return [.. session.Frequencies(request).Select(RowOf)];
    }

    public static FrequencyRequest RequestOf(NaiveQuery query) => new()
    {
        Samples = query.Samples is null ? SampleChoice.All : new SampleChoice { Names = [.. query.Samples] }, By = query.By, MinAc = query.MinAc,
        Rules = new CountRules { Adj = query.Adj, PassOnly = query.Pass, PloidyAsCalled = query.AsCalled, PerSample = query.PerSample },
    };

    public static CountRow RowOf(FrequencyRow row) => new()
    {
        Contig = row.Contig, Position = row.Start + 1, Ref = row.Ref, Alt = row.Alt, Group = row.Group,
        Figures =
        [
            row.Figures.Ac, row.Figures.An, row.Figures.NHet, row.Figures.NHomAlt, row.Figures.NHemi, row.Figures.NHalf, row.Figures.Carriers,
            row.Figures.NNoCall, row.Figures.NNotAssessed, row.Figures.NSamples, row.Figures.AnAssumed,
        ],
    };

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }

    private string Write(string text, string suffix)
    {
        var path = _folder[_files++ + suffix];
        File.WriteAllText(path, text);
        return path;
    }
}
