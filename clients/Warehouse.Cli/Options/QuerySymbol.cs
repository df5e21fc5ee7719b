using System.CommandLine;

namespace Warehouse.Cli.Options;

/// <summary>QUERY…: spellings of variants; <c>-</c> stands for the lines of standard input.</summary>
internal sealed class QuerySymbol(ArgumentArity arity)
{
    public Argument<string[]> Argument { get; } = new("QUERY")
    {
        Arity = arity,
        Description = "Variants: 22-16050075-A-G, chr22:16050075:A:G, NC_000022.10:g.16050075A>G, SPDI, VRS id; - reads them from standard input, one per line.",
    };

    /// <summary>The queries, lazily.</summary>
    public IEnumerable<string> Read(ParseResult parsed, CliContext context)
    {
        foreach (var query in parsed.GetValue(Argument) ?? [])
        {
            if (query != "-") yield return query;
            else foreach (var line in Lines.Variants("-", context)) yield return line;
        }
    }
}
