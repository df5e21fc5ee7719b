using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;

namespace Warehouse.Cli.Verbs;

/// <summary><c>withdraw</c>.</summary>
internal sealed class WithdrawVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly Option<string> _file = new("--samples-file") { HelpName = "FILE", Required = true, Description = "These samples: one name per line, - is standard input." };
    private readonly OutputSymbols _output = new();

    /// <summary>The names.</summary>
    internal IReadOnlyList<string> Read(ParseResult parsed, CliContext context) => [.. Lines.Names(parsed.GetRequiredValue(_file), context)];

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddTo(command);
        command.Options.Add(_file);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var (store, samples) = (_store.Read(parsed), Read(parsed, context));
        context.BeginChange(store, parsed);
        var report = context.Engine.Withdraw(store, samples, context.Cancellation);
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }
}
