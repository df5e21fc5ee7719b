namespace Warehouse.Tests.Oracle;

/// <summary>The reference program that executes COUNTS.md slowly: counts per sample from VCF text, all samples under one block threshold and one BED.</summary>
internal static class PythonOracle
{
    public static string Script => TestData.File(Path.Combine("..", "tools", "counts_oracle.py"));

    public static List<CountRow> Counts(IEnumerable<string> arguments) => CountRow.ParseTsv(Peer.Output("python3", [Script, .. arguments]));

    public static string[] Options(NaiveQuery query, string samplesFile)
    {
        if (query.AsCalled || query.By is not null || query.Region is not null || !query.PerSample) throw new NotSupportedException("not in counts_oracle.py");
        return [.. query.Adj ? ["--adj"] : Array.Empty<string>(), .. query.Pass ? ["--pass"] : Array.Empty<string>(), .. query.Samples is null ? Array.Empty<string>() : ["--samples-file", samplesFile]];
    }

}
