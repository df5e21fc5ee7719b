using System.Diagnostics;
using System.Globalization;

namespace Warehouse.Tests.Rpc;

/// <summary>A foreign implementation of gRPC: a program that is a client, or a server, of the test service.</summary>
internal sealed class RpcPeer(string program, string[] arguments, Func<string, string?> describe)
{
    private static readonly string Folder = Path.Combine(TestData.ProjectRoot, "tests", "interop", "rpc");

    /// <summary>The peers by name. What tells them of the messages is a file: a descriptor set, the source, or nothing.</summary>
    private static readonly Dictionary<string, (string Program, string[] Arguments, string Needs, Func<string, string?> Describe)> Known = new()
    {
        // Debian's own python3, whatever comes first on PATH.
        ["grpcio"] = ("/usr/bin/python3", [Path.Combine(Folder, "grpcio.py")], "/usr/lib/python3/dist-packages/grpc", set => set),
        ["grpc-js"] = ("node", [Path.Combine(Folder, "grpc-js.mjs")], Path.Combine(Folder, "..", "node_modules", "@grpc", "grpc-js"), _ => Path.Combine(TestData.ProjectRoot, "tests", "Warehouse.Tests", "Rpc", "testing.proto")),
        ["connect-node"] = ("node", [Path.Combine(Folder, "connect.mjs")], Path.Combine(Folder, "..", "node_modules", "@connectrpc", "connect-node"), set => set),
        ["grpc-go"] = (Path.Combine(TestData.ProjectRoot, "artifacts", "interop", "grpc-go"), [], Path.Combine(TestData.ProjectRoot, "artifacts", "interop", "grpc-go"), _ => null),
    };

    /// <summary>Why a peer cannot run here, or null.</summary>
    public static string? Missing(string name) => Path.Exists(Known[name].Needs) ? null : $"{name} is not installed";

    public static RpcPeer Of(string name) => new(Known[name].Program, Known[name].Arguments, Known[name].Describe);

    /// <summary>Runs all cases against a server of ours, and returns what the client says of each, in order of names.</summary>
    public string[] RunClient(int port, params string[] more)
    {
        using var folder = new TempFolder();
        RpcHost.WriteDescriptors(folder["set"]);
        // A case that hangs ends the program, and the case has no line then.
        string?[] all = ["60", program, .. arguments, "client", port.ToString(CultureInfo.InvariantCulture), describe(folder["set"]), .. more];
        var (exit, output, error) = Peer.Run("timeout", [.. all.OfType<string>()]);
        return exit == 0 ? [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)] : throw new InvalidOperationException($"exit {exit}: {error}\n{output}");
    }

    /// <summary>Starts the server, hands its port over, and ends it.</summary>
    public async Task WithServerAsync(Func<int, Task> use)
    {
        using var folder = new TempFolder();
        RpcHost.WriteDescriptors(folder["set"]);
        string?[] all = [.. arguments, "server", describe(folder["set"])];
        var start = new ProcessStartInfo(program, all.OfType<string>()) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        try
        {
            var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the server did not start");
            await use(int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
        }
        finally
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(TimeSpan.FromSeconds(10))) process.Kill();
        }
    }
}

/// <summary>A test with a foreign implementation of gRPC: skipped where it is not installed, unless peers are required.</summary>
public sealed class RpcPeerFactAttribute : Xunit.FactAttribute
{
    /// <summary>Decides at discovery.</summary>
    public RpcPeerFactAttribute(string peer)
    {
        if (!TestData.Required) Skip = RpcPeer.Missing(peer);
    }
}
