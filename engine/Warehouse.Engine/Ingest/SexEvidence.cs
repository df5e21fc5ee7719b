using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// What the X and Y calls of each sample say about its sex: on X outside the pseudo-autosomal regions two copies show as heterozygous
/// calls; on Y calls of one allele show a Y (heterozygous ones are reads of X that were put there). Only a report at ingest; no count depends on it. One thread.
/// </summary>
internal sealed class SexEvidence(int samples, Assembly assembly)
{
    /// <summary>Calls needed before anything is said, on Y and on X alone.</summary>
    public const int LeastCalls = 10;

    /// <summary>Calls on X needed where Y tells too.</summary>
    public const int LeastCallsBesideY = 5;

    /// <summary>Share of heterozygous calls among non-reference X calls, above which two X chromosomes are there.</summary>
    public const double TwoCopies = 0.15;

    /// <summary>Share of Y sites called, above which a Y is there; below a tenth of it there is none.</summary>
    public const double HasY = 0.5;

    private readonly int[] _xHet = new int[samples];
    private readonly int[] _xAlt = new int[samples];
    private readonly int[] _yCalled = new int[samples];
    private int _ySites;
    private string _contig = "";

    public void Enter(string canonical) => _contig = canonical;

    public void Add(VcfRecord record)
    {
        if (_contig is not ("X" or "Y") || !record.HasGt || assembly.IsPar(_contig, record.Start)) return;
        if (_contig == "Y") _ySites++;
        for (var s = 0; s < samples; s++)
        {
            var (first, second) = (record.First[s], record.Second[s]);
            if (first is 0 or VcfRecord.IrregularMark || second == 0) continue;
            if (_contig == "Y")
            {
                if (second is VcfRecord.NoAllele || first == second) _yCalled[s]++;
                continue;
            }
            if (first > 1 || second is > 1 and not VcfRecord.NoAllele) _xAlt[s]++;
            if (second != VcfRecord.NoAllele && first != second) _xHet[s]++;
        }
    }

    /// <summary>XX, XY, or null when the calls do not tell.</summary>
    public string? Of(int sample)
    {
        bool? y = _ySites < LeastCalls ? null : _yCalled[sample] > HasY * _ySites ? true : _yCalled[sample] < HasY / 10 * _ySites ? false : null;
        bool? twoX = _xAlt[sample] < (y is null ? LeastCalls : LeastCallsBesideY) ? null : _xHet[sample] > TwoCopies * _xAlt[sample];
        if (twoX == true && y != true) return "XX";
        if (twoX == false && y != false) return "XY";
        if (twoX is null && y == true && _xHet[sample] == 0) return "XY";
        return null;
    }
}
