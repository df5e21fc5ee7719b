using System.CommandLine;

namespace Warehouse.Cli.Options;

/// <summary>Where a store lies.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="KeysPath">Its key folder: --keys, else WAREHOUSE_KEYS, else null for the engine's default beside the store.</param>
internal sealed record StoreAddress(string Path, string? KeysPath);

/// <summary>The STORE argument and --keys of every verb that opens a store.</summary>
internal sealed class StoreSymbols
{
    private readonly Argument<string> _path = new("STORE") { Description = "The store's folder." };
    private readonly Option<string?> _keys = new("--keys") { HelpName = "DIR", Description = "Key folder of the store (else WAREHOUSE_KEYS, else STORE.keys)." };

    public void AddTo(Command command)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_keys);
    }

    public StoreAddress Read(ParseResult parsed) => Address(parsed.GetRequiredValue(_path), parsed.GetValue(_keys));

    /// <summary>The address of a store given by path, and by --keys if that was given.</summary>
    public static StoreAddress Address(string path, string? keys) =>
        new(path, keys ?? (Environment.GetEnvironmentVariable("WAREHOUSE_KEYS") is { Length: > 0 } folder ? folder : null));
}
