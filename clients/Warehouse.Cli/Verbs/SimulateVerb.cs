using System.CommandLine.Parsing;
using System.CommandLine;
using Warehouse.Cli.Output;

namespace Warehouse.Cli.Verbs;

/// <summary>Shapes that <c>simulate</c> can write.</summary>
internal enum SimulationShape
{
    /// <summary>One VCF for all samples.</summary>
    Joint,

    /// <summary>One VCF per sample.</summary>
    Single,

    /// <summary>One gVCF with reference blocks per sample.</summary>
    Gvcf,
}

/// <summary>What <c>simulate</c> asks.</summary>
/// <param name="Folder">Where to write; made if missing.</param>
/// <param name="Samples">How many.</param>
/// <param name="Variants">How many sites.</param>
/// <param name="Seed">Same seed, same bytes.</param>
/// <param name="Shape">Of the files.</param>
/// <param name="Truth">Write the true counts and states too.</param>
internal sealed record SimulateRequest(string Folder, int Samples, int Variants, int Seed, SimulationShape Shape, bool Truth);

/// <summary><c>simulate</c>.</summary>
internal sealed class SimulateVerb : Verb
{
    private readonly Argument<string> _folder = new("OUT") { Description = "Folder to write; made if missing." };
    private readonly Option<int> _samples = new("--samples") { HelpName = "N", DefaultValueFactory = _ => 100, Description = "How many samples." };
    private readonly Option<int> _variants = new("--variants") { HelpName = "M", DefaultValueFactory = _ => 10_000, Description = "How many sites." };
    private readonly Option<int> _seed = new("--seed") { HelpName = "S", DefaultValueFactory = _ => 1, Description = "The same seed gives the same bytes." };
    private readonly Option<SimulationShape?> _shape = new("--as") { HelpName = "joint|single|gvcf", CustomParser = OutputSymbols.ParseWord<SimulationShape>, Description = "One VCF (default), one per sample, or one gVCF per sample." };
    private readonly Option<bool> _truth = new("--truth") { Description = "Write the true counts and states too." };
    private readonly OutputSymbols _output = new();

    /// <summary>The request.</summary>
    internal SimulateRequest Read(ParseResult parsed) => new(
        parsed.GetRequiredValue(_folder), parsed.GetValue(_samples), parsed.GetValue(_variants), parsed.GetValue(_seed),
        parsed.GetValue(_shape) ?? SimulationShape.Joint, parsed.GetValue(_truth));

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _samples.Validators.Add(AtLeastOne);
        _variants.Validators.Add(AtLeastOne);
        command.Arguments.Add(_folder);
        foreach (var option in (Option[])[_samples, _variants, _seed, _shape, _truth]) command.Options.Add(option);
        _output.AddTo(command);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        Report report;
        using (var progress = context.Progress())
            report = context.Engine.Simulate(Read(parsed), progress, context.Cancellation);
        return _output.Write(parsed, context, report.Columns, report.WriteTo);
    }

    private static void AtLeastOne(OptionResult result)
    {
        if (result.Tokens is [var token] && int.TryParse(token.Value, out var count) && count < 1) result.AddError($"{result.Option.Name} is at least 1");
    }
}
