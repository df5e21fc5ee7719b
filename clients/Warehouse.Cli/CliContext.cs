using Microsoft.Win32.SafeHandles;

namespace Warehouse.Cli;

/// <summary>Everything a verb touches outside its request: the streams of the process, the engine, the wish to stop. Tests make their own.</summary>
internal sealed class CliContext
{
    /// <summary>The engine's calls.</summary>
    public required Engine Engine { get; init; }

    /// <summary>Opens standard output; data only.</summary>
    public required Func<Stream> OpenOutput { get; init; }

    /// <summary>Opens standard input.</summary>
    public required Func<Stream> OpenInput { get; init; }

    /// <summary>Standard error: everything that is not data. That of the process unless another is given, opened when it is first needed: few runs do.</summary>
    public TextWriter Error
    {
        get => field ??= Console.Error;
        init;
    }

    /// <summary>Standard output is a terminal.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Standard error is a terminal: progress may be shown.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Set by Ctrl-C and SIGTERM.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The context of this process.</summary>
    public static CliContext OfProcess(CancellationToken cancellation) => new()
    {
        Engine = new Engine(),
        OpenOutput = OpenStandardOutput,
        OpenInput = Console.OpenStandardInput,
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
        Cancellation = cancellation,
    };

    /// <summary>A progress line on a terminal, else null.</summary>
    public Output.ProgressLine? Progress() => ErrorIsTerminal ? new Output.ProgressLine(Error, TimeProvider.System) : null;

    // The console's own stream ignores a closed pipe and would let a long query run on for nobody; a file stream reports it. For a regular
    // file the console's stream is right: a file stream writes at offsets of its own, and what the shell appends afterwards would overwrite it.
    private static Stream OpenStandardOutput()
    {
        var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }
}
