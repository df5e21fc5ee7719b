using System.CommandLine.Parsing;
using System.CommandLine;
using Warehouse.Cli.Output;
using Warehouse.Engine.Simulate;

namespace Warehouse.Cli.Verbs;

/// <summary><c>simulate</c>.</summary>
internal sealed class SimulateVerb : Verb
{
    private readonly Argument<string> _folder = new("OUT") { Description = "Folder to write; made if missing." };
    private readonly Option<int> _samples = new("--samples") { HelpName = "N", DefaultValueFactory = _ => 100, Description = "How many samples." };
    private readonly Option<int> _variants = new("--variants") { HelpName = "M", DefaultValueFactory = _ => 10_000, Description = "How many sites." };
    private readonly Option<ulong> _seed = new("--seed") { HelpName = "S", DefaultValueFactory = _ => 1, Description = "The same seed gives the same bytes." };
    private readonly Option<SimulationShape?> _shape = new("--as") { HelpName = "joint|single|gvcf", CustomParser = OutputSymbols.ParseWord<SimulationShape>, Description = "One VCF (default), one per sample, or one gVCF per sample." };
    private readonly Option<bool> _truth = new("--truth") { Description = "Write the figures that freq must give too." };
    private readonly Option<string?> _preset = new("--preset") { HelpName = "A|B|C|Cg|D|small", Description = "The sets of the benchmarks; other options are added to it." };
    private readonly Option<SimulationFormat?> _format = new("--format-fields") { HelpName = "gt|full", CustomParser = OutputSymbols.ParseWord<SimulationFormat>, Description = "GT alone (default) or GT:GQ:DP:AD." };
    private readonly Option<double?> _sfs = new("--sfs") { HelpName = "a", Description = "Exponent of the site-frequency spectrum k^-a." };
    private readonly Option<double?> _halfCalls = new("--half-calls") { HelpName = "RATE", Description = "Share of genotypes with one allele missing." };
    private readonly Option<bool> _unnormalised = new("--unnormalised") { Description = "Write indels off their normalised place." };
    private readonly Option<bool> _callable = new("--callable") { Description = "Write callable.bed." };
    private readonly Option<bool> _split = new("--split-by-contig") { Description = "With gvcf: a file per contig and sample." };
    private readonly Option<bool> _noSex = new("--no-sex-chromosomes") { Description = "Autosomes only." };
    private readonly Option<int> _duplicates = new("--plant-duplicates") { HelpName = "K", Description = "Samples that are another sample again." };
    private readonly Option<int?> _clinvar = new("--clinvar") { HelpName = "2018|2021|2024", Description = "Also write two releases in the form of ClinVar's of that year, and what changed between them." };
    private readonly Option<int> _sexErrors = new("--plant-sex-errors") { HelpName = "K", Description = "Samples whose recorded sex is wrong." };
    private readonly OutputSymbols _output = new();

    /// <summary>The request.</summary>
    internal SimulationOptions Read(ParseResult parsed)
    {
        var folder = parsed.GetRequiredValue(_folder);
        var options = parsed.GetValue(_preset) is { } preset ? SimulationOptions.Preset(preset, folder) : new SimulationOptions { Folder = folder };
        if (parsed.GetResult(_samples) is not { Implicit: true }) options = options with { Samples = parsed.GetValue(_samples) };
        if (parsed.GetResult(_variants) is not { Implicit: true }) options = options with { Variants = parsed.GetValue(_variants) };
        if (parsed.GetValue(_preset) is null) options = options with { Samples = parsed.GetValue(_samples), Variants = parsed.GetValue(_variants) };
        return options with
        {
            Seed = parsed.GetValue(_seed),
            Shape = parsed.GetValue(_shape) ?? options.Shape,
            Format = parsed.GetValue(_format) ?? options.Format,
            SfsExponent = parsed.GetValue(_sfs) ?? options.SfsExponent,
            HalfCallRate = parsed.GetValue(_halfCalls) ?? options.HalfCallRate,
            Truth = parsed.GetValue(_truth) || options.Truth,
            Unnormalised = parsed.GetValue(_unnormalised),
            Callable = parsed.GetValue(_callable),
            SplitByContig = parsed.GetValue(_split),
            SexChromosomes = options.SexChromosomes && !parsed.GetValue(_noSex),
            PlantDuplicates = parsed.GetValue(_duplicates),
            PlantSexErrors = parsed.GetValue(_sexErrors),
            ClinVar = (ClinVarForm?)parsed.GetValue(_clinvar),
        };
    }

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _samples.Validators.Add(AtLeastOne);
        _variants.Validators.Add(AtLeastOne);
        _clinvar.Validators.Add(static result =>
        {
            if (result.Tokens is [var token] && token.Value is not ("2018" or "2021" or "2024")) result.AddError("--clinvar is 2018, 2021 or 2024");
        });
        command.Arguments.Add(_folder);
        foreach (var option in (Option[])[_samples, _variants, _seed, _shape, _truth, _preset, _format, _sfs, _halfCalls, _unnormalised, _callable, _split, _noSex, _duplicates, _sexErrors, _clinvar]) command.Options.Add(option);
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
