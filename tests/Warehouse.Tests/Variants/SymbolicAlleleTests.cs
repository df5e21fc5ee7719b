using System.Text;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>Alleles that are described, not spelled.</summary>
public sealed class SymbolicAlleleTests
{
    private static SymbolicAllele Make(string type, int start, SymbolicFields fields, string contig = "1") =>
        SymbolicAllele.Create(Assembly.GRCh37, contig, start, Encoding.ASCII.GetBytes(type), fields);

    private static SymbolicAllele Make(string type, int start, int svLen = 0, string contig = "1") =>
        Make(type, start, new SymbolicFields { RefBases = 1, HeaderVersion = 403, SvLen = svLen }, contig);

    private static SymbolicAllele Vague(string type, int start, int svLen, (int, int) ciPos, (int, int) ciEnd = default) =>
        Make(type, start, new SymbolicFields { RefBases = 1, HeaderVersion = 403, SvLen = svLen, CiPos = ciPos, CiEnd = ciEnd });

    [Theory]
    [InlineData("A", AlleleKind.Bases)]
    [InlineData("acgtnN", AlleleKind.Bases)]
    [InlineData("*", AlleleKind.Star)]
    [InlineData("<*>", AlleleKind.Unspecified)]
    [InlineData("<NON_REF>", AlleleKind.Unspecified)]
    [InlineData("<DEL>", AlleleKind.Symbolic)]
    [InlineData("<INS:ME:ALU>", AlleleKind.Symbolic)]
    [InlineData("<CN0>", AlleleKind.Symbolic)]
    [InlineData("<[1]>", AlleleKind.Symbolic)] // was taken in and then listed by no answer
    [InlineData("G]17:198982]", AlleleKind.Breakend)]
    [InlineData("]13:123456]T", AlleleKind.Breakend)]
    [InlineData("C[<ctg1>:1[", AlleleKind.Breakend)]
    [InlineData("]<ctg1>:329]A", AlleleKind.Breakend)]
    [InlineData(".TGCA", AlleleKind.Breakend)]
    [InlineData("G.", AlleleKind.Breakend)]
    [InlineData("", AlleleKind.Invalid)]
    [InlineData(".", AlleleKind.Invalid)]
    [InlineData("..", AlleleKind.Invalid)]
    [InlineData("I", AlleleKind.Invalid)]
    [InlineData("AR", AlleleKind.Invalid)]
    [InlineData("A*", AlleleKind.Invalid)]
    [InlineData("<>", AlleleKind.Invalid)]
    [InlineData("<DEL", AlleleKind.Invalid)]
    [InlineData("A<DEL>", AlleleKind.Invalid)]
    [InlineData("G]17:198982[", AlleleKind.Invalid)]
    [InlineData("]17:198982]", AlleleKind.Invalid)]
    [InlineData("G]17]", AlleleKind.Invalid)]
    [InlineData("G]:17]", AlleleKind.Invalid)]
    [InlineData("G]17:19]A", AlleleKind.Invalid)]
    public void Alt_items_are_told_apart(string allele, AlleleKind kind) => Assert.Equal(kind, AlleleKinds.Classify(Encoding.ASCII.GetBytes(allele)));

    [Theory]
    [InlineData("G]17:198982]", "17", 198981, true, false)]
    [InlineData("]13:123456]T", "13", 123455, false, false)]
    [InlineData("C[chr2:321682[", "chr2", 321681, true, true)]
    [InlineData("[17:198983[A", "17", 198982, false, true)]
    [InlineData("N[HLA-A*01:01:5[", "HLA-A*01:01", 4, true, true)]
    [InlineData("A]13:0]", "13", -1, true, false)]
    [InlineData("G.", "", -1, true, false)]
    [InlineData(".G", "", -1, false, false)]
    public void Breakends_name_their_mate(string allele, string contig, int start, bool after, bool right)
    {
        Assert.True(Breakend.TryParse(Encoding.ASCII.GetBytes(allele), out var breakend));
        Assert.Equal(new Breakend(contig, start, after, right), breakend);
    }

    [Theory]
    [InlineData("<DEL>", 50, -1, 403, 150, 50)]      // SVLEN alone
    [InlineData("<DEL>", -1, 150, 403, 150, 50)]     // END alone
    [InlineData("<DEL>", 60, 150, 403, 150, 60)]     // they disagree: END before 4.5
    [InlineData("<DEL>", 60, 150, 405, 160, 60)]     // SVLEN in 4.5
    [InlineData("<DEL>", -1, 150, 405, 150, 50)]
    [InlineData("<DEL>", 60, 100, 403, 160, 60)]     // END = POS says nothing
    [InlineData("<DEL>", -1, -1, 403, 100, -1)]
    [InlineData("<DEL>", -1, 7, 403, 100, -1)]       // END before POS
    [InlineData("<INS>", 300, 150, 403, 100, 300)]
    [InlineData("<INS:ME>", -1, -1, 405, 100, -1)]
    [InlineData("<CNV>", int.MaxValue, -1, 405, int.MaxValue, int.MaxValue)]
    public void The_end_follows_SVLEN_or_END(string type, int svLen, int infoEnd, int version, int end, int length)
    {
        var allele = Make(type, 99, new SymbolicFields { RefBases = 1, HeaderVersion = version, SvLen = svLen, InfoEnd = infoEnd });
        Assert.Equal((99, end, length, type), (allele.Start, allele.End, allele.LengthBases, allele.Type));
    }

    [Fact]
    public void Intervals_match_by_half_of_each()
    {
        var asked = Make("<DEL>", 999, 100);
        Assert.True(asked.Matches(asked));
        Assert.True(asked.Matches(Make("<DEL>", 1049, 100)));
        Assert.False(asked.Matches(Make("<DEL>", 1050, 100)));
        Assert.True(asked.Matches(Make("<DEL>", 999, 200)));
        Assert.False(asked.Matches(Make("<DEL>", 999, 201)));
        Assert.True(asked.Matches(Make("<DEL>", 999, 400), 0.25));
        Assert.False(asked.Matches(Make("<DUP>", 999, 100)));
        Assert.False(asked.Matches(Make("<DEL>", 999, 100, contig: "2")));
        Assert.True(asked.Matches(Make("<DEL:ME:ALU>", 999, 100)));
        Assert.False(Make("<DEL:ME:ALU>", 999, 100).Matches(asked));
        Assert.False(asked.Matches(Make("<DELLY>", 999, 100)));
    }

    [Fact]
    public void Confidence_intervals_are_honoured()
    {
        var asked = Make("<DEL>", 999, 10);
        Assert.False(asked.Matches(Make("<DEL>", 1029, 10)));
        Assert.True(asked.Matches(Vague("<DEL>", 1029, 10, (-30, 5), (-30, 5))));
        Assert.False(asked.Matches(Vague("<DEL>", 1029, 10, (-30, 5), (-29, 5))));
        Assert.False(asked.Matches(Vague("<DEL>", 1029, 10, (-30, 5))));
    }

    [Fact]
    public void Insertions_match_by_place_and_length()
    {
        var asked = Make("<INS>", 999, 300);
        Assert.True(asked.Matches(Make("<INS>", 999, 300)));
        Assert.True(asked.Matches(Make("<INS>", 999, 150)));
        Assert.False(asked.Matches(Make("<INS>", 999, 149)));
        Assert.True(asked.Matches(Make("<INS:ME:L1>", 999)));
        Assert.False(asked.Matches(Make("<INS>", 1000, 300)));
        Assert.True(asked.Matches(Vague("<INS>", 1000, 300, (-1, 0))));
    }

    [Fact]
    public void Breakends_match_by_place_and_mate()
    {
        var asked = Make("N]17:200]", 999);
        Assert.Equal(1000, asked.End);
        Assert.True(asked.Matches(Make("G]chr17:200]", 999)));
        Assert.False(asked.Matches(Make("]17:200]G", 999)));
        Assert.False(asked.Matches(Make("G[17:200[", 999)));
        Assert.False(asked.Matches(Make("G]17:201]", 999)));
        Assert.False(asked.Matches(Vague("G]17:210]", 1009, 0, (-9, 9))));
        Assert.True(asked.Matches(Vague("G]17:210]", 1009, 0, (-10, 10))));
        Assert.False(asked.Matches(Make("<DEL>", 999)));
        Assert.True(Make("G.", 999).Matches(Make("A.", 999)));
    }
}
