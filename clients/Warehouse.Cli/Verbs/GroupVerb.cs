using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;

namespace Warehouse.Cli.Verbs;

/// <summary>A verb of sub-verbs, each of which takes a store and prints one report.</summary>
internal abstract class GroupVerb : Verb
{
    private readonly OutputSymbols _output = new();

    /// <summary>The store that each of them takes.</summary>
    protected StoreSymbols Store { get; } = new();

    /// <summary>Whether a server may be named in place of the store.</summary>
    protected virtual bool MayAskServer => false;

    /// <summary>Whether it asks for data: then a line with a server says for what, at which level and on whose behalf.</summary>
    protected virtual bool IsQuestion => true;

    /// <inheritdoc/>
    protected sealed override ExitCode Run(ParseResult parsed, CliContext context) => throw new InvalidOperationException("only the sub-verbs run");

    /// <summary>Adds a sub-verb that shows: its call is begun before anything is looked at.</summary>
    protected Command Shows(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, StoreAddress, Report> show) => Sub(command, context, named, symbols, (parsed, address) =>
    {
        context.Begin(address, parsed);
        return show(parsed, address);
    });

    /// <summary>Adds a sub-verb, which begins its call itself.</summary>
    protected Command Sub(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, StoreAddress, Report> run) =>
        Add(command, context, (named.Name, named.Summary, MayAskServer), symbols, run);

    /// <summary>The same of a store that lies here, whatever the others of the verb may ask.</summary>
    protected Command Here(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<ParseResult, StoreAddress, Report> run) =>
        Add(command, context, (named.Name, named.Summary, false), symbols, run);

    private Command Add(Command command, CliContext context, (string Name, string Summary, bool MayAskServer) named, Symbol[] symbols, Func<ParseResult, StoreAddress, Report> run)
    {
        var sub = new Command(named.Name, named.Summary);
        if (named.MayAskServer) Store.AddReadingTo(sub, AsksServer, isQuestion: IsQuestion);
        else Store.AddTo(sub);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) sub.Arguments.Add(argument);
            else sub.Options.Add((Option)symbol);
        }
        _output.AddTo(sub);
        sub.SetAction(parsed =>
        {
            var report = run(parsed, named.MayAskServer ? Store.Read(parsed, context) : Store.Read(parsed));
            var code = _output.Write(parsed, context, report.Columns, report.WriteTo);
            if (report.Notice is { } notice) context.Error.WriteLine("warehouse: " + SafeText.EscapeMessage(notice));
            return (int)code;
        });
        command.Subcommands.Add(sub);
        return sub;
    }
}
