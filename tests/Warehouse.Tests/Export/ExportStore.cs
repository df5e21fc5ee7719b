using Warehouse.Cli;
using Xunit;

namespace Warehouse.Tests.Export;

/// <summary>A store in a temporary folder, driven by command lines inside the test.</summary>
internal sealed class ExportStore : IDisposable
{
    private readonly TempFolder _folder = new();

    public ExportStore(string assembly = "GRCh38", string? reference = null) =>
        Must(reference is null ? ["init", Path, "--assembly", assembly] : ["init", Path, "--assembly", assembly, "--reference", reference]);

    public string Path => _folder["store"];

    /// <summary>A path beside the store.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Writes a file beside the store and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }

    /// <summary>Ingests one file of these records; fields are apart by spaces.</summary>
    public void Ingest(string name, string samples, string[] records, params string[] options) => Must(["ingest", Path, Write(name, Vcf(samples, records)), .. options]);

    /// <summary>Ingests files as they are.</summary>
    public void IngestFiles(params string[] arguments) => Must(["ingest", Path, .. arguments]);

    /// <summary>A VCF of records whose fields are apart by spaces.</summary>
    public static string Vcf(string samples, string[] records) =>
        "##fileformat=VCFv4.4\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n##FILTER=<ID=q10,Description=\"q\">\n##FILTER=<ID=s50,Description=\"s\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + samples.Replace(' ', '\t') + "\n"
        + string.Concat(records.Select(r => r.Replace(' ', '\t') + "\n"));

    /// <summary>Exports to a file beside the store and returns its path.</summary>
    public string Export(string name, string format = "vcf", params string[] options)
    {
        Must(["export", Path, "--format", format, "-o", _folder[name], .. options]);
        return _folder[name];
    }

    /// <summary>Exports to standard output: the record lines, tabs as spaces, without QUAL and INFO.</summary>
    public string[] Lines(params string[] options) =>
        [.. Must(["export", Path, "--format", "vcf", "-o", "-", .. options]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#')
            .Select(l => l.Split('\t')).Select(f => string.Join(' ', f[..5].Concat(f[6..7]).Concat(f[8..])))];

    /// <summary>What a command line printed that ended with 0 or 1.</summary>
    public static string Must(params string[] arguments)
    {
        var cli = new Cli.Cli();
        var code = cli.Run(arguments);
        Assert.True(code is ExitCode.Done or ExitCode.NothingMatched, $"warehouse {string.Join(' ', arguments)}: {code}\n{cli.Error}");
        return cli.Output;
    }

    public void Dispose() => _folder.Dispose();
}
