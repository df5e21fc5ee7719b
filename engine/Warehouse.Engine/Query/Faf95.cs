using System.Diagnostics;

namespace Warehouse.Engine.Query;

/// <summary>
/// The filtering allele frequency at 95 %: the highest true frequency for which the 95 % Poisson upper bound of AC stays under the AC seen.
/// FAF95 = L / AN with P(Poisson(L) &lt; AC) = 0.95, L being half the 5 % quantile of chi-square with 2 AC degrees of freedom; 0 when AC &lt;= 1 or AN = 0.
/// Thread-safe.
/// </summary>
public static class Faf95
{
    // z = 5 % quantile of the normal distribution.
    private const double Z = -1.6448536269514722;

    // Up to here L comes from a table; above, the expansion in powers of AC^(-1/2) is exact to a double's last digits or so.
    private const int TableSize = 1024;
    private static readonly double[] Table = MakeTable();

    /// <summary>The FAF95 of one row.</summary>
    public static double Of(long ac, long an)
    {
        Debug.Assert(ac >= 0);
        Debug.Assert(an >= ac);
        return ac <= 1 || an == 0 ? 0 : Lambda(ac) / an;
    }

    /// <summary>The Poisson mean L with P(Poisson(L) &lt; ac) = 0.95; <paramref name="ac"/> is at least 1. Relative error under 1e-12.</summary>
    public static double Lambda(long ac) => ac < TableSize ? Table[ac] : Expansion(ac);

    /// <summary>
    /// Cornish-Fisher expansion of the chi-square quantile with n = 2 ac degrees of freedom, halved.
    /// Source: H. Goldberg and H. Levine, Annals of Mathematical Statistics 17 (1946), 216-225.
    /// </summary>
    private static double Expansion(double ac)
    {
        const double z2 = Z * Z, z3 = z2 * Z, z4 = z2 * z2, z5 = z4 * Z, z6 = z3 * z3, z7 = z6 * Z;
        var n = 2 * ac;
        var root = Math.Sqrt(n);
        var sqrt2 = Math.Sqrt(2);
        var quantile = n + root * Z * sqrt2 + 2.0 / 3 * (z2 - 1)
            + (z3 - 7 * Z) / (9 * sqrt2) / root
            - (6 * z4 + 14 * z2 - 32) / 405 / n
            + (9 * z5 + 256 * z3 - 433 * Z) / (4860 * sqrt2) / (n * root)
            + (12 * z6 - 243 * z4 - 923 * z2 + 1472) / 25515 / (n * n)
            - (3753 * z7 + 4353 * z5 - 289517 * z3 - 289717 * Z) / (9185400 * sqrt2) / (n * n * root);
        return quantile / 2;
    }

    private static double[] MakeTable()
    {
        var table = new double[TableSize];
        var logFactorial = 0.0;
        for (var ac = 1; ac < TableSize; ac++)
        {
            logFactorial += Math.Log(ac);
            table[ac] = Solve(ac, logFactorial);
        }
        return table;
    }

    /// <summary>
    /// Newton's method on the logarithm of P(Poisson(x) &gt;= ac) = 0.05 over log x, which is concave there: from any start it walks up to the root
    /// without overshooting.
    /// </summary>
    private static double Solve(int ac, double logFactorial)
    {
        var x = ac < 8 ? ac * 0.05 : Expansion(ac);
        for (var round = 0; round < 60; round++)
        {
            // P(Poisson(x) >= ac) = x^ac e^-x / ac! (1 + x/(ac+1) + x^2/((ac+1)(ac+2)) + ...)
            double sum = 1, term = 1;
            for (var i = ac + 1; term > sum * 1e-17; i++) sum += term *= x / i;
            var logTail = ac * Math.Log(x) - x - logFactorial + Math.Log(sum);
            var step = (Math.Log(0.05) - logTail) * sum / ac;
            x *= Math.Exp(step);
            if (Math.Abs(step) < 1e-14) break;
        }
        return x;
    }
}
