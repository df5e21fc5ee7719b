using System.Security.Cryptography;
using Warehouse.Engine.Access;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// The catalog as a caller sees it. I4: what he may not see does not change what he gets, so what is named here is named by data that he sees,
/// and every question is answered from this in place of the store's own: contigs that his samples' files have, as the reference or else the
/// canonical name spells them; columns, sheets and cohorts of his samples. Numbers stay, since segments name each other's entries by them; what is left of
/// samples and segments is for the scope to hide. A cohort keeps whom a withdrawal took from him, so that its releases know of the cut. Any thread.
/// </summary>
internal static class CallerCatalog
{
    /// <summary>Makes it, for a caller and the snapshot that he asks.</summary>
    /// <param name="catalog">The store's.</param>
    /// <param name="scope">What he sees.</param>
    /// <param name="version">The snapshot.</param>
    /// <param name="assembly">The store's assembly.</param>
    /// <param name="facts">The contigs of the reference.</param>
    public static StoreCatalog Of(StoreCatalog catalog, Scope scope, long version, Assembly assembly, StoreFacts facts)
    {
        var contigs = ContigsOf(catalog, scope, version);
        var seen = catalog with
        {
#if !PLANTED_PERSON_BEFORE_SCOPE
            Sheets = [.. catalog.Sheets.Where(s => scope.Sees(s.Sample))],
#endif
            Cohorts = [.. catalog.Cohorts.Select(c => new CohortEntry { Name = c.Name, FromVersion = c.FromVersion, UntilVersion = c.UntilVersion, Where = c.Where, Samples = [.. c.Samples.Where(scope.Granted)] }).Where(c => c.Samples.Any(scope.Sees))],
            Contigs = [.. catalog.Contigs.Select((c, i) => contigs.Contains(i) ? Named(c, assembly, facts) : new ContigEntry("", "", 0))],
        };
        var columns = seen.SheetAt(version).Values.SelectMany(s => s.Keys).ToHashSet(StringComparer.Ordinal);
        return seen with { Columns = catalog.Columns.Where(c => columns.Contains(c.Key)).ToDictionary(StringComparer.Ordinal) };
    }

    /// <summary>
    /// Digest of what a version holds of the samples that a caller sees. A file stands in it by the version that loaded it: the digest of its
    /// bytes would be one of hidden samples too.
    /// </summary>
    /// <param name="catalog">His catalog.</param>
    /// <param name="scope">What he sees.</param>
    /// <param name="version">The snapshot.</param>
    public static string DigestAt(StoreCatalog catalog, Scope scope, long version)
    {
        var to = new ByteWriter(4096);
        to.Var((ulong)version);
        foreach (var ordinal in catalog.Ordinals)
        {
            if (!ordinal.InForce(version) || !scope.Sees(ordinal.Sample)) continue;
            to.Text(catalog.Samples[ordinal.Sample].Name);
            to.Var((ulong)catalog.Batches[ordinal.Batch].Version);
        }
        foreach (var (sample, values) in catalog.SheetAt(version).OrderBy(s => s.Key))
            foreach (var (column, value) in values.OrderBy(v => v.Key, StringComparer.Ordinal)) to.Text($"{catalog.Samples[sample].Name}\t{column}\t{value}");
        foreach (var cohort in catalog.Cohorts.Where(c => c.InForce(version)).OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            to.Text(cohort.Name);
            foreach (var sample in cohort.Samples.Where(scope.Sees)) to.Text(catalog.Samples[sample].Name);
        }
        return Convert.ToHexStringLower(SHA256.HashData(to.Written));
    }

    private static HashSet<int> ContigsOf(StoreCatalog catalog, Scope scope, long version)
    {
        var (batches, contigs) = (new HashSet<int>(), new HashSet<int>());
        foreach (var ordinal in catalog.Ordinals)
            if (ordinal.InForce(version) && scope.Sees(ordinal.Sample)) batches.Add(ordinal.Batch);
        foreach (var batch in batches.Select(b => catalog.Batches[b]))
        {
            contigs.UnionWith(batch.Stretches.Keys);
            if (batch.Callable >= 0) contigs.UnionWith(catalog.Callables[batch.Callable].Intervals.Keys);
        }
        return contigs;
    }

    /// <summary>A store without reference spells a contig as the file loaded first does, which may be another's.</summary>
    private static ContigEntry Named(ContigEntry contig, Assembly assembly, StoreFacts facts) =>
        facts.RefgetAccessions.ContainsKey(contig.Canonical) ? contig : new ContigEntry(contig.Canonical, contig.Canonical, assembly.Length(contig.Canonical) ?? 0);
}
