using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;

namespace Warehouse.Tests.Compact;

/// <summary>A store in a temporary folder, driven through the engine, that can tell all its answers as text.</summary>
internal sealed class EngineStore : IDisposable
{
    private readonly TempFolder _folder = new();
    private int _sheets;

    public EngineStore(RandomStore random)
    {
        string? reference = null;
        if (random.Genome.HasReference)
        {
            var (fasta, index) = random.Genome.Fasta();
            reference = Write("ref.fa", fasta);
            Write("ref.fa.fai", index);
        }
        Store = VariantStore.Create(new CreateOptions { Path = _folder["store"], Assembly = random.Genome.Assembly, ReferencePath = reference });
    }

    public VariantStore Store { get; }

    public string Path => _folder["store"];

    public string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }

    public IngestReceipt Ingest(IEnumerable<RandomFile> files, NaiveIngest how, bool replace = false) => Store.Ingest(new IngestRequest
    {
        Files = [.. files.Select(f => Write(f.Name, f.Text))], Replace = replace, BlockGq = how.BlockGq, AssumeReference = how.AssumeReference,
        SheetPath = how.Sheet is { } sheet ? Write($"sheet{_sheets++}.tsv", sheet) : null,
        CallablePath = how.Callable is { } bed ? Write("regions.bed", bed) : null,
    });

    /// <summary>The rows of <c>freq</c> as the naive evaluator writes them.</summary>
    public List<CountRow> Rows(FrequencyRequest request) => Rows(Store, request);

    /// <summary>The same of another store.</summary>
    public static List<CountRow> Rows(VariantStore store, FrequencyRequest request)
    {
        using var session = store.OpenSession();
        return [.. session.Frequencies(request).Select(MemoryStore.RowOf)];
    }

    public static FrequencyRequest RequestOf(NaiveQuery query) => MemoryStore.RequestOf(query);

    /// <summary>Everything that a snapshot answers to a fixed list of questions, line by line.</summary>
    public List<string> Answers(long snapshot, IReadOnlyList<string> asked)
    {
        var lines = new List<string>();
        using var session = Store.OpenSession(new SessionOptions { Snapshot = snapshot });
        CountRules[] rules =
        [
            new(), new() { PerSample = true }, new() { Adj = true, PerSample = true }, new() { PassOnly = true, PerSample = true },
            new() { PloidyAsCalled = true, PerSample = true }, new() { Adj = true, PassOnly = true },
        ];
        foreach (var rule in rules)
        {
            lines.AddRange(session.Frequencies(new FrequencyRequest { Rules = rule }).Select(r => $"{snapshot} {rule}: {MemoryStore.RowOf(r).Text}"));
            lines.AddRange(session.Frequencies(new FrequencyRequest { Rules = rule, Variants = asked }).Select(r => $"{snapshot} asked {rule}: {MemoryStore.RowOf(r).Text}"));
        }
        if (Store.CatalogNow.Columns.ContainsKey("ancestry")) lines.AddRange(session.Frequencies(new FrequencyRequest { By = "ancestry", Rules = rules[1] }).Select(r => $"{snapshot} by ancestry: {MemoryStore.RowOf(r).Text}"));
        foreach (var answer in session.Carriers(asked))
            lines.AddRange(answer.Carriers.Select(c => $"{snapshot} carriers {answer.Seen.Query} {c}").Prepend($"{snapshot} seen {answer.Seen} {answer.Seen.Figures.Ac} {answer.Seen.Figures.An}"));
        return lines;
    }

    /// <summary>Alleles to ask: all that are listed now, and their neighbours.</summary>
    public List<string> AllelesToAsk() => [.. Rows(new FrequencyRequest()).SelectMany(r => new[] { $"{r.Contig}-{r.Position}-{r.Ref}-{r.Alt}", $"{r.Contig}-{r.Position}-{r.Ref}-{(r.Alt == "C" ? "G" : "C")}" }).Where(NotSame).Distinct()];

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }

    private static bool NotSame(string spelling) => spelling.Split('-') is var f && f[2] != f[3];
}
