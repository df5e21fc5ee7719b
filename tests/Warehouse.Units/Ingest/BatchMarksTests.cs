using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Ingest;
using Xunit;

namespace Warehouse.Units.Ingest;

public sealed class BatchMarksTests
{
    [Fact]
    public void A_part_finds_every_batch_that_was_put_in_and_no_other()
    {
        byte[]? part = null;
        var batches = Enumerable.Range(0, 100).Select(i => new MarkedBatch(new BatchMark(Hash($"key {i}"), Hash($"content {i}")), i + 1, [.. Enumerable.Range(0, i % 4).Select(f => ($"fact {f}", $"value {i}"))])).ToList();
        foreach (var batch in batches) part = BatchMarks.With(part, batch);
        foreach (var batch in batches)
        {
            var found = BatchMarks.Find(part, batch.Mark.Key)!;
            Assert.Equal((batch.Mark, batch.Version), (found.Mark, found.Version));
            Assert.Equal(batch.Facts, found.Facts);
        }
        Assert.Null(BatchMarks.Find(part, Hash("another")));
        Assert.Null(BatchMarks.Find(null, Hash("key 0")));
        for (var cut = 1; cut < 60; cut++) Assert.ThrowsAny<InvalidDataException>(() => BatchMarks.Find(part![..^cut], Hash("another")));
    }

    [Fact]
    public void A_receipt_names_files_by_their_number()
    {
        var request = new IngestRequest { Files = ["/secret/1", "/secret/10"] };
        FileReceipt Of(string file, string outcome) => new()
        {
            File = file, Sha256 = "", Outcome = outcome, Samples = 2, Records = 3, Variants = 4, Collapsed = 0, Skipped = new Dictionary<string, long>(), SkippedPlaces = [], Warnings = [],
        };
        var receipt = new IngestReceipt { Version = 7, Committed = true, Files = [Of("/secret/1", "loaded"), Of("/secret/10", "unchanged")], Findings = ["/secret/10: something"] };
        var facts = MarkedBatch.Of(new BatchMark(Hash("k"), Hash("c")), request, receipt).Facts;
        Assert.Equal([("files", "2"), ("files loaded", "1"), ("files unchanged", "1"), ("samples", "4"), ("records", "6"), ("variants", "8"), ("collapsed", "0"), ("finding", "file 2: something")], facts);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
