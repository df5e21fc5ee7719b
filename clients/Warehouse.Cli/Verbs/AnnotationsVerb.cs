using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;

namespace Warehouse.Cli.Verbs;

/// <summary><c>annotations load</c>, <c>list</c> and <c>drop</c>.</summary>
internal sealed class AnnotationsVerb : Verb
{
    private enum OnError
    {
        Refuse,
        Skip,
    }

    private readonly StoreSymbols _store = new();
    private readonly OutputSymbols _output = new();
    private readonly Argument<string> _source = new("NAME") { Description = "Name of the source: clinvar, gnomad, …" };
    private readonly Argument<string> _file = new("FILE") { Description = "VCF, or TSV or BED with a mapping; plain, BGZF or gzip; - is standard input." };
    private readonly Argument<string> _choice = new("RELEASE") { Description = "NAME, NAME@DAY or NAME@NUMBER." };
    private readonly Option<string> _release = new("--release") { HelpName = "YYYY-MM-DD", Required = true, Description = "Day of the release, as its source gives it." };
    private readonly Option<string?> _mapping = new("--mapping") { HelpName = "FILE", Description = "How the file is read (default: the built-in mapping of clinvar, else all that the header of a VCF declares)." };
    private readonly Option<OnError?> _onError = new("--on-error") { HelpName = "refuse|skip", CustomParser = OutputSymbols.ParseWord<OnError>, Description = "What to do with records that are not understood or differ from the reference (default: refuse the file)." };

    /// <summary>The request of <c>annotations load</c>; reads the mapping.</summary>
    internal AnnotationRequest Read(ParseResult parsed) => new()
    {
        Source = parsed.GetRequiredValue(_source),
        Date = Day(parsed.GetRequiredValue(_release)),
        File = parsed.GetRequiredValue(_file),
        Mapping = parsed.GetValue(_mapping) is { } path ? Mapping(path) : null,
        SkipBadRecords = parsed.GetValue(_onError) == OnError.Skip,
        Threads = Environment.ProcessorCount,
    };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        var load = new Command("load", "Load a release of a source, or nothing of it.");
        _store.AddReadingTo(load, AsksServer);
        foreach (var argument in (Argument[])[_source, _file]) load.Arguments.Add(argument);
        foreach (var option in (Option[])[_release, _mapping, _onError]) load.Options.Add(option);
        var list = new Command("list", "List the releases of a store, retired ones too.");
        _store.AddReadingTo(list, AsksServer, isAlone: true);
        var drop = new Command("drop", "Retire a release: snapshots of before still show it, until they are purged.");
        _store.AddReadingTo(drop, AsksServer);
        drop.Arguments.Add(_choice);
        foreach (var sub in (Command[])[load, list, drop])
        {
            _output.AddTo(sub);
            sub.SetAction(parsed => (int)Run(parsed, context));
            command.Subcommands.Add(sub);
        }
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var store = _store.Read(parsed, context);
        var report = parsed.CommandResult.Command.Name switch
        {
            "load" => Load(parsed, context, store),
            "list" => List(parsed, context, store),
            _ => Drop(parsed, context, store),
        };
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }

    private Report Load(ParseResult parsed, CliContext context, StoreAddress store)
    {
        var request = Read(parsed);
        context.BeginChange(store, parsed);
        using var progress = context.Progress();
        return context.Engine.LoadAnnotations(store, request, progress, context.Cancellation);
    }

    private static Report List(ParseResult parsed, CliContext context, StoreAddress store)
    {
        context.Begin(store, parsed);
        return context.Engine.ListAnnotations(store, context.Cancellation);
    }

    private Report Drop(ParseResult parsed, CliContext context, StoreAddress store)
    {
        context.BeginChange(store, parsed);
        return context.Engine.DropAnnotations(store, parsed.GetRequiredValue(_choice), context.Cancellation);
    }

    private static DateOnly Day(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
        ? day : throw new InputException("release-date", "the day of a release is written as 2024-01-07", InputPlace.None);

    private static AnnotationMapping Mapping(string path)
    {
        if (!File.Exists(path)) throw new InputException("input-missing", "there is no such file", new InputPlace(path, 0, 0, ""));
        if (new FileInfo(path).Length > AnnotationMapping.MaxBytes) throw new InputException("mapping-length", $"a mapping has at most {AnnotationMapping.MaxBytes} bytes", new InputPlace(path, 0, 0, ""));
        return AnnotationMapping.Parse(File.ReadAllText(path), path);
    }
}
