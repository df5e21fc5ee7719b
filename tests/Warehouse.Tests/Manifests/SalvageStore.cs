using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;
using Warehouse.Simulation;

namespace Warehouse.Tests.Manifests;

/// <summary>
/// A store on simulated disks with a history of loads, a replacement, a cohort, withdrawals and a compaction; a segment of several chunks over two
/// contigs; what it answered at each version; and salvages of it.
/// </summary>
internal sealed class SalvageStore : IDisposable
{
    private const string Header = "##fileformat=VCFv4.2\n##contig=<ID=1>\n##contig=<ID=2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";

    private readonly TempFolder _folder = new();
    private readonly Dictionary<long, (List<string> Answers, byte[] Acknowledged)> _then = [];

    /// <param name="records">Records of the large file on each of its two contigs.</param>
    public SalvageStore(int records = 3000)
    {
        Disk = new SimDisk(Machine);
        Keys = new SimDisk(Machine, device: 2);
        using var store = VariantStore.Over(StoreFolder.Create(Disk, Keys, StoreIdentity.New("toy1", ReadOnlyMemory<byte>.Empty, TimeProvider.System), TimeProvider.System));
        Do(store, s => s.Ingest(new IngestRequest { Files = [Large(records)], Threads = 1, SheetPath = Write("sheet.tsv", "sample\tsex\tgroup:aggregate\ns0\tXX\tp\ns1\tXY\tq\n") }));
        Do(store, s => s.Ingest(new IngestRequest { Files = [Small("a", "a\tb", "1\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1|1\n1\t200\t.\tG\tGA\t.\t.\t.\tGT\t./.\t0/1\n")], Threads = 1 }));
        Do(store, s => s.Ingest(new IngestRequest { Files = [Small("c", "c", "2\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")], Threads = 1 }));
        Do(store, s => s.SetCohort("few", ["a", "s3"], null));
        Do(store, s => s.Withdraw(["c"]));
        Do(store, s => s.Compact());
        Do(store, s => s.Ingest(new IngestRequest { Files = [Small("a2", "a", "1\t100\t.\tA\tC\t.\t.\t.\tGT\t1/1\n")], Threads = 1, Replace = true }));
        Do(store, s => s.Ingest(new IngestRequest { Files = [Small("d", "d", "1\t150\t.\tC\tT\t.\t.\t.\tGT\t0/1\n2\t1003\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")], Threads = 1 }));
        Do(store, s => s.Withdraw(["b"]));
        Newest = store.Version;
        Contents = Now();
    }

    public SimMachine Machine { get; } = new();

    public SimDisk Disk { get; }

    public SimDisk Keys { get; }

    public long Newest { get; }

    /// <summary>Every file of both folders as it was, by name; the key folder's behind <c>keys/</c>.</summary>
    public Dictionary<string, byte[]> Contents { get; }

    /// <summary>What was asked, one line a question, when a version was the newest.</summary>
    public List<string> AnswersThen(long version) => _then[version].Answers;

    /// <summary>The acknowledgement of a version.</summary>
    public byte[] AcknowledgedThen(long version) => _then[version].Acknowledged;

    /// <summary>The files of both folders.</summary>
    public Dictionary<string, byte[]> Now() => Disk.AllFiles().Where(n => Disk.Facts(n) is { IsFolder: false }).Select(n => (Name: n, Bytes: Disk.Peek(n)))
        .Concat(Keys.AllFiles().Select(n => (Name: "keys/" + n, Bytes: Keys.Peek(n)))).ToDictionary(f => f.Name, f => f.Bytes);

    /// <summary>Puts content in place of a file's; null removes it.</summary>
    public void Poke(string name, byte[]? content)
    {
        if (name.StartsWith("keys/", StringComparison.Ordinal)) Keys.Poke(name["keys/".Length..], content);
        else Disk.Poke(name, content);
    }

    /// <summary>Puts every file back.</summary>
    public void Mend()
    {
        foreach (var (name, bytes) in Contents) Poke(name, bytes);
    }

    public VariantStore Open() => Open(Disk, Keys);

    public static VariantStore Open(SimDisk disk, SimDisk keys) => VariantStore.Over(StoreFolder.Open(disk, keys, TimeProvider.System));

    /// <summary>Salvages into two fresh disks.</summary>
    public (SalvageReport Report, SimDisk Disk, SimDisk Keys) Salvage(bool acceptOlder = false, string? assembly = null, SimMachine? machine = null)
    {
        var (disk, keys) = (new SimDisk(machine ?? new SimMachine(), device: 3), new SimDisk(machine ?? new SimMachine(), device: 4));
        var options = new SalvageOptions { Path = "", ToPath = "", AcceptOlder = acceptOlder, Assembly = assembly };
        return (VariantStore.Salvage((Disk, Keys), () => (disk, keys), options, null, CancellationToken.None), disk, keys);
    }

    /// <summary>One line per question; a question that meets damage has a line that says so and nothing else.</summary>
    public static List<string> Answers(VariantStore store, long? snapshot = null)
    {
        string[] asked = ["1-100-A-C", "1-150-C-T", "1-200-G-GA", "1-1003-A-C", "1-9001-A-G", "1-9005-A-C", "1-18997-A-C", "2-100-A-C", "2-1003-A-C", "2-12003-A-C", "2-18997-A-C", "3-5-A-C"];
        using var session = store.OpenSession(new SessionOptions { Snapshot = snapshot });
        var lines = session.Carriers(asked).Select(a => a.Seen.Damage is not null ? $"{a.Seen.Query} {Damaged}" : $"{a.Seen.Query} {a.Seen.State} {Text(a.Seen.Figures)} {string.Join(',', a.Carriers.Select(c => c.ToString()))}").ToList();
        foreach (var contig in (string[])["1", "2"])
            lines.Add(contig + ":1-30000 " + Guarded(() => string.Join(';', session.Frequencies(new FrequencyRequest { Regions = [new Region(contig, 0, 2_500), new Region(contig, 17_500, 30_000)] }).Select(r => $"{r.Start} {r.Ref} {r.Alt} {Text(r.Figures)}").Order(StringComparer.Ordinal))));
        return lines;
    }

    public const string Damaged = "damaged";

    public void Dispose() => _folder.Dispose();

    private static string Text(CountFigures f) => $"{f.Ac} {f.An} {f.NHet} {f.NHomAlt} {f.NHemi} {f.NHalf} {f.Carriers} {f.NNoCall} {f.NNotAssessed} {f.NSamples} {f.AnAssumed}";

    private static string Guarded(Func<string> ask)
    {
        try
        {
            return ask();
        }
        catch (DamagedStoreException)
        {
            return Damaged;
        }
    }

    private void Do(VariantStore store, Action<VariantStore> change)
    {
        change(store);
        _then[store.Version] = (Answers(store), Keys.Peek("acknowledged"));
    }

    public string Small(string name, string samples, string lines) => Write(name + ".vcf", Header + samples + "\n" + lines);

    /// <summary>A hundred samples of noise.</summary>
    private string Large(int records)
    {
        var random = new Random(7);
        string[] calls = ["0/0", "0/1", "1/1", "./."];
        var lines = new[] { 1, 2 }.SelectMany(contig => Enumerable.Range(0, records).Select(i => $"{contig}\t{1003 + (i * (19_000 / records))}\t.\tA\tC\t.\t.\t.\tGT\t" + string.Join('\t', Enumerable.Range(0, 100).Select(_ => calls[random.Next(4)]))));
        return Write("large.vcf", Header + string.Join('\t', Enumerable.Range(0, 100).Select(i => $"s{i}")) + "\n" + string.Join('\n', lines) + "\n");
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }
}
