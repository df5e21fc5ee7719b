using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Verbs;

/// <summary><c>freq</c>.</summary>
internal sealed class FreqVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly RegionSymbol _regions = new();
    private readonly SampleSymbols _samples = new();
    private readonly RuleSymbols _rules = new();
    private readonly AsOfSymbol _asOf = new();
    private readonly AnnotateSymbol _annotate = new();
    private readonly OutputSymbols _output = new();
    private readonly Option<string?> _variants = new("--variants") { HelpName = "FILE", Description = "Answer each allele of this list, stored or not: one spelling per line, - is standard input." };
    private readonly Option<string?> _by = new("--by") { HelpName = "COLUMN", Description = "One row per value of this column of the sample sheet." };
    private readonly Option<bool> _symbolic = new("--symbolic") { Description = "Also list symbolic alleles and breakends; adds a column end." };
    private readonly Option<long> _minAc = new("--min-ac") { HelpName = "N", Description = "Only variants whose AC over all groups is at least this." };

    /// <summary>The request; reads the files of names and spellings.</summary>
    internal FrequencyRequest Read(ParseResult parsed, CliContext context) => new()
    {
        Regions = _regions.Read(parsed),
        Variants = parsed.GetValue(_variants) is { } list ? [.. Lines.Variants(list, context)] : null,
        Samples = _samples.Read(parsed, context),
        By = parsed.GetValue(_by),
        Rules = _rules.Read(parsed),
        Symbolic = parsed.GetValue(_symbolic),
        MinAc = parsed.GetValue(_minAc),
    };

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddReadingTo(command, AsksServer, isAlone: true);
        _regions.AddTo(command);
        command.Options.Add(_variants);
        _samples.AddTo(command);
        command.Options.Add(_by);
        _rules.AddTo(command);
        _asOf.AddTo(command);
        _annotate.AddTo(command);
        command.Options.Add(_symbolic);
        command.Options.Add(_minAc);
        _output.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_regions.Option) is not null && result.GetResult(_variants) is not null) result.AddError("--region and --variants exclude each other");
        });
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var (store, request) = (_store.Read(parsed, context), Read(parsed, context));
        context.Begin(store, parsed);
        try
        {
            var asOf = context.Engine.Join(store, _annotate.Read(parsed), _asOf.Read(parsed), context.Error);
            return Answer(parsed, context, (store, asOf), request);
        }
        finally
        {
            context.Engine.EndJoin();
        }
    }

    private ExitCode Answer(ParseResult parsed, CliContext context, (StoreAddress Store, string? AsOf) asked, FrequencyRequest request)
    {
        var (store, asOf) = asked;
        var (grouped, joined) = (request.By is not null, context.Engine.Cells);
        return _output.Write(parsed, context, JoinedCells.Behind(Columns.Frequency(request.Symbolic, grouped), joined), writer =>
        {
            var outcome = new Outcome();
            // A server's rows come one by one, whether they were asked for or are listed.
            if (request.Variants is not null || store.Server is not null)
            {
                foreach (var row in context.Engine.Frequencies(store, asOf, request, context.Cancellation))
                {
                    if (row.Damage is { } damage) outcome.AddDamaged(damage, context.Error);
                    else if (request.Variants is null) outcome.AddListed();
                    else outcome.AddAsked(row.Figures, context.Engine.Released);
                    Columns.Write(writer, row, request.Symbolic, grouped, context.Engine.Released, joined);
                }
                if (request.Variants is null) WriteUnavailable(writer, ref outcome, context);
                return outcome.Code;
            }
            var listed = new FrequencyRow();
            foreach (var batch in context.Engine.FrequencyBatches(store, asOf, request, context.Cancellation))
            {
                outcome.AddListed();
                if (joined is null) writer.Frequencies(batch, request.Symbolic, grouped);
                else foreach (var row in batch.Rows(listed)) Columns.Write(writer, row, request.Symbolic, grouped, joined: joined);
            }
            WriteUnavailable(writer, ref outcome, context);
            if (request.Rules.NoPrecomputed) context.Error.WriteLine(FormattableString.Invariant($"counted from {context.Engine.GenotypeBytesRead} bytes of genotypes{(context.Engine.Unavailable.Count > 0 ? " (partial)" : "")}"));
            return outcome.Code;
        });
    }

    private static void WriteUnavailable(RowWriter writer, ref Outcome outcome, CliContext context)
    {
        foreach (var range in context.Engine.Unavailable) Columns.WriteUnavailable(writer, range);
        outcome.Add(context.Engine.Unavailable, context.Error);
    }
}
