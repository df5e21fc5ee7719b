using Warehouse.Engine;

namespace Warehouse.Server.Identity;

/// <summary>Tokens that were revoked before their end, of a file: a line each, issuer, space, <c>jti</c>. Any thread.</summary>
internal sealed class RevokedTokens(string? path, TimeProvider clock)
{
    private const int MaxBytes = 16 << 20;

    private readonly Watched<HashSet<string>> _names = new(() => Read(path), clock);

    /// <summary>Name of a token among those of all issuers.</summary>
    public static string NameOf(string issuer, string id) => $"{issuer} {id}";

    public bool Has(string name) => _names.Value.Contains(name);

    private static HashSet<string> Read(string? path)
    {
        if (path is null || !File.Exists(path)) return [];
        if (new FileInfo(path).Length > MaxBytes) throw new InputException("revoked-tokens", $"the file has more than {MaxBytes} bytes: tokens that have ended need no line", new(path, 0, 0, ""));
        return [.. File.ReadLines(path).Select(l => l.Trim()).Where(l => l.Length > 0)];
    }
}
