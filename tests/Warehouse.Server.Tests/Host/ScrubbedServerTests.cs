using System.Text;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Vcf;
using Warehouse.Server.Host;
using Warehouse.Server.Telemetry;
using Warehouse.Units;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Host;

/// <summary>A server's log knows the names of its store's samples, and writes none, wherever one stands.</summary>
public sealed class ScrubbedServerTests
{
    private const string AnyRecord = "22\t100\t.\tN\tG";

    /// <summary>What may stand in the log of a failure are names of code, so the samples are called as code is.</summary>
    [Fact]
    public async Task Names_of_samples_are_blanked_out_of_what_is_told_of_a_failure_those_of_later_versions_too()
    {
        await using var served = await ServedStore.StartAsync((folder, options) =>
        {
            Load(folder.StorePath, folder["first.vcf"], RecordOf(folder), "AuditRefusedException");
            return options;
        });
        Assert.Equal(7, served.Log.Lines.Scrubber.Count); // six that are simulated
        var client = new V1.Variants.VariantsClient(served.Client("analyst", Role.Analyst).Channel);
        Directory.Move(served.AuditPath, served.AuditPath + ".away");
        File.WriteAllText(served.AuditPath, "");

        var first = await FailAsync(served, client);
        Assert.Contains("\"Warehouse.Engine.Audit.***\"", first, StringComparison.Ordinal);
        Assert.Contains("CallGate", first, StringComparison.Ordinal);

        Load(served.StorePath, served["second.vcf"], RecordOf(served), "CallGate");
        served.Server.Store.LookNow();
        Assert.Equal(8, served.Log.Lines.Scrubber.Count);
        var second = await FailAsync(served, client);
        Assert.Contains("\"Warehouse.Server.Calls.***", second, StringComparison.Ordinal);
        Assert.DoesNotContain("CallGate", second, StringComparison.Ordinal);
        await served.Log.WaitAsync("\"NamesLearnt\"", "\"names\":8");
    }

    [Fact]
    public void Names_are_learnt_once_withdrawn_ones_too_and_without_opening_the_store_for_anybody()
    {
        using var folder = new TempFolder();
        VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh38" }).Dispose();
        Load(folder["store"], folder["a.vcf"], AnyRecord, "first-one", "second-one");
        using (var store = VariantStore.Open(folder["store"])) store.Withdraw(["first-one"]);
        using var log = new TestLog();
        using var host = StoreHost.Open(folder["store"], null, TimeProvider.System, log.Lines);
        Assert.Equal("*** and ***", log.Lines.Scrubber.Clean("first-one and second-one"));
        Load(folder["store"], folder["b.vcf"], AnyRecord, "third-one");
        Assert.Equal("third-one", log.Lines.Scrubber.Clean("third-one"));
        host.LookNow();
        Assert.Equal("***", log.Lines.Scrubber.Clean("third-one"));
        Assert.Equal(3, log.Lines.Scrubber.Count);
    }

    [Fact]
    public void A_million_names_are_hashes_of_at_most_32_bytes_each()
    {
        var scrubber = new Scrubber();
        scrubber.Learn(Enumerable.Range(0, 1_000_000).Select(i => Primitives.Phi.Of($"HOSPITAL-{i:D9}")));
        Assert.Equal(1_000_000, scrubber.Count);
        Assert.InRange(scrubber.HeldBytes, 16_000_000, 32_000_000);
        Assert.Equal("no *** here, HOSPITAL-001000000 is none", scrubber.Clean("no HOSPITAL-000999999 here, HOSPITAL-001000000 is none"));
    }

    private static async Task<string> FailAsync(ServedStore served, V1.Variants.VariantsClient client)
    {
        var known = served.Log.All.Count;
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } }));
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        return served.Log.All.Skip(known).First(line => line.Contains("\"CallFailed\"", StringComparison.Ordinal));
    }

    /// <summary>Of the simulated cohort, whose reference the store knows.</summary>
    private static string RecordOf(ServedStore served)
    {
        using var reader = VariantFile.Open(served["sim/cohort.vcf.gz"], new VcfReadOptions { SitesOnly = true });
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        return string.Join('\t', Encoding.UTF8.GetString(record.LineText.Span).Split('\t').Take(5));
    }

    private static void Load(string store, string file, string record, params string[] samples)
    {
        File.WriteAllText(file, new StringBuilder("##fileformat=VCFv4.3\n##contig=<ID=22>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t")
            .AppendJoin('\t', samples).Append("\n" + record + "\t.\tPASS\t.\tGT\t").AppendJoin('\t', samples.Select(_ => "0/1")).Append('\n').ToString());
        using var opened = VariantStore.Open(store);
        opened.Ingest(new IngestRequest { Files = [file] });
    }
}
