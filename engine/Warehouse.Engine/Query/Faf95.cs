using System.Diagnostics;

namespace Warehouse.Engine.Query;

/// <summary>
/// The filtering allele frequency at 95 %: the highest true frequency for which the 95 % Poisson upper bound of AC stays under the AC seen.
/// FAF95 = L / AN with P(Poisson(L) &lt; AC) = 0.95, L being half the 5 % quantile of chi-square with 2 AC degrees of freedom; 0 when AC &lt;= 1 or AN = 0.
/// Thread-safe.
/// </summary>
public static partial class Faf95
{
    // z = 5 % quantile of the normal distribution.
    private const double Z = -1.6448536269514722;

    /// <summary>The FAF95 of one row.</summary>
    public static double Of(long ac, long an)
    {
        Debug.Assert(ac >= 0);
        Debug.Assert(an >= ac);
        return ac <= 1 || an == 0 ? 0 : Lambda(ac) / an;
    }

    /// <summary>The Poisson mean L with P(Poisson(L) &lt; ac) = 0.95; <paramref name="ac"/> is at least 1. Relative error under 1e-12.</summary>
    public static double Lambda(long ac) => ac < Table.Length ? Table[(int)ac] : Expansion(ac); // there the expansion is exact to a double's last digits or so

    /// <summary>
    /// Cornish-Fisher expansion of the chi-square quantile with n = 2 ac degrees of freedom, halved.
    /// Source: H. Goldberg and H. Levine, Annals of Mathematical Statistics 17 (1946), 216-225.
    /// </summary>
    internal static double Expansion(double ac)
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
}
