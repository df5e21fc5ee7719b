namespace Warehouse.Engine.Query;

/// <summary>Fisher's exact test of a 2 x 2 table, two-sided: the sum of the probabilities of all tables with the same margins that are not likelier than the one seen.</summary>
internal static class FisherExact
{
    /// <summary>Tables whose probability is within this factor of the seen one count as equally likely.</summary>
    private const double Tolerance = 1 + 1e-7;

    /// <summary>Odds ratio a d / (b c) and p. NaN and 1 when a row or column is empty.</summary>
    public static (double OddsRatio, double P) Test(long a, long b, long c, long d)
    {
        var odds = b * (double)c == 0 ? (a * (double)d == 0 ? double.NaN : double.PositiveInfinity) : a * (double)d / (b * (double)c);
        var (row, column, all) = (a + b, a + c, a + b + c + d);
        if (row == 0 || column == 0 || row == all || column == all) return (odds, 1);
        var (low, high) = (Math.Max(0, row + column - all), Math.Min(row, column));
        var mode = Math.Clamp((row + 1) * (column + 1) / (all + 2), low, high);
        // Probabilities relative to the mode, by the ratio of neighbours: no factorials, no overflow.
        double total = 1, seen = a == mode ? 1 : 0;
        var weights = new List<(long X, double W)>();
        var w = 1.0;
        for (var x = mode; x < high && w > 0; x++)
        {
            w *= (row - x) * (double)(column - x) / ((x + 1) * (double)(all - row - column + x + 1));
            weights.Add((x + 1, w));
        }
        w = 1;
        for (var x = mode; x > low && w > 0; x--)
        {
            w *= x * (double)(all - row - column + x) / ((row - x + 1) * (double)(column - x + 1));
            weights.Add((x - 1, w));
        }
        foreach (var (x, weight) in weights)
        {
            total += weight;
            if (x == a) seen = weight;
        }
        var tail = 1 <= seen * Tolerance ? 1.0 : 0;
        foreach (var (_, weight) in weights)
            if (weight <= seen * Tolerance) tail += weight;
        return (odds, Math.Min(1, tail / total));
    }
}
