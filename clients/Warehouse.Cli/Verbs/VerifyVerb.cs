using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>verify</c>.</summary>
internal sealed class VerifyVerb : ReportVerb
{
    /// <inheritdoc/>
    protected override Report Ask(StoreAddress store, ParseResult parsed, IProgress<WorkProgress>? progress, CliContext context) =>
        context.Engine.Verify(store, progress, context.Cancellation);
}
