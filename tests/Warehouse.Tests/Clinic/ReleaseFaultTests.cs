using System.Globalization;
using System.Text;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Vcf;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Tests.Clinic;

/// <summary>
/// F80: a release that is not what it should be. It is refused with a name for why, or changes nothing; and whatever it was, the alerts of the one that is right are raised, once, when that one
/// comes. What a sink that is down does, and a clock that was set back, is in the units (<c>AlertTests</c>).
/// </summary>
public sealed class ReleaseFaultTests : IDisposable
{
    private const string Owner = "local:lab", January = "2026-01-01", February = "2026-02-01", March = "2026-03-01";
    private const int Alleles = 200;

    private readonly TempFolder _folder = new();
    private readonly SimMachine _machine = new();
    private readonly SimDisk _disk, _keys;
    private VariantStore _store;
    private int _files;

    public ReleaseFaultTests()
    {
        (_disk, _keys) = (new SimDisk(_machine), new SimDisk(_machine, device: 2));
        _store = VariantStore.Over(StoreFolder.Create(_disk, _keys, StoreIdentity.New("GRCh37", ReadOnlyMemory<byte>.Empty, TimeProvider.System), TimeProvider.System));
        _store.Ingest(new IngestRequest { Files = [Write("s.vcf", "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n1\t100\t.\tA\tG\t.\tPASS\t.\tGT\t0/1\n")], Threads = 1 });
        Book().Append(Owner, _store.Version, new WatchSet(new Watch { Name = "all" }));
        Load(January, Release("Uncertain_significance"));
        Assert.True(Accept(January));
        Assert.Equal(0, Run().Raised);
    }

    [Fact]
    public void A_release_that_is_replayed_changes_nothing_and_raises_nothing()
    {
        Load(February, Release("Pathogenic"));
        Assert.True(Accept(February));
        Assert.Equal(1, Run().Raised);
        var (version, head) = (_store.Version, Book().Head);
        Assert.False(Load(February, Release("Pathogenic")).Committed);
        Assert.False(Accept(February));
        Assert.Equal((version, head), (_store.Version, Book().Head));
        // The one before, again: it is on the shelf, and cannot come to hold a second time.
        Assert.False(Load(January, Release("Uncertain_significance")).Committed);
        Assert.False(Accept(January));
        Assert.Equal((0, 1), (Run().Raised, Open().Count));
    }

    /// <summary>What holds is known by date and content: a corrected file of the same day takes nothing from the one that was accepted, which is kept.</summary>
    [Fact]
    public void Alerts_follow_from_the_file_that_was_accepted_though_a_corrected_one_of_the_same_day_took_its_place()
    {
        Load(February, Release("Pathogenic"));
        Assert.True(Accept(February));
        _store.RetireAnnotations("clinvar@" + February);
        Assert.True(Load(February, Release("Benign")).Committed);
        Assert.Equal("clinvar-replaced", Code(() => Accept(February)));
        Assert.Equal(1, Run().Raised);
        Assert.Equal(["S1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic"], Open());
        Assert.True(ReleaseRow.Of(Sources, Book()).Single(r => r.Release == February) is { Holds: true, IsThere: true });
    }

    [Fact]
    public void The_same_file_under_another_date_is_refused()
    {
        Load(February, Release("Pathogenic"));
        Assert.Equal("release-replayed", Code(() => Load(March, Release("Pathogenic"))));
        Assert.Equal("release-replayed", Code(() => Load("2025-12-01", Release("Pathogenic"))));
        Assert.Equal("clinvar-unknown", Code(() => Accept(March)));
        AssertFebruaryIsTaken();
    }

    [Fact]
    public void An_older_release_is_kept_and_never_holds()
    {
        Load("2025-12-01", Release("Likely_pathogenic"));
        Assert.Equal("clinvar-older", Code(() => Accept("2025-12-01")));
        Assert.Equal(0, Run().Raised);
        Load(February, Release("Pathogenic"));
        AssertFebruaryIsTaken();
    }

    [Fact]
    public void A_release_that_is_cut_off_is_refused_when_it_is_loaded_or_when_it_is_to_hold()
    {
        var whole = Release("Pathogenic");
        Assert.Equal("truncated", Code(() => Load(February, Write("cut.vcf", whole[..^1]))));
        Assert.NotEqual("done", Code(() => Load(February, Write("cut.vcf", whole[..^12]))));
        var packed = Packed(whole);
        for (var length = 1; length < packed.Length; length += 1 + (length / 4)) Assert.NotEqual("done", Code(() => Load(February, WriteBytes("cut.vcf.gz", packed[..^length]))));
        Assert.Equal("clinvar-unknown", Code(() => Accept(February)));
        // Cut off at the end of a line, it is a whole VCF: that so many alleles are gone tells.
        var lines = whole.Split('\n');
        Load(February, Write("short.vcf", string.Join('\n', lines[..^10]) + "\n"));
        Assert.Equal("clinvar-truncated", Code(() => Accept(February)));
        Assert.Equal(0, Run().Raised);
        _store.RetireAnnotations($"{ClinVarShelf.Source}@{February}");
        Load(February, whole);
        AssertFebruaryIsTaken();
    }

    [Fact]
    public void A_source_of_which_a_byte_was_changed_is_another_release_or_is_refused()
    {
        Load(February, Release("Pathogenic"));
        Assert.Equal("release-date-taken", Code(() => Load(February, Release("Benign"))));
        var packed = Packed(Release("Likely_pathogenic"));
        var end = packed.Length - 28; // the empty block behind is a mark of the format, held to be its bytes
        for (var at = 0; at < end; at += 1 + (end / 80))
        {
            var changed = (byte[])packed.Clone();
            changed[at] ^= 1;
            // Three fields of a gzip header say nothing of the content.
            if (at is >= 4 and < 10) continue;
            Assert.True(Code(() => Load(March, WriteBytes("changed.vcf.gz", changed))) != "done", $"byte {at}");
        }
        AssertFebruaryIsTaken();
    }

    [Fact]
    public void A_release_of_which_a_sealed_byte_was_changed_raises_nothing_wrong_and_everything_once_it_is_mended()
    {
        Load(February, Release("Pathogenic"));
        Assert.True(Accept(February));
        var file = _disk.AllFiles().Where(f => f.StartsWith("f/", StringComparison.Ordinal) && _disk.Peek(f)[12] == AnnotationFile.FileKind).MaxBy(f => _disk.Facts(f)!.Value.Inode)!; // the later one
        var whole = _disk.Peek(file);
        for (var at = 0; at < whole.Length; at += 1 + (whole.Length / 40))
        {
            var changed = (byte[])whole.Clone();
            changed[at] ^= 0x10;
            _disk.Poke(file, changed);
            Reopen();
            Assert.Contains(_store.Verify(), f => f.Kind == FindingKind.Damaged);
            Assert.ThrowsAny<IOException>(() => Run());
            Assert.Empty(Open());
        }
        _disk.Poke(file, whole);
        Reopen();
        AssertFebruaryIsTaken(held: true);
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    /// <summary>The right release of February is there: it holds, and its alert is raised, once.</summary>
    private void AssertFebruaryIsTaken(bool held = false)
    {
        Assert.Equal(!held, Accept(February));
        Assert.Equal(1, Run().Raised);
        Assert.Equal(["S1 1-100-A-G clinvar 2026-02-01 germline uncertain>pathogenic"], Open());
        Assert.Equal(0, Run().Raised);
    }

    private AlertSources Sources => new() { Store = _store, Release = (date, digest) => ClinVarShelf.Find(_store, date, digest) };

    private AlertBook Book() => new(_store.Events, TimeProvider.System);

    private AlertRunReport Run() => new AlertRun(Sources, TimeProvider.System, Owner, []).Run();

    private List<string> Open() => [.. Book().Alerts.Where(a => a.State == AlertState.Open && !a.Draft.IsSelfTest).Select(a => $"{a.Draft.Person} {a.Draft.Allele} {a.Draft.Change}")];

    private void Reopen()
    {
        _store.Dispose();
        _store = VariantStore.Over(StoreFolder.Open(_disk, _keys, TimeProvider.System));
    }

    private bool Accept(string date)
    {
        var book = Book();
        return ReleaseIntake.Accept(Sources, book, Owner, (date, ReleaseIntake.Look(Sources, book, date)), new AcceptOptions());
    }

    private AnnotationReceipt Load(string date, string fileOrText) => _store.LoadAnnotations(new AnnotationRequest
    {
        Source = ClinVarShelf.Source, Date = DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture), File = fileOrText.StartsWith("##", StringComparison.Ordinal) ? Write($"{_files++}.vcf", fileOrText) : fileOrText,
    });

    /// <summary>A release: what it says of the allele that is carried, and of many that nobody carries.</summary>
    private static string Release(string says)
    {
        var text = new StringBuilder("##fileformat=VCFv4.1\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        for (var i = 0; i < Alleles; i++) text.Append(CultureInfo.InvariantCulture, $"1\t{100 * (i + 1)}\t{i + 1}\tA\tG\t.\t.\tCLNSIG={(i == 0 ? says : "Benign")}\n");
        return text.ToString();
    }

    private static byte[] Packed(string text)
    {
        using var to = new MemoryStream();
        using (var writer = new BgzfWriter(to, threads: 1, leaveOpen: true))
        {
            writer.Write(Encoding.UTF8.GetBytes(text));
            writer.Complete();
        }
        return to.ToArray();
    }

    private static string Code(Action act)
    {
        try
        {
            act();
            return "done";
        }
        catch (InputException e)
        {
            return e.Code;
        }
    }

    private string Write(string name, string text) => WriteBytes(name, Encoding.UTF8.GetBytes(text));

    private string WriteBytes(string name, byte[] bytes)
    {
        var path = _folder[name];
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
