using Warehouse.Units.Oracle;

namespace Warehouse.Units.Access;

/// <summary>Files of a pair of stores: the same for who sees some samples, another for the rest.</summary>
internal static class PairFile
{
    private static readonly string[] Filters = ["PASS", ".", "Hidden"];

    /// <summary>Names of the samples of a file.</summary>
    public static string[] Samples(string text) => Columns(text.Split('\n'))[9..];

    /// <summary>A file with hidden samples changed; null = it is not loaded. Without dice it stays as it is.</summary>
    public static string? Hide(RandomFile file, IReadOnlySet<string> visible, Random? dice)
    {
        if (dice is null || Samples(file.Text).All(visible.Contains)) return file.Text;
        var names = Samples(file.Text).ToList();
        if (!names.Exists(visible.Contains))
        {
            var what = dice.Next(4);
            if (what == 0) return null;
            if (what == 1) return Edit(file.Text, names.ConvertAll(n => n + "_"), (cells, alts) => cells, _ => dice.Next(3) > 0);
        }
        var hidden = Enumerable.Range(0, names.Count).Where(i => !visible.Contains(names[i])).ToArray();
        // A hidden column that is not there, or one more. The parts of a call set are files of one name but for its end.
        var shape = names.Exists(visible.Contains) ? new Random(HashOf(file.Name.Split('_')[0])).Next(4) : 3;
        List<string> columns = shape == 0 ? [.. names.Where((_, i) => i != hidden[0])] : shape == 1 ? [.. names, file.Name.Split('_')[0] + "_more"] : names;
        return Edit(file.Text, columns, (cells, line) =>
        {
            var changed = (string[])cells.Clone();
            foreach (var i in hidden) changed[i] = Other(cells[i], line, dice);
            return shape == 0 ? [.. changed.Where((_, i) => i != hidden[0])] : shape == 1 ? [.. changed, Other(cells[hidden[0]], line, dice)] : changed;
        }, _ => true);
    }

    /// <summary>Call sets of hidden samples alone: one over sites of the command, and one of two people with a site, and perhaps a contig, that nobody else has.</summary>
    public static IEnumerable<string> Hidden(RandomCommand command, RandomGenome genome, (string Sample, string Id) names, Random dice)
    {
        var (contig, at) = (genome.Contigs.First(), 1000 + dice.Next(50));
        var spelled = !genome.HasReference && genome.Assembly != "other1" && dice.Next(2) == 0 ? "chr" + contig : contig;
        var private_ = $"{spelled}\t{at + 1}\t{names.Id}\t{genome.Base(contig, at)}\t{(genome.Base(contig, at) == 'G' ? 'T' : 'G')}\t.\t{Filters[dice.Next(3)]}\t.\tGT:GQ:DP\t0/1:40:20\t1/1:40:20\n";
        if (!genome.HasReference && dice.Next(2) == 0) private_ += $"GL{dice.Next(100, 103)}.1\t{at + 1}\t.\tA\tC\t.\tPASS\t.\tGT\t1/1\t0/1\n";
        yield return "##fileformat=VCFv4.2\n##FILTER=<ID=Hidden,Description=\"hidden\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"quality\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"depth\">\n"
            + $"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names.Sample}_a\t{names.Sample}_d\n" + private_;
        var source = command.Files[dice.Next(command.Files.Count)].Text;
        if (dice.Next(3) == 0) yield break;
        string[] columns = dice.Next(2) == 0 ? [names.Sample + "_b"] : [names.Sample + "_b", names.Sample + "_c"];
        var lines = source.Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t')).Where(f => f[4].Split(',').All(NaiveVcf.IsBases) && f[4] != "." && f[7] == "." && dice.Next(3) > 0).ToList();
        if (lines.Count == 0) yield break;
        yield return string.Concat(source.Split('\n').Where(l => l.StartsWith("##", StringComparison.Ordinal)).Select(l => l + "\n")) + "##FILTER=<ID=Hidden,Description=\"hidden\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + string.Join('\t', columns) + "\n"
            + string.Concat(lines.Select(f => $"{f[0]}\t{f[1]}\t{names.Id}\t{f[3]}\t{f[4]}\t.\t{(dice.Next(3) == 0 ? "Hidden" : f[6])}\t.\tGT\t{string.Join('\t', columns.Select(_ => $"{dice.Next(2)}/{dice.Next(2)}"))}\n"));
    }

    /// <summary>A sheet: the rows of visible samples as they are, those of others changed on one side, and rows of samples of that side alone.</summary>
    public static string Sheet(string text, List<string> samples, (IReadOnlySet<string> Visible, int Side) of, Random dice)
    {
        var rows = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split('\t')).ToDictionary(f => f[0]);
        var persons = rows.Values.Select(f => f[1]).Append("somebody").ToList();
        var lines = new List<string>();
        foreach (var sample in samples)
        {
            var row = rows.GetValueOrDefault(sample);
            if (of.Visible.Contains(sample)) lines.Add($"{string.Join('\t', row!)}\t.\tDUO:0000042");
            else if (row is not null && of.Side == 0) lines.Add($"{string.Join('\t', row)}\tleft\t.");
            else lines.Add($"{sample}\t{persons[dice.Next(persons.Count)]}\t\t{(dice.Next(2) == 0 ? "XX" : "")}\t{(dice.Next(2) == 0 ? "AFR" : "HID" + of.Side)}\thidden\tright\t{(dice.Next(2) == 0 ? "." : "DUO:0000011")}");
        }
        return $"sample\tperson\tcounts\tsex\tancestry\tassay\tsecret{of.Side}\tduo\n" + string.Concat(lines.OrderBy(_ => dice.Next()).Select(l => l + "\n"));
    }

    /// <summary>Samples of <see cref="Wide"/> that are seen.</summary>
    public static IEnumerable<string> WideSamples { get; } = [.. Enumerable.Range(0, 130).Select(i => "w" + i)];

    /// <summary>A file, and its sheet, of so many people that figures of them are released; and of some more, hidden ones, who are others on each side.</summary>
    public static (string Text, string Sheet) Wide(RandomGenome genome, Random shared, (Random Dice, int Side) of)
    {
        var contig = genome.Contigs.First();
        string[] hidden = [.. Enumerable.Range(0, 3 + of.Dice.Next(20)).Select(i => $"hw{of.Side}_{i}")];
        var text = new System.Text.StringBuilder("##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', WideSamples.Concat(hidden)).Append('\n');
        for (var site = 0; site < 4; site++)
        {
            var (reference, share) = (genome.Base(contig, 1100 + site), shared.Next(4) * 0.2);
            string Call(Random dice) => $"{(dice.NextDouble() < share ? 1 : 0)}/{(dice.NextDouble() < share ? 1 : 0)}";
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{contig}\t{1101 + site}\t.\t{reference}\t{(reference == 'G' ? 'T' : 'G')}\t.\tPASS\t.\tGT\t").AppendJoin('\t', WideSamples.Select(_ => Call(shared)).Concat(hidden.Select(_ => Call(of.Dice)))).Append('\n');
        }
        var sheet = "sample\tperson\tancestry\tduo\n" + string.Concat(WideSamples.Select((s, i) => $"{s}\tp_{s}\t{(i % 2 == 0 ? "AFR" : "EUR")}\tDUO:0000042\n").Concat(hidden.Select(s => $"{s}\tp_{s}\tHID\t.\n")));
        return (text.ToString(), sheet);
    }

    private static string[] Columns(string[] lines) => lines.First(l => l.StartsWith("#CHROM", StringComparison.Ordinal)).Split('\t');

    private static int HashOf(string text) => text.Aggregate(17, (h, c) => (h * 31) + c);

    private static string Edit(string text, List<string> columns, Func<string[], string[], string[]> cellsOf, Func<string[], bool> keep)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var kept = lines.Where(l => l[0] != '#').Select(l => l.Split('\t')).Where(keep).ToList();
        if (kept.Count == 0) kept.Add(lines.First(l => l[0] != '#').Split('\t'));
        return string.Concat(lines.Where(l => l.StartsWith("##", StringComparison.Ordinal)).Select(l => l + "\n")) + string.Join('\t', Columns(lines)[..9].Concat(columns)) + "\n"
            + string.Concat(kept.Select(f => string.Join('\t', f[..9].Concat(cellsOf(f[9..], f))) + "\n"));
    }

    /// <summary>Another call of the same shape; blocks, and records without GT, stay.</summary>
    private static string Other(string cell, string[] line, Random dice)
    {
        var alts = line[4].Split(',');
        var most = alts.TakeWhile(a => a is not ("<NON_REF>" or "<*>" or ".")).Count();
        if (!line[8].StartsWith("GT", StringComparison.Ordinal) || most == 0) return cell;
        var fields = cell.Split(':');
        fields[0] = string.Join(dice.Next(3) == 0 ? '|' : '/', fields[0].Split('/', '|').Select(_ => dice.Next(9) == 0 ? "." : dice.Next(2) == 0 ? "0" : dice.Next(most + 1).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        return string.Join(':', fields);
    }
}
