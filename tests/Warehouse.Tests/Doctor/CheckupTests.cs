using Warehouse.Engine.Doctor;
using Warehouse.Engine.Storage;
using Warehouse.Tests.Ingest;
using Warehouse.Tests.Oracle;
using Xunit;

namespace Warehouse.Tests.Doctor;

public sealed class CheckupTests
{
    [Fact]
    public void Machine_that_runs_the_tests_is_fit_for_what_they_use()
    {
        var rows = Checkup.Run();
        Assert.Equal(DoctorState.Ok, State(rows, ".NET"));
        Assert.Equal(DoctorState.Ok, State(rows, "libzstd.so.1"));
        Assert.Equal(DoctorState.Ok, State(rows, "libz.so.1"));
        Assert.Contains(rows, r => r.Check == "vector unit" && r.Text.Length > 0);
        Assert.Contains(rows, r => r.Check == "disk space");
    }

    [Fact]
    public void A_missing_library_is_named_with_its_package()
    {
        var row = MachineChecks.Library("libnothing.so.9", "libnothing9");
        Assert.Equal((DoctorState.Missing, "not found: sudo apt-get install libnothing9"), (row.State, row.Text));
    }

    [Fact]
    public void A_sound_store_is_sound_from_init_on()
    {
        using var store = new IngestStore("test", "ACGTACGTAC");
        Assert.All(Of(store), r => Assert.Equal(DoctorState.Ok, r.State));
        store.Ingest(store.Vcf("a.vcf", "a", "1 1 A C 0/1"));
        Assert.All(Of(store), r => Assert.True(r.State == DoctorState.Ok || r.Check == "files nobody names", r.ToString()));
    }

    [Fact]
    public void What_is_missing_or_open_is_named_with_its_mending()
    {
        using var store = new IngestStore("test", "ACGTACGTAC");
        File.Delete(store["ref.fa"]);
        Assert.Contains("WAREHOUSE_REFERENCE", Wrong(store, "reference").Text, StringComparison.Ordinal);
        Peer.Output("chmod", "755", store.Path);
        Assert.Contains("chmod", Wrong(store, "store folder").Text, StringComparison.Ordinal);
        Peer.Output("chmod", "700", store.Path);
        Directory.Move(store.Path + ".keys", store["store/keys"]);
        var rows = Checkup.Run(store.Path, store["store/keys"]);
        Assert.Equal(DoctorState.Missing, State(rows, "place of the keys"));
        Assert.Equal(DoctorState.Missing, State(Checkup.Run(store.Path), "key folder"));
        Assert.Equal(DoctorState.Missing, State(Checkup.Run(store["nowhere"]), "store folder"));
    }

    [Theory]
    [InlineData(60, DoctorState.Ok, "ends in 59 days")]
    [InlineData(20, DoctorState.Note, "ends in 19 days: warehouse certificate renew --state")]
    [InlineData(-1, DoctorState.Missing, "has ended: warehouse certificate renew --state")]
    public void The_end_of_an_administrators_certificate_is_told(int days, DoctorState state, string text)
    {
        using var store = new IngestStore("test");
        Directory.CreateDirectory(store.Path + ".server");
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=administrator", key, System.Security.Cryptography.HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-10), now.AddDays(days));
        File.WriteAllText(System.IO.Path.Combine(store.Path + ".server", "administrator.pem"), certificate.ExportCertificatePem());
        var row = Of(store).Single(r => r.Check == "administrator");
        Assert.Equal(state, row.State);
        Assert.Contains(text, row.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Leftovers_small_segments_withdrawn_data_and_a_writer_are_noted()
    {
        using var store = new IngestStore("test");
        for (var i = 0; i < 16; i++) store.Ingest(store.Vcf($"{i}.vcf", $"s{i}", "1 1 A C 0/1"));
        store.Store.Withdraw(["s3"]);
        File.WriteAllBytes(System.IO.Path.Combine(store.Path, "f", "0123456789abcdef0123456789abcdef.tmp"), new byte[1000]);
        var rows = Of(store);
        foreach (var check in new[] { "files nobody names", "segments", "withdrawn samples" }) Assert.Equal((check, DoctorState.Note), (check, State(rows, check)));
        Assert.Contains("1 unfinished", rows.Single(r => r.Check == "files nobody names").Text, StringComparison.Ordinal);
        using var held = DiskStorage.Open(store.Path).Lock("lock", exclusive: true);
        Assert.Equal(DoctorState.Note, State(Of(store), "writer"));
    }

    [Fact]
    public void A_damaged_store_is_damaged_and_the_command_line_says_so_by_its_exit_code()
    {
        using var store = new IngestStore("test");
        store.Ingest(store.Vcf("a.vcf", "a", "1 1 A C 0/1"));
        Assert.Equal(0, Product.Run("doctor", store.Path, "--format", "tsv").Exit);
        File.Delete(Directory.EnumerateFiles(System.IO.Path.Combine(store.Path, "f")).OrderByDescending(f => new FileInfo(f).Length).First());
        Assert.Contains(Of(store), r => r.State == DoctorState.Damaged);
        Assert.Equal(3, Product.Run("doctor", store.Path, "--format", "tsv").Exit);
        Assert.Equal(5, Product.Run("doctor", store["nowhere"], "--format", "tsv").Exit);
    }

    private static List<DoctorRow> Of(IngestStore store) => [.. Checkup.Run(store.Path).SkipWhile(r => r.Check != "disk space").Where(r => r is not { Check: "reference", State: DoctorState.Note })];

    private static DoctorRow Wrong(IngestStore store, string check) => Of(store).Single(r => r.Check == check && r.State == DoctorState.Missing);

    private static DoctorState State(IReadOnlyList<DoctorRow> rows, string check) => rows.First(r => r.Check == check).State;
}
