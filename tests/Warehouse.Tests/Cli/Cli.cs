using System.CommandLine;
using System.Text;
using Warehouse.Cli;

namespace Warehouse.Tests.Cli;

/// <summary>Runs command lines inside the test, with streams of its own.</summary>
internal sealed class Cli
{
    private readonly StringWriter _error = new();
    private MemoryStream _output = new();

    /// <summary>Stands in for the engine.</summary>
    public Warehouse.Cli.Engine Engine { get; init; } = new();

    /// <summary>Standard input.</summary>
    public string Input { get; init; } = "";

    /// <summary>The same as bytes that need not be UTF-8.</summary>
    public byte[]? InputBytes { get; init; }

    /// <summary>Standard output is a terminal.</summary>
    public bool Terminal { get; init; }

    /// <summary>Where data goes instead of <see cref="Output"/>.</summary>
    public Func<Stream>? OpenOutput { get; init; }

    /// <summary>File of logins; none of the person who runs the tests.</summary>
    public string LoginsPath { get; init; } = Path.Combine(AppContext.BaseDirectory, "no-logins", "logins.json");

    /// <summary>Measures logins.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Token of the process.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>What went to standard output.</summary>
    public byte[] OutputBytes => _output.ToArray();

    /// <summary>The same as text.</summary>
    public string Output => Encoding.UTF8.GetString(OutputBytes);

    /// <summary>What went to standard error.</summary>
    public string Error => _error.ToString();

    /// <summary>The context of this run.</summary>
    public CliContext Context => new()
    {
        Engine = Engine,
        OpenOutput = OpenOutput ?? (() => _output = new MemoryStream()),
        OpenInput = () => new MemoryStream(InputBytes ?? Encoding.UTF8.GetBytes(Input)),
        Error = _error,
        OutputIsTerminal = Terminal,
        LoginsPath = LoginsPath,
        Clock = Clock,
        Cancellation = Cancellation,
    };

    /// <summary>Runs one line.</summary>
    public ExitCode Run(params string[] arguments) => CommandLine.Run(arguments, Context);

    /// <summary>Parses one line that must be right, and reads a request from it.</summary>
    public TRequest Read<TVerb, TRequest>(Func<TVerb, ParseResult, CliContext, TRequest> read, params string[] arguments) where TVerb : Verb
    {
        var context = Context;
        var entry = VerbTable.All.Single(v => v.Name == arguments[0]);
        var verb = (TVerb)entry.Create();
        var root = new RootCommand { verb.Build(entry, context) };
        var parsed = root.Parse(arguments);
        Xunit.Assert.Empty(parsed.Errors);
        return read(verb, parsed, context);
    }

    /// <summary>Splits an example as a shell would: single and double quotes, pipes and input from a file cut off.</summary>
    public static string[] Words(string line)
    {
        line = line[(line.IndexOf("warehouse ", StringComparison.Ordinal) + "warehouse ".Length)..].Split(" < ")[0];
        var words = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        foreach (var c in line + " ")
        {
            if (c == quote) quote = '\0';
            else if (quote != '\0') word.Append(c);
            else if (c is '"' or '\'') quote = c;
            else if (c != ' ') word.Append(c);
            else if (word.Length > 0)
            {
                words.Add(word.ToString());
                word.Clear();
            }
        }
        return [.. words];
    }
}
