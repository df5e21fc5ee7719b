using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;

namespace Warehouse.Cli.Verbs;

/// <summary><c>doctor</c>.</summary>
internal sealed class DoctorVerb : Verb
{
    private readonly Argument<string?> _store = new("STORE") { Arity = ArgumentArity.ZeroOrOne, Description = "A store to check too." };
    private readonly Option<string?> _keys = new("--keys") { HelpName = "DIR", Description = "Its key folder (else WAREHOUSE_KEYS, else STORE.keys)." };
    private readonly OutputSymbols _output = new();

    /// <summary>The store to check, or null.</summary>
    internal StoreAddress? Read(ParseResult parsed) => parsed.GetValue(_store) is { } path ? StoreSymbols.Address(path, parsed.GetValue(_keys)) : null;

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        command.Arguments.Add(_store);
        command.Options.Add(_keys);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var report = context.Engine.Doctor(Read(parsed), context.Cancellation);
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }
}
