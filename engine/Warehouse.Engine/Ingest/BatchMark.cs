using System.Globalization;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Ingest;

/// <summary>Names a batch for good: the store takes it once. Both are digests that the sender's side makes; the store only compares them.</summary>
/// <param name="Key">SHA-256 in lower-case hexadecimal of who sends and what he calls the batch.</param>
/// <param name="Content">SHA-256 likewise of the files and options.</param>
public sealed record BatchMark(string Key, string Content);

/// <summary>A marked batch that the store has.</summary>
/// <param name="Mark">Its mark.</param>
/// <param name="Version">Version of the store with it.</param>
/// <param name="Facts">The receipt in words. Files are named by their number, 1-based.</param>
public sealed record MarkedBatch(BatchMark Mark, long Version, IReadOnlyList<(string Name, string Value)> Facts)
{
    internal static MarkedBatch Of(BatchMark mark, IngestRequest request, IngestReceipt receipt)
    {
        string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
        var facts = new List<(string, string)> { ("files", Text(receipt.Files.Count)) };
        foreach (var outcome in receipt.Files.CountBy(f => f.Outcome)) facts.Add(("files " + outcome.Key, Text(outcome.Value)));
        facts.Add(("samples", Text(receipt.Files.Sum(f => (long)f.Samples))));
        facts.Add(("records", Text(receipt.Files.Sum(f => f.Records))));
        facts.Add(("variants", Text(receipt.Files.Sum(f => f.Variants))));
        facts.Add(("collapsed", Text(receipt.Files.Sum(f => f.Collapsed))));
        foreach (var finding in receipt.Findings)
        {
            var text = finding;
            for (var file = request.Files.Count - 1; file >= 0; file--) text = text.Replace(request.Files[file], string.Create(CultureInfo.InvariantCulture, $"file {file + 1}"), StringComparison.Ordinal);
            facts.Add(("finding", text));
        }
        return new MarkedBatch(mark, receipt.Version, facts);
    }
}

/// <summary>
/// The parts <c>uploads/0</c> to <c>uploads/f</c> of the manifest: batches by the first digit of their keys, each a version byte (1) and then
/// per batch, in the order of the versions: key and content as 32 bytes each, the version, and the facts. They are written in the commit that
/// has the batch, so that no stop can separate the two (I2). Drawn in FORMAT.md.
/// </summary>
internal static class BatchMarks
{
    private const byte Version = 1;

    /// <summary>Name of the part that has a key, or would.</summary>
    public static string PartOf(string key) => "uploads/" + key[0];

    /// <summary>The batch of a key; null when the part has none.</summary>
    /// <exception cref="InvalidDataException">The part is not what <see cref="With"/> writes.</exception>
    public static MarkedBatch? Find(byte[]? part, string key) => Decode(part).Find(b => b.Mark.Key == key);

    /// <summary>The part with a batch more.</summary>
    public static byte[] With(byte[]? part, MarkedBatch batch)
    {
        var to = new ByteWriter(4096);
        to.Byte(Version);
        foreach (var known in Decode(part).Append(batch))
        {
            to.Raw(Convert.FromHexString(known.Mark.Key));
            to.Raw(Convert.FromHexString(known.Mark.Content));
            to.Var((ulong)known.Version);
            to.Var(known.Facts.Count);
            foreach (var (name, value) in known.Facts)
            {
                to.Text(name);
                to.Text(value);
            }
        }
        return to.ToArray();
    }

    private static List<MarkedBatch> Decode(byte[]? part)
    {
        var batches = new List<MarkedBatch>();
        if (part is null) return batches;
        var from = new ByteReader(part);
        if (from.Byte() != Version) throw new InvalidDataException("the marks of batches have an unknown version");
        while (from.Remaining > 0)
        {
            var mark = new BatchMark(Convert.ToHexStringLower(from.Raw(32)), Convert.ToHexStringLower(from.Raw(32)));
            var version = (long)from.Var();
            var facts = new (string, string)[from.Count(from.Remaining)];
            for (var i = 0; i < facts.Length; i++) facts[i] = (from.Text(), from.Text());
            batches.Add(new MarkedBatch(mark, version, facts));
        }
        return batches;
    }
}
