using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary>A verb that takes a store and prints one report.</summary>
internal abstract class ReportVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly OutputSymbols _output = new();

    /// <summary>Asks the engine.</summary>
    protected abstract Report Ask(StoreAddress store, ParseResult parsed, IProgress<WorkProgress>? progress, CliContext context);

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddTo(command);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected sealed override ExitCode Run(ParseResult parsed, CliContext context)
    {
        Report report;
        using (var progress = context.Progress())
            report = Ask(_store.Read(parsed), parsed, progress, context);
        if (report.Notice is { } notice) context.Error.WriteLine("warehouse: " + notice);
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }
}
