using System.Text;
using Warehouse.Units.Oracle;
using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Segments;

/// <summary>Genotypes come back from the columns of a segment as they were written: alleles, order, phase, ploidy, quality of carriers.</summary>
public sealed class CallColumnsTests
{
    [Theory]
    [InlineData(1, "mixed")]
    [InlineData(63, "mixed")]
    [InlineData(64, "mixed")]
    [InlineData(65, "mixed")]
    [InlineData(130, "mixed")]
    [InlineData(130, "phased")]
    [InlineData(130, "plain")]
    [InlineData(130, "haploid")]
    public void Every_call_of_a_file_comes_back_as_it_was_written(int samples, string how)
    {
        const int Records = 40;
        var dice = new Random(samples + how.Length);
        var (text, wanted) = (Header(samples), new List<string>());
        for (var record = 0; record < Records; record++)
        {
            string[] alts = record % 11 == 5 ? [] : record % 13 == 7 ? ["AC", "AG", "AT", "ACC", "ACG"] : record % 3 == 0 ? ["C", "G"] : ["C"];
            var hasQuality = record % 4 == 1;
            var calls = Enumerable.Range(0, samples).Select(_ => Call(dice, how, alts.Length)).ToArray();
            var cells = calls.Select(gt => (Gt: gt, Gq: dice.Next(60), Dp: dice.Next(4, 30), Ad: Enumerable.Range(0, alts.Length + 1).Select(_ => dice.Next(15)).ToArray())).ToArray();
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"1\t{10 + (record * 10)}\t.\tA\t{(alts.Length == 0 ? "." : string.Join(',', alts))}\t.\tPASS\t.\t{(hasQuality ? "GT:GQ:DP:AD" : "GT")}");
            foreach (var c in cells) text.Append('\t').Append(hasQuality ? $"{c.Gt}:{c.Gq}:{c.Dp}:{string.Join(',', c.Ad)}" : c.Gt);
            text.Append('\n');
            if (alts.Length == 0) continue; // a reference site is evidence, and keeps no text
            for (var s = 0; s < samples; s++)
            {
                var carries = cells[s].Gt.Split('/', '|').Any(a => a is not ("." or "0"));
                wanted.Add($"{s} {9 + (record * 10)} {cells[s].Gt} {(hasQuality && Fails(cells[s]) || !hasQuality ? "fails" : "passes")} {(carries && hasQuality ? $"{cells[s].Gq} {cells[s].Dp} {string.Join(',', cells[s].Ad)}" : "-1 -1 ")}");
            }
        }
        using var store = new MemoryStore("other");
        store.Ingest(new NaiveIngest(), text.ToString());
        var found = SegmentDump.Of(store.Store, _ => true).Where(l => !l.Contains(" evidence ", StringComparison.Ordinal)).Select(Shown).ToList();
        wanted.Sort(StringComparer.Ordinal);
        found = [.. found.Where(f => wanted.Count > 0 && !IsReferenceSite(f)).Order(StringComparer.Ordinal)];
        Assert.Equal(wanted, found);
    }

    private static bool IsReferenceSite(string shown) => (int.Parse(shown.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) - 9) / 10 % 11 == 5;

    /// <summary>Of a line of the dump: ordinal, start, call, judgement, detail.</summary>
    private static string Shown(string line)
    {
        var f = line.Split(' ');
        return $"{f[0]} {f[2]} {f[^5]} {f[^4]} {f[^3]} {f[^2]} {f[^1]}";
    }

    /// <summary>--adj by the page: GQ and DP of at least 20 and 10 (5 where haploid), and a fifth of the depth for each ALT of two different called alleles.</summary>
    private static bool Fails((string Gt, int Gq, int Dp, int[] Ad) c)
    {
        var alleles = c.Gt.Split('/', '|');
        if (c.Gq < 20 || c.Dp < (alleles.Length == 1 ? 5 : 10)) return true;
        if (alleles.Contains(".")) return false;
        return alleles.Distinct().Count() > 1 && alleles.Any(a => a != "0" && c.Ad[int.Parse(a, System.Globalization.CultureInfo.InvariantCulture)] * 5 < c.Dp);
    }

    private static string Call(Random dice, string how, int alts)
    {
        string Allele() => dice.Next(3) == 0 ? dice.Next(alts + 1).ToString(System.Globalization.CultureInfo.InvariantCulture) : "0";
        if (how == "plain") return dice.Next(20) == 0 ? "./." : $"{Allele()}/{Allele()}";
        if (how == "phased") return $"{Allele()}|{Allele()}";
        if (how == "haploid") return dice.Next(9) == 0 ? "." : Allele();
        return dice.Next(14) switch
        {
            0 => "./.", 1 => ".|.", 2 => ".", 3 => Allele(), 4 => "./" + Allele(), 5 => Allele() + "|.", 6 => $"{Allele()}/{Allele()}/{Allele()}", 7 or 8 => $"{Allele()}|{Allele()}", _ => $"{Allele()}/{Allele()}",
        };
    }

    private static StringBuilder Header(int samples) => new StringBuilder("##fileformat=VCFv4.3\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"q\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"a\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t")
        .AppendJoin('\t', Enumerable.Range(0, samples).Select(s => "s" + s)).Append('\n');
}
