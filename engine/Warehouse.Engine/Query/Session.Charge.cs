using Warehouse.Engine.Access;

namespace Warehouse.Engine.Query;

/// <summary>
/// What a question costs the allowance of whoever asks. Every question of genotypes passes here: a listing row by row as they are looked at for him, one about
/// alleles that it names for all of them before the first is looked for.
/// </summary>
public sealed partial class Session
{
    /// <summary>Charged for what questions scan, of whoever the session is lent to; null = nobody counts. A question that it does not suffice for ends with <see cref="ScanAllowanceException"/>.</summary>
    public ScanAllowance? Allowance { get; set; }

    /// <summary>Charges for rows that a listing looks at, whether or not the answer has them; returns for how many it was enough: those are still answered, then <see cref="ThrowOver"/>.</summary>
    internal int ChargeRows(int rows, int samples) => Allowance is { } allowance ? (int)allowance.Take(rows, PriceOf(samples)) : rows;

    /// <summary>Charges for one row that a listing looks at, whether or not the answer has it.</summary>
    internal void ChargeRow(int samples)
    {
        if (Allowance is { } allowance && allowance.Take(1, PriceOf(samples)) == 0) throw allowance.Over();
    }

    /// <summary>Charges for rows of alleles that were named, be they there or not.</summary>
    internal void ChargeAlleles(int alleles, int samples)
    {
        if (alleles > 0) Allowance?.TakeWhole(alleles * PriceOf(samples));
    }

    /// <summary>Charges for alleles that are looked up: their state and the sums of their rows alone.</summary>
    internal void ChargeLookUps(int alleles, int samples)
    {
        if (alleles > 0) Allowance?.TakeWhole(alleles * ((PriceOf(samples) + ScanAllowance.SamplesOfLookUpUnit - 1) / ScanAllowance.SamplesOfLookUpUnit));
    }

    /// <summary>Charges for a search through everything.</summary>
    internal void ChargeSearch() => Allowance?.TakeWhole(ScanAllowance.SearchUnits);

    /// <summary>Ends a listing of which <see cref="ChargeRows"/> took only some rows.</summary>
    internal void ThrowOver() => throw Allowance!.Over();

    private long PriceOf(int samples) => Detail < Detail.Record ? ScanAllowance.ReleasedRowUnits : Math.Max(1, samples);
}
