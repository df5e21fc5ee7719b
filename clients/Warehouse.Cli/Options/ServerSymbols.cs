using System.CommandLine;

namespace Warehouse.Cli.Options;

/// <summary>A server that is asked in place of a store, and what each question says to it.</summary>
/// <param name="Url">Its address, as typed.</param>
/// <param name="CredentialsPath">PEM file with certificate, key and authority: --credentials, else WAREHOUSE_CREDENTIALS, else null.</param>
/// <param name="Purpose">treatment, operations or research.</param>
/// <param name="Detail">record, aggregate or exists; null = the most that is granted.</param>
/// <param name="Project">Name of a research project, or null.</param>
internal sealed record ServerAddress(string Url, string? CredentialsPath, string Purpose, string? Detail, string? Project);

/// <summary>--server and what goes with it, of every verb that reads.</summary>
internal sealed class ServerSymbols
{
    private const string Name = "--server";

    private readonly Option<string?> _server = new(Name) { HelpName = "URL", Description = "Ask this server (https://HOST:PORT) in place of a STORE." };
    private readonly Option<string?> _credentials = new("--credentials") { HelpName = "PEM", Description = "Certificate, key and authority for the server, or its authority alone after a login (else WAREHOUSE_CREDENTIALS)." };
    private readonly Option<string?> _purpose = new("--purpose") { HelpName = "treatment|operations|research", Description = "What the server is told that the data is for (default: operations)." };
    private readonly Option<string?> _detail = new("--detail") { HelpName = "record|aggregate|exists", Description = "How much the server is asked to tell (default: the most that is granted)." };
    private readonly Option<string?> _project = new("--project") { HelpName = "NAME", Description = "Research project on whose behalf the server is asked." };

    /// <summary>The address in the environment; null when there is none.</summary>
    public static string? FromEnvironment => Named("WAREHOUSE_SERVER");

    /// <summary>Whether a line names a server. Known before its options are made, since then it has no STORE.</summary>
    public static bool IsIn(IEnumerable<string> arguments) =>
        arguments.TakeWhile(a => a != "--").Any(a => a == Name || a.StartsWith(Name + "=", StringComparison.Ordinal) || a.StartsWith(Name + ":", StringComparison.Ordinal));

    /// <param name="command">The verb.</param>
    /// <param name="isQuestion">Whether purpose, level and project are to be said.</param>
    public void AddTo(Command command, bool isQuestion = true)
    {
        _purpose.AcceptOnlyFromAmong("treatment", "operations", "research");
        _detail.AcceptOnlyFromAmong("record", "aggregate", "exists");
        foreach (var option in isQuestion ? (Option[])[_server, _credentials, _purpose, _detail, _project] : [_server, _credentials]) command.Options.Add(option);
    }

    /// <summary>The symbols of a verb that works on a server alone: WAREHOUSE_SERVER stands in for --server.</summary>
    public void AddAddressTo(Command command, bool withCredentials)
    {
        command.Options.Add(_server);
        if (withCredentials) command.Options.Add(_credentials);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_server) is null && FromEnvironment is null) result.AddError("name a server by --server URL");
        });
    }

    /// <summary>The first option that makes sense with a server only; null when none is given.</summary>
    public string? FirstGiven(System.CommandLine.Parsing.CommandResult result) =>
        ((Option[])[_credentials, _purpose, _detail, _project]).FirstOrDefault(o => result.GetResult(o) is not null)?.Name;

    /// <summary>The server of a line that names one, or that names no store.</summary>
    public ServerAddress Read(ParseResult parsed) => new(
        parsed.GetValue(_server) ?? FromEnvironment ?? "", parsed.GetValue(_credentials) ?? Named("WAREHOUSE_CREDENTIALS"), parsed.GetValue(_purpose) ?? "operations", parsed.GetValue(_detail), parsed.GetValue(_project));

    private static string? Named(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
}
