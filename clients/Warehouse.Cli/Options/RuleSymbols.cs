using System.CommandLine;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Options;

/// <summary>--adj, --pass, --ploidy, --per, --no-precomputed: the rules of counting.</summary>
internal sealed class RuleSymbols
{
    private readonly Option<bool> _adj = new("--adj") { Description = "Judge records and blocks: GQ >= 20, DP >= 10, allele balance >= 0.2." };
    private readonly Option<bool> _pass = new("--pass") { Description = "A record with a FILTER other than PASS gives no call." };
    private readonly Option<string> _ploidy = new("--ploidy") { HelpName = "by-sex|as-called", DefaultValueFactory = _ => "by-sex", Description = "How X and Y are counted." };
    private readonly Option<string> _per = new("--per") { HelpName = "person|sample", DefaultValueFactory = _ => "person", Description = "Count one sample per person, or every sample." };
    private readonly Option<bool> _noPrecomputed = new("--no-precomputed") { Description = "Count genotypes even where stored totals tell, and say on standard error how many bytes of them were read." };

    public void AddTo(Command command)
    {
        _ploidy.AcceptOnlyFromAmong("by-sex", "as-called");
        _per.AcceptOnlyFromAmong("person", "sample");
        foreach (var option in (Option[])[_adj, _pass, _ploidy, _per, _noPrecomputed]) command.Options.Add(option);
    }

    public CountRules Read(ParseResult parsed) => new()
    {
        Adj = parsed.GetValue(_adj),
        PassOnly = parsed.GetValue(_pass),
        PloidyAsCalled = parsed.GetValue(_ploidy) == "as-called",
        PerSample = parsed.GetValue(_per) == "sample",
        NoPrecomputed = parsed.GetValue(_noPrecomputed),
    };
}
