namespace Warehouse.Engine.Simulate;

/// <summary>
/// Figures of a set of single-sample files: COUNTS.md, rule by rule, for each sample and allele, from the records and the
/// evidence that were written. A variant waits until every record that can touch it has come. Single files are judged with
/// the callable intervals when there are any, else as declared <c>--assume-reference</c>; gVCF by its blocks alone.
/// </summary>
internal sealed class SampleTruth(SimulationOptions options, Population population, Truth truth, SampleFile[] files, Callable? callable)
{
    private readonly List<(Site Site, int Allele)> _waiting = [];
    private readonly bool _assume = options.Shape == SimulationShape.Single && callable is null;

    /// <summary>Counts the variants that end before a start that no later record precedes.</summary>
    public void CountBefore(int start)
    {
        var kept = 0;
        for (var i = 0; i < _waiting.Count; i++)
        {
            var waiting = _waiting[i];
            if (waiting.Site.Alleles[waiting.Allele - 1].End > start) _waiting[kept++] = waiting;
            else Count(waiting.Site, waiting.Allele);
        }
        _waiting.RemoveRange(kept, _waiting.Count - kept);
    }

    /// <summary>Adds the alleles of a site that some file lists.</summary>
    public void Add(Site site, int listed)
    {
        for (var allele = 1; allele <= site.Alleles.Length; allele++)
            if ((listed & (1 << allele)) != 0) _waiting.Add((site, allele));
    }

    private void Count(Site site, int allele)
    {
        TruthFigures figures = default;
        for (var s = 0; s < files.Length; s++) Count(ref figures, s, site, allele);
        truth.Add(site.Contig, site.Alleles[allele - 1], figures);
    }

    private void Count(ref TruthFigures figures, int sample, Site site, int allele)
    {
        var v = site.Alleles[allele - 1];
        var contig = site.Contig;
        var par = contig.InPar(v.Start);
        var recorded = population.RecordedSex[sample];
        var expected = Expected(contig.Kind, par, recorded);
        if (expected == 0) figures.NotAssessed++;
        else if (Decisive(files[sample].Recent, site, allele) is { } record)
            Truth.AddRecord(ref figures, contig.Kind, par, recorded, (record.First, record.Second, record.Site == site ? allele : int.MaxValue));
        else if (Evidence(sample, contig, v, expected) is > 0 and var written) figures.An += expected ?? written;
        else if (TouchedWithoutCall(files[sample].Recent, v)) figures.NoCall++;
        else if (_assume && (expected is not null || contig.Kind == ContigKind.X))
        {
            figures.An += expected ?? 2;
            figures.Assumed += expected ?? 2;
        }
        else figures.NotAssessed++;
    }

    /// <summary>Alleles that the recorded sex asks for, or null where calls count as written.</summary>
    private static int? Expected(ContigKind kind, bool par, Sex recorded) => kind switch
    {
        ContigKind.Autosome => 2,
        ContigKind.Mitochondrion => 1,
        _ when recorded == Sex.Unknown => null,
        ContigKind.X => recorded == Sex.Xx || par ? 2 : 1,
        _ => recorded == Sex.Xx ? 0 : 1,
    };

    /// <summary>Rules 1 and 2: the record that lists the allele, else the best of those whose REF spans it.</summary>
    private static SampleRecord? Decisive(List<SampleRecord> records, Site site, int allele)
    {
        var v = site.Alleles[allele - 1];
        SampleRecord? best = null;
        foreach (var r in records)
        {
            if (r.Site == site && (r.Listed & (1 << allele)) != 0) return r;
            if (r.Site.Start <= v.Start && r.Site.End >= v.End && (best is not { } b || Compare(r, b, v.Start) < 0)) best = r;
        }
        return best;
    }

    /// <summary>Called first, then the one that starts there, then the shortest, then by text.</summary>
    private static int Compare(in SampleRecord a, in SampleRecord b, int start)
    {
        if (a.IsCalled != b.IsCalled) return a.IsCalled ? -1 : 1;
        if (a.Site.Start == start != (b.Site.Start == start)) return a.Site.Start == start ? -1 : 1;
        if (a.Site.Ref.Length != b.Site.Ref.Length) return a.Site.Ref.Length.CompareTo(b.Site.Ref.Length);
        var order = string.CompareOrdinal(a.Site.Ref, b.Site.Ref);
        if (order == 0) order = string.CompareOrdinal(a.Alt, b.Alt);
        return order != 0 ? order : string.CompareOrdinal(a.Gt, b.Gt);
    }

    /// <summary>Rule 3: the ploidy as written of the evidence at the first base if every base has some, else 0.</summary>
    private int Evidence(int sample, Contig contig, Allele v, int? expected)
    {
        var written = 0;
        for (var at = v.Start; at < v.End; at++)
        {
            var ploidy = BaseEvidence(sample, contig, at, expected);
            if (ploidy == 0) return 0;
            if (at == v.Start) written = ploidy;
        }
        return written;
    }

    private int BaseEvidence(int sample, Contig contig, int position, int? expected)
    {
        if (callable is not null && (expected is not null || contig.Kind == ContigKind.X) && callable.Covers(contig, position)) return 2;
        var inRecord = false;
        foreach (var r in files[sample].Recent)
        {
            if (r.Site.Start > position || r.Site.End <= position) continue;
            if (r.IsCalled) return r.Second < 0 ? 1 : 2;
            inRecord = true;
        }
        return !inRecord && files[sample].IsEvidence(position) ? population.Ploidy(sample, contig.Kind, contig.InPar(position)) : 0;
    }

    /// <summary>Rule 4: records touch the span, and none of them is called.</summary>
    private static bool TouchedWithoutCall(List<SampleRecord> records, Allele v)
    {
        var touched = false;
        foreach (var r in records)
        {
            if (r.Site.Start >= v.End || r.Site.End <= v.Start) continue;
            if (r.IsCalled) return false;
            touched = true;
        }
        return touched;
    }
}
