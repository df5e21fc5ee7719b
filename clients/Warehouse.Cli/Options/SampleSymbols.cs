using System.CommandLine;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Options;

/// <summary>--cohort and --samples-file: which samples a question is about.</summary>
internal sealed class SampleSymbols
{
    private readonly Option<string?> _cohort = new("--cohort") { HelpName = "NAME", Description = "Only the samples of this cohort." };
    private readonly Option<string?> _file = new("--samples-file") { HelpName = "FILE", Description = "Only these samples: one name per line, - is standard input." };

    public void AddTo(Command command)
    {
        command.Options.Add(_cohort);
        command.Options.Add(_file);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_cohort) is not null && result.GetResult(_file) is not null) result.AddError("--cohort and --samples-file exclude each other");
        });
    }

    public SampleChoice Read(ParseResult parsed, CliContext context) =>
        parsed.GetValue(_cohort) is { } cohort ? new SampleChoice { Cohort = cohort }
        : parsed.GetValue(_file) is { } file ? new SampleChoice { Names = [.. Lines.Names(file, context)] }
        : SampleChoice.All;
}
