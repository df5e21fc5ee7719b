using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Units.Query;

public sealed class Faf95Tests
{
    /// <summary>P(Poisson(mean) &lt; count), by adding up weights on both sides and dividing.</summary>
    private static double Below(double mean, long count)
    {
        var mode = (long)mean;
        double below = 0, above = 0, weight = 1;
        for (var k = mode; weight > 1e-20; weight *= mean / ++k)
        {
            if (k < count) below += weight;
            else above += weight;
        }
        weight = 1;
        for (var k = mode; k > 0 && weight > 1e-20;)
        {
            weight *= k / mean;
            if (--k < count) below += weight;
            else above += weight;
        }
        return below / (below + above);
    }

    /// <summary>The dull twin: bisection on the definition.</summary>
    private static double Bisect(long count)
    {
        double low = 0, high = count;
        for (var i = 0; i < 70; i++)
        {
            var middle = (low + high) / 2;
            if (Below(middle, count) > 0.95) low = middle;
            else high = middle;
        }
        return low;
    }

    [Fact]
    public void Lambda_is_what_bisection_of_the_definition_finds()
    {
        long[] counts = [.. Enumerable.Range(1, 60).Select(i => (long)i), 97, 256, 500, 777, 1022, 1023, 1024, 1025, 1500, 3000, 10_000, 123_456, 1_000_000];
        foreach (var count in counts)
        {
            var expected = Bisect(count);
            Assert.True(Math.Abs(Faf95.Lambda(count) / expected - 1) < 1e-10, $"AC {count}: {Faf95.Lambda(count):R}, not {expected:R}");
        }
    }

    /// <summary>Made with 40 digits by the inverse of the regularised incomplete gamma function; the last by adding up Poisson weights.</summary>
    [Theory]
    [InlineData(2, 0.355361510698662052)]
    [InlineData(3, 0.817691447163953327)]
    [InlineData(10, 5.42540569709129258)]
    [InlineData(1000, 948.559849383651129)]
    [InlineData(1023, 970.96500978236451)]
    [InlineData(1024, 971.93929970054026)]
    [InlineData(100_000, 99480.4207467887154)]
    [InlineData(1_000_000_000, 999947985.7297331)]
    public void Lambda_agrees_with_published_quantiles(long count, double expected) => Assert.InRange(Faf95.Lambda(count) / expected, 1 - 1e-12, 1 + 1e-12);

    [Fact]
    public void The_contract_s_example_and_edges_hold()
    {
        Assert.Equal("0.00035536", CFormat.G(Faf95.Of(2, 1000), 5));
        Assert.Equal(0, Faf95.Of(0, 0));
        Assert.Equal(0, Faf95.Of(0, 10));
        Assert.Equal(0, Faf95.Of(1, 10));
    }

    [Fact]
    public void The_table_is_what_solving_for_it_gives()
    {
        var logFactorial = 0.0;
        for (var ac = 1; ac < 1024; ac++)
        {
            logFactorial += Math.Log(ac);
            Assert.InRange(Faf95.Lambda(ac) / Solve(ac, logFactorial), 1 - 1e-14, 1 + 1e-14);
        }
    }

    /// <summary>
    /// Newton's method on the logarithm of P(Poisson(x) &gt;= ac) = 0.05 over log x, which is concave there: from any start it walks up to the root
    /// without overshooting.
    /// </summary>
    private static double Solve(int ac, double logFactorial)
    {
        var x = ac < 8 ? ac * 0.05 : Faf95.Expansion(ac);
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

    [Fact]
    public void It_grows_with_the_count_and_stays_under_the_frequency()
    {
        for (var count = 2L; count < 5000; count++)
        {
            Assert.True(Faf95.Lambda(count) > Faf95.Lambda(count - 1), $"AC {count}");
            Assert.True(Faf95.Lambda(count) < count, $"AC {count}");
        }
    }
}
