using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine.Query;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary>Formats of <c>export</c>.</summary>
internal enum ExportFormat
{
    /// <summary>VCF, BGZF when the name ends in .gz.</summary>
    Vcf,

    /// <summary>BCF 2.2.</summary>
    Bcf,

    /// <summary>Arrow IPC stream.</summary>
    Arrow,

    /// <summary>Tab-separated.</summary>
    Tsv,
}

/// <summary>What <c>export</c> asks.</summary>
internal sealed record ExportRequest
{
    /// <summary>Of the output.</summary>
    public required ExportFormat Format { get; init; }

    /// <summary>Regions by normalised POS; empty = everything.</summary>
    public IReadOnlyList<Region> Regions { get; init; } = [];

    /// <summary>Which samples.</summary>
    public SampleChoice Samples { get; init; } = SampleChoice.All;

    /// <summary>Destination; <c>-</c> is standard output.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Snapshot, as typed; null = newest.</summary>
    public string? AsOf { get; init; }
}

/// <summary><c>export</c>.</summary>
internal sealed class ExportVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly RegionSymbol _regions = new();
    private readonly SampleSymbols _samples = new();
    private readonly AsOfSymbol _asOf = new();
    private readonly AnnotateSymbol _annotate = new();
    private readonly Option<ExportFormat?> _format = new("--format") { HelpName = "vcf|bcf|arrow|tsv", Required = true, CustomParser = OutputSymbols.ParseWord<ExportFormat>, Description = "What to write." };
    private readonly Option<string> _path = new("-o", "--output") { HelpName = "OUT", Required = true, Description = "Where to; the file appears when it is complete. - is standard output." };

    /// <summary>The request; reads the file of names.</summary>
    internal ExportRequest Read(ParseResult parsed, CliContext context) => new()
    {
        Format = parsed.GetRequiredValue(_format)!.Value,
        Regions = _regions.Read(parsed),
        Samples = _samples.Read(parsed, context),
        OutputPath = parsed.GetRequiredValue(_path),
        AsOf = _asOf.Read(parsed),
    };

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddReadingTo(command, AsksServer, isAlone: true);
        command.Options.Add(_format);
        _regions.AddTo(command);
        _samples.AddTo(command);
        _asOf.AddTo(command);
        _annotate.AddTo(command);
        command.Options.Add(_path);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var (store, request) = (_store.Read(parsed, context), Read(parsed, context));
        context.Begin(store, parsed);
        try
        {
            var asOf = context.Engine.Join(store, _annotate.Read(parsed), request.AsOf, context.Error);
            return Write(context, store, request with { AsOf = asOf });
        }
        finally
        {
            context.Engine.EndJoin();
        }
    }

    private static ExitCode Write(CliContext context, StoreAddress store, ExportRequest request)
    {
        using var progress = context.Progress();
        if (request.OutputPath != "-")
        {
            using var file = OutputFile.Open(request.OutputPath);
            context.Engine.Export(store, request, context.Guard(file.Stream), progress, context.Cancellation);
            file.Complete();
            return CodeOf(context);
        }
        if (context.OutputIsTerminal && request.Format is ExportFormat.Arrow or ExportFormat.Bcf)
            throw new InputException("binary-to-terminal", "this format is binary: use -o FILE or a pipe", InputPlace.None);
        using var output = context.OpenAnswer();
        context.Engine.Export(store, request, output, progress, context.Cancellation);
        return CodeOf(context);
    }

    private static ExitCode CodeOf(CliContext context)
    {
        var outcome = new Outcome();
        outcome.AddListed();
        outcome.Add(context.Engine.Unavailable, context.Error);
        return outcome.Code;
    }
}
