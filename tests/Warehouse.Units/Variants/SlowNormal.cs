namespace Warehouse.Units.Variants;

/// <summary>The dull twin of the normaliser: Tan 2015 on strings, one step at a time, as COUNTS.md's oracle writes it.</summary>
internal static class SlowNormal
{
    public static (int Start, string Ref, string Alt) Of(string? reference, int start, string r, string a)
    {
        (r, a) = (r.ToUpperInvariant(), a.ToUpperInvariant());
        while (r != a && r[^1] == a[^1] && (r.Length > 1 && a.Length > 1 || reference is not null && start > 0))
        {
            (r, a) = (r[..^1], a[..^1]);
            if (r.Length > 0 && a.Length > 0) continue;
            start--;
            (r, a) = (reference![start] + r, reference[start] + a);
        }
        while (r.Length > 1 && a.Length > 1 && r[0] == a[0]) (start, r, a) = (start + 1, r[1..], a[1..]);
        return (start, r, a);
    }
}
