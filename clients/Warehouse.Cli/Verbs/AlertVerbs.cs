using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary>What the verbs of watches and alerts share: every sub-verb is an audited call of the store's owner.</summary>
internal abstract class AlertVerb : GroupVerb
{
    /// <summary>The owner, in whose name it runs.</summary>
    protected static string Who => Engine.Owner.Id;

    /// <summary>A sub-verb that shows.</summary>
    protected void Shows(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, AlertSources, Report> show) =>
        Shows(command, context, named, symbols, (parsed, address) => context.Engine.OfAlerts(address, sources => show(parsed, sources)));

    /// <summary>A sub-verb that changes.</summary>
    protected void Changes(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, AlertSources, Report> change) => Sub(command, context, named, symbols, (parsed, address) =>
    {
        context.BeginChange(address, parsed);
        return context.Engine.OfAlerts(address, sources => change(parsed, sources));
    });

    /// <summary>The log of a store.</summary>
    protected static AlertBook Book(AlertSources sources) => new(sources.Store.Events, TimeProvider.System);

    /// <summary>Appends what was decided by whoever runs the command.</summary>
    protected static void Append(AlertSources sources, params AlertEvent[] events) => Book(sources).Append(Who, sources.Store.Version, events);

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
    private readonly Option<string[]> _hears = new("--hear") { HelpName = "PRINCIPAL", AllowMultipleArgumentsPerToken = true, Description = "Who hears; those who care for the person where not said." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("add", "Keep a watch, in place of one of its name; it looks at what comes from now on."), [_name, _cohort, _person, _genes, _regions, _variants, _on, _least, _line, _hears], (parsed, sources) =>
        {
            var watch = Read(parsed, context, sources);
            Append(sources, new WatchSet(watch));
            return AlertReports.Of([watch]);
        });
        Shows(command, context, ("list", "List the watches."), [], (_, sources) => AlertReports.Of(Book(sources).Watches.Values));
        Changes(command, context, ("remove", "Keep a watch no more; its open alerts stay."), [_name], (parsed, sources) =>
        {
            var name = parsed.GetRequiredValue(_name);
            if (!Book(sources).Watches.ContainsKey(name)) throw new InputException("watch-unknown", "there is no watch of that name", InputPlace.None);
            Append(sources, new WatchRemoved(name));
            return AlertReports.Of(Book(sources).Watches.Values);
        });
    }

    private Watch Read(ParseResult parsed, CliContext context, AlertSources sources)
    {
        var (scope, items) = Looks(parsed, context, sources);
        var triggers = (parsed.GetValue(_on) ?? []).Select(Word<WatchTriggers>).Aggregate(WatchTriggers.None, (all, one) => all | one);
        var line = parsed.GetValue(_line) ?? 0;
        if ((triggers & WatchTriggers.Frequency) != 0 != line is > 0 and < 1) throw new InputException("watch-frequency", "the trigger frequency needs its line, between 0 and 1, and nothing else has one", InputPlace.None);
        var name = parsed.GetRequiredValue(_name);
        if (name.Length is 0 or > Watch.MaxName || items.Count > Watch.MaxItems) throw new InputException("watch-size", string.Create(CultureInfo.InvariantCulture, $"a watch has a name of at most {Watch.MaxName} characters and at most {Watch.MaxItems} items"), InputPlace.None);
        return new Watch { Name = name, Scope = scope, Items = items, Triggers = triggers == WatchTriggers.None ? WatchTriggers.Default : triggers, Least = Word<Clinic.ClinVar.Grade>(parsed.GetRequiredValue(_least)), Hears = parsed.GetValue(_hears) ?? [], FrequencyLine = line };
    }

    private (WatchScope, IReadOnlyList<string>) Looks(ParseResult parsed, CliContext context, AlertSources sources)
    {
        Option[] scopes = [_cohort, _person, _genes, _regions, _variants];
        if (scopes.Count(s => parsed.GetResult(s) is not null) > 1) throw new InputException("watch-scope", "a watch looks at one of a cohort, a person, genes, regions, alleles, or at everybody", InputPlace.None);
        using var session = sources.Store.OpenSession();
        if (parsed.GetValue(_cohort) is { } cohort)
        {
            session.CohortMembers(cohort); // there must be one
            return (WatchScope.Cohort, [cohort]);
        }
        if (parsed.GetValue(_person) is { } file) return (WatchScope.Person, [.. Lines.Names(file, context).Take(1)]);
        if (parsed.GetValue(_genes) is { } genes) return (WatchScope.Genes, [.. Lines.Names(genes, context)]);
        if (parsed.GetValue(_regions) is { } regions)
        {
            string[] texts = [.. Lines.Names(regions, context)];
            foreach (var text in texts) Warehouse.Engine.Query.RegionText.Parse(text);
            return (WatchScope.Regions, texts);
        }
        if (parsed.GetValue(_variants) is not { } variants) return (WatchScope.Everybody, []);
        string[] spellings = [.. Lines.Variants(variants, context)];
        return (WatchScope.Alleles, [.. session.Resolve(spellings).Select(Spelled)]);
    }

    /// <summary>An allele as the log names it.</summary>
    private static string Spelled(Warehouse.Engine.Query.SeenAnswer answer)
    {
        if (answer.Contig is null || answer.Reason is not null || answer.MatchedAlleles is not null) throw new InputException("watch-variant", answer.Reason ?? "an allele of plain bases is needed", InputPlace.None);
        var contig = answer.Contig.StartsWith("chr", StringComparison.Ordinal) ? answer.Contig[3..] : answer.Contig;
        return string.Create(CultureInfo.InvariantCulture, $"{(contig == "M" ? "MT" : contig)}-{answer.Start + 1L}-{answer.Ref}-{answer.Alt}");
    }
}

/// <summary><c>care</c>: who cares for whom.</summary>
internal sealed class CareVerb : AlertVerb
{
    private readonly Argument<string> _file = new("FILE") { Description = "Tab-separated with a header: person, responsible, deputies (ids of callers, parted by commas); a row without a responsible one takes the person off. - is standard input." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("import", "Say who cares for persons; those that the file does not name stay as they are."), [_file], (parsed, sources) =>
        {
            var file = parsed.GetRequiredValue(_file);
            var rows = CareTable.ReadAll(Lines.Numbered(file, context), file);
            Append(sources, [.. rows.Chunk(1000).Select(r => new CareSet(r))]);
            return Report.OfFacts(("persons", rows.Count.ToString(CultureInfo.InvariantCulture)));
        });
        Shows(command, context, ("show", "List who cares for whom."), [], (_, sources) => AlertReports.Of(Book(sources).Care.Values.OrderBy(r => r.Person, StringComparer.Ordinal)));
    }
}
