using System.Text;
using Warehouse.Engine;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>
/// Rows F20 to F34 of the fault matrix as one list to read: what an odd file is, and what comes of it, by the whole way of an ingest into a
/// store with a reference. Refused: the rule's name, the place, and nothing committed. Read: AC and AN of what it says. What each field may hold is in
/// <c>Vcf/RecordFieldTests</c> and <c>Vcf/GenotypeColumnTests</c>, frames are in <c>Vcf/CompressedInputTests</c>; input without end is in <c>Cli/LongInputTests</c>.
/// </summary>
public sealed class OddInputTests
{
    private const string Reference = "ACGTACGTACGGGGGTTTTTACGTNNNNACACG";
    private const string Meta = "##fileformat=VCFv4.3\n##contig=<ID=1,length=33>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n";
    private const string Columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n";
    private const string Good = "1\t5\t.\tA\tC\t.\tPASS\t.\tGT\t0/1\t1/1\n";

    /// <summary>What, the file, the rule that refuses it or the counts that it gives.</summary>
    private static readonly (string What, byte[] File, string Outcome)[] Cases =
    [
        // F28: long
        ("an INFO of 2 MiB", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\tX=" + new string('0', 2 << 20) + "\tGT\t0/1\t0/0\n"), "1:5:A:C 1/4"),
        ("a meta line above 1 MiB", Text(Meta + "##note=" + new string('x', 1 << 20) + "\n" + Columns + Good), "vcf-meta-cap"),
        ("100000 ALTs", Text(Meta + Columns + "1\t5\t.\tA\t" + string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"<X{i}>")) + "\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-alt-cap"),
        ("an ALT of 2 MiB", Text(Meta + Columns + "1\t5\t.\tA\t" + new string('C', 2 << 20) + "\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-field-cap"),
        ("a REF of 2 MiB", Text(Meta + Columns + "1\t5\t.\t" + new string('A', 2 << 20) + "\tC\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-field-cap"),
        ("an ID of 2 MiB", Text(Meta + Columns + "1\t5\t" + new string('x', 2 << 20) + "\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-field-cap"),
        ("a FILTER of 2 MiB", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t" + new string('q', 2 << 20) + "\t.\tGT\t0/1\t0/0\n"), "vcf-field-cap"),
        ("2000 FORMAT keys", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT:" + string.Join(':', Enumerable.Range(0, 2_000).Select(i => $"K{i}")) + "\t0/1\t0/0\n"), "vcf-format-cap"),
        ("Number=G values by the billion, claimed", Text(Meta + "##FORMAT=<ID=GL,Number=G,Type=Float,Description=\"x\">\n" + Columns + "1\t5\t.\tA\t" + string.Join(',', Enumerable.Range(0, 1_000).Select(i => $"<X{i}>")) + "\t.\t.\t.\tGT:GL\t0/1/2/3/4/5/6/7/8/9:1\t0/0:.\n"), "nothing counted"),
        // F21, F31: text that is not what it seems
        ("nothing", [], "input-empty"),
        ("UTF-16", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(Meta + Columns + Good)], "byte-order-mark"),
        ("UTF-16 without a mark", Encoding.Unicode.GetBytes(Meta + Columns + Good), "vcf-control"),
        ("a UTF-8 mark", [0xEF, 0xBB, 0xBF, .. Text(Meta + Columns + Good)], "byte-order-mark"),
        ("CR LF", Text((Meta + Columns + Good).Replace("\n", "\r\n", StringComparison.Ordinal)), "1:5:A:C 3/4"),
        ("CR alone", Text((Meta + Columns + Good).Replace('\n', '\r')), "vcf-control"),
        ("CR LF in the header, LF below", Text((Meta + Columns).Replace("\n", "\r\n", StringComparison.Ordinal) + Good), "1:5:A:C 3/4"),
        ("two CRs before an LF", Text(Meta + Columns + Good.Replace("\n", "\r\r\n", StringComparison.Ordinal)), "vcf-genotype"),
        ("no end of the last line", Text(Meta + Columns + Good.TrimEnd('\n')), "1:5:A:C 3/4"),
        ("empty lines at the end", Text(Meta + Columns + Good + "\n\r\n\n"), "1:5:A:C 3/4"),
        ("thousands of them", Text(Meta + Columns + Good + new string('\n', 5_000)), "vcf-empty-line"),
        ("an empty line between", Text(Meta + Columns + "\n" + Good), "vcf-empty-line"),
        ("a Ctrl-Z at the end", Text(Meta + Columns + Good + "\u001a"), "vcf-columns"),
        ("a tab at the end of a record", Text(Meta + Columns + Good.Replace("\n", "\t\n", StringComparison.Ordinal)), "vcf-columns"),
        ("spaces for tabs", Text(Meta + Columns + Good.Replace('\t', ' ')), "vcf-columns"),
        ("JSON", Text("{\"variants\": []}\n"), "vcf-fileformat"),
        ("a BAM", [0x42, 0x41, 0x4D, 1, 0, 0, 0, 0], "vcf-control"),
        // F30: bytes that do not belong
        ("NUL in a free INFO value", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\tX=a\0b\tGT\t0/1\t0/0\n"), "1:5:A:C 1/4"),
        ("ESC, and BEL in an INFO key", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\tX=\u001b]52;c;AA\u0007\tGT\t0/1\t0/0\n"), "vcf-info-key"),
        ("%00 in a free INFO value", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\tX=%00%3B;;Y\tGT\t0/1\t0/0\n"), "1:5:A:C 1/4"),
        ("NUL in a genotype", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\0\t0/0\n"), "vcf-genotype"),
        ("NUL in REF", Text(Meta + Columns + "1\t5\t.\tA\0\tC\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-ref"),
        ("NUL in a sample's name", Text(Meta + Columns.Replace("\tb", "\tb\0", StringComparison.Ordinal) + Good), "vcf-control"),
        ("invalid UTF-8 in a sample's name", [.. Text(Meta + Columns.TrimEnd('\n')), 0xC3, (byte)'\n', .. Text(Good)], "vcf-utf8"),
        ("invalid UTF-8 in a free INFO value", [.. Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\tX="), 0xC3, 0x28, 0xFF, .. Text("\tGT\t0/1\t0/0\n")], "1:5:A:C 1/4"),
        ("invalid UTF-8 in a description", [.. Text(Meta + "##INFO=<ID=X,Number=1,Type=String,Description=\""), 0xE9, .. Text("\">\n" + Columns + Good)], "1:5:A:C 3/4"),
        // F24: headers
        ("two #CHROM lines", Text(Meta + Columns + Columns + Good), "vcf-header-late"),
        ("the header twice", Text(Meta + Columns + Meta + Columns + Good), "vcf-header-late"),
        ("two lengths of a contig", Text(Meta + "##contig=<ID=1,length=34>\n" + Columns + Good), "vcf-meta-duplicate"),
        ("a contig twice, alike", Text(Meta + "##contig=<ID=1,length=33>\n" + Columns + Good), "1:5:A:C 3/4"),
        ("one contig in two spellings", Text(Meta + "##contig=<ID=chr1,length=33>\n" + Columns + Good + "chr1\t7\t.\tG\tT\t.\t.\t.\tGT\t0/1\t0/0\n"), "contig-twice"),
        ("one contig in two spellings, backwards", Text(Meta + "##contig=<ID=chr1,length=33>\n" + Columns + Good + "chr1\t3\t.\tG\tT\t.\t.\t.\tGT\t0/1\t0/0\n"), "contig-twice"),
        ("one allele in two spellings of its contig", Text(Meta + "##contig=<ID=chr1,length=33>\n" + Columns + Good + Good.Replace("1\t5", "chr1\t5", StringComparison.Ordinal)), "contig-twice"),
        ("a contig shorter than POS", Text(Meta.Replace("length=33", "length=4", StringComparison.Ordinal) + Columns + Good), "wrong-assembly"),
        ("GT declared as a float", Text(Meta.Replace("Type=String", "Type=Float", StringComparison.Ordinal) + Columns + Good), "1:5:A:C 3/4"),
        ("GT declared with two values", Text(Meta.Replace("Number=1", "Number=2", StringComparison.Ordinal) + Columns + Good), "1:5:A:C 3/4"),
        ("version 4.9", Text(Meta.Replace("4.3", "4.9", StringComparison.Ordinal) + Columns + Good), "vcf-fileformat"),
        ("no FORMAT column and genotypes", Text(Meta + Columns.Replace("\tFORMAT\ta\tb", "", StringComparison.Ordinal) + Good), "vcf-columns"),
        // F25: another build
        ("REF of another build", Text(Meta + Columns + string.Concat(Enumerable.Range(1, 20).Select(p => $"1\t{p}\t.\t{(Reference[p - 1] == 'A' ? 'C' : 'A')}\tG\t.\t.\t.\tGT\t0/1\t0/0\n"))), "wrong-build"),
        ("a contig's length of another build", Text(Meta.Replace("length=33", "length=32", StringComparison.Ordinal) + Columns + Good), "wrong-assembly"),
        ("POS behind the reference", Text(Meta.Replace(",length=33", "", StringComparison.Ordinal) + Columns + "1\t40\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\n"), "ref-mismatch"),
        // F29, F33: ploidy
        ("ploidy 9", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/0/0/0/0/0/0/0/1\t0/1\n"), "1:5:A:C 2/11"),
        ("ploidy 16", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t" + string.Join('/', Enumerable.Repeat('1', 16)) + "\t0/1\n"), "1:5:A:C 17/18"),
        ("ploidy 64", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t" + string.Join('/', Enumerable.Repeat('1', 64)) + "\t0/1\n"), "vcf-genotype"),
        ("ploidies that vary by row", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t1\t0/0/1\n1\t7\t.\tG\tT\t.\t.\t.\tGT\t0/1/1|1\t1\n"), "1:5:A:C 2/4, 1:7:G:T 4/5"),
        ("half calls", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t./1\t0/.\n"), "1:5:A:C 1/2"),
        // F27, F32: places and alleles
        ("the end of REF beyond 32 bits", Text(Meta.Replace(",length=33", "", StringComparison.Ordinal).Replace("ID=1", "ID=9", StringComparison.Ordinal) + Columns + "9\t2147483646\t.\tACGT\tA\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-pos"),
        ("a reference block from POS 0 on", Text(Meta + Columns + "1\t0\t.\tN\t<*>\t.\t.\tEND=20\tGT\t0/0\t0/0\n1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\n"), "1:5:A:C 1/4"),
        ("END before POS", Text(Meta + Columns + "1\t5\t.\tA\t<DEL>\t.\t.\tEND=4\tGT\t0/1\t0/0\n"), "vcf-info-end"),
        ("END beyond 32 bits", Text(Meta + Columns + "1\t5\t.\tA\t<DEL>\t.\t.\tEND=2147483648\tGT\t0/1\t0/0\n"), "vcf-info-end"),
        ("one variant in two spellings", Text(Meta + Columns + "1\t11\t.\tGG\tG\t.\t.\t.\tGT\t0/1\t0/0\n1\t12\t.\tGG\tG\t.\t.\t.\tGT\t0/1\t0/0\n"), "1:10:CG:C 1/4"),
        ("lower case and N", Text(Meta + Columns + "1\t5\t.\ta\tc\t.\t.\t.\tGT\t0/1\t0/0\n1\t25\t.\tN\tA\t.\t.\t.\tGT\t0/1\t0/0\n"), "1:5:A:C 1/4, 1:25:N:A 1/4"),
        ("IUPAC in REF", Text(Meta + Columns + "1\t5\t.\tR\tC\t.\t.\t.\tGT\t0/1\t0/0\n"), "vcf-ref"),
        // F34: numbers
        ("depths beyond 32 bits", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t0/1:4294967296\t0/0:1\n"), "vcf-format-value"),
        ("a QUAL of NaN, infinity and hex", Text(Meta + Columns + "1\t5\t.\tA\tC\tnan\t.\t.\tGT\t0/1\t0/0\n1\t7\t.\tG\tT\t-inf\t.\t.\tGT\t0/1\t0/0\n1\t9\t.\tA\tT\t0x1p3\t.\t.\tGT\t0/1\t0/0\n"), "vcf-qual"),
        ("a duplicate INFO key", Text(Meta + Columns + "1\t5\t.\tA\tC\t.\t.\tX=1;X=1\tGT\t0/1\t0/0\n"), "vcf-info-duplicate"),
    ];

    /// <summary>Names of the cases.</summary>
    public static TheoryData<string> Names => [.. Cases.Select(c => c.What)];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_odd_file_is_refused_by_a_rule_and_commits_nothing_or_is_read_as_listed(string what)
    {
        var (_, file, outcome) = Cases.Single(c => c.What == what);
        using var store = new IngestStore("toy1", Reference);
        File.WriteAllBytes(store["odd.vcf"], file);
        if (!outcome.Contains(' ', StringComparison.Ordinal))
        {
            var refused = Assert.Throws<InputException>(() => store.Ingest(store["odd.vcf"]));
            Assert.Equal(outcome, refused.Code);
            Assert.Contains("odd.vcf", refused.Message, StringComparison.Ordinal);
            Assert.InRange(refused.Message.Length, 1, store.Folder.Length + 400);
            Assert.Equal(1, store.Store.Version);
            Assert.Empty(store.Counts());
            return;
        }
        store.Ingest(store["odd.vcf"]);
        var counts = store.Counts();
        Assert.Equal(outcome, counts.Count == 0 ? "nothing counted" : string.Join(", ", counts));
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
