using System.Diagnostics;

namespace Warehouse.Tests.Oracle;

/// <summary>What a run of the command line left: exit code and both streams.</summary>
internal sealed record ProductRun(int Exit, string Output, string Error, string Command);

/// <summary>The product as its users have it: arguments in, text and exit code out, in a child process unless a test says otherwise.</summary>
internal static class Product
{
    private const int TimeoutMs = 120_000;
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "warehouse.dll");

    /// <summary>The runtime that runs the tests, else the one on PATH.</summary>
    private static readonly string Host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    public static ProductRun Run(params string[] arguments) => Run(input: null, arguments);

    /// <summary>The same command line inside this process, for tests that ask too often to start a process each time.</summary>
    public static ProductRun RunHere(params string[] arguments)
    {
        var cli = new Cli.Cli();
        return new ProductRun((int)cli.Run(arguments), cli.Output, cli.Error, "warehouse " + string.Join(' ', arguments));
    }

    /// <summary>A child process with text on standard input and further environment variables, each "NAME=VALUE".</summary>
    public static ProductRun Run(string? input, string[] arguments, params string[] environment)
    {
        var start = new ProcessStartInfo(Host) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(Program);
        foreach (var a in arguments) start.ArgumentList.Add(a);
        foreach (var e in environment.Select(e => e.Split('='))) start.Environment[e[0]] = e[1];
        using var process = Process.Start(start) ?? throw new InvalidOperationException("the product did not start");
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            process.StandardInput.Write(input ?? "");
            process.StandardInput.Close();
        }
        catch (IOException) { /* It ended without reading: its exit code tells why. */ }
        var command = "warehouse " + string.Join(' ', arguments);
        if (process.WaitForExit(TimeoutMs)) return new ProductRun(process.ExitCode, output.Result, error.Result, command);
        process.Kill(entireProcessTree: true);
        throw new TimeoutException($"{command}: no end after {TimeoutMs} ms");
    }

    /// <summary>A run that must end with one of the given codes.</summary>
    public static ProductRun Must(int[] exits, params string[] arguments) => Must(exits, Run(arguments));

    /// <summary>The same of a run that has ended.</summary>
    public static ProductRun Must(int[] exits, ProductRun run) =>
        exits.Contains(run.Exit) ? run : throw new InvalidOperationException($"{run.Command}: exit {run.Exit}\n{run.Error}");
}

/// <summary>A store in a temporary folder, driven through the command line.</summary>
internal sealed class ProductStore : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly bool _here;

    /// <summary>Runs <c>init</c>. The reference stays beside the store as long as the store does. With <paramref name="here"/> nothing starts a process.</summary>
    public ProductStore(string assembly, (string Fasta, string Index)? reference = null, bool here = false)
    {
        _here = here;
        var options = new List<string>();
        if (reference is { } r)
        {
            options.AddRange(["--reference", Write("ref.fa", r.Fasta)]);
            Write("ref.fa.fai", r.Index);
        }
        Must([0], ["init", Path, "--assembly", assembly, .. options]);
    }

    public string Path => _folder["store"];

    /// <summary>Writes a file beside the store and returns its path.</summary>
    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(_folder[name], text);
        return _folder[name];
    }

    public ProductRun Ingest(IEnumerable<string> files, params string[] options) => Must([0], ["ingest", Path, .. files, .. options]);

    /// <summary><c>freq --format tsv</c>; exit 1 (nothing matched) only without rows.</summary>
    public List<CountRow> Freq(params string[] options)
    {
        var run = Must([0, 1], ["freq", Path, "--format", "tsv", .. options]);
        var rows = CountRow.ParseTsv(run.Output);
        return run.Exit == 0 || rows.Count == 0 ? rows : throw new InvalidOperationException($"{run.Command}: exit 1 with {rows.Count} rows");
    }

    /// <summary><c>freq</c> of a query, its samples in a file.</summary>
    public List<CountRow> Freq(NaiveQuery query) => Freq(Options(query));

    /// <summary><c>freq --variants</c>, one spelling a line; a variant that could not be assessed may set the exit code.</summary>
    public List<CountRow> FreqOf(IEnumerable<string> spellings, NaiveQuery query) =>
        CountRow.ParseTsv(Must([0, 1, 4], ["freq", Path, "--format", "tsv", "--variants", Write("asked.txt", string.Join('\n', spellings) + "\n"), .. Options(query)]).Output);

    /// <summary>The name of the newest snapshot: first field of the lines of <c>snapshots</c>; the greatest if they are numbers, else the last.</summary>
    public string Snapshot()
    {
        var names = Must([0], "snapshots", Path).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t', ' ')[0]).ToList();
        var numbers = names.Where(n => long.TryParse(n, out _)).ToList();
        return numbers.Count > 0 ? numbers.MaxBy(long.Parse)! : names[^1];
    }

    /// <summary>Ingests the files of one command of a random store, under its options.</summary>
    public void Ingest(RandomCommand command) => Ingest(command, command.Files);

    /// <summary>The same with these files in place of its own.</summary>
    public void Ingest(RandomCommand command, IReadOnlyList<RandomFile> files)
    {
        var options = new List<string> { "--samples", Write("sheet.tsv", command.How.Sheet!), "--block-gq", command.How.BlockGq.ToString() };
        if (command.How.Callable is { } bed) options.AddRange(["--callable", Write("regions.bed", bed)]);
        if (command.How.AssumeReference) options.Add("--assume-reference");
        Ingest(files.Select(f => Write(f.Name, f.Text)), [.. options]);
    }

    /// <summary>A new store of the assembly and reference of a random store, nothing ingested.</summary>
    public static ProductStore For(RandomStore random) => new(random.Genome.Assembly, random.Genome.HasReference ? random.Genome.Fasta() : null);

    public void Dispose() => _folder.Dispose();

    private ProductRun Must(int[] exits, params string[] arguments) => Product.Must(exits, _here ? Product.RunHere(arguments) : Product.Run(arguments));

    private string[] Options(NaiveQuery query)
    {
        var options = new List<string>();
        if (query.Samples is not null) options.AddRange(["--samples-file", Write("cohort.txt", string.Join('\n', query.Samples) + "\n")]);
        if (query.Adj) options.Add("--adj");
        if (query.Pass) options.Add("--pass");
        if (query.AsCalled) options.AddRange(["--ploidy", "as-called"]);
        if (query.PerSample) options.AddRange(["--per", "sample"]);
        if (query.By is not null) options.AddRange(["--by", query.By]);
        if (query.MinAc > 0) options.AddRange(["--min-ac", query.MinAc.ToString()]);
        if (query.Region is { } r) options.AddRange(["--region", $"{r.Contig}:{r.From}-{r.To}"]);
        return [.. options];
    }
}
