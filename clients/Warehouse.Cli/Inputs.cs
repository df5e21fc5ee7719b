using System.CommandLine;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Query;

namespace Warehouse.Cli;

/// <summary>The STORE argument and --keys of every verb that opens a store.</summary>
internal sealed class StoreSymbols
{
    private readonly Argument<string> _path = new("STORE") { Description = "The store's folder." };
    private readonly Option<string?> _keys = new("--keys") { HelpName = "DIR", Description = "Key folder of the store (else WAREHOUSE_KEYS, else STORE.keys)." };

    public void AddTo(Command command)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_keys);
    }

    public StoreAddress Read(ParseResult parsed) => Address(parsed.GetRequiredValue(_path), parsed.GetValue(_keys));

    /// <summary>The address of a store given by path, and by --keys if that was given.</summary>
    public static StoreAddress Address(string path, string? keys) =>
        new(path, keys ?? (Environment.GetEnvironmentVariable("WAREHOUSE_KEYS") is { Length: > 0 } folder ? folder : null));
}

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

/// <summary>--region, any number of times.</summary>
internal sealed class RegionSymbol
{
    public Option<string[]> Option { get; } = new("--region") { HelpName = "CONTIG[:FROM-TO]", Description = "Only here, by normalised POS; 1-based, both ends included. May be repeated." };

    public void AddTo(Command command) => command.Options.Add(Option);

    public IReadOnlyList<Region> Read(ParseResult parsed) => [.. (parsed.GetValue(Option) ?? []).Select(RegionText.Parse)];
}

/// <summary>--as-of.</summary>
internal sealed class AsOfSymbol
{
    private readonly Option<string?> _snapshot = new("--as-of") { HelpName = "SNAPSHOT", Description = "Answer as the store stood then; see warehouse snapshots." };

    public void AddTo(Command command) => command.Options.Add(_snapshot);

    public string? Read(ParseResult parsed) => parsed.GetValue(_snapshot);
}

/// <summary>--adj, --pass, --ploidy, --per, --no-precomputed: the rules of counting.</summary>
internal sealed class RuleSymbols
{
    private readonly Option<bool> _adj = new("--adj") { Description = "Judge records and blocks: GQ >= 20, DP >= 10, allele balance >= 0.2." };
    private readonly Option<bool> _pass = new("--pass") { Description = "A record with a FILTER other than PASS gives no call." };
    private readonly Option<string> _ploidy = new("--ploidy") { HelpName = "by-sex|as-called", DefaultValueFactory = _ => "by-sex", Description = "How X and Y are counted." };
    private readonly Option<string> _per = new("--per") { HelpName = "person|sample", DefaultValueFactory = _ => "person", Description = "Count one sample per person, or every sample." };
    private readonly Option<bool> _noPrecomputed = new("--no-precomputed") { Description = "Compute from genotypes even where a stored total exists." };

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

/// <summary>Small text files of names and spellings, streamed.</summary>
internal static class Lines
{
    /// <summary>Longest line accepted, without its end.</summary>
    public const int MaxLineBytes = 1 << 20;

    /// <summary>Sample names, one per line; empty lines are skipped, a final CR is dropped.</summary>
    public static IEnumerable<string> Names(string path, CliContext context) => Read(path, context, comments: false);

    /// <summary>Spellings of variants, one per line; empty lines and lines that start with # are skipped.</summary>
    public static IEnumerable<string> Variants(string path, CliContext context) => Read(path, context, comments: true);

    private static IEnumerable<string> Read(string path, CliContext context, bool comments)
    {
        if (path != "-" && !File.Exists(path)) throw new InputException("no-file", "no such file", new InputPlace(path, 0, 0, ""));
        using var stream = path == "-" ? context.OpenInput() : File.OpenRead(path);
        using var bytes = new BufferedStream(new CancellableInput(stream, context.Cancellation), 1 << 16);
        for (var number = 1L; NextLine(bytes, new InputPlace(path, number, 0, "")) is { } text; number++)
        {
            var line = number == 1 ? text.TrimStart('\uFEFF') : text; // a byte order mark is no part of the first name
            if (comments && number == 1 && line.StartsWith("##fileformat=", StringComparison.Ordinal))
                throw new InputException("variant-list", "this is a VCF; a list of variants has one spelling per line (seen --vcf annotates a VCF)", new InputPlace(path, 1, 0, ""));
            if (line.Length > 0 && !(comments && line[0] == '#')) yield return line;
        }
    }

    private static string? NextLine(BufferedStream bytes, InputPlace place)
    {
        var line = new List<byte>();
        int next;
        while ((next = bytes.ReadByte()) >= 0 && next != '\n')
        {
            if (line.Count >= MaxLineBytes) throw new InputException("line-length", $"a line is longer than {MaxLineBytes} bytes", place);
            line.Add((byte)next);
        }
        if (next < 0 && line.Count == 0) return null;
        if (line is [.., (byte)'\r']) line.RemoveAt(line.Count - 1);
        var utf8 = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(line);
        return System.Text.Unicode.Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : throw new InputException("text-encoding", "not UTF-8", place);
    }
}
