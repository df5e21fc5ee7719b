using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary>What <c>cohort set</c> asks: exactly one of the two last is set.</summary>
/// <param name="Name">Of the cohort.</param>
/// <param name="Samples">A fixed list of sample names.</param>
/// <param name="Where">An expression over the sample sheet.</param>
internal sealed record CohortRequest(string Name, IReadOnlyList<string>? Samples, string? Where);

/// <summary><c>cohort set</c>, <c>cohort refresh</c>, <c>cohort show</c>.</summary>
internal sealed class CohortVerb : Verb
{
    // An expression over the sheet is a line or a page, never a file of data.
    private const int MaxExpressionBytes = 1 << 20;

    private readonly StoreSymbols _store = new();
    private readonly OutputSymbols _output = new();
    private readonly Argument<string> _name = new("NAME") { Description = "The cohort's name." };
    private readonly Option<string?> _file = new("--samples-file") { HelpName = "FILE", Description = "These samples: one name per line, - is standard input." };
    private readonly Option<string?> _where = new("--where") { HelpName = "EXPR", Description = "The samples for which this holds, over columns of the sample sheet." };
    private readonly Option<string?> _whereFile = new("--where-file") { HelpName = "FILE", Description = "The same, from a file; - is standard input." };

    /// <summary>The request of <c>cohort set</c>.</summary>
    internal CohortRequest Read(ParseResult parsed, CliContext context) => new(
        parsed.GetRequiredValue(_name),
        parsed.GetValue(_file) is { } file ? [.. Lines.Names(file, context)] : null,
        parsed.GetValue(_where) ?? (parsed.GetValue(_whereFile) is { } path ? Expression(path, context) : null));

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        var set = SubVerb(command, "set", "Make or replace a cohort.", parsed => Change(parsed, context, (store, engine) => engine.SetCohort(store, Read(parsed, context), context.Cancellation)), context);
        Option[] sources = [_file, _where, _whereFile];
        foreach (var source in sources) set.Options.Add(source);
        set.Validators.Add(result =>
        {
            if (sources.Count(s => result.GetResult(s) is not null) != 1) result.AddError("give one of --samples-file, --where, --where-file");
        });
        SubVerb(command, "refresh", "Evaluate a cohort's expression again.", parsed => Change(parsed, context, (store, engine) => engine.RefreshCohort(store, parsed.GetRequiredValue(_name), context.Cancellation)), context);
        SubVerb(command, "show", "List the samples of a cohort.", parsed => Show(parsed, context), context);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context) => throw new InvalidOperationException("only the sub-verbs run");

    private Report Change(ParseResult parsed, CliContext context, Func<StoreAddress, Engine, Report> change)
    {
        var store = _store.Read(parsed);
        context.BeginChange(store, parsed);
        return change(store, context.Engine);
    }

    private Report Show(ParseResult parsed, CliContext context)
    {
        var store = _store.Read(parsed, context);
        context.Begin(store, parsed);
        return context.Engine.ShowCohort(store, parsed.GetRequiredValue(_name), context.Cancellation);
    }

    private Command SubVerb(Command command, string name, string summary, Func<ParseResult, Report> call, CliContext context)
    {
        var sub = new Command(name, summary);
        if (name == "show") _store.AddReadingTo(sub, AsksServer);
        else _store.AddTo(sub);
        sub.Arguments.Add(_name);
        _output.AddTo(sub);
        sub.SetAction(parsed =>
        {
            var report = call(parsed);
            return (int)_output.Write(parsed, context, report.Columns, report.WriteTo);
        });
        command.Subcommands.Add(sub);
        return sub;
    }

    private static string Expression(string path, CliContext context)
    {
        var text = string.Join('\n', Lines.Names(path, context));
        return text.Length <= MaxExpressionBytes ? text : throw new InputException("where-length", $"the expression is longer than {MaxExpressionBytes} characters", new InputPlace(path, 0, 0, ""));
    }
}
