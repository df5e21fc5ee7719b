using System.CommandLine;

namespace Warehouse.Cli.Options;

/// <summary>Where a store lies.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="KeysPath">Its key folder: --keys, else WAREHOUSE_KEYS, else null for the engine's default beside the store.</param>
internal sealed record StoreAddress(string Path, string? KeysPath)
{
    /// <summary>Folder of its audit log: --audit, else WAREHOUSE_AUDIT, else null for the engine's default beside the store.</summary>
    public string? AuditPath { get; init; }
}

/// <summary>The STORE argument, --keys and --audit of every verb that opens a store.</summary>
internal sealed class StoreSymbols
{
    private readonly Argument<string> _path = new("STORE") { Description = "The store's folder." };
    private readonly Option<string?> _keys = new("--keys") { HelpName = "DIR", Description = "Key folder of the store (else WAREHOUSE_KEYS, else STORE.keys)." };

    private readonly Option<string?> _audit = new("--audit") { HelpName = "DIR", Description = "Folder of the store's audit log (else WAREHOUSE_AUDIT, else STORE.audit)." };

    public void AddTo(Command command)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_keys);
        command.Options.Add(_audit);
    }

    public StoreAddress Read(ParseResult parsed) => 
        Address(parsed.GetRequiredValue(_path), parsed.GetValue(_keys)) with { AuditPath = parsed.GetValue(_audit) ?? Named("WAREHOUSE_AUDIT") };

    /// <summary>The address of a store given by path, and by --keys if that was given.</summary>
    public static StoreAddress Address(string path, string? keys) =>
        new(path, keys ?? Named("WAREHOUSE_KEYS"));

    private static string? Named(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } folder ? folder : null;
}
