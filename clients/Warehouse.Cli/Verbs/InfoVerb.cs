using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>info</c>.</summary>
internal sealed class InfoVerb : ReportVerb
{
    /// <inheritdoc/>
    protected override bool IsReading => true;

    /// <inheritdoc/>
    protected override Report Ask(StoreAddress store, ParseResult parsed, IProgress<WorkProgress>? progress, CliContext context)
    {
        context.Begin(store, parsed);
        return context.Engine.Info(store, context.Cancellation);
    }
}
