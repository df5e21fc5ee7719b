using System.Numerics;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Units.Query;

/// <summary>Fisher's exact test against exact integers on small tables and logarithms of factorials on large ones.</summary>
public sealed class FisherExactTests
{
    private const int Seed = 20261120;

    [Fact]
    public void Every_table_of_small_margins_equals_exact_integers()
    {
        for (var a = 0; a <= 7; a++)
            for (var b = 0; b <= 7; b++)
                for (var c = 0; c <= 7; c++)
                    for (var d = 0; d <= 7; d++) Close(Exact(a, b, c, d), FisherExact.Test(a, b, c, d).P, 1e-12, $"{a} {b} {c} {d}");
    }

    [Fact]
    public void Large_tables_equal_the_twin_by_logarithms()
    {
        var logFactorial = new double[800_001];
        for (var i = 2; i < logFactorial.Length; i++) logFactorial[i] = logFactorial[i - 1] + Math.Log(i);
        var random = new Random(Seed);
        for (var round = 0; round < 60; round++)
        {
            var (rowA, rowB) = (random.Next(1, 200_000), random.Next(1, 200_000));
            var share = Math.Pow(random.NextDouble(), 3);
            var (a, c) = (Draw(rowA, share, random), Draw(rowB, share, random));
            var expected = ByLogarithms(a, rowA - a, c, rowB - c, logFactorial);
            Close(expected, FisherExact.Test(a, rowA - a, c, rowB - c).P, 1e-5, $"seed {Seed} round {round}: {a} {rowA - a} {c} {rowB - c}");
        }
    }

    [Theory]
    [InlineData(3, 1, 1, 3, 9, 0.4857142857142857)]
    [InlineData(0, 0, 1, 3, double.NaN, 1)]
    [InlineData(2, 3, 0, 5, double.PositiveInfinity, 0.4444444444444444)]
    [InlineData(200_000, 0, 0, 200_000, double.PositiveInfinity, 0)]
    public void Known_tables(long a, long b, long c, long d, double odds, double p)
    {
        var found = FisherExact.Test(a, b, c, d);
        Assert.Equal(odds, found.OddsRatio);
        Close(p, found.P, 1e-12, $"{a} {b} {c} {d}");
    }

    private static int Draw(int of, double share, Random random)
    {
        var (mean, deviation) = (of * share, Math.Sqrt(of * share * (1 - share)));
        return (int)Math.Clamp(mean + (deviation * ((random.NextDouble() * 8) - 4)), 0, of);
    }

    internal static double Exact(int a, int b, int c, int d)
    {
        BigInteger Ways(int x) => Choose(a + b, x) * Choose(c + d, a + c - x);
        var (total, tail, seen) = (BigInteger.Zero, BigInteger.Zero, Ways(a));
        for (var x = 0; x <= a + c; x++)
        {
            total += Ways(x);
            if (Ways(x) <= seen) tail += Ways(x);
        }
        return (double)tail / (double)total;
    }

    private static BigInteger Choose(int n, int k)
    {
        if (k < 0 || k > n) return 0;
        var ways = BigInteger.One;
        for (var i = 1; i <= k; i++) ways = ways * (n - k + i) / i;
        return ways;
    }

    private static double ByLogarithms(int a, int b, int c, int d, double[] log)
    {
        var (row, other, column) = (a + b, c + d, a + c);
        double Of(int x) => log[row] - log[x] - log[row - x] + log[other] - log[column - x] - log[other - column + x] - (log[row + other] - log[column] - log[row + other - column]);
        var (seen, tail) = (Of(a), 0.0);
        for (var x = Math.Max(0, column - other); x <= Math.Min(row, column); x++)
            if (Of(x) <= seen + 1e-7) tail += Math.Exp(Of(x));
        return Math.Min(1, tail);
    }

    private static void Close(double expected, double actual, double relative, string table) =>
        Assert.True(Math.Abs(expected - actual) <= (relative * expected) + 1e-300, $"{table}: {actual:R} where {expected:R} is expected");
}
