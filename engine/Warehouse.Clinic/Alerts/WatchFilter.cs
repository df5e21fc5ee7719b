using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.Alerts;

/// <summary>What one watch lets through at one snapshot. One thread.</summary>
internal sealed class WatchFilter
{
    /// <summary>What stands between genes.</summary>
    internal static readonly char[] Separators = ['|', ',', ';'];

    private readonly HashSet<string>? _genes, _alleles, _samples;
    private readonly List<Region>? _regions;
    private readonly string? _person;

    internal WatchFilter(Watch watch, Session session)
    {
        Watch = watch;
        switch (watch.Scope)
        {
            case WatchScope.Cohort: _samples = Members(watch.Items[0], session); break;
            case WatchScope.Person: _person = watch.Items[0]; break;
            case WatchScope.Genes: _genes = new HashSet<string>(watch.Items, StringComparer.OrdinalIgnoreCase); break;
            case WatchScope.Regions: _regions = [.. watch.Items.Select(RegionText.Parse).Select(r => r with { Contig = Canonical(r.Contig, session) })]; break;
            case WatchScope.Alleles: _alleles = [.. watch.Items]; break;
        }
    }

    internal Watch Watch { get; }

    /// <summary>Whether it looks at whoever carries.</summary>
    internal bool LooksAtEverybody => _person is null && _samples is null;

    internal bool Wants(WatchTriggers trigger, ClassChange change) =>
        (Watch.Triggers & trigger) != 0 && change.Grade >= Watch.Least && change.Grade > Grade.None && Takes(change.Allele, change.AreGenesKnown ? change.Genes : null);

    /// <summary>Whether it looks at an allele. Of one whose genes are not known (null) nobody can say that it is none of its genes: rather an alert too many than one too few.</summary>
    internal bool Takes(Variant allele, string? genes) =>
        (_genes is null || genes is null || GenesOf(genes).Any(_genes.Contains))
        && (_regions is null || _regions.Any(r => r.Contig == allele.Contig && r.Start <= allele.Start && allele.Start < r.End))
        && (_alleles is null || _alleles.Contains(allele.ToString()));

    internal bool Takes(string person, IEnumerable<string> samples) =>
        (_person is null || _person == person) && (_samples is null || samples.Any(_samples.Contains));

    /// <summary>Symbols, as GENEINFO (<c>BRCA1:672|NBR2:10230</c>) or a list with commas has them.</summary>
    internal static IEnumerable<string> GenesOf(string genes) =>
        genes.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(g => g.Split(':')[0]);

    private static HashSet<string> Members(string cohort, Session session)
    {
        try
        {
            return [.. session.CohortMembers(cohort)];
        }
        catch (InputException)
        {
            return []; // nobody of it was there at that snapshot
        }
    }

    private static string Canonical(string contig, Session session) => session.CanonicalOf(contig);
}
