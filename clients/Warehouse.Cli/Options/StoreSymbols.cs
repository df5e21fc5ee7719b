using System.CommandLine;
using System.CommandLine.Parsing;

namespace Warehouse.Cli.Options;

/// <summary>Where a store lies.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="KeysPath">Its key folder: --keys, else WAREHOUSE_KEYS, else null for the engine's default beside the store.</param>
internal sealed record StoreAddress(string Path, string? KeysPath)
{
    /// <summary>Folder of its audit log: --audit, else WAREHOUSE_AUDIT, else null for the engine's default beside the store.</summary>
    public string? AuditPath { get; init; }

    /// <summary>The server that has the store; null when it lies here.</summary>
    public ServerAddress? Server { get; init; }
}

/// <summary>
/// The STORE argument, --keys and --audit of every verb that opens a store. A verb that reads may name a server in its place: a line with --server
/// has no STORE, so that what it asks for is not taken for one.
/// </summary>
internal sealed class StoreSymbols
{
    private readonly Argument<string> _path = new("STORE") { Description = "The store's folder." };
    private readonly Option<string?> _keys = new("--keys") { HelpName = "DIR", Description = "Key folder of the store (else WAREHOUSE_KEYS, else STORE.keys)." };

    private readonly Option<string?> _audit = new("--audit") { HelpName = "DIR", Description = "Folder of the store's audit log (else WAREHOUSE_AUDIT, else STORE.audit)." };
    private readonly ServerSymbols _server = new();

    public void AddTo(Command command)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_keys);
        command.Options.Add(_audit);
        command.Validators.Add(static result =>
        {
            if (ServerSymbols.IsIn(Words(result))) result.AddError("this verb works on a STORE alone: it has no --server");
        });
    }

    /// <summary>The symbols of a verb that reads.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="asksServer">Whether its line has --server.</param>
    /// <param name="isAlone">Whether STORE is its only argument: then WAREHOUSE_SERVER stands in for it when it is left out.</param>
    /// <param name="isQuestion">Whether it asks for data, so that purpose, level and project are to be said.</param>
    public void AddReadingTo(Command command, bool asksServer, bool isAlone = false, bool isQuestion = true)
    {
        _path.Arity = ArgumentArity.ZeroOrOne;
        if (isAlone || !asksServer) command.Arguments.Add(_path);
        if (!asksServer)
        {
            command.Options.Add(_keys);
            command.Options.Add(_audit);
        }
        _server.AddTo(command, isQuestion);
        command.Validators.Add(result =>
        {
            var hasStore = result.GetResult(_path) is { Tokens.Count: > 0 };
            if (asksServer)
            {
                if (Words(result).FirstOrDefault(w => w is "--keys" or "--audit") is { } local) result.AddError($"{local} goes with a STORE, not with --server");
                else if (hasStore || Words(result).Any(Directory.Exists)) result.AddError("give either a STORE or --server, not both");
            }
            else if (!hasStore && !(isAlone && ServerSymbols.FromEnvironment is not null)) result.AddError("name a STORE, or a server by --server URL");
            else if (hasStore && _server.FirstGiven(result) is { } option) result.AddError($"{option} goes with --server");
        });
    }

    public StoreAddress Read(ParseResult parsed) =>
        Address(parsed.GetValue(_path) ?? "", parsed.GetValue(_keys)) with { AuditPath = parsed.GetValue(_audit) ?? Named("WAREHOUSE_AUDIT") };

    /// <summary>The address of a verb that reads; when that is a server's, the context asks it from here on.</summary>
    public StoreAddress Read(ParseResult parsed, CliContext context)
    {
        if (parsed.GetValue(_path) is not null) return Read(parsed);
        var server = _server.Read(parsed);
        context.Ask(server);
        return new StoreAddress("", null) { Server = server };
    }

    /// <summary>The address of a store given by path, and by --keys if that was given.</summary>
    public static StoreAddress Address(string path, string? keys) =>
        new(path, keys ?? Named("WAREHOUSE_KEYS"));

    /// <summary>What was taken for arguments: options that the verb does not have are among them.</summary>
    private static IEnumerable<string> Words(CommandResult result) => result.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value);

    private static string? Named(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } folder ? folder : null;
}
