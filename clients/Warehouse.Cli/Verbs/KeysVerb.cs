using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;

namespace Warehouse.Cli.Verbs;

/// <summary><c>keys rotate</c>.</summary>
internal sealed class KeysVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly OutputSymbols _output = new();

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        var rotate = new Command("rotate", "Wrap the keys of all files under a new master key and retire the old one; no file of the store changes.");
        _store.AddTo(rotate);
        _output.AddTo(rotate);
        rotate.SetAction(parsed => (int)Run(parsed, context));
        command.Subcommands.Add(rotate);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var store = _store.Read(parsed);
        context.BeginChange(store, parsed);
        var report = context.Engine.RotateKeys(store, context.Cancellation);
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }
}
