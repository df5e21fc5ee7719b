using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;
using Xunit;

namespace Warehouse.Tests.Vcf;

/// <summary>Rows F24 to F34 of the fault matrix: header, positions, alleles, order, text.</summary>
public sealed class RecordFieldTests
{
    [Fact]
    public void A_record_is_read_as_written()
    {
        var line = "1\t10\trs1;rs2\tacgtN\tA,<DEL>,*,A[2:5[\t1e2\tq10;s50\tEND=20;SVLEN=.,-10,.,.;SVTYPE=DEL;CIPOS=-3,4;CIEND=0,1;FLAG";
        using var reader = VcfFiles.Open(VcfFiles.Header() + line + "\n");
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        Assert.Equal((5L, 9, 0), (record.Line, record.Start, record.ContigIndex));
        Assert.Equal(VcfFiles.Header().Length, record.OffsetBytes);
        Assert.Equal(["rs1;rs2", "acgtN", "q10;s50", "DEL", line], new[] { record.Id, record.Ref, record.Filter, record.SvType, record.LineText }.Select(Text));
        Assert.Equal(["A", "<DEL>", "*", "A[2:5["], record.Alts.Select(Text));
        Assert.Equal(100f, record.Qual);
        Assert.False(record.Passes);
        Assert.Equal(20, record.InfoEnd);
        Assert.Equal([-1, 10, -1, -1], record.SvLen);
        Assert.Equal(((-3, 4), (0, 1)), (record.CiPos, record.CiEnd));
        Assert.False(reader.Read(record));
        Assert.False(reader.Read(record));
    }

    [Fact]
    public void A_record_keeps_nothing_of_the_one_before()
    {
        using var reader = VcfFiles.Open(VcfFiles.Header("A") + "1\t10\tx\tA\t<DEL>\t5\tq\tEND=20;SVLEN=10;SVTYPE=DEL;CIPOS=-3,4\tGT:DP\t0/1/1:4\n1\t11\t.\tA\t.\t.\tPASS\t.\tXX\t.\n");
        var record = new VcfRecord();
        Assert.True(reader.Read(record) && reader.Read(record));
        Assert.True(float.IsNaN(record.Qual) && record.Passes && !record.HasGt);
        Assert.Equal((VcfRecord.MissingInt, 0, 0), (record.InfoEnd, record.SvLen.Count, record.Alts.Count));
        Assert.Equal(((0, 0), 0, 0), (record.CiPos, record.SvType.Length, record.Irregular.Count));
        Assert.Equal((FormatFields.None, 0), (record.Fields, record.First[0]));
    }

    [Theory]
    [InlineData("", "vcf-empty-field")]
    [InlineData("-1", "vcf-pos")]
    [InlineData("+5", "vcf-pos")]
    [InlineData(" 5", "vcf-pos")]
    [InlineData("1e5", "vcf-pos")]
    [InlineData("0x10", "vcf-pos")]
    [InlineData("5.0", "vcf-pos")]
    [InlineData("2147483648", "vcf-pos")]
    [InlineData("9223372036854775807", "vcf-pos")]
    [InlineData("99999999999999999999", "vcf-pos")]
    [InlineData("2147483647", "vcf-pos")]
    public void These_positions_are_refused(string position, string code) => Refused($"2\t{position}\t.\tAC\tA\t.\t.\t.", code);

    [Fact]
    public void Position_0_and_one_beyond_the_contig_are_telomeres_and_no_further()
    {
        Assert.Equal(2, VcfFiles.ReadAll(VcfFiles.Header() + "1\t0\t.\tN\t.[2:7[\t.\t.\t.\n1\t1001\t.\tN\tA\t.\t.\t.\n"));
        Refused("1\t1002\t.\tN\tA\t.\t.\t.", "vcf-pos-beyond");
    }

    [Theory]
    [InlineData("1\t5\t.\tA\tC\t.\t.\tEND=4", "vcf-info-end")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\tEND=-1", "vcf-info-end")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\tEND=1e3", "vcf-info-end")]
    [InlineData("1\t5\t.\tA\t<DEL>\t.\t.\tSVLEN=x", "vcf-info-svlen")]
    [InlineData("1\t5\t.\tA\t<DEL>\t.\t.\tSVLEN=1,2", "vcf-info-svlen")]
    [InlineData("1\t5\t.\tA\t<DEL>\t.\t.\tCIPOS=1", "vcf-info-interval")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\tAA=1;AA=2", "vcf-info-duplicate")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\tA A=1", "vcf-info-key")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\t=1", "vcf-info-key")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\t", "vcf-empty-field")]
    [InlineData("1\t5\t.\tR\tC\t.\t.\t.", "vcf-ref")]
    [InlineData("1\t5\t.\t.\tC\t.\t.\t.", "vcf-ref")]
    [InlineData("1\t5\t.\tA\tC,,G\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\tC,.\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\tY\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\t<A B>\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\t<>\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\tA[2:5]\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\t[2:5[\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\tA[2:x[\t.\t.\t.", "vcf-alt")]
    [InlineData("1\t5\t.\tA\tC,c\t.\t.\t.", "vcf-alt-duplicate")]
    [InlineData("1\t5\t.\tA\ta\t.\t.\t.", "vcf-alt-is-ref")]
    [InlineData("1\t5\t.\tA\tC\tx\t.\t.", "vcf-qual")]
    [InlineData("1\t5\t.\tA\tC\t1e400\t.\t.", "vcf-qual")]
    [InlineData("1\t5\t.\tA\tC\t0x1\t.\t.", "vcf-qual")]
    [InlineData("1\t5\t.\tA\tC\t1,5\t.\t.", "vcf-qual")]
    [InlineData("1\t5\t.\tA\tC\t.\tPASS;\t.", "vcf-filter")]
    [InlineData("1\t5\t.\tA\tC\t.\ta b\t.", "vcf-filter")]
    [InlineData("1\t5\ta b\tA\tC\t.\t.\t.", "vcf-id")]
    [InlineData("1\t5\ta\u0001b\tA\tC\t.\t.\t.", "vcf-control")]
    [InlineData("1\t5\t.\tA\tC\t.\tq\u001b[2J\t.", "vcf-control")]
    [InlineData("1\u0000\t5\t.\tA\tC\t.\t.\t.", "vcf-chrom")]
    [InlineData("1\u0085\t5\t.\tA\tC\t.\t.\t.", "vcf-chrom")]
    [InlineData("chr 1\t5\t.\tA\tC\t.\t.\t.", "vcf-chrom")]
    [InlineData("1 5 . A C . . .", "vcf-columns")]
    [InlineData("1\t5\t.\tA\tC\t.\t.", "vcf-columns")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\t.\t", "vcf-columns")]
    [InlineData("1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1", "vcf-columns")]
    [InlineData("##INFO=<ID=X,Number=1,Type=Integer,Description=\"late\">", "vcf-header-late")]
    [InlineData("\n1\t5\t.\tA\tC\t.\t.\t.", "vcf-empty-line")]
    public void These_records_are_refused(string line, string code) => Refused(line, code);

    [Theory]
    [InlineData("C]2:5]")]
    [InlineData("]2:5]C")]
    [InlineData("[<asm>:5[CA")]
    [InlineData(".C")]
    [InlineData("C.")]
    [InlineData("<*>")]
    [InlineData("<NON_REF>")]
    [InlineData("<DUP:TANDEM>")]
    [InlineData("*")]
    [InlineData("<DEL>,<DEL>")]
    public void These_alleles_are_accepted(string alt) => Assert.Equal(1, VcfFiles.ReadAll(VcfFiles.Header() + $"1\t5\t.\tA\t{alt}\t.\t.\t.\n"));

    [Theory]
    [InlineData("nan", float.NaN)]
    [InlineData("-Inf", float.NegativeInfinity)]
    [InlineData("INFINITY", float.PositiveInfinity)]
    [InlineData("1e-400", 0f)]
    [InlineData("3.5", 3.5f)]
    public void These_qualities_have_a_defined_value(string text, float value)
    {
        using var reader = VcfFiles.Open(VcfFiles.Header() + $"1\t5\t.\tA\tC\t{text}\t.\t.\n");
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        Assert.Equal(value, record.Qual);
    }

    [Fact]
    public void Records_out_of_order_are_refused_and_the_message_names_the_remedy()
    {
        var ordered = "1\t5\t.\tA\tC\t.\t.\t.\n1\t5\t.\tA\tG\t.\t.\t.\nnew\t1\t.\tA\tC\t.\t.\t.\n";
        Assert.Equal(3, VcfFiles.ReadAll(VcfFiles.Header() + ordered));
        foreach (var last in new[] { "1\t6\t.\tA\tC\t.\t.\t.\n", "new\t0\t.\tA\tC\t.\t.\t.\n" })
        {
            var fault = Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header() + ordered + last));
            Assert.Equal("vcf-unsorted", fault.Code);
            Assert.Contains("bcftools sort", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_contig_that_the_header_lacks_is_appended_and_noted_under_lint()
    {
        using var reader = VcfFiles.Open(VcfFiles.Header() + "new\t7\t.\tA\tC\t.\t.\t.\n<asm>\t7\t.\tA\tC\t.\t.\t.\n", new VcfReadOptions { Lint = true });
        var record = new VcfRecord();
        Assert.True(reader.Read(record));
        Assert.Equal(new VcfContig("new", 0, "", false), reader.Header.Contigs[record.ContigIndex]);
        Assert.True(reader.Read(record));
        Assert.Equal("asm", reader.Header.Contigs[record.ContigIndex].Name);
        Assert.Equal(2, reader.LintWarnings.Count(w => w.Contains("vcf-contig-undeclared", StringComparison.Ordinal)));
    }

    [Fact]
    public void Bad_records_are_skipped_counted_and_leave_no_trace_when_asked()
    {
        var text = VcfFiles.Header() + "1\t5\t.\tA\tC\t.\t.\t.\nbad\t9\t.\tA\tC,,\t.\t.\t.\n1\t900\t.\tA\tZ\t.\t.\t.\n1\tx\t.\tA\tC\t.\t.\t.\n1\t6\t.\tA\tC\t.\t.\t.\n";
        using var reader = VcfFiles.Open(text, new VcfReadOptions { SkipBadRecords = true });
        var record = new VcfRecord();
        Assert.True(reader.Read(record) && reader.Read(record));
        Assert.Equal((5, 9L), (record.Start, record.Line));
        Assert.False(reader.Read(record));
        Assert.Equal(2, reader.RecordCount);
        Assert.Equal(new Dictionary<string, long> { ["vcf-alt"] = 2, ["vcf-pos"] = 1 }, reader.Skipped);
        Assert.Equal([6L, 7L, 8L], reader.SkippedPlaces.Select(p => p.Place.Line));
        Assert.Equal(2, reader.Header.Contigs.Count);
    }

    [Fact]
    public void Caps_refuse_what_is_too_much_before_it_is_kept()
    {
        var alleles = string.Join(',', Enumerable.Range(0, 1_024).Select(i => $"<A{i}>"));
        Refused($"1\t5\t.\tA\t{alleles}\t.\t.\t.", "vcf-alt-cap");
        Assert.Equal(1, VcfFiles.ReadAll(VcfFiles.Header() + $"1\t5\t.\tA\t{alleles[..alleles.LastIndexOf(',')]}\t.\t.\t.\n"));
        var keys = string.Join(';', Enumerable.Range(0, 4_097).Select(i => $"K{i}"));
        Refused($"1\t5\t.\tA\tC\t.\t.\t{keys}", "vcf-info-cap");
        Assert.Equal(1, VcfFiles.ReadAll(VcfFiles.Header() + $"1\t5\t.\tA\tC\t.\t.\t{keys[..keys.LastIndexOf(';')]}\n"));
        Refused($"1\t5\t.\tA\t{new string('C', (1 << 20) + 1)}\t.\t.\t.", "vcf-field-cap");
        Refused($"1\t5\t.\t{new string('C', (1 << 20) + 1)}\tC\t.\t.\t.", "vcf-field-cap");
        var few = new VcfReadOptions { Limits = new VcfLimits { MaxSamples = 2, MaxDepthCells = 7, MaxContigs = 2 } };
        Assert.Equal("vcf-sample-cap", Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header("A", "B", "C"), few)).Code);
        Assert.Equal("vcf-format-cap", Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header("A", "B") + "1\t5\t.\tA\tC,G,T\t.\t.\t.\tGT:AD\t0/1:.\t0/1:.\n", few)).Code);
        Assert.Equal("vcf-contig-cap", Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header("A") + "3\t5\t.\tA\tC\t.\t.\t.\tGT\t.\n", few)).Code);
    }

    [Theory]
    [InlineData("##fileformat=VCFv4.9\n", "found version 4.9")]
    [InlineData("##fileformat=VCFv4.2 Jane Doe\n", "found another version")]
    [InlineData("##fileformat=Jane\n", "found another format")]
    [InlineData("#CHROM\tJane\n", "found another line of a header")]
    [InlineData("{\"name\": \"Jane\"}\n", "found what looks like JSON")]
    [InlineData("<patient>Jane</patient>\n", "found what looks like XML")]
    [InlineData("@Jane\n", "found what looks like sequences")]
    [InlineData("\n", "found an empty line")]
    [InlineData("Jane\tDoe\n", "found a line of 8 bytes that does not begin with ##fileformat")]
    public void A_file_that_is_no_VCF_is_described_and_not_quoted(string text, string kind) =>
        Assert.Equal("expected a first line of ##fileformat=VCFv4.1 to VCFv4.5, " + kind, Assert.Throws<InputException>(() => VcfFiles.ReadAll(text)).Expected);

    [Theory]
    [InlineData("##fileformat=VCFv4.9\n", "vcf-fileformat")]
    [InlineData("##fileformat=VCFv3.3\n", "vcf-fileformat")]
    [InlineData("#CHROM\tPOS\n", "vcf-fileformat")]
    [InlineData("##fileformat=VCFv4.3\n##contig=<ID=1,length=x>\n", "vcf-contig-length")]
    [InlineData("##fileformat=VCFv4.3\n##contig=<ID=1,length=-5>\n", "vcf-contig-length")]
    [InlineData("##fileformat=VCFv4.3\n##contig=<length=5>\n", "vcf-meta-id")]
    [InlineData("##fileformat=VCFv4.3\n##contig=<ID=a b>\n", "vcf-contig-name")]
    [InlineData("##fileformat=VCFv4.3\n##contig=<ID=1,length=5>\n##contig=<ID=1,length=6>\n", "vcf-meta-duplicate")]
    [InlineData("##fileformat=VCFv4.3\n##INFO=<ID=A,Number=1,Type=Integer,Description=\"\">\n##INFO=<ID=A,Number=1,Type=Integer,Description=\"\">\n", "vcf-meta-duplicate")]
    [InlineData("##fileformat=VCFv4.3\n##FORMAT=<ID=A>\n##FORMAT=<ID=A>\n", "vcf-meta-duplicate")]
    [InlineData("##fileformat=VCFv4.3\n##FILTER=<ID=A>\n##FILTER=<ID=A>\n", "vcf-meta-duplicate")]
    [InlineData("##fileformat=VCFv4.3\n##fileformat=VCFv4.3\n", "vcf-fileformat")]
    [InlineData("##fileformat=VCFv4.3\n##a=\u0000\n", "vcf-control")]
    [InlineData("##fileformat=VCFv4.3\r##contig=<ID=1>\r", "vcf-control")]
    [InlineData("##fileformat=VCFv4.3\n1\t5\t.\tA\tC\t.\t.\t.\n", "vcf-columns")]
    [InlineData("##fileformat=VCFv4.3\n", "vcf-no-columns")]
    [InlineData("##fileformat=VCFv4.3\n#CHROM POS ID REF ALT QUAL FILTER INFO\n", "vcf-columns")]
    [InlineData("##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tA\n", "vcf-columns")]
    [InlineData("##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tA\n", "vcf-sample-duplicate")]
    [InlineData("##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\t\n", "vcf-sample-empty")]
    public void These_headers_are_refused_even_when_records_may_be_skipped(string text, string code)
    {
        var fault = Assert.Throws<InputException>(() => VcfFiles.ReadAll(text, new VcfReadOptions { SkipBadRecords = true }));
        Assert.Equal(code, fault.Code);
    }

    [Fact]
    public void Many_long_alleles_are_told_apart_without_comparing_each_with_each()
    {
        var shared = new string('C', 20_000);
        var alts = Enumerable.Range(0, 1_000).Select(i => shared + Convert.ToString(i, 2).Replace('0', 'A').Replace('1', 'G')).ToList();
        Assert.Equal(1, VcfFiles.ReadAll(VcfFiles.Header() + $"1\t5\t.\tA\t{string.Join(',', alts)}\t.\t.\t.\n"));
        Refused($"1\t5\t.\tA\t{string.Join(',', alts.Append(alts[500].ToLowerInvariant()))}\t.\t.\t.", "vcf-alt-duplicate");
    }

    [Fact]
    public void Odd_sample_names_are_kept_as_they_are()
    {
        string[] names = ["../x", "=cmd()", new string('n', 10_240), "\u202Eevil", "аЕ"];
        using var reader = VcfFiles.Open(VcfFiles.Header(names));
        Assert.Equal(names, reader.Header.Samples);
    }

    [Fact]
    public void Line_ends_may_be_mixed_and_the_last_may_be_missing()
    {
        var text = VcfFiles.Header("A") + "1\t5\t.\tA\tC\t.\t.\tX=1\tGT\t0|1\r\n1\t6\t.\tA\tC\t.\t.\tX=1\tGT\t1|1\n1\t7\t.\tA\tC\t.\t.\tX=1\tGT\t1|0";
        Assert.Equal(3, VcfFiles.ReadAll(text));
        Assert.Equal(3, VcfFiles.ReadAll(text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal)));
        Assert.Equal(3, VcfFiles.ReadAll(text + "\n\n\r\n"));
        using var reader = VcfFiles.Open(text);
        var record = new VcfRecord();
        while (reader.Read(record)) Assert.False(record.LineText.Span.Contains((byte)'\r'));
        Assert.Equal((2, 1, 1), (record.First[0], record.Second[0], record.Phased[0]));
    }

    [Fact]
    public void Free_text_of_info_may_hold_anything()
    {
        Assert.Equal(1, VcfFiles.ReadAll(VcfFiles.Header() + "1\t5\t.\tA\tC\t.\t.\tX=a b%3B\u001b[2Jé;;Y=;Z\n"));
    }

    [Fact]
    public void Random_damage_never_ends_in_anything_but_a_refusal_or_records()
    {
        var whole = Encoding.UTF8.GetBytes(VcfFiles.Header("A", "B") + "1\t5\trs1\tACG\tA,<DEL>\t9.5\tPASS\tEND=9;SVLEN=.,-2;CIPOS=1,2;FLAG\tGT:AD:DP:GQ\t0/1:1,2,3:4:5\t1|2:.:.:.\n1\t7\t.\tA\tC\t.\t.\t.\tGT\t0|1\t./.\n2\t1\t.\tT\t]1:7]T\t.\tq\tX\tGT\t0\t0/1/1\n");
        var random = new Random(36);
        for (var round = 0; round < 5_000; round++)
        {
            var bytes = (byte[])whole.Clone();
            for (var n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : whole[random.Next(whole.Length)];
            try
            {
                Assert.InRange(VcfFiles.ReadAll(bytes, new VcfReadOptions { Lint = round % 2 == 0 }), 0, 9);
            }
            catch (InputException)
            {
                continue;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed 36, round {round}: {e}");
            }
        }
    }

    private static void Refused(string line, string code) =>
        Assert.Equal(code, Assert.Throws<InputException>(() => VcfFiles.ReadAll(VcfFiles.Header() + line + "\n")).Code);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
