namespace Warehouse.Engine.Release;

/// <summary>
/// What is shown of one variant over one cohort or group. Nothing, where it is banded: fewer than k carry it, zero included, another figure
/// of the row is small, or a small one could be derived; these are not told apart. Plain numbers.
/// </summary>
/// <param name="IsBanded">No other figure is set.</param>
/// <param name="People">All people of the set.</param>
/// <param name="Carriers">People with at least one copy.</param>
/// <param name="Hom">Homozygous carriers: 0, or k or more.</param>
/// <param name="Ac">Called copies.</param>
/// <param name="An">Called alleles, rounded.</param>
public readonly record struct ReleasedRow(bool IsBanded, int People, int Carriers, int Hom, long Ac, long An)
{
    /// <summary>AC / AN of what is shown, to three significant digits; 0 where it is banded.</summary>
    public double Frequency
    {
        get
        {
            if (An == 0) return 0;
            var exact = Math.Min(1, (double)Ac / An);
            var digits = exact == 0 ? 0 : 2 - (int)Math.Floor(Math.Log10(exact));
            return Math.Round(exact, Math.Clamp(digits, 0, 15));
        }
    }
}
