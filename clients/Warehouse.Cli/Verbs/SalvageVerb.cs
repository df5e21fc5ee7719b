using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>salvage</c>.</summary>
internal sealed class SalvageVerb : ReportVerb
{
    private readonly Option<string> _to = new("--to") { HelpName = "NEW", Required = true, Description = "Folder of the new store; it must not exist. STORE is not changed." };
    private readonly Option<string?> _toKeys = new("--to-keys") { HelpName = "DIR", Description = "Key folder of the new store, with a master key of its own (else NEW.keys)." };
    private readonly Option<bool> _acceptOlder = new("--accept-older") { Description = "Take a snapshot that is not proved to be the newest. Samples withdrawn after it may be visible in it again." };
    private readonly Option<string?> _assembly = new("--assembly") { HelpName = "GRCh37|GRCh38|NAME", Description = "As at init, for a store whose identity file is lost. Nothing proves it." };
    private readonly Option<string?> _reference = new("--reference") { HelpName = "REF.fa", Description = "The same of the reference." };

    /// <summary>The request.</summary>
    internal SalvageOptions Read(StoreAddress store, ParseResult parsed) => new()
    {
        Path = store.Path, KeysPath = store.KeysPath, ToPath = parsed.GetRequiredValue(_to), ToKeysPath = parsed.GetValue(_toKeys),
        AcceptOlder = parsed.GetValue(_acceptOlder), Assembly = parsed.GetValue(_assembly), ReferencePath = parsed.GetValue(_reference),
    };

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        base.AddSymbols(command);
        foreach (var option in (Option[])[_to, _toKeys, _acceptOlder, _assembly, _reference]) command.Options.Add(option);
    }

    /// <inheritdoc/>
    protected override Report Ask(StoreAddress store, ParseResult parsed, IProgress<WorkProgress>? progress, CliContext context)
    {
        context.BeginRescue(store, parsed);
        return context.Engine.Salvage(Read(store, parsed), progress, context.Cancellation);
    }
}
