using System.CommandLine;

namespace Warehouse.Cli.Options;

/// <summary>--as-of.</summary>
internal sealed class AsOfSymbol
{
    private readonly Option<string?> _snapshot = new("--as-of") { HelpName = "SNAPSHOT", Description = "Answer as the store stood then; see warehouse snapshots." };

    public void AddTo(Command command) => command.Options.Add(_snapshot);

    public string? Read(ParseResult parsed) => parsed.GetValue(_snapshot);
}
