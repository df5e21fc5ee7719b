namespace Warehouse.Engine.Simulate;

/// <summary>One pass over all sites in order, and the totals of it.</summary>
internal sealed class SimulationRun(SimulationOptions options, Population population, List<Contig> contigs, Truth? truth, IProgress<WorkProgress>? progress)
{
    private const int SitesPerReport = 1000;
    private readonly HaplotypeModel _model = new(population, options);
    private readonly Genotypes _genotypes = new(population.Count);
    private readonly JointTruth? _jointTruth = truth is null ? null : new JointTruth(truth);
    private long _sites, _records, _alleles, _nonReference, _missing;

    /// <summary>The totals.</summary>
    public SimulationReport Report(IReadOnlyList<string> files) => new(files, population.Count, _records, _alleles, _nonReference, _missing);

    /// <summary>Writes the joint file.</summary>
    public void Joint(CancellationToken cancellation)
    {
        using var writer = new JointWriter(options, population, contigs);
        foreach (var contig in contigs)
        {
            foreach (var (site, zone) in Sites(contig, cancellation))
            {
                writer.Write(site, zone, _genotypes);
                _jointTruth?.Add(site, zone, _genotypes);
                _records++;
            }
            truth?.EndContig(contig);
        }
        writer.Complete();
    }

    /// <summary>Writes a file, or a file per contig, for each sample. Returns their names.</summary>
    public List<string> PerSample(Callable? callable, CancellationToken cancellation)
    {
        var files = Enumerable.Range(0, population.Count).Select(s => new SampleFile(options, population, contigs, s)).ToArray();
        var sampleTruth = truth is null ? null : new SampleTruth(options, population, truth, files, callable);
        try
        {
            foreach (var contig in contigs) PerSample(contig, files, sampleTruth, cancellation);
            foreach (var file in files) file.Complete();
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }
        return [.. files.SelectMany(f => contigs.Select(f.FileName)).Distinct()];
    }

    private void PerSample(Contig contig, SampleFile[] files, SampleTruth? sampleTruth, CancellationToken cancellation)
    {
        foreach (var file in files) file.BeginContig(contig);
        foreach (var (site, zone) in Sites(contig, cancellation))
        {
            sampleTruth?.CountBefore(site.Start);
            var listed = 0;
            foreach (var s in _genotypes.Touched)
            {
                var (first, second) = zone.Call(_genotypes, s);
                var own = files[s].Add(site, first, second);
                listed |= own;
                if (own != 0) _records++;
            }
            sampleTruth?.Add(site, listed);
        }
        sampleTruth?.CountBefore(int.MaxValue);
        truth?.EndContig(contig);
        foreach (var file in files) file.EndContig();
    }

    /// <summary>Draws the sites of a contig one by one; the genotypes are those of the site last returned.</summary>
    private IEnumerable<(Site Site, Zone Zone)> Sites(Contig contig, CancellationToken cancellation)
    {
        var maker = new SiteMaker(contig, options.Unnormalised, new Prng(options.Seed, 100 + (ulong)contigs.IndexOf(contig)));
        Zone? zone = null;
        foreach (var site in maker.Sites())
        {
            cancellation.ThrowIfCancellationRequested();
            var par = contig.InPar(site.Start);
            if (zone is null || zone.Par != par) zone = new Zone(population, contig, par);
            _model.Draw(site, zone, _genotypes);
            if (truth is not null || options.Shape != SimulationShape.Joint) _genotypes.FindTouched();
            Count(site, zone);
            yield return (site, zone);
        }
        progress?.Report(new WorkProgress("simulate", _sites, options.Variants, "sites"));
    }

    private void Count(Site site, Zone zone)
    {
        if (++_sites % SitesPerReport == 0) progress?.Report(new WorkProgress("simulate", _sites, options.Variants, "sites"));
        _alleles += site.Alleles.Length;
        var alleles = _genotypes.Alleles;
        foreach (var h in _genotypes.Carriers)
            if (alleles[h] <= site.Alleles.Length && ((h & 1) == 0 || alleles[h - 1] != alleles[h])) _nonReference++;
        foreach (var s in _genotypes.Holes)
            if (alleles[2 * s] == Genotypes.Missing && (zone.Ploidy[s] < 2 || alleles[(2 * s) + 1] == Genotypes.Missing)) _missing++;
    }
}
