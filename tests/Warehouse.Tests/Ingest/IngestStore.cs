using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;

namespace Warehouse.Tests.Ingest;

/// <summary>A store in a temporary folder for the ingest tests, with small files written beside it.</summary>
internal sealed class IngestStore : IDisposable
{
    private readonly TempFolder _folder = new();

    public IngestStore(string assembly = "GRCh37", string? reference = null, TimeProvider? clock = null)
    {
        if (reference is not null)
        {
            Write("ref.fa", $">1\n{reference}\n");
            Write("ref.fa.fai", $"1\t{reference.Length}\t3\t{reference.Length}\t{reference.Length + 1}\n");
        }
        Store = VariantStore.Create(new CreateOptions { Path = _folder["store"], Assembly = assembly, ReferencePath = reference is null ? null : _folder["ref.fa"] }, clock);
    }

    public VariantStore Store { get; }

    public string Folder => _folder.Path;

    public string Path => _folder["store"];

    public string this[string name] => _folder[name];

    public string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }

    /// <summary>Writes a file of diploid GT calls: lines "contig pos ref alt gt…".</summary>
    public string Vcf(string name, string samples, params string[] lines)
    {
        var columns = samples.Length == 0 ? "" : "\tFORMAT\t" + samples.Replace(' ', '\t');
        var text = $"##fileformat=VCFv4.3\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n##ALT=<ID=NON_REF,Description=\"x\">\n##contig=<ID=1>\n##contig=<ID=2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO{columns}\n";
        foreach (var f in lines.Select(l => l.Split(' ')))
        {
            var isBlock = f[3] == "<NON_REF>";
            text += $"{f[0]}\t{f[1]}\t.\t{f[2]}\t{f[3]}\t.\tPASS\t{(isBlock ? "END=" + f[4] : ".")}" + (samples.Length == 0 ? "" : "\tGT\t" + string.Join('\t', f[(isBlock ? 5 : 4)..])) + "\n";
        }
        return Write(name, text);
    }

    public IngestReceipt Ingest(params string[] files) => Store.Ingest(new IngestRequest { Files = files });

    /// <summary>AC and AN of every variant listed, as "1:100:A:C 1/2".</summary>
    public List<string> Counts()
    {
        using var session = Store.OpenSession();
        var rows = new List<string>();
        foreach (var row in session.Frequencies(new FrequencyRequest())) rows.Add($"{row.Contig}:{row.Start + 1}:{row.Ref}:{row.Alt} {row.Figures.Ac}/{row.Figures.An}");
        return rows;
    }

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }
}
