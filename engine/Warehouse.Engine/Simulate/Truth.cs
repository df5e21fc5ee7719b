using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Simulate;

/// <summary>What one sample's record says of one allele, by COUNTS.md.</summary>
internal enum CallState
{
    /// <summary>Called, this allele or another.</summary>
    Called,

    /// <summary>A record without a usable call.</summary>
    NoCall,

    /// <summary>Reference, by evidence or assumption.</summary>
    Reference,

    /// <summary>Nothing known.</summary>
    NotAssessed,
}

/// <summary>The figures of one allele as the simulator knows them. Shares nothing with the engine's counting.</summary>
internal struct TruthFigures
{
    /// <summary>Sums; the names are the columns of <c>freq</c>.</summary>
    public long Ac, An, Het, HomAlt, Hemi, Half, NoCall, NotAssessed, Assumed;

    /// <summary>Adds a called sample.</summary>
    /// <param name="first">First allele index.</param>
    /// <param name="second">Second allele index, or -1 when counted haploid.</param>
    /// <param name="allele">Index of the allele that is counted.</param>
    public void AddCall(int first, int second, int allele)
    {
        var copies = (first == allele ? 1 : 0) + (second == allele ? 1 : 0);
        var called = (first != Genotypes.Missing ? 1 : 0) + (second >= 0 && second != Genotypes.Missing ? 1 : 0);
        An += called;
        Ac += copies;
        if (copies == 0) return;
        if (second < 0) Hemi++;
        else if (called == 1) Half++;
        else if (copies == 2) HomAlt++;
        else Het++;
    }
}

/// <summary>
/// Writes <c>truth.tsv</c> in the columns and order of <c>freq --format tsv</c>. Rows are held back until no later record can
/// have an allele before them, so memory stays small.
/// </summary>
internal sealed class Truth(string path, int samples) : IDisposable
{
    private const int HoldBackBases = 500;
    private readonly StreamWriter _file = Open(path);
    private readonly List<(Allele Allele, TruthFigures Figures)> _held = [];
    private readonly Dictionary<long, double> _quantiles = [];
    private readonly List<double> _logFactorials = [0];

    /// <summary>
    /// Adds a sample that has a record with this allele among its ALTs: rules 1 and 2 of COUNTS.md for a record with or without
    /// a call, with the ploidy that the recorded sex asks for.
    /// </summary>
    public static void AddRecord(ref TruthFigures figures, ContigKind kind, bool par, Sex recorded, (int First, int Second, int Allele) call)
    {
        var (first, second, allele) = call;
        if (kind == ContigKind.Y && recorded == Sex.Xx)
        {
            figures.NotAssessed++;
            return;
        }
        var haploid = kind is ContigKind.X or ContigKind.Y && recorded == Sex.Xy && !par;
        var nothing = first == Genotypes.Missing && (second < 0 || second == Genotypes.Missing);
        if (nothing || (haploid && second >= 0 && first != second)) figures.NoCall++;
        else figures.AddCall(first, haploid ? -1 : second, allele);
    }

    /// <summary>Adds a finished row. Starts of one contig may come up to 500 bases out of order.</summary>
    public void Add(Contig contig, Allele allele, in TruthFigures figures)
    {
        _held.Add((allele, figures));
        if (_held.Count >= 4096) Release(contig, allele.Start - HoldBackBases);
    }

    /// <summary>Ends a contig: everything held is written.</summary>
    public void EndContig(Contig contig) => Release(contig, int.MaxValue);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static StreamWriter Open(string path)
    {
        var file = new StreamWriter(path, false, new UTF8Encoding(false), 1 << 16) { NewLine = "\n" };
        file.WriteLine("contig\tpos\tref\talt\tac\tan\taf\tn_het\tn_hom_alt\tn_hemi\tn_half\tcarriers\tn_no_call\tn_not_assessed\tn_samples\tan_assumed\tfaf95");
        return file;
    }

    private void Release(Contig contig, int before)
    {
        _held.Sort(static (a, b) =>
            a.Allele.Start != b.Allele.Start ? a.Allele.Start.CompareTo(b.Allele.Start)
            : string.CompareOrdinal(a.Allele.Ref, b.Allele.Ref) is var r && r != 0 ? r
            : string.CompareOrdinal(a.Allele.Alt, b.Allele.Alt));
        var count = 0;
        for (; count < _held.Count && _held[count].Allele.Start < before; count++) Write(contig, _held[count].Allele, _held[count].Figures);
        _held.RemoveRange(0, count);
    }

    private void Write(Contig contig, Allele v, in TruthFigures f)
    {
        var af = f.An == 0 ? "." : ((double)f.Ac / f.An).ToString("g6", CultureInfo.InvariantCulture);
        var carriers = f.Het + f.HomAlt + f.Hemi + f.Half;
        var faf = Faf95(f.Ac, f.An).ToString("g5", CultureInfo.InvariantCulture);
        _file.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{contig.Name}\t{v.Start + 1}\t{v.Ref}\t{v.Alt}\t{f.Ac}\t{f.An}\t{af}\t{f.Het}\t{f.HomAlt}\t{f.Hemi}\t{f.Half}\t{carriers}\t{f.NoCall}\t{f.NotAssessed}\t{samples}\t{f.Assumed}\t{faf}"));
    }

    private double Faf95(long ac, long an)
    {
        if (ac <= 1 || an == 0) return 0;
        if (!_quantiles.TryGetValue(ac, out var mean)) _quantiles[ac] = mean = Quantile(ac);
        return mean / an;
    }

    /// <summary>The Poisson mean with probability 0.95 of fewer than <paramref name="ac"/> events: half the 5 % quantile of chi-square with 2 ac degrees of freedom.</summary>
    private double Quantile(long ac)
    {
        while (_logFactorials.Count < ac) _logFactorials.Add(_logFactorials[^1] + Prng.Log(_logFactorials.Count));
        var logFactorial = _logFactorials[(int)ac - 1];
        double low = 0, high = ac;
        for (var step = 0; step < 60; step++)
        {
            var middle = (low + high) / 2;
            var term = Prng.Exp(((ac - 1) * Prng.Log(middle)) - middle - logFactorial);
            double below = 0;
            for (var k = ac - 1; k >= 0 && (term > below * 1e-18 || below == 0) && term > 0; k--)
            {
                below += term;
                term *= k / middle;
            }
            if (below > 0.95) low = middle;
            else high = middle;
        }
        return low;
    }
}
