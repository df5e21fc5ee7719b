using System.CommandLine;

namespace Warehouse.Cli;

/// <summary>A verb: declares its options, reads them into a request and runs it. One instance serves one command line.</summary>
internal abstract class Verb
{
    /// <summary>Whether the line names a server (<see cref="Options.ServerSymbols.IsIn"/>).</summary>
    protected bool AsksServer { get; private set; }

    /// <summary>The verb as the parser sees it.</summary>
    public Command Build(VerbEntry entry, CliContext context, bool asksServer = false)
    {
        AsksServer = asksServer;
        var command = new Command(entry.Name, entry.Summary);
        Declare(command, context);
        return command;
    }

    /// <summary>Adds arguments, options and actions. The default suits a verb without sub-verbs.</summary>
    protected virtual void Declare(Command command, CliContext context)
    {
        AddSymbols(command);
        command.SetAction(parsed => (int)Run(parsed, context));
    }

    /// <summary>Adds arguments and options.</summary>
    protected virtual void AddSymbols(Command command) { }

    /// <summary>Runs what was parsed.</summary>
    protected abstract ExitCode Run(ParseResult parsed, CliContext context);
}
