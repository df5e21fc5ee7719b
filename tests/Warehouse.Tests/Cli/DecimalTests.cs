using System.Globalization;
using System.Text;
using Warehouse.Cli.Output;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>Numbers as text, the quick ways beside the runtime's.</summary>
public sealed class DecimalTests
{
    [Fact]
    public void Whole_numbers_are_written_as_the_runtime_writes_them()
    {
        const int seed = 5;
        var random = new Random(seed);
        Span<byte> text = stackalloc byte[Warehouse.Cli.Output.Decimal.MaxLengthBytes];
        var values = new List<long> { long.MinValue, long.MaxValue, -1, 0 };
        for (var power = 1L; power <= 1_000_000_000_000; power *= 10) values.AddRange([power - 1, power, power + 1]);
        for (var i = 0; i < 100_000; i++) values.Add(random.NextInt64(1L << random.Next(1, 40)));
        foreach (var value in values)
            Assert.True(value.ToString(CultureInfo.InvariantCulture) == Encoding.ASCII.GetString(text[..Warehouse.Cli.Output.Decimal.Put(value, text)]), $"seed {seed}: {value}");
    }

    [Fact]
    public void Figures_in_one_piece_are_the_figures_cell_by_cell()
    {
        const int seed = 6;
        var random = new Random(seed);
        var (whole, cells) = (new MemoryStream(), new MemoryStream());
        var columns = Columns.Frequency(symbolic: false, grouped: false);
        using (var quick = new TsvWriter(columns, whole))
        using (var slow = new TsvWriter(columns, cells))
        {
            for (var i = 0; i < 20_000; i++)
            {
                var an = random.Next(0, 1 << random.Next(1, 24));
                var figures = new CountFigures { Ac = random.Next(0, an + 1), An = an, NHet = random.Next(100), NHomAlt = random.Next(10_000), NHemi = 1, NHalf = i % 3, NNoCall = i, NNotAssessed = i * 7, NSamples = int.MaxValue, AnAssumed = an / 2 };
                quick.Text("22");
                slow.Text("22");
                for (var cell = 0; cell < 3; cell++)
                {
                    quick.Missing();
                    slow.Missing();
                }
                quick.Figures(figures);
                CellByCell(slow, figures);
                quick.EndRow();
                slow.EndRow();
            }
            quick.Complete();
            slow.Complete();
        }
        Assert.Equal(cells.ToArray(), whole.ToArray());
    }

    private static void CellByCell(TsvWriter writer, in CountFigures f)
    {
        foreach (var value in (long[])[f.Ac, f.An]) writer.Integer(value);
        writer.Real(f.An == 0 ? double.NaN : (double)f.Ac / f.An);
        foreach (var value in (long[])[f.NHet, f.NHomAlt, f.NHemi, f.NHalf, f.Carriers, f.NNoCall, f.NNotAssessed, f.NSamples, f.AnAssumed]) writer.Integer(value);
        writer.Real(Faf95.Of(f.Ac, f.An));
    }
}
