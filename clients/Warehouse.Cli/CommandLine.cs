using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Cli;

/// <summary>The boundary of the process: from arguments to exit code. Nothing thrown below gets past it.</summary>
internal static class CommandLine
{
    private const int BrokenPipe = 32; // EPIPE

    // A token that starts with @ is a query or a file name here, never a file of arguments.
    private static readonly ParserConfiguration Rules = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs one command line.</summary>
    public static ExitCode Run(string[] arguments, CliContext context)
    {
        try
        {
            if (arguments is ["--version"]) return PrintVersion(context);
            if (arguments is [var verb, ..] && char.IsAsciiLetter(verb.FirstOrDefault()) && VerbTable.All.All(v => v.Name != verb))
                return Fail(context, $"'{verb}' is no verb; see warehouse --help", ExitCode.BadInput);
            return End(Invoke(Parse(arguments, context), context), context);
        }
        catch (Exception e)
        {
            var code = Explain(e, context);
            if (e is not Warehouse.Engine.Audit.AuditRefusedException) return End(code, context);
            context.Engine.EndCall(null); // it was told, and to write once more would fail as well
            return code;
        }
    }

    /// <summary>The end of an audited call is in the log before the process ends; where it cannot be, the process says so.</summary>
    private static ExitCode End(ExitCode code, CliContext context)
    {
        try
        {
            context.Engine.EndCall(code switch
            {
                ExitCode.Done => "done", ExitCode.NothingMatched => "nothing-matched", ExitCode.BadInput => "bad-input", ExitCode.DamagedStore => "damaged", ExitCode.Incomplete => "incomplete",
                ExitCode.Cancelled => "cancelled", _ => "could-not",
            });
            return code;
        }
        catch (Exception e)
        {
            return context.IsTold(e) ? code : Explain(e, context);
        }
    }

    /// <summary>
    /// Parses without running anything. Only the verb that is called gets its options built: the others need none to be listed. A directive
    /// such as <c>[suggest]</c>, which shells call for completion, comes before the verb and needs them all.
    /// </summary>
    internal static ParseResult Parse(string[] arguments, CliContext context)
    {
        var root = new RootCommand("Variant Warehouse: have we seen this variant, and how frequent is it in this cohort?");
        var first = arguments.FirstOrDefault("");
        foreach (var entry in VerbTable.All)
            root.Subcommands.Add(entry.Name == first || first.StartsWith('[') ? entry.Create().Build(entry, context, Options.ServerSymbols.IsIn(arguments)) : new Command(entry.Name, entry.Summary));
        var help = root.Options.OfType<HelpOption>().First();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root.Parse(arguments, Rules);
    }

    private static ExitCode Invoke(ParseResult parsed, CliContext context)
    {
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors) context.Error.WriteLine("warehouse: " + SafeText.EscapeMessage(error.Message));
            var verb = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
            context.Error.WriteLine($"warehouse: see warehouse {verb}--help");
            return ExitCode.BadInput;
        }
        // Only help writes here: verbs open their own output. Errors of the parser were written above.
        using var text = new StringWriter();
        var settings = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = text };
        var code = (ExitCode)parsed.Invoke(settings);
        if (text.GetStringBuilder().Length > 0) Print(context, text.ToString());
        return code;
    }

    private static ExitCode Explain(Exception failure, CliContext context)
    {
        // Work on several threads wraps what went wrong; the first is the reason.
        while (failure is AggregateException or TypeInitializationException && failure.InnerException is { } inner) failure = inner;
        switch (failure)
        {
            case OperationCanceledException when context.Cancellation.IsCancellationRequested: return Fail(context, "cancelled", ExitCode.Cancelled);
            case InputException: return Fail(context, failure.Message, ExitCode.BadInput);
            case DamagedStoreException or InvalidDataException: return Fail(context, failure.Message, ExitCode.DamagedStore);
            case IOException { HResult: BrokenPipe }: return ExitCode.Done; // the reader has seen enough
            case OutOfMemoryException or InsufficientExecutionStackException: return Fail(context, "the memory that this process may use is not enough", ExitCode.CouldNot);
            case DurableException { Errno: DurableException.TooManyFiles } or IOException { HResult: DurableException.TooManyFiles }:
                return Fail(context, "too many files are open at once: raise the limit (ulimit -n), or compact the store", ExitCode.CouldNot);
            case FileNotFoundException { FileName: { } part } when part.Contains(", Version=", StringComparison.Ordinal):
                return Fail(context, "the runtime could not load a part of itself: the limits of open files or memory are too small, or the installation is not whole", ExitCode.CouldNot);
            case SystemLibraryMissingException: return Fail(context, failure.Message, ExitCode.CouldNot);
            case IOException or UnauthorizedAccessException: return Fail(context, failure.Message, ExitCode.CouldNot);
            case not null when Remote.RemoteFailure.Of(failure, context.Engine) is var (text, code): return Fail(context, text, code);
            default:
                // Our own mistake. The trace helps to mend it and names code only.
                Fail(context, $"internal error, please report: {failure!.GetType().Name}: {failure.Message}", ExitCode.CouldNot);
                context.Error.WriteLine(failure.StackTrace);
                return ExitCode.CouldNot;
        }
    }

    private static ExitCode PrintVersion(CliContext context)
    {
        Print(context, "warehouse " + typeof(CommandLine).Assembly.GetName().Version!.ToString(3) + "\n");
        return ExitCode.Done;
    }

    private static void Print(CliContext context, string text)
    {
        using var output = context.OpenOutput();
        output.Write(System.Text.Encoding.UTF8.GetBytes(text));
    }

    private static ExitCode Fail(CliContext context, string text, ExitCode code)
    {
        context.Error.WriteLine("warehouse: " + SafeText.EscapeMessage(text));
        return code;
    }

    /// <summary>The parser's help, followed by the verb's examples of <see cref="VerbTable"/>.</summary>
    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            help.Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            var path = VerbTable.PathOf(parseResult.CommandResult);
            var examples = VerbTable.All.Where(v => path.Length > 0 && v.Name == path[0]).SelectMany(v => v.Examples)
                .Where(e => path.Length == 1 || e.Split(' ').Skip(1).Take(path.Length).SequenceEqual(path)).ToList();
            if (examples.Count == 0) return 0;
            output.WriteLine("Examples:");
            foreach (var example in examples) output.WriteLine("  " + example);
            return 0;
        }
    }
}
