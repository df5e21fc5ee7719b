using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;

namespace Warehouse.Cli.Verbs;

/// <summary><c>case-control</c>.</summary>
internal sealed class CaseControlVerb : Verb
{
    private readonly StoreSymbols _store = new();
    private readonly Option<string> _cases = new("--cases") { HelpName = "COHORT", Required = true, Description = "Cohort of the cases." };
    private readonly Option<string> _controls = new("--controls") { HelpName = "COHORT", Required = true, Description = "Cohort of the controls." };
    private readonly OutputSymbols _output = new();

    /// <summary>The two cohorts.</summary>
    internal (string Cases, string Controls) Read(ParseResult parsed) => (parsed.GetRequiredValue(_cases), parsed.GetRequiredValue(_controls));

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _store.AddReadingTo(command, AsksServer, isAlone: true);
        command.Options.Add(_cases);
        command.Options.Add(_controls);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var (cases, controls) = Read(parsed);
        var store = _store.Read(parsed, context);
        context.Begin(store, parsed);
        return _output.Write(parsed, context, Columns.CaseControl(), writer =>
        {
            var outcome = new Outcome();
            foreach (var row in context.Engine.CaseControl(store, cases, controls, context.Cancellation))
            {
                outcome.AddListed();
                Columns.Write(writer, row);
            }
            foreach (var range in context.Engine.Unavailable) Columns.WriteUnavailable(writer, range);
            outcome.Add(context.Engine.Unavailable, context.Error);
            return outcome.Code;
        });
    }
}
