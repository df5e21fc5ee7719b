using System.Collections.Concurrent;

namespace Warehouse.Units.Oracle;

/// <summary>State of one sample at one variant.</summary>
internal enum NaiveState { Called, NoCall, Reference, Assumed, NotAssessed }

/// <summary>How a called carrier is counted; None when the sample carries nothing.</summary>
internal enum NaiveZygosity { None, Het, HomAlt, Hemi, Half }

/// <summary>What one sample adds to the figures.</summary>
internal readonly record struct NaiveAnswer(NaiveState State, int Ac, int An, NaiveZygosity Zygosity)
{
    public static NaiveAnswer NoCall { get; } = new(NaiveState.NoCall, 0, 0, NaiveZygosity.None);
    public static NaiveAnswer NotAssessed { get; } = new(NaiveState.NotAssessed, 0, 0, NaiveZygosity.None);
}

/// <summary>The sums and the one figure that needs thought.</summary>
internal static class NaiveFigures
{
    private static readonly ConcurrentDictionary<long, double> Known = new();

    /// <summary>In the order of <see cref="CountRow.FigureNames"/>.</summary>
    public static long[] Sum(IEnumerable<NaiveAnswer> answers)
    {
        long ac = 0, an = 0, het = 0, hom = 0, hemi = 0, half = 0, noCall = 0, notAssessed = 0, samples = 0, assumed = 0;
        foreach (var a in answers)
        {
            samples++;
            ac += a.Ac;
            an += a.An;
            het += a.Zygosity == NaiveZygosity.Het ? 1 : 0;
            hom += a.Zygosity == NaiveZygosity.HomAlt ? 1 : 0;
            hemi += a.Zygosity == NaiveZygosity.Hemi ? 1 : 0;
            half += a.Zygosity == NaiveZygosity.Half ? 1 : 0;
            noCall += a.State == NaiveState.NoCall ? 1 : 0;
            notAssessed += a.State == NaiveState.NotAssessed ? 1 : 0;
            assumed += a.State == NaiveState.Assumed ? a.An : 0;
        }
        return [ac, an, het, hom, hemi, half, het + hom + hemi + half, noCall, notAssessed, samples, assumed];
    }

    /// <summary>0 for AC of 0 or 1; else the mean of a Poisson distribution of which AC - 1 is the 95 % quantile at its edge, over AN.</summary>
    public static double Faf95(long ac, long an) => ac <= 1 ? 0 : Known.GetOrAdd(ac, Mean) / an;

    private static double Mean(long ac)
    {
        var (low, high) = (0.0, (double)ac);
        for (var i = 0; i < 200 && high - low > 1e-14 * high; i++)
        {
            var mean = (low + high) / 2;
            if (Below(ac, mean) > 0.95) low = mean;
            else high = mean;
        }
        return (low + high) / 2;
    }

    /// <summary>P(Poisson(mean) &lt; ac), summed from the largest term down so that nothing overflows.</summary>
    private static double Below(long ac, double mean)
    {
        var logTerm = -mean;
        for (long k = 1; k < ac; k++) logTerm += Math.Log(mean / k);
        var (sum, term) = (0.0, Math.Exp(logTerm));
        for (var k = ac - 1; k >= 0 && (term > 1e-18 * sum || k > mean); k--)
        {
            sum += term;
            term *= k / mean;
        }
        return sum;
    }
}
