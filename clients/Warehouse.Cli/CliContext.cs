using Microsoft.Win32.SafeHandles;

namespace Warehouse.Cli;

/// <summary>Everything a verb touches outside its request: the streams of the process, the engine, the wish to stop. Tests make their own.</summary>
internal sealed class CliContext
{
    private bool _isRescue;

    /// <summary>The engine's calls; those of a server after <see cref="Ask"/>.</summary>
    public required Engine Engine { get; set; }

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

    /// <summary>File of the logins at servers; null = that of this user.</summary>
    public string? LoginsPath { get; init; }

    /// <summary>Measures logins: waits of a new one, the end of one that is kept.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Set by Ctrl-C and SIGTERM.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>
    /// Begins an audited call: from here on no byte of an answer leaves before its entry in the store's audit log is durable (I5). A verb that
    /// shows anything of a person calls it before it asks.
    /// </summary>
    public void Begin(Options.StoreAddress store, System.CommandLine.ParseResult parsed) =>
        Engine.BeginCall(store, string.Join(' ', VerbTable.PathOf(parsed.CommandResult)), string.Join('\0', parsed.Tokens.Select(t => t.Value)));

    /// <summary>Begins a call that changes the store: on return its entry is durable, and only then may anything change (I5).</summary>
    /// <param name="store">The store.</param>
    /// <param name="parsed">The command.</param>
    /// <param name="samples">Samples to which it opens access.</param>
    public void BeginChange(Options.StoreAddress store, System.CommandLine.ParseResult parsed, IEnumerable<string>? samples = null)
    {
        Begin(store, parsed);
        foreach (var sample in samples ?? []) Engine.Call?.Shows(sample);
        Engine.Call?.Begin();
    }

    /// <summary>
    /// Begins a call of a verb that is the way out of damage and shows nothing of persons: its entry is durable on return where it can be, and where
    /// keys or log are damaged themselves, or there is no room for it, it is told that it is not, and the verb goes on. So with its end.
    /// </summary>
    public void BeginRescue(Options.StoreAddress store, System.CommandLine.ParseResult parsed)
    {
        _isRescue = true;
        try
        {
            Begin(store, parsed);
            Engine.Call?.Begin();
        }
        catch (Exception e) when (e is not Warehouse.Engine.Storage.StoreRefusedException && IsTold(e))
        {
            Engine.EndCall(null);
        }
    }

    /// <summary>Whether a failure of the audit log ends nothing but its entry (<see cref="BeginRescue"/>); then it was told.</summary>
    public bool IsTold(Exception failure)
    {
        if (!_isRescue || failure is not (IOException or UnauthorizedAccessException)) return false;
        Error.WriteLine("warehouse: not in the audit log: " + Output.SafeText.EscapeMessage((failure is Warehouse.Engine.Audit.AuditRefusedException { InnerException: { } why } ? why : failure).Message));
        return true;
    }

    /// <summary>Asks a server from here on. Apart, so that a run without one loads nothing of it.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    public void Ask(Options.ServerAddress server) => Engine = new Remote.RemoteEngine(server, this);

    /// <summary>Standard output for an answer.</summary>
    public Stream OpenAnswer() => Guard(OpenOutput());

    /// <summary>A stream of an answer, behind the audit log when the call is audited.</summary>
    public Stream Guard(Stream target) => Engine.Call is { } call ? new Warehouse.Engine.Audit.AuditedStream(target, call) : target;

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
