namespace Warehouse.Engine.Simulate;

/// <summary>
/// Figures of a joint file: every sample has a record of every allele, so rule 1 of COUNTS.md decides alone. Starts from the
/// figures of an all-reference record and corrects the samples that are not.
/// </summary>
internal sealed class JointTruth(Truth truth)
{
    private Zone? _zone;
    private TruthFigures _allReference;

    /// <summary>Adds the rows of one record.</summary>
    public void Add(Site site, Zone zone, Genotypes genotypes)
    {
        if (_zone != zone) Start(zone);
        for (var allele = 1; allele <= site.Alleles.Length; allele++)
        {
            var figures = _allReference;
            TruthFigures asReference = default;
            foreach (var s in genotypes.Touched)
            {
                var (first, second) = zone.Call(genotypes, s);
                AddCall(ref figures, zone, s, (first, second, allele));
                AddCall(ref asReference, zone, s, (0, second < 0 ? -1 : 0, allele));
            }
            figures.An -= asReference.An;
            figures.NoCall -= asReference.NoCall;
            figures.NotAssessed -= asReference.NotAssessed;
            truth.Add(site.Contig, site.Alleles[allele - 1], figures);
        }
    }

    private static void AddCall(ref TruthFigures figures, Zone zone, int sample, (int First, int Second, int Allele) call) =>
        Truth.AddRecord(ref figures, zone.Kind, zone.Par, zone.Population.RecordedSex[sample], call);

    private void Start(Zone zone)
    {
        _zone = zone;
        _allReference = default;
        for (var s = 0; s < zone.Ploidy.Length; s++)
            AddCall(ref _allReference, zone, s, zone.Ploidy[s] switch { 0 => (Genotypes.Missing, -1, 1), 1 => (0, -1, 1), _ => (0, 0, 1) });
    }
}
