using Warehouse.Tests.House;
using Xunit;

namespace Warehouse.Tests.Rpc;

/// <summary>Our client and server against other implementations of gRPC, on the cases of its interoperability tests.</summary>
public sealed class InteropTests
{
    private static readonly string[] Cases =
    [
        "cancel_after_begin", "cancel_after_first_response", "client_compressed_streaming", "client_compressed_unary", "client_streaming", "custom_metadata", "empty_stream", "empty_unary", "large_unary", "ping_pong",
        "server_compressed_streaming", "server_compressed_unary", "server_streaming", "special_status_message", "status_code_and_message", "timeout_on_sleeping_server", "unimplemented_method", "unimplemented_service",
    ];

    [Fact]
    public async Task Our_client_passes_every_case_against_our_server()
    {
        await using var host = await RpcHost.StartAsync();
        AssertPassed(["client_compressed_deflate"], await InteropCases.RunAsync(host.Port, seesCompression: true));
    }

    [RpcPeerFact("grpcio")]
    public Task Client_of_grpcio_passes_every_case_against_our_server() => AssertClientPassesAsync("grpcio", "health", "reflection");

    [RpcPeerFact("grpc-js")]
    public Task Client_of_grpc_js_passes_every_case_against_our_server() => AssertClientPassesAsync("grpc-js", "reflection");

    [RpcPeerFact("connect-node")]
    public Task Client_of_connect_node_passes_every_case_against_our_server() => AssertClientPassesAsync("connect-node");

    [RpcPeerFact("grpc-go")]
    public Task Client_of_grpc_go_passes_every_case_against_our_server() => AssertClientPassesAsync("grpc-go", "health", "reflection");

    [RpcPeerFact("grpcio")]
    public Task Our_client_passes_every_case_against_a_server_of_grpcio() => AssertServerPassesAsync("grpcio");

    [RpcPeerFact("grpc-js")]
    public Task Our_client_passes_every_case_against_a_server_of_grpc_js() => AssertServerPassesAsync("grpc-js");

    [RpcPeerFact("connect-node")]
    public Task Our_client_passes_every_case_against_a_server_of_connect_node() => AssertServerPassesAsync("connect-node");

    [RpcPeerFact("grpc-go")]
    public Task Our_client_passes_every_case_against_a_server_of_grpc_go() => AssertServerPassesAsync("grpc-go");

    private static async Task AssertClientPassesAsync(string peer, params string[] more)
    {
        await using var host = await RpcHost.StartAsync();
        AssertPassed(more, RpcPeer.Of(peer).RunClient(host.Port));
        await host.RunningAsync(0);
    }

    private static Task AssertServerPassesAsync(string peer) => RpcPeer.Of(peer).WithServerAsync(async port => AssertPassed([], await InteropCases.RunAsync(port, seesCompression: false)));

    private static void AssertPassed(string[] more, IReadOnlyCollection<string> said)
    {
        Problems.None(said.Where(line => !line.StartsWith("ok ", StringComparison.Ordinal)));
        Assert.Equal(Cases.Concat(more).Select(name => $"ok {name}").Order(StringComparer.Ordinal), said.Order(StringComparer.Ordinal));
    }
}
