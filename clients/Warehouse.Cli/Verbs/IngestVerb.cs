using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine.Ingest;

namespace Warehouse.Cli.Verbs;

/// <summary><c>ingest</c>.</summary>
internal sealed class IngestVerb : Verb
{
    private enum OnError
    {
        Refuse,
        Skip,
    }

    private readonly StoreSymbols _store = new();
    private readonly OutputSymbols _output = new();
    private readonly Argument<string[]> _files = new("FILE") { Arity = ArgumentArity.OneOrMore, Description = "VCF, gVCF or BCF, plain, BGZF or gzip; - is standard input." };
    private readonly Option<string?> _sheet = new("--samples") { HelpName = "SHEET.tsv", Description = "Sample sheet: sample, person, sex, ancestry, …" };
    private readonly Option<string?> _callable = new("--callable") { HelpName = "BED", Description = "Regions the assay can call: reference where there is no record." };
    private readonly Option<bool> _assume = new("--assume-reference") { Description = "Positions without a record are reference by assumption." };
    private readonly Option<int> _blockGq = new("--block-gq") { HelpName = "N", DefaultValueFactory = _ => 20, Description = "Least GQ of a reference block that counts as evidence." };
    private readonly Option<OnError?> _onError = new("--on-error") { HelpName = "refuse|skip", CustomParser = OutputSymbols.ParseWord<OnError>, Description = "A record that is not understood refuses its file (default), or is skipped, counted and listed." };
    private readonly Option<bool> _replace = new("--replace") { Description = "Retire what the store holds of these samples." };
    private readonly Option<bool> _lint = new("--lint") { Description = "Also report what cannot change a count." };

    private readonly Option<int?> _threads = new("--threads") { HelpName = "N", Description = "Threads used; what is stored does not depend on it. One per processor where not said." };

    /// <summary>The request.</summary>
    internal IngestRequest Read(ParseResult parsed) => new()
    {
        Files = parsed.GetRequiredValue(_files),
        SheetPath = parsed.GetValue(_sheet),
        CallablePath = parsed.GetValue(_callable),
        AssumeReference = parsed.GetValue(_assume),
        BlockGq = parsed.GetValue(_blockGq),
        SkipBadRecords = parsed.GetValue(_onError) == OnError.Skip,
        Replace = parsed.GetValue(_replace),
        Lint = parsed.GetValue(_lint),
        Threads = parsed.GetValue(_threads) ?? Math.Min(Environment.ProcessorCount, IngestRequest.MaxThreads),
    };

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _blockGq.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var gq) && gq < 0) result.AddError("--block-gq is at least 0");
        });
        _threads.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var threads) && threads is < 1 or > IngestRequest.MaxThreads) result.AddError($"--threads is 1 to {IngestRequest.MaxThreads}");
        });
        _store.AddTo(command);
        command.Arguments.Add(_files);
        foreach (var option in (Option[])[_sheet, _callable, _assume, _blockGq, _onError, _replace, _lint, _threads]) command.Options.Add(option);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        Report receipt;
        var store = _store.Read(parsed);
        context.BeginChange(store, parsed);
        using (var progress = context.Progress())
            receipt = context.Engine.Ingest(store, Read(parsed), progress, context.Cancellation);
        return _output.Write(parsed, context, receipt.Columns, receipt.WriteTo);
    }
}
