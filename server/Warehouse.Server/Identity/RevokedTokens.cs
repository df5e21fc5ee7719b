using Warehouse.Engine;

namespace Warehouse.Server.Identity;

/// <summary>
/// Tokens that were revoked before their end, of a file: a line each, issuer, space, <c>jti</c>. It has to be there at the start, since a name that was
/// mistyped would revoke nothing in silence; what it said stays in force while it is gone. Any thread.
/// </summary>
internal sealed class RevokedTokens
{
    private const int MaxBytes = 16 << 20;

    private readonly string? _path;
    private readonly Watched<HashSet<string>> _names;

    /// <exception cref="InputException">The file is not there, or too long.</exception>
    public RevokedTokens(string? path, TimeProvider clock)
    {
        _path = path;
        _names = new(Read, clock);
    }

    /// <summary>Name of a token among those of all issuers.</summary>
    public static string NameOf(string issuer, string id) => $"{issuer} {id}";

    public bool Has(string name) => _names.Value.Contains(name);

    private HashSet<string> Read()
    {
        if (_path is not { } path) return [];
        if (!File.Exists(path)) throw new InputException("revoked-tokens", "the file is not there: make it, empty, or leave the setting out", new(path, 0, 0, "revokedTokens"));
        if (new FileInfo(path).Length > MaxBytes) throw new InputException("revoked-tokens", $"the file has more than {MaxBytes} bytes: tokens that have ended need no line", new(path, 0, 0, ""));
        return [.. File.ReadLines(path).Select(l => l.Trim()).Where(l => l.Length > 0)];
    }
}
