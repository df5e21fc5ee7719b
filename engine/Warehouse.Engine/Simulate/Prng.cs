using System.Numerics;

namespace Warehouse.Engine.Simulate;

/// <summary>
/// xoshiro256** seeded through splitmix64, and the few draws that the simulator needs. Only integer steps and IEEE additions,
/// multiplications and divisions, no library logarithm: the same seed gives the same draws on every machine. One thread.
/// </summary>
internal sealed class Prng
{
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>Starts the stream numbered <paramref name="stream"/> of a seed; streams are independent.</summary>
    public Prng(ulong seed, ulong stream)
    {
        var state = seed ^ Mix(stream + 0x632BE59BD9B4E019);
        _s0 = Mix(state += 0x9E3779B97F4A7C15);
        _s1 = Mix(state += 0x9E3779B97F4A7C15);
        _s2 = Mix(state += 0x9E3779B97F4A7C15);
        _s3 = Mix(state + 0x9E3779B97F4A7C15);
    }

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>0 &lt;= result &lt; <paramref name="limit"/>; a bias below 2^-32 for limits of this simulator.</summary>
    public int Below(int limit) => (int)Math.BigMul(Next(), (ulong)limit, out _);

    /// <summary>0 &lt;= result &lt; 1, 53 bits.</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => Unit() < probability;

    /// <summary>Failures before the first success of trials with this probability; int.MaxValue when it is 0.</summary>
    public int Failures(double probability)
    {
        if (probability <= 0) return int.MaxValue;
        if (probability >= 1) return 0;
        var failures = Log(1 - Unit()) / Log(1 - probability);
        return failures < int.MaxValue ? (int)failures : int.MaxValue;
    }

    /// <summary>Natural logarithm of a positive normal number, to a few units in the last place.</summary>
    public static double Log(double x)
    {
        var exponent = Math.ILogB(x);
        var mantissa = Math.ScaleB(x, -exponent);
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }
        var s = (mantissa - 1) / (mantissa + 1);
        var square = s * s;
        double sum = 0;
        for (var k = 21; k >= 1; k -= 2) sum = (sum * square) + (1.0 / k);
        return (2 * s * sum) + (exponent * 0.69314718055994530942);
    }

    /// <summary>e to the power x; 0 far below zero. For x below 700.</summary>
    public static double Exp(double x)
    {
        if (x < -800) return 0;
        var power = (int)Math.Floor((x / 0.69314718055994530942) + 0.5);
        var rest = x - (power * 0.69314718055994530942);
        double sum = 1;
        for (var k = 16; k >= 1; k--) sum = 1 + (sum * rest / k);
        return Math.ScaleB(sum, power);
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
