using System.CommandLine;

namespace Warehouse.Cli.Options;

/// <summary>--annotate: what releases of annotations say of each allele, in columns behind the others.</summary>
internal sealed class AnnotateSymbol
{
    private const string Name = "--annotate";
    private readonly Option<string?> _sources = new(Name)
    {
        HelpName = "SOURCE,…", Description = "Add what annotations say of each allele: clinvar (the newest release), clinvar@2024-01-07 or clinvar@3 (by day or number), clinvar.CLNSIG (one field).",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_sources);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_sources) is null) return;
            if (result.GetValue(_sources) is not { Length: > 0 } text || text.Split(',').Any(s => s.Length == 0)) result.AddError($"{Name} needs sources, apart by commas");
        });
    }

    /// <summary>The choices; empty when the option is not given.</summary>
    public string[] Read(ParseResult parsed) => parsed.GetValue(_sources)?.Split(',') ?? [];
}
