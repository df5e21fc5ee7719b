using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Engine;
using Warehouse.Engine.Linkage;

namespace Warehouse.Cli.Verbs;

/// <summary><c>linkage</c>: whom samples are of, in a vault under keys of its own.</summary>
internal sealed class LinkageVerb : GroupVerb
{
    private readonly Argument<string> _table = new("TABLE") { Description = "Tab-separated: the first line names the columns, of which the first is person, as the sample sheet names him. - is standard input." };
    private readonly Option<string?> _samples = new("--samples-file") { HelpName = "FILE", Description = "Of these samples: one name per line, - is standard input." };
    private readonly Option<string?> _persons = new("--persons-file") { HelpName = "FILE", Description = "These persons: one per line, - is standard input." };
    private readonly Option<string> _gone = new("--persons-file") { HelpName = "FILE", Required = true, Description = "These persons: one per line, - is standard input." };
    private readonly Option<string?> _vault = new("--vault") { HelpName = "DIR", Description = "The vault's folder (else STORE.linkage)." };
    private readonly Option<string?> _vaultKeys = new("--vault-keys") { HelpName = "DIR", Description = "The vault's own keys (else the vault's folder with .keys behind it). Who has them learns whom samples are of." };

    /// <inheritdoc/>
    protected override bool MayAskServer => true;

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Here(command, context, ("import", "Put what is known of persons into the vault, in the place of what it has of them."), [_table, _vault, _vaultKeys], (parsed, address) =>
        {
            var file = parsed.GetRequiredValue(_table);
            var rows = IdentityTable.Parse(Lines.Names(file, context), file);
            context.BeginChange(address, parsed);
            return context.Engine.ChangeVault(address, Places(parsed), vault => Report.OfFacts(("persons taken", Text(rows.Persons.Count)), ("persons in the vault", Text(vault.Set(rows)))));
        });
        Shows(command, context, ("show", "Whom samples are of, and what the vault has of them; the audit log names each."), [_samples, _persons, _vault, _vaultKeys], (parsed, address) =>
        {
            if (address.Server is not null && Places(parsed) != new VaultPlaces()) throw new InputException("linkage-vault", "--vault and --vault-keys are for a store that lies here", InputPlace.None);
            var (samples, persons) = (parsed.GetValue(_samples), parsed.GetValue(_persons));
            if (samples is null == persons is null) throw new InputException("linkage-whom", "expected either --samples-file or --persons-file", InputPlace.None);
            return context.Engine.Link(address, Places(parsed), (Names(samples, context), Names(persons, context)));
        });
        Here(command, context, ("remove", "Take persons out of the vault: what it has of them is gone, with the key of the file that had it."), [_gone, _vault, _vaultKeys], (parsed, address) =>
        {
            var persons = Names(parsed.GetRequiredValue(_gone), context);
            context.BeginChange(address, parsed);
            return context.Engine.ChangeVault(address, Places(parsed), vault => Report.OfFacts(("persons removed", Text(vault.Remove(persons)))));
        });
        Here(command, context, ("rotate", "Wrap the vault's keys under a new master key and retire the old one."), [_vault, _vaultKeys], (parsed, address) =>
        {
            context.BeginChange(address, parsed);
            return context.Engine.LookAtVault(address, Places(parsed), vault => Report.OfFacts(("master key", vault.RotateKeys().ToString(CultureInfo.InvariantCulture))));
        });
        Here(command, context, ("verify", "Read every byte of the vault and name what is damaged."), [_vault, _vaultKeys], (parsed, address) =>
        {
            context.Begin(address, parsed);
            return context.Engine.LookAtVault(address, Places(parsed), vault => Reports.OfFindings([], vault.Verify(context.Cancellation).Select(f => (f.Kind.ToString().ToLowerInvariant(), f.File, f.Problem))));
        });
    }

    private VaultPlaces Places(ParseResult parsed) => new(parsed.GetValue(_vault), parsed.GetValue(_vaultKeys));

    private static IReadOnlyList<string> Names(string? file, CliContext context) => file is null ? [] : [.. Lines.Names(file, context)];

    private static string Text(int count) => count.ToString(CultureInfo.InvariantCulture);
}
