using Grpc.Core;
using Warehouse.Client;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Simulate;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Host;

/// <summary>The program as an administrator starts it: nothing configured, and safe.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task A_first_start_prints_how_to_connect_answers_its_administrator_and_ends_when_told()
    {
        Simulator.Run(new SimulationOptions { Folder = _folder["sim"], Samples = 4, Variants = 30, Seed = 21 }, null, default);
        using (var store = VariantStore.Create(new CreateOptions { Path = _folder["store"], Assembly = "GRCh37" })) store.Ingest(new IngestRequest { Files = [_folder["sim/cohort.vcf.gz"]] });
        using var server = await ServerProcess.StartAsync(_folder["store"], start =>
        {
            string[] words = [start.FileName, .. start.ArgumentList];
            start.FileName = "sh";
            start.ArgumentList.Clear();
            foreach (var word in (string[])["-c", $"exec \"$@\" > '{_folder["printed"]}'", "sh", .. words]) start.ArgumentList.Add(word);
        });
        // The two lines, as they are, in a shell where the program is on the path.
        var printed = await File.ReadAllTextAsync(_folder["printed"]);
        Assert.Equal(2, printed.Count(c => c == '\n'));
        var (exit, output, error) = Peer.Run("sh", "-c", $"PATH='{AppContext.BaseDirectory}':$PATH\n{printed}");
        Assert.True(exit == 0, error);
        Assert.Matches(@"(?m)^samples\t4$", output);
        foreach (var file in Directory.GetFiles(_folder["store"] + ".server", "*.pem")) Assert.Equal("600\n", Peer.Output("stat", "-c", "%a", file));

        using (var lab = new WarehouseClient(new ConnectOptions { Server = new Uri($"https://localhost:{server.Port}"), Credentials = Credentials.Read(_folder["store.server/administrator.pem"]) }))
        {
            Assert.Contains(await lab.InfoAsync(), f => f.Name == "samples" && f.Value == "4");
            // The administrator runs the machine and sees no data, even where it would be granted.
            var refused = await Assert.ThrowsAsync<WarehouseException>(() => lab.SeenAsync(["22-1-A-C"]));
            Assert.Equal((StatusCode.PermissionDenied, "not-granted"), (refused.Code, refused.Rule));
        }
        using (var http = new HttpClient())
            Assert.Contains("warehouse_calls_total{", await http.GetStringAsync(new Uri($"http://127.0.0.1:{server.OperatorPort}/metrics")), StringComparison.Ordinal);
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        Assert.Equal(printed, await File.ReadAllTextAsync(_folder["printed"]));
        using var audit = StoreAudit.Open(_folder["store"], null, null);
        Assert.Empty(audit.Verify(null).Findings);
        Assert.Equal(["done", "denied"], audit.Reader().Entries().Select(e => e.Entry.Outcome).OfType<string>().TakeLast(2));
    }

    public void Dispose() => _folder.Dispose();
}
