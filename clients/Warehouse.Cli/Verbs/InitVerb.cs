using System.CommandLine;
using Warehouse.Cli.Options;

namespace Warehouse.Cli.Verbs;

/// <summary>What <c>init</c> asks.</summary>
/// <param name="Assembly">GRCh37, GRCh38 or a name of the user's own.</param>
/// <param name="ReferencePath">FASTA with .fai; null: variants are trimmed only.</param>
internal sealed record InitRequest(string Assembly, string? ReferencePath);

/// <summary><c>init</c>.</summary>
internal sealed class InitVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly Option<string> _assembly = new("--assembly") { HelpName = "GRCh37|GRCh38|NAME", Required = true, Description = "Assembly of every file the store will take." };
    private readonly Option<string?> _reference = new("--reference") { HelpName = "REF.fa", Description = "FASTA with .fai: variants are left-aligned and REF is checked." };

    /// <summary>The request.</summary>
    internal InitRequest Read(ParseResult parsed) => new(parsed.GetRequiredValue(_assembly), parsed.GetValue(_reference));

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddTo(command);
        command.Options.Add(_assembly);
        command.Options.Add(_reference);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        context.Engine.Init(_store.Read(parsed), Read(parsed));
        return ExitCode.Done;
    }
}
