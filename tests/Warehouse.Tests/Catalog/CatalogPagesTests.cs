using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Tests.Ingest;
using Xunit;

namespace Warehouse.Tests.Catalog;

/// <summary>The lists of the catalog lie in pages: a commit writes the ones it changes, and an older form is read.</summary>
public sealed class CatalogPagesTests
{
    private const int PageEntries = Paged<int>.PageEntries;

    [Fact]
    public void A_catalog_of_several_pages_is_read_back_as_it_was()
    {
        var names = Enumerable.Range(0, (2 * PageEntries) + 7).Select(i => $"S{i}").ToList();
        using var store = Loaded(names);
        store.Store.Withdraw(["S3", $"S{PageEntries + 1}"]);
        store.Ingest(store.Vcf("more.vcf", "T1 T2", "1 100 A C 0/1 0/0"));
        using var again = VariantStore.Open(store.Path);
        var catalog = again.CatalogNow;
        Assert.Equal([.. names, "T1", "T2"], catalog.Samples.Select(s => s.Name));
        Assert.Equal(["S3", $"S{PageEntries + 1}"], catalog.Samples.Where(s => s.WithdrawnVersion != 0).Select(s => s.Name));
        Assert.Equal(Enumerable.Range(0, names.Count + 2), catalog.Ordinals.Select(o => o.Sample));
        Assert.Equal(2, catalog.Batches.Count);
        Assert.Equal(2, catalog.Lineages.Count);
        Assert.Equal(names.Count, catalog.Sheets.Count);
        Assert.All(catalog.Sheets, s => Assert.Equal($"person of {names[s.Sample]}", s.Values["person"]));
        Assert.False(catalog.Sheets[5].Values.ContainsKey("perso"));
    }

    [Fact]
    public void A_commit_of_one_sample_writes_no_more_for_a_large_store_than_for_a_small_one()
    {
        long Written(int samples)
        {
            using var store = Loaded([.. Enumerable.Range(0, samples).Select(i => $"S{i:d6}")]);
            var before = Parts(store);
            store.Ingest(store.Vcf("more.vcf", "T000001", "1 100 A C 0/1"));
            return Parts(store).Where(p => !before.TryGetValue(p.Key, out var old) || old.Id != p.Value.Id).Sum(p => p.Value.ContentBytes);
        }

        var (small, large) = (Written(PageEntries + 100), Written((6 * PageEntries) + 100));
        Assert.InRange(large, 1, small + 8192);
    }

    [Fact]
    public void A_list_that_is_changed_keeps_the_pages_that_are_not()
    {
        var before = Paged<int>.Of([.. Enumerable.Range(0, 3 * PageEntries)], Paged<int>.Empty);
        var builder = new PagedBuilder<int>(before);
        builder.Add(-1);
        builder[PageEntries + 1] = -2;
        var after = builder.Build();
        Assert.Equal([true, false, true], before.Pages.Select((p, i) => ReferenceEquals(p, after.Pages[i])));
        Assert.Equal(4, after.Pages.Count);
        Assert.Equal(Enumerable.Range(0, 3 * PageEntries).Append(-1).Select((v, i) => i == PageEntries + 1 ? -2 : v), after);
        Assert.Equal(Enumerable.Range(0, 3 * PageEntries), before);
        var same = Paged<int>.Of([.. Enumerable.Range(0, (2 * PageEntries) + 1)], before);
        Assert.Equal([true, true, false], same.Pages.Select((p, i) => ReferenceEquals(p, before.Pages[i])));
    }

    [Fact]
    public void The_form_of_the_first_programs_is_read()
    {
        var samples = new ByteWriter();
        samples.Byte(1);
        foreach (var value in (ReadOnlySpan<int>)[4, 1]) samples.Var(value);
        samples.Text("old");
        foreach (var value in (ReadOnlySpan<int>)[0, 1, 0, 0, 2, 0, 1]) samples.Var(value);
        samples.Bytes([1, 2, 3]);
        foreach (var value in (ReadOnlySpan<int>)[2, 0, 1, 0, 20, 1, 0, 1, 9, 0, 1]) samples.Var(value);
        samples.Text("##source=x");
        var sheets = new ByteWriter();
        sheets.Byte(1);
        sheets.Var(1);
        sheets.Text("sex");
        sheets.Bool(true);
        foreach (var value in (ReadOnlySpan<int>)[1, 0, 2, 1]) sheets.Var(value);
        sheets.Text("sex");
        sheets.Text("XX");
        var catalog = CatalogCodec.Decode(name => name switch { "samples" => samples.ToArray(), "sheets" => sheets.ToArray(), _ => null }, page => page());
        Assert.Equal((4L, "old", 9L), (catalog.PurgedBefore, catalog.Samples.Single().Name, catalog.Batches.Single().Records));
        Assert.Equal("##source=x", Assert.Single(catalog.Lineages.Single()));
        Assert.Equal("XX", catalog.Sheets.Single().Values["sex"]);
        Assert.Equal(5, CatalogCodec.Pages(catalog, catalog).Count());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_page_that_is_missing_or_of_another_length_is_damage(int fault)
    {
        var page = new ByteWriter();
        page.Byte(1);
        page.Text("S1");
        page.Var(0);
        if (fault == 3) page.Byte(0);
        var counts = new ByteWriter();
        counts.Byte(2);
        foreach (var value in (ReadOnlySpan<int>)[0, fault == 1 ? 2 : 1, 0, 0]) counts.Var(value);
        var catalog = CatalogCodec.Decode(name => name switch { "samples" => counts.ToArray(), "samples/000000" when fault > 0 => page.ToArray(), _ => null }, read => read());
        Assert.Throws<InvalidDataException>(() => catalog.Samples[0]);
    }

    private static SortedDictionary<string, FileEntry> Parts(IngestStore store)
    {
        using var folder = StoreFolder.Open(DiskStorage.Open(store.Path), DiskStorage.Open(store.Path + ".keys"), TimeProvider.System);
        return new(folder.Current.Parts.ToDictionary(), StringComparer.Ordinal);
    }

    private static IngestStore Loaded(List<string> names)
    {
        var store = new IngestStore();
        var sheet = new StringBuilder("sample\tperson\n");
        foreach (var name in names) sheet.Append(name).Append("\tperson of ").Append(name).Append('\n');
        var calls = string.Join(' ', names.Select((_, i) => i % 5 == 0 ? "0/1" : "0/0"));
        store.Store.Ingest(new IngestRequest { Files = [store.Vcf("all.vcf", string.Join(' ', names), $"1 100 A C {calls}", $"1 200 A G {calls}")], SheetPath = store.Write("sheet.tsv", sheet.ToString()) });
        return store;
    }
}
