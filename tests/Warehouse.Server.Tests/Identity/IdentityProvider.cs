using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Warehouse.Tests;

namespace Warehouse.Server.Tests.Identity;

/// <summary>The identity provider of tests/interop/oidc.mjs, as long as this lives.</summary>
internal sealed class IdentityProvider : IDisposable
{
    public const string Audience = "https://warehouse.test";

    private readonly Process _process;

    private IdentityProvider(Process process, string scheme, int port) => (_process, Issuer) = (process, $"{scheme}://127.0.0.1:{port}");

    public string Issuer { get; }

    /// <summary>Starts one; with a certificate, its key and its authority, files of PEM, over TLS.</summary>
    public static async Task<IdentityProvider> StartAsync((string Certificate, string Key, string Authority)? tls = null)
    {
        var start = new ProcessStartInfo("node", tls is { } files ? ["oidc.mjs", files.Certificate, files.Key] : ["oidc.mjs"]) { WorkingDirectory = Path.Combine(TestData.ProjectRoot, "tests", "interop"), RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (tls is { Authority: var authority }) start.Environment["NODE_EXTRA_CA_CERTS"] = authority;
        var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        if (await process.StandardOutput.ReadLineAsync() is ['r', 'e', 'a', 'd', 'y', ' ', .. var port]) return new(process, tls is null ? "http" : "https", int.Parse(port));
        throw new InvalidOperationException(await error);
    }

    /// <summary>Asks for one thing; the answer must not be an error.</summary>
    public async Task<JsonElement> DoAsync(JsonObject request)
    {
        await _process.StandardInput.WriteLineAsync(request.ToJsonString());
        await _process.StandardInput.FlushAsync();
        var answer = JsonDocument.Parse(await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the provider ended")).RootElement;
        return answer.TryGetProperty("error", out var error) ? throw new InvalidOperationException(error.ToString()) : answer;
    }

    public async Task<string> TokenAsync(string client, string? key = null, string? certificate = null) =>
        (await DoAsync(new() { ["do"] = "token", ["client"] = client, ["key"] = key, ["certificate"] = certificate })).GetProperty("token").GetString()!;

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000)) _process.Kill();
        _process.Dispose();
    }
}
