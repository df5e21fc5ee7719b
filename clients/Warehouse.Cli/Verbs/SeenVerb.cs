using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Verbs;

/// <summary>What <c>seen</c> asks.</summary>
/// <param name="Queries">Spellings; lazy, so that standard input can stream. Read once.</param>
/// <param name="Samples">Over which samples.</param>
/// <param name="Identify">Whether answers name the variant in other systems.</param>
internal sealed record SeenRequest(IEnumerable<string> Queries, SampleChoice Samples, bool Identify = false);

/// <summary>What <c>seen --vcf</c> asks.</summary>
/// <param name="InputPath">The file to annotate.</param>
/// <param name="OutputPath">Where to write it with INFO fields added.</param>
/// <param name="Samples">Over which samples.</param>
internal sealed record AnnotateRequest(string InputPath, string OutputPath, SampleChoice Samples);

/// <summary><c>seen</c>: of spellings, or of every allele of a VCF.</summary>
internal sealed class SeenVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly QuerySymbol _queries = new(ArgumentArity.ZeroOrMore);
    private readonly SampleSymbols _samples = new();
    private readonly OutputSymbols _output = new();
    private readonly AnnotateSymbol _annotate = new();
    private readonly Option<string?> _vcf = new("--vcf") { HelpName = "IN", Description = "Annotate this VCF instead of answering queries; needs -o." };
    private readonly Option<bool> _assessments = new("--assessments") { Description = "Also what the laboratory has signed of the allele." };

    /// <summary>The request of a line without --vcf.</summary>
    internal SeenRequest Read(ParseResult parsed, CliContext context) => new(_queries.Read(parsed, context), _samples.Read(parsed, context));

    /// <summary>The request of a line with --vcf, else null.</summary>
    internal AnnotateRequest? ReadAnnotation(ParseResult parsed, CliContext context) =>
        parsed.GetValue(_vcf) is { } input ? new AnnotateRequest(input, parsed.GetRequiredValue(_output.Path)!, _samples.Read(parsed, context)) : null;

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddReadingTo(command, AsksServer);
        command.Arguments.Add(_queries.Argument);
        _samples.AddTo(command);
        command.Options.Add(_vcf);
        _annotate.AddTo(command);
        command.Options.Add(_assessments);
        _output.AddTo(command);
        command.Validators.Add(result =>
        {
            var asked = result.GetResult(_queries.Argument) is { Tokens.Count: > 0 };
            var annotates = result.GetResult(_vcf) is not null;
            if (asked == annotates) result.AddError("give queries, or - for standard input, or --vcf IN -o OUT");
            else if (annotates && result.GetResult(_output.Path) is null) result.AddError("--vcf needs -o OUT");
            else if (annotates && result.GetValue(_output.Path)!.EndsWith(".bcf", StringComparison.Ordinal)) result.AddError("--vcf writes VCF: name the output .vcf or .vcf.gz");
        });
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
        if (ReadAnnotation(parsed, context) is { } annotation)
        {
            using var progress = context.Progress();
            if (annotation.OutputPath == "-")
            {
                using var output = context.OpenAnswer();
                return Told(context, context.Engine.Annotate(store, annotation, output, progress, context.Cancellation));
            }
            using var file = OutputFile.Open(annotation.OutputPath);
            var code = context.Engine.Annotate(store, annotation, context.Guard(file.Stream), progress, context.Cancellation);
            file.Complete();
            return Told(context, code);
        }
        var full = _output.FormatOf(parsed, context) == OutputFormat.Json;
        var request = Read(parsed, context) with { Identify = full };
        var joined = JoinedCells.Of(context.Engine.Cells, parsed.GetValue(_assessments) ? context.Engine.SignedAssessments(store) : null);
        return _output.Write(parsed, context, JoinedCells.Behind(full ? Columns.SeenInFull() : Columns.Seen(), joined), writer =>
        {
            var outcome = new Outcome();
            foreach (var answer in context.Engine.Seen(store, request, context.Cancellation))
            {
                outcome.Add(answer, context.Error);
                if (full) Columns.WriteInFull(writer, answer, context.Engine.Released, joined);
                else Columns.Write(writer, answer, context.Engine.Released, joined);
            }
            return outcome.Code;
        });
    }

    /// <summary>Says what an annotation met damaged.</summary>
    private static ExitCode Told(CliContext context, ExitCode code)
    {
        if (context.Engine.AnnotationDamage is { } damage) context.Error.WriteLine("warehouse: " + SafeText.EscapeMessage(damage) + ": alleles that need it are not_assessable");
        return code;
    }
}
