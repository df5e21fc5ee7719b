using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;

namespace Warehouse.Simulation.Fuzz;

/// <summary>Sound variant files to damage: small ones written here, and those of others when there are any (<see cref="CorpusSeeds"/>).</summary>
internal static class VariantSeeds
{
    private const string Meta = "##fileformat=VCFv4.3\n##FILTER=<ID=q10,Description=\"x\">\n##contig=<ID=1,length=1000>\n##contig=<ID=X>\n##INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n"
        + "##INFO=<ID=SVLEN,Number=A,Type=Integer,Description=\"x\">\n##INFO=<ID=SVTYPE,Number=1,Type=String,Description=\"x\">\n##INFO=<ID=CIPOS,Number=2,Type=Integer,Description=\"x\">\n"
        + "##INFO=<ID=CIEND,Number=2,Type=Integer,Description=\"x\">\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n##INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">\n"
        + "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n"
        + "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"x\">\n##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description=\"x\">\n";

    private const string ShortMeta = "##fileformat=VCFv4.2\n##contig=<ID=1,length=1000>\n";

    private const string Columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";

    /// <summary>Small texts: genotypes, reference blocks, structural alleles, ploidies, sites alone.</summary>
    public static readonly string[] Texts =
    [
        ShortMeta + Columns + "\tFORMAT\ta\tb\n1\t5\trs1\tACG\tA,<DEL>\t9.5\tPASS\tEND=9;SVLEN=.,-2;CIPOS=1,2;FLAG\tGT:AD:DP:GQ\t0/1:1,2,3:4:5\t1|2:.:.:.\n1\t7\t.\tA\tC\t.\t.\t.\tGT\t0|1\t./.\n1\t9\t.\tT\t]1:7]T\t.\tq\tX\tGT\t0\t0/1/1\n",
        ShortMeta + Columns + "\n1\t5\t.\tA\tC,G\t1e2\tq10;s50\tAF=0.5,.;DB\nX\t1\trs7;rs8\tN\t<INS>\t.\tPASS\tSVTYPE=INS;SVLEN=30;CIEND=-5,5\n",
        Meta + Columns + "\tFORMAT\ts1\n1\t0\t.\tN\t.\t.\t.\t.\tGT\t.\n1\t1\t.\tA\t<*>\t.\t.\tEND=99\tGT:GQ:MIN_DP\t0/0:30:12\n1\t100\t.\tAC\tA,<*>\t50\tPASS\t.\tGT:AD:DP:GQ\t0/1:10,11,0:21:99\n1\t102\t.\tG\t<NON_REF>\t.\t.\tEND=200\tGT:DP\t0/0:.\nX\t3\t.\tT\tA\t.\tq10\t.\tGT:GQ\t1:40\n",
        Meta + Columns + "\tFORMAT\ta\tb\tc\td\n1\t10\t.\tA\tC\t.\tPASS\tAF=0.25\tGT\t0|0\t0|1\t1|1\t./.\n1\t20\t.\tAT\tA,ATT,*\t.\tPASS\tAF=0.1,0.2,0.3\tGT:GQ\t0/1:1\t2/3:200\t./1:.\t0/0:40000\n1\t30\t.\tG\tT\t.\tPASS\tDB\tGT\t0\t1\t.\t0/0/1/1\n1\t40\t.\tC\t<DEL>\t.\tPASS\tEND=60;SVTYPE=DEL;SVLEN=-20;CIPOS=-3,4\tGT:DP\t0/1:7\t0/0:8\t.|.:9\t1/1:10\n",
        ShortMeta.Replace("4.2", "4.5", StringComparison.Ordinal) + Columns + "\tFORMAT\ta\n1\t3\t.\tA\t<DUP:TANDEM>\t.\t.\tSVLEN=5\tGT:PS\t|0/1:3\n1\t4\t.\tA\tC\t.\t.\t.\tGT:LAA:LAD\t0/1:1:1,2\n",
    ];

    /// <summary>Files of one sample, plain in every line.</summary>
    public static readonly string[] Single =
    [
        ShortMeta + Columns + "\tFORMAT\ts1\n1\t1\t.\tA\t<*>\t.\t.\tEND=99\tGT:GQ:MIN_DP\t0/0:30:12\n1\t100\trs1\tAC\tA,<*>\t50\tPASS\t.\tGT:AD:DP:GQ\t0/1:10,11,0:21:99\n1\t102\t.\tG\t.\t.\tPASS\t.\tGT:DP\t0/0:.\n1\t200\t.\tT\tC\t3.5\tq10\tDB;AF=0.5\tGT:GQ\t1|0:40\n",
        ShortMeta + Columns + "\tFORMAT\ts2\n1\t5\t.\tA\tC,G\t.\tPASS\t.\tGT\t1/2\n1\t6\t.\tA\tC\t.\tPASS\tEND=6\tGT:AD\t1:0,3\n1\t7\t.\tATTT\tA,*\t.\t.\t.\tGT:DP:GQ\t./.:.:.\n",
    ];

    /// <summary>Words of VCF.</summary>
    public static readonly byte[][] Words = FuzzTarget.WordsOf(
        "\t", "\n", "\r\n", ".", "./.", "0/1", "|", "/1", "0//1", "1|", "0/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "<DEL>", "<NON_REF>", "<*>", "*", "N", "]1:7]T", "A[X:1[", "END=", "SVLEN=", "CIPOS=", "SVTYPE=", ";", ",", ":",
        "GT", "AD", "DP", "GQ", "MIN_DP", "RGQ", "LEN", "PASS", "##contig=<ID=", "##INFO=<ID=", "##FORMAT=<ID=GT,", "length=", ">", "\"", "%3B", "##fileformat=VCFv4.4\n", "#CHROM", "\tFORMAT\t", "\0", "\u001b[2J", "\u00ef\u00bb\u00bf", "BCF\u0002\u0002", "IDX=");

    /// <summary>All as bytes.</summary>
    public static byte[][] All() => [.. Texts.Select(Encoding.UTF8.GetBytes), .. CorpusSeeds.Vcf];

    /// <summary>The texts that a BCF writer takes, as BCF that is not compressed; they come first.</summary>
    public static byte[][] Bcf() => [.. SoundBcf, .. CorpusSeeds.Bcf];

    /// <summary>Those of them that are written here.</summary>
    public static byte[][] SoundBcf { get; } = [.. Texts.Skip(2).Take(2).Select(t => ToBcf(Encoding.UTF8.GetBytes(t)))];

    /// <summary>The same of a file of others; null when it is not sound or says more than a BCF can.</summary>
    public static byte[]? TryToBcf(byte[] text)
    {
        try
        {
            return ToBcf(text);
        }
        catch (Exception e) when (e is InputException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static byte[] ToBcf(byte[] text)
    {
        using var reader = VariantFile.Open(new MemoryStream(text), "seed", new VcfReadOptions());
        var packed = new MemoryStream();
        using (var writer = new VariantWriter(packed, VariantEncoding.Bcf, reader.Header.MetaLines, reader.Header.Samples))
        {
            var record = new VcfRecord();
            while (reader.Read(record)) writer.Write(record, Info(record));
            writer.Finish();
        }
        using var input = new BgzfInput(new RawInput(new MemoryStream(packed.ToArray()), "seed"), 1 << 20, 1);
        var bytes = new byte[1 << 20];
        return bytes[..input.ReadFully(bytes)];
    }

    private static VcfInfoEntry[] Info(VcfRecord record)
    {
        var text = Encoding.UTF8.GetString(record.LineText.Span).Split('\t')[7];
        if (text == ".") return [];
        return [.. text.Split(';').Select(e => e.Split('=')).Select(e => e.Length == 1 ? VcfInfoEntry.Flag(e[0]) : VcfInfoEntry.OfText(e[0], Encoding.UTF8.GetBytes(e[1])))];
    }
}
