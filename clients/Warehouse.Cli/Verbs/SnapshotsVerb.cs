using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>snapshots</c>.</summary>
internal sealed class SnapshotsVerb : ReportVerb
{
    /// <inheritdoc/>
    protected override bool IsReading => true;

    /// <inheritdoc/>
    protected override Report Ask(StoreAddress store, ParseResult parsed, IProgress<WorkProgress>? progress, CliContext context)
    {
        context.Begin(store, parsed);
        return context.Engine.Snapshots(store, context.Cancellation);
    }
}
