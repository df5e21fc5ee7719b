using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>verify</c>.</summary>
internal sealed class VerifyVerb : ReportVerb
{
    private readonly Option<string?> _repairFrom = new("--repair-from") { HelpName = "BACKUP", Description = "Before that, put whole files of this copy of the store's folder in the place of damaged or missing ones." };

    /// <inheritdoc/>
    protected override bool IsReading => true;

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        base.AddSymbols(command);
        command.Options.Add(_repairFrom);
    }

    /// <inheritdoc/>
    protected override Report Ask(StoreAddress store, ParseResult parsed, IProgress<WorkProgress>? progress, CliContext context)
    {
        var backup = parsed.GetValue(_repairFrom);
        if (backup is null) context.BeginRescue(store, parsed);
        else context.BeginChange(store, parsed);
        return context.Engine.Verify(store, backup, progress, context.Cancellation);
    }
}
