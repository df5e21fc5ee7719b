using System.CommandLine;
using Warehouse.Cli.Options;

namespace Warehouse.Cli.Verbs;

/// <summary><c>compact</c>.</summary>
internal sealed class CompactVerb : ReportVerb
{
    private readonly Option<string?> _purgeBefore = new("--purge-before") { HelpName = "SNAPSHOT", Description = "Also drop what only snapshots before this one need; they can no longer be asked." };

    /// <summary>The snapshot of --purge-before, as typed.</summary>
    internal string? Read(ParseResult parsed) => parsed.GetValue(_purgeBefore);

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        base.AddSymbols(command);
        command.Options.Add(_purgeBefore);
    }

    /// <inheritdoc/>
    protected override Report Ask(StoreAddress store, ParseResult parsed, IProgress<Warehouse.Engine.WorkProgress>? progress, CliContext context)
    {
        context.BeginChange(store, parsed);
        return context.Engine.Compact(store, Read(parsed), progress, context.Cancellation);
    }
}
