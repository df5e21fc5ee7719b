using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary>What the verbs of watches and alerts share: every sub-verb is an audited call of the store's owner.</summary>
internal abstract class AlertVerb : GroupVerb
{
    /// <inheritdoc/>
    protected override bool MayAskServer => true;

    /// <summary>A sub-verb that shows, of a store or of a server.</summary>
    protected void Shows(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, IAlerts, Report> show) => Sub(command, context, named, symbols, (parsed, address) =>
    {
        context.Begin(address, parsed);
        return context.Engine.Alerts(address, alerts => show(parsed, alerts));
    });

    /// <summary>A sub-verb that changes, of a store or of a server.</summary>
    protected void Changes(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, IAlerts, Report> change) => Sub(command, context, named, symbols, (parsed, address) =>
    {
        context.BeginChange(address, parsed);
        return context.Engine.Alerts(address, alerts => change(parsed, alerts));
    });

    /// <summary>A member of a set, spelled in kebab-case.</summary>
    protected static T Word<T>(string word) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
            if (AlertReports.Word(value) == word) return value;
        throw new InputException("alert-word", $"expected one of {string.Join(", ", Enum.GetValues<T>().Select(AlertReports.Word))}", InputPlace.None);
    }
}

/// <summary><c>watch</c>: what to look at, which changes matter, and who hears.</summary>
internal sealed class WatchVerb : AlertVerb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The watch's name." };
    private readonly Option<string?> _cohort = new("--cohort") { HelpName = "NAME", Description = "Members of this cohort, as it is at the moment." };
    private readonly Option<string?> _person = new("--person-file") { HelpName = "FILE", Description = "One person, whose name is the line of this file; - is standard input." };
    private readonly Option<string?> _genes = new("--genes") { HelpName = "FILE", Description = "Alleles of these genes: one symbol per line." };
    private readonly Option<string?> _regions = new("--regions") { HelpName = "FILE", Description = "Alleles that begin in these regions: one CONTIG:FROM-TO per line." };
    private readonly Option<string?> _variants = new("--variants") { HelpName = "FILE", Description = "These alleles: one spelling per line." };
    private readonly Option<string[]> _on = new("--on") { HelpName = "TRIGGER", AllowMultipleArgumentsPerToken = true, Description = "class, review, newly-seen, assessment, discordance, assessed-carried, frequency; all but review and frequency where not said." };
    private readonly Option<string> _least = new("--least") { HelpName = "GRADE", DefaultValueFactory = _ => "minor", Description = "Changes of a lower grade raise nothing: minor, major or critical." };
    private readonly Option<double?> _line = new("--frequency-line") { HelpName = "X", Description = "The line of the trigger frequency, between 0 and 1." };
    private readonly Option<string[]> _hears = new("--hear") { HelpName = "PRINCIPAL", AllowMultipleArgumentsPerToken = true, Description = "Who hears, a caller or role:ROLE; those who care for the person where not said." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("add", "Keep a watch, in place of one of its name; it looks at what comes from now on."), [_name, _cohort, _person, _genes, _regions, _variants, _on, _least, _line, _hears], (parsed, alerts) => alerts.Keep(Read(parsed, context)));
        Shows(command, context, ("list", "List the watches."), [], (_, alerts) => alerts.Watches());
        Changes(command, context, ("remove", "Keep a watch no more; its open alerts stay."), [_name], (parsed, alerts) => alerts.Remove(parsed.GetRequiredValue(_name)));
    }

    /// <summary>The watch as it is typed.</summary>
    private Watch Read(ParseResult parsed, CliContext context)
    {
        var (scope, items) = Looks(parsed, context);
        var triggers = (parsed.GetValue(_on) ?? []).Select(Word<WatchTriggers>).Aggregate(WatchTriggers.None, (all, one) => all | one);
        return new Watch
        {
            Name = parsed.GetRequiredValue(_name), Scope = scope, Items = items, Triggers = triggers == WatchTriggers.None ? WatchTriggers.Default : triggers, Least = Word<Clinic.ClinVar.Grade>(parsed.GetRequiredValue(_least)),
            Hears = parsed.GetValue(_hears) ?? [], FrequencyLine = parsed.GetValue(_line) ?? 0,
        };
    }

    private (WatchScope, IReadOnlyList<string>) Looks(ParseResult parsed, CliContext context)
    {
        Option[] scopes = [_cohort, _person, _genes, _regions, _variants];
        if (scopes.Count(s => parsed.GetResult(s) is not null) > 1) throw new InputException("watch-scope", "a watch looks at one of a cohort, a person, genes, regions, alleles, or at everybody", InputPlace.None);
        if (parsed.GetValue(_cohort) is { } cohort) return (WatchScope.Cohort, [cohort]);
        if (parsed.GetValue(_person) is { } file) return (WatchScope.Person, [.. Lines.Names(file, context).Take(1)]);
        if (parsed.GetValue(_genes) is { } genes) return (WatchScope.Genes, [.. Lines.Names(genes, context)]);
        if (parsed.GetValue(_regions) is { } regions) return (WatchScope.Regions, [.. Lines.Names(regions, context)]);
        return parsed.GetValue(_variants) is { } variants ? (WatchScope.Alleles, [.. Lines.Variants(variants, context)]) : (WatchScope.Everybody, []);
    }
}

/// <summary><c>care</c>: who cares for whom.</summary>
internal sealed class CareVerb : AlertVerb
{
    private readonly Argument<string> _file = new("FILE") { Description = "Tab-separated with a header: person, responsible, deputies (ids of callers, parted by commas); a row without a responsible one takes the person off. - is standard input." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("import", "Say who cares for persons; those that the file does not name stay as they are."), [_file], (parsed, alerts) =>
            alerts.Import(CareTable.ReadAll(Lines.Numbered(parsed.GetRequiredValue(_file), context), parsed.GetRequiredValue(_file))));
        Shows(command, context, ("show", "List who cares for whom."), [], (_, alerts) => alerts.Care());
    }
}
