using System.Diagnostics;
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
        var start = new ProcessStartInfo(Path.Combine(TestData.ProjectRoot, "artifacts/bin/Warehouse.Server/release/warehouse-server"), [_folder["store"], "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var connect = (await process.StandardOutput.ReadLineAsync())!;
        Assert.StartsWith("warehouse info --server", await process.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        var started = (await process.StandardError.ReadLineAsync())!;
        while (!started.Contains("\"event\":\"Started\"", StringComparison.Ordinal)) started = (await process.StandardError.ReadLineAsync())!;
        foreach (var file in Directory.GetFiles(_folder["store"] + ".server", "*.pem")) Assert.Equal("600\n", Peer.Output("stat", "-c", "%a", file));

        var address = new Uri(connect.Split('=', ' ')[2]);
        using (var lab = new WarehouseClient(new ConnectOptions { Server = new Uri($"https://localhost:{address.Port}"), Credentials = Credentials.Read(_folder["store.server/administrator.pem"]) }))
        {
            Assert.Contains(await lab.InfoAsync(), f => f.Name == "samples" && f.Value == "4");
            // The administrator runs the machine and sees no data, even where it would be granted.
            var refused = await Assert.ThrowsAsync<WarehouseException>(() => lab.SeenAsync(["22-1-A-C"]));
            Assert.Equal((StatusCode.PermissionDenied, "not-granted"), (refused.Code, refused.Rule));
        }
        using (var http = new HttpClient())
            Assert.Contains("warehouse_calls_total{", await http.GetStringAsync(new Uri($"http://127.0.0.1:{System.Text.Json.JsonDocument.Parse(started).RootElement.GetProperty("operatorPort").GetInt32()}/metrics")), StringComparison.Ordinal);
        Peer.Output("kill", "-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        using var audit = StoreAudit.Open(_folder["store"], null, null);
        Assert.Empty(audit.Verify(null).Findings);
        Assert.Equal(["done", "denied"], audit.Reader().Entries().Select(e => e.Entry.Outcome).OfType<string>().TakeLast(2));
    }

    public void Dispose() => _folder.Dispose();
}
