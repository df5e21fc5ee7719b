using System.CommandLine;
using Warehouse.Engine;

namespace Warehouse.Cli.Output;

/// <summary>Formats of answers.</summary>
internal enum OutputFormat
{
    /// <summary>Aligned, for eyes.</summary>
    Table,

    /// <summary>Tab-separated.</summary>
    Tsv,

    /// <summary>Array of objects.</summary>
    Json,

    /// <summary>Arrow IPC stream.</summary>
    Arrow,
}

/// <summary>--format, --json and -o of every verb that prints an answer. Without them: a table on a terminal, TSV elsewhere.</summary>
internal sealed class OutputSymbols
{
    private readonly Option<OutputFormat?> _format = new("--format") { HelpName = "table|tsv|json|arrow", Description = "Default: table on a terminal, else tsv." };
    private readonly Option<bool> _json = new("--json") { Description = "The same as --format json." };

    /// <summary>-o FILE.</summary>
    public Option<string?> Path { get; } = new("-o", "--output") { HelpName = "FILE", Description = "Write to a file, which appears when it is complete." };

    public void AddTo(Command command)
    {
        _format.CustomParser = result => ParseWord<OutputFormat>(result);
        command.Options.Add(_format);
        command.Options.Add(_json);
        command.Options.Add(Path);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_json) is not null && result.GetResult(_format) is not null) result.AddError("--json and --format exclude each other");
        });
    }

    /// <summary>Opens the output and lets <paramref name="write"/> fill it; complete when that returns, unfinished when it throws.</summary>
    public ExitCode Write(ParseResult parsed, CliContext context, Column[] columns, Func<RowWriter, ExitCode> write)
    {
        var (path, format) = (parsed.GetValue(Path), FormatOf(parsed, context));
        if (path is not null and not "-")
        {
            using var file = OutputFile.Open(path);
            var written = WriteRows(format, columns, context.Guard(file.Stream), write);
            file.Complete();
            return written;
        }
        if (format == OutputFormat.Arrow && context.OutputIsTerminal)
            throw new InputException("arrow-to-terminal", "Arrow is binary: use -o FILE or a pipe", InputPlace.None);
        using var output = context.OpenAnswer();
        return WriteRows(format, columns, output, write);
    }

    /// <summary>The format that the line asks for.</summary>
    public OutputFormat FormatOf(ParseResult parsed, CliContext context)
    {
        var toTerminal = context.OutputIsTerminal && parsed.GetValue(Path) is null or "-";
        return parsed.GetValue(_json) ? OutputFormat.Json : parsed.GetValue(_format) ?? (toTerminal ? OutputFormat.Table : OutputFormat.Tsv);
    }

    /// <summary>One word of an enumeration, in lower case; numbers and other spellings are refused.</summary>
    public static T? ParseWord<T>(System.CommandLine.Parsing.ArgumentResult result) where T : struct, Enum
    {
        var word = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        foreach (var value in Enum.GetValues<T>())
            if (Word(value) == word) return value;
        result.AddError($"'{word}' is not one of {string.Join(", ", Enum.GetValues<T>().Select(Word))}");
        return null;
    }

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static ExitCode WriteRows(OutputFormat format, Column[] columns, Stream stream, Func<RowWriter, ExitCode> write)
    {
        using RowWriter writer = format switch
        {
            OutputFormat.Table => new TableWriter(columns, stream),
            OutputFormat.Tsv => new TsvWriter(columns, stream),
            OutputFormat.Json => new JsonWriter(columns, stream),
            _ => new ArrowRowWriter(columns, stream),
        };
        var code = write(writer);
        writer.Complete();
        return code;
    }
}
