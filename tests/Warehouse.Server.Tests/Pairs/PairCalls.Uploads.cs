using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>
/// Batches of samples that are new, visible, hidden or withdrawn, with rows of the sheet of any of them and of samples that only one store has. That a
/// name is taken is not hidden: whose data is sent is in both stores or in none.
/// </summary>
internal sealed partial class PairCalls
{
    private IEnumerable<IMessage[]> Uploads(string method)
    {
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "Status" or "Cancel":
                yield return [new V1.BatchRequest { Asking = Asking, Id = "unknown" }];
                break;
            case "UploadRelease":
                var bed = "1\t1009\t1020\tleft\n"u8.ToArray();
                var release = BatchOf("release", bed);
                release.Release = new V1.ReleaseFile { Source = "panel", Date = "2024-02-04" };
                yield return Whole(release, bed);
                break;
            case "Upload":
                yield return [new V1.UploadRequest { Batch = new V1.Batch { Asking = Asking, Id = "no/name", Files = { new V1.BatchFile { Length = 1, Sha256 = new string('0', 64) } } } }];
                if (_dice.Next(2) > 0) break;
                var sheeted = SampleBatch("batch");
                yield return sheeted;
                // The same once more, and another of the same sender, which may go on where that one has ended.
                if (_dice.Next(4) == 0) yield return sheeted;
                if (_dice.Next(2) == 0) yield return SampleBatch("other");
                break;
            default: throw Unlisted(method);
        }
    }

    private IMessage[] SampleBatch(string id)
    {
        string[] samples = _dice.Next(4) switch
        {
            0 when pairs.Taken.Count > 0 => ["uploaded", pairs.Taken[_dice.Next(pairs.Taken.Count)]],
            1 => [Visible()],
            2 => [Visible(), "uploaded"],
            _ => ["uploaded"],
        };
        // Some are refused by the parsers, with a base that the reference has not.
        var (contig, at) = (pairs.Genome.Contigs.First(), 1300 + _dice.Next(400));
        var reference = pairs.Genome.HasReference && _dice.Next(8) == 0 ? 'N' : pairs.Genome.Base(contig, at);
        var text = "##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + string.Join('\t', samples)
            + $"\n{contig}\t{at + 1}\t.\t{reference}\t{(reference == 'C' ? 'T' : 'C')}\t.\tPASS\t.\tGT" + string.Concat(samples.Select(_ => "\t0/1")) + "\n";
        var bytes = Encoding.ASCII.GetBytes(text);
        var batch = BatchOf(id, bytes);
        if (_dice.Next(4) > 0) batch.Sheet = ByteString.CopyFromUtf8(Sheet(samples));
        return Whole(batch, bytes);
    }

    private string Sheet(string[] samples)
    {
        var known = pairs.RowOf(Visible());
        // A column of the one store or the other, in the class that it has there; or of neither.
        string[] columns = ["person", "duo", "ancestry", "sex", "counts", "assay", "secret0", "secret1", "mine"];
        var rows = new List<string>();
        string Line(string sample, Func<string, string?> value) => $"{sample}\t{string.Join('\t', columns.Select(c => value(c) ?? ""))}\n";
        foreach (var sample in samples)
        {
            if (pairs.Visible.Contains(sample)) rows.Add(_dice.Next(3) == 0 ? Line(sample, c => c == "duo" ? "DUO:0000004" : pairs.RowOf(sample).GetValueOrDefault(c)) : Line(sample, c => pairs.RowOf(sample).GetValueOrDefault(c)));
            else rows.Add(Line(sample, c => c switch { "person" => _dice.Next(3) switch { 0 => known.GetValueOrDefault("person"), 1 => "fresh", _ => null }, "duo" => "DUO:0000042", "ancestry" => "AFR", "secret0" or "mine" => "up", _ => null }));
        }
        if (_dice.Next(3) == 0)
        {
            string[] others = [.. pairs.Names.Append("nobody").Except(samples)];
            rows.Insert(_dice.Next(rows.Count + 1), Line(others[_dice.Next(others.Length)], c => c switch { "duo" => "DUO:0000042", "person" => "fresh", _ => null }));
        }
        return $"sample\t{string.Join('\t', columns)}\n{string.Concat(rows)}";
    }

    private string Visible() => pairs.Visible.ElementAt(_dice.Next(pairs.Visible.Count));

    private V1.Batch BatchOf(string id, byte[] bytes) => new() { Asking = Asking, Id = id, Files = { new V1.BatchFile { Length = bytes.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) } } };

    private static IMessage[] Whole(V1.Batch batch, byte[] bytes) => [new V1.UploadRequest { Batch = batch }, new V1.UploadRequest { Bytes = new V1.FileBytes { Data = ByteString.CopyFrom(bytes) } }, new V1.UploadRequest { Commit = true }];
}
