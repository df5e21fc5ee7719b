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

    /// <summary>Whether a server can be asked in place of a store.</summary>
    protected virtual bool IsReading => false;

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        if (IsReading) _store.AddReadingTo(command, AsksServer, isAlone: true);
        else _store.AddTo(command);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected sealed override ExitCode Run(ParseResult parsed, CliContext context)
    {
        Report report;
        using (var progress = context.Progress())
            report = Ask(IsReading ? _store.Read(parsed, context) : _store.Read(parsed), parsed, progress, context);
        if (report.Notice is { } notice) context.Error.WriteLine("warehouse: " + notice);
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }
}
