using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Verbs;

/// <summary><c>carriers</c>.</summary>
internal sealed class CarriersVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly QuerySymbol _queries = new(ArgumentArity.OneOrMore);
    private readonly OutputSymbols _output = new();
    private readonly AnnotateSymbol _annotate = new();
    private readonly Option<bool> _assessments = new("--assessments") { Description = "Also what the laboratory has signed of the allele." };

    /// <summary>The queries, lazily.</summary>
    internal IEnumerable<string> Read(ParseResult parsed, CliContext context) => _queries.Read(parsed, context);

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddReadingTo(command, AsksServer);
        command.Arguments.Add(_queries.Argument);
        _annotate.AddTo(command);
        command.Options.Add(_assessments);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var store = _store.Read(parsed, context);
        context.Begin(store, parsed);
        try
        {
            context.Engine.Join(store, _annotate.Read(parsed), null, context.Error);
            return Answer(parsed, context, store);
        }
        finally
        {
            context.Engine.EndJoin();
        }
    }

    private ExitCode Answer(ParseResult parsed, CliContext context, StoreAddress store)
    {
        var joined = JoinedCells.Of(context.Engine.Cells, parsed.GetValue(_assessments) ? context.Engine.SignedAssessments(store) : null);
        return _output.Write(parsed, context, JoinedCells.Behind(Columns.Carriers(), joined), writer =>
        {
            var outcome = new Outcome();
            foreach (var answer in context.Engine.Carriers(store, Read(parsed, context), context.Cancellation))
            {
                outcome.Add(answer.Seen, context.Error);
                Columns.Write(writer, answer, joined);
                // Data lists carriers only; a query without an answer must not look like one without carriers.
                if (answer.Seen.State == SeenState.NotAssessable)
                    context.Error.WriteLine($"warehouse: {SafeText.Escape(answer.Seen.Query)}: not assessable: {SafeText.Escape(answer.Seen.Reason ?? "no sample was assessed there")}");
            }
            return outcome.Code;
        });
    }
}
