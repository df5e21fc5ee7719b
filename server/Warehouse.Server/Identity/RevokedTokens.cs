using Warehouse.Engine;

namespace Warehouse.Server.Identity;

/// <summary>
/// Tokens that were revoked before their end, of a file: a line each, issuer, space, <c>jti</c>. It need not be there; once it was, what it said stays in
/// force while it is gone: a file that is missing takes nothing back. Any thread.
/// </summary>
internal sealed class RevokedTokens
{
    private const int MaxBytes = 16 << 20;

    private readonly string? _path;
    private readonly Watched<HashSet<string>> _names;
    private bool _wasThere;

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
        if (_path is not { } path || !_wasThere && !File.Exists(path)) return [];
        _wasThere = true;
        if (new FileInfo(path).Length > MaxBytes) throw new InputException("revoked-tokens", $"the file has more than {MaxBytes} bytes: tokens that have ended need no line", new(path, 0, 0, ""));
        return [.. File.ReadLines(path).Select(l => l.Trim()).Where(l => l.Length > 0)];
    }
}
