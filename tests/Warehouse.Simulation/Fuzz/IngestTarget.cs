using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>
/// The whole way of a damaged file into a store in memory: what is taken must be a segment whose parts fit each other. The reference is
/// nearly all A, so that REF holds at most places and alleles have far to go to the left.
/// </summary>
internal sealed class IngestTarget
{
    private const int ReferenceBases = 400, Published = 8;

    private static readonly string Reference = string.Create(ReferenceBases, 0, static (bases, _) =>
    {
        bases.Fill('A');
        foreach (var at in (int[])[0, 99, 200, 300, 301, 302]) bases[at] = 'C';
    });

    private static readonly string[] Seeds =
    [
        Head("a\tb") + "1\t5\t.\tA\tC,G\t.\tPASS\t.\tGT:GQ:DP:AD\t0/1:30:9:4,5,0\t1|2:.:.:.\n1\t50\trs1\tAA\tA\t.\tPASS\t.\tGT\t1/1\t./.\n1\t60\t.\tA\tAAA,*\t9\tq10\t.\tGT\t0|1\t2/.\n1\t90\t.\tA\t<DEL>\t.\tPASS\tEND=120;SVLEN=-30;CIPOS=-2,3\tGT\t0/1\t0/0/1\n2\t1\t.\tC\tA\t.\tPASS\t.\tGT\t0\t1\n2\t7\t.\tA\tA[1:9[\t.\t.\t.\tGT\t0/1\t.\n",
        Head("a") + "1\t1\t.\tC\t<*>\t.\t.\tEND=49\tGT:GQ:MIN_DP\t0/0:30:12\n1\t50\t.\tA\tC,<*>\t.\tPASS\t.\tGT:GQ\t0/1:50\n1\t51\t.\tA\t<*>\t.\t.\tEND=300\tGT:GQ\t0/0:9\n1\t301\t.\tCCC\tC\t.\tPASS\t.\tGT\t1/1\nX\t1\t.\tN\tT\t.\t.\t.\tGT\t1\n",
        Head("a\tb\tc") + "1\t10\t.\tA\tC\t.\tPASS\t.\tGT\t0/0\t0/1\t1/1\n1\t10\t.\tA\tG\t.\tPASS\t.\tGT\t0/1\t0/0\t0/0\n1\t11\t.\tAAAA\tA,AA\t.\tPASS\t.\tGT\t1/2\t0|2\t1|0\n1\t12\t.\tAA\tA\t.\t.\t.\tGT\t0/1\t0/0\t./1\n",
    ];

    private readonly ScratchFile _file;
    private readonly Assembly _assembly = Assembly.Parse("toy1");
    private readonly ReferenceGenome _reference;
    private EmptyStore? _empty;

    /// <summary>Writes its reference into the folder.</summary>
    public IngestTarget(string folder)
    {
        _file = new ScratchFile(Path.Combine(folder, "ingest.vcf"));
        File.WriteAllText(Path.Combine(folder, "ingest.fa"), $">1\n{Reference}\n>2\n{Reference}\n");
        _reference = ReferenceGenome.Open(Path.Combine(folder, "ingest.fa"), _assembly);
    }

    /// <summary>The target.</summary>
    public FuzzTarget Target() => new("ingest", [.. Seeds.Select(Encoding.ASCII.GetBytes), .. CorpusSeeds.Good], Run) { Words = VariantSeeds.Words, SoundSeeds = Seeds.Length };

    private static string Head(string samples) => "##fileformat=VCFv4.3\n##contig=<ID=1>\n##contig=<ID=2,length=400>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + samples + "\n";

    /// <summary>
    /// A store takes inputs until one of them is published, one in <see cref="Published"/> of those that are taken: of the others the segments are
    /// checked as they lie under the commit. What is not published must leave no trace in the store, so that the next input meets it as new.
    /// </summary>
    private void Run(byte[] input)
    {
        _file.Write(input);
        var choice = Crc32.Compute(input);
        var store = _empty ?? EmptyStore.Make(_assembly);
        _empty = null;
        var request = new IngestRequest { Files = [_file.Path], Threads = 1, SkipBadRecords = (choice & 3) == 1, AssumeReference = (choice & 12) == 4, BlockGq = (int)(choice >> 8) & 31 };
        try
        {
            using var commit = store.Folder.BeginCommit();
            var (catalog, _) = new IngestRun(request, StoreCatalog.Empty, _assembly, (choice & 16) != 0 ? _reference : null).Run(commit, (_, _) => null, null, CancellationToken.None);
            if (catalog is not null) Take(catalog, commit, isPublished: (choice >> 16) % Published == 0);
        }
        catch (InputException)
        {
            Keep(store);
            throw;
        }
        store.Folder.Refresh();
        if (store.Folder.Current.Version == 1)
        {
            Keep(store);
            return;
        }
        using (store.Folder)
            foreach (var file in store.Folder.Current.Files.Where(f => f.Kind == SegmentWriter.FileKind)) Check(store.Folder.OpenFile(file));
    }

    private static void Take(StoreCatalog catalog, Commit commit, bool isPublished)
    {
        if (isPublished)
        {
            CatalogParts.Write(commit, catalog, StoreCatalog.Empty);
            commit.Publish();
            return;
        }
        foreach (var entry in catalog.Segments) Check(commit.OpenFile(FileId.TryParse(entry.File, out var id) ? id : throw new InvalidOperationException("a segment without a file")));
    }

    private void Keep(EmptyStore store)
    {
        store.Folder.Refresh();
        if (store.Folder.Current.Version != 1 || !store.IsEmpty) throw new InvalidOperationException("a file that was refused left something in the store");
        _empty = store;
    }

    /// <summary>A new store and what it holds.</summary>
    private sealed record EmptyStore(StoreFolder Folder, SimDisk Disk, SimDisk Keys, string Files)
    {
        public bool IsEmpty => Files == Names(Disk, Keys);

        public static EmptyStore Make(Assembly assembly)
        {
            var machine = new SimMachine();
            var (disk, keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
            var folder = StoreFolder.Create(disk, keys, StoreIdentity.New(assembly.Name, default, TimeProvider.System), TimeProvider.System);
            return new EmptyStore(folder, disk, keys, Names(disk, keys));
        }

        private static string Names(SimDisk disk, SimDisk keys) => string.Join(' ', disk.AllFiles().Concat(keys.AllFiles()));
    }

    /// <summary>What was just written is never damaged: a fault here is the writer's.</summary>
    private static void Check(SealedReader file)
    {
        using var segment = Segment.Open(file);
        try
        {
            SegmentCheck.Run(segment, CancellationToken.None);
        }
        catch (InvalidDataException wrong)
        {
            throw new InvalidOperationException("a segment was written whose parts do not fit: " + wrong.Message, wrong);
        }
    }
}
