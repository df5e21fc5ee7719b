using System.Text;
using Warehouse.Cli.Output;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Tests.Cli;

public sealed class FrequencyTextTests
{
    private static readonly string?[] Names = ["EUR", "=SUM(A1)", "a\tb", "ünïcode", "-x", null, "", "back\\slash", "'quoted"];
    private static readonly string[] Alternates = ["A", "ACGT", "<DEL>", "A]chr2\\:5]", "<Ü>", new string('T', 70_000)];

    [Fact]
    public void Lines_written_from_columns_are_those_written_cell_by_cell()
    {
        for (var seed = 7101; seed <= 7160; seed++)
        {
            var dice = new Random(seed);
            var (symbolic, grouped) = (dice.Next(2) == 0, dice.Next(2) == 0);
            var columns = Columns.Frequency(symbolic, grouped);
            using var batch = Batch(dice, grouped);
            using var fast = new MemoryStream();
            using var dull = new MemoryStream();
            using (var writer = new TsvWriter(columns, fast))
            {
                writer.Frequencies(batch, symbolic, grouped);
                writer.Frequencies(batch, symbolic, grouped);
                writer.Complete();
            }
            using (var writer = new TsvWriter(columns, dull))
            {
                for (var round = 0; round < 2; round++)
                    foreach (var row in batch.Rows(new FrequencyRow())) Columns.Write(writer, row, symbolic, grouped);
                writer.Complete();
            }
            var (expected, found) = (Encoding.UTF8.GetString(dull.ToArray()).Split('\n'), Encoding.UTF8.GetString(fast.ToArray()).Split('\n'));
            Assert.Equal(expected.Length, found.Length);
            for (var line = 0; line < expected.Length; line++) Assert.True(expected[line] == found[line], $"seed {seed}, line {line}: {found[line]}, not {expected[line]}");
        }
    }

    private static FrequencyBatch Batch(Random dice, bool grouped)
    {
        string?[] groups = grouped ? [.. Enumerable.Range(0, dice.Next(1, 5)).Select(_ => Names[dice.Next(Names.Length)])] : [null];
        var sizes = groups.Select(_ => dice.Next(1, 1 << dice.Next(1, 28))).ToArray();
        var rows = dice.Next(1, 400);
        var batch = new FrequencyBatch(groups, sizes) { Contig = dice.Next(4) == 0 ? "=HLA\\" : "chr22" };
        batch.Begin(rows);
        var figures = new CountFigures[groups.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var group = 0; group < figures.Length; group++) figures[group] = Figures(dice, sizes[group]);
            var alternate = Alternates[dice.Next(dice.Next(40) == 0 ? 6 : 5)];
            batch.Add((dice.Next(1 << dice.Next(1, 31)), dice.Next(3) == 0 ? dice.Next() : -1, "ACGT"u8[..dice.Next(1, 5)].ToArray(), Encoding.UTF8.GetBytes(alternate)), figures);
        }
        return batch;
    }

    private static CountFigures Figures(Random dice, int samples)
    {
        var an = dice.Next(8) == 0 ? 0 : dice.Next((2 * samples) + 1);
        int Some() => dice.Next(3) == 0 ? dice.Next(1 << dice.Next(1, 30)) : 0;
        return new CountFigures
        {
            Ac = an == 0 ? 0 : dice.Next(dice.Next(2) == 0 ? an + 1 : Math.Min(an, 4)), An = an, NHet = Some(), NHomAlt = Some(), NHemi = Some() / 4, NHalf = Some() / 8,
            NNoCall = Some(), NNotAssessed = Some(), NSamples = samples, AnAssumed = Some(),
        };
    }
}
