using System.CommandLine;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Options;

/// <summary>--region, any number of times.</summary>
internal sealed class RegionSymbol
{
    public Option<string[]> Option { get; } = new("--region") { HelpName = "CONTIG[:FROM-TO]", Description = "Only here, by normalised POS; 1-based, both ends included. May be repeated." };

    public void AddTo(Command command) => command.Options.Add(Option);

    public IReadOnlyList<Region> Read(ParseResult parsed)
    {
        var regions = new List<Region>();
        foreach (var text in parsed.GetValue(Option) ?? []) regions.Add(RegionText.Parse(text));
        return regions;
    }
}
