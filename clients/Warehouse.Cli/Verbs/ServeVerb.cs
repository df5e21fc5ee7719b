using System.CommandLine;
using Warehouse.Primitives;

namespace Warehouse.Cli.Verbs;

/// <summary>
/// <c>serve</c>: the server is a program of its own, so that no other verb carries its weight; this process becomes it. Options are passed on as
/// they are, and checked there.
/// </summary>
internal sealed class ServeVerb : Verb
{
    private const string Program = "warehouse-server";

    private readonly Argument<string> _path = new("STORE") { Description = "The store's folder." };
    private readonly Option<bool> _check = new("--check") { Description = "Open everything, listen, print how to connect, and end." };
    private readonly Option<string?>[] _options =
    [
        new("--listen") { HelpName = "ADDRESS:PORT", Description = "Where to listen (default: 127.0.0.1:7443; port 0 is any free one)." },
        new("--operator") { HelpName = "ADDRESS:PORT", Description = "Where the operator's pages are, on a loopback address: /metrics, /healthz, /readyz (default: nowhere)." },
        new("--state") { HelpName = "DIR", Description = "Folder of the server's authority and certificates (default: STORE.server)." },
        new("--keys") { HelpName = "DIR", Description = "Key folder of the store (else WAREHOUSE_KEYS, else STORE.keys)." },
        new("--audit") { HelpName = "DIR", Description = "Folder of the store's audit log (else WAREHOUSE_AUDIT, else STORE.audit)." },
        new("--config") { HelpName = "FILE", Description = "Configuration of the server." },
    ];

    /// <summary>What the server is started with.</summary>
    internal IReadOnlyList<string> Read(ParseResult parsed)
    {
        var arguments = new List<string> { parsed.GetRequiredValue(_path) };
        foreach (var option in _options)
        {
            var value = parsed.GetValue(option) ?? (option.Name == "--keys" && Environment.GetEnvironmentVariable("WAREHOUSE_KEYS") is { Length: > 0 } keys ? keys : null);
            if (value is not null) arguments.AddRange([option.Name, value]);
        }
        if (parsed.GetValue(_check)) arguments.Add("--check");
        return arguments;
    }

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        command.Arguments.Add(_path);
        foreach (var option in _options) command.Options.Add(option);
        command.Options.Add(_check);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        // Beside this program's folder, as ./warehouse puts it; in it, where both were built into one.
        string[] places = [Path.Combine(AppContext.BaseDirectory, Program), Path.Combine(AppContext.BaseDirectory, "..", Program, Program)];
        var program = places.FirstOrDefault(File.Exists) ?? throw new FileNotFoundException($"{Program} is not installed beside this program: start it by ./warehouse serve");
        // What the server would do itself otherwise, by starting twice.
        var error = ProcessImage.Replace(program, Read(parsed), (ProcessLimits.DiagnosticsVariable, "0"));
        throw new IOException(FormattableString.Invariant($"{Program} could not be started: error {error}"));
    }
}
