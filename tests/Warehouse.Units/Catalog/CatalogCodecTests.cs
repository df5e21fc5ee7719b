using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Xunit;

namespace Warehouse.Units.Catalog;

/// <summary>Every entry of a catalog comes back with all that it says, and a part that is cut, longer or of a later format is refused.</summary>
public sealed class CatalogCodecTests
{
    [Fact]
    public void Random_catalogs_come_back_entry_by_entry()
    {
        for (var seed = 1; seed <= 30; seed++)
        {
            var catalog = Random(seed);
            var parts = Encoded(catalog);
            var decoded = Decode(parts);
            Assert.True(Text(catalog) == Text(decoded), $"seed {seed}:\n{Text(catalog)}\nbecame\n{Text(decoded)}");
            foreach (var part in CatalogCodec.Parts) Assert.Equal(parts[part], CatalogCodec.Encode(decoded, part));
            Assert.Equal(catalog.DigestAt(7), decoded.DigestAt(7));
        }
    }

    [Fact]
    public void An_absent_part_is_empty_and_a_name_that_is_none_is_our_mistake()
    {
        Assert.Equal(Text(StoreCatalog.Empty), Text(CatalogCodec.Decode(_ => null, page => page())));
        Assert.Throws<ArgumentOutOfRangeException>(() => CatalogCodec.Encode(StoreCatalog.Empty, "others"));
    }

    [Fact]
    public void A_part_that_is_cut_longer_or_of_a_later_format_is_refused()
    {
        var parts = Encoded(Random(3));
        foreach (var name in CatalogCodec.Parts)
        {
            var good = parts[name];
            for (var length = 0; length < good.Length; length++) Refused(parts, name, good[..length]);
            Refused(parts, name, [.. good, 0]);
            foreach (var version in (byte[])[0, 3]) Assert.Contains("unknown version", Refused(parts, name, [version, .. good[1..]]), StringComparison.Ordinal);
            if (name is not ("samples" or "sheets")) Assert.Contains("unknown version", Refused(parts, name, [2, .. good[1..]]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_column_that_is_listed_twice_and_a_count_beyond_what_a_manifest_can_hold_are_refused()
    {
        var sheets = new ByteWriter();
        sheets.Byte(2);
        sheets.Var(2);
        foreach (var flag in (bool[])[true, false])
        {
            sheets.Text("sex");
            sheets.Bool(flag);
        }
        sheets.Var(0);
        Assert.Contains("listed twice", Refused([], "sheets", sheets.ToArray()), StringComparison.Ordinal);
        foreach (var place in (int[])[1, 2, 3])
        {
            var samples = new ByteWriter();
            samples.Byte(2);
            for (var i = 0; i < 4; i++) samples.Var(i == place ? CatalogPages.MostEntries + 1 : 0);
            Assert.Contains("too large", Refused([], "samples", samples.ToArray()), StringComparison.Ordinal);
        }
    }

    /// <summary>Before there were pages, samples, ordinals, files and their header lines stood in one part, sheets in another.</summary>
    [Fact]
    public void Parts_of_the_first_version_are_read_to_their_end()
    {
        var samples = new ByteWriter();
        samples.Byte(1);
        samples.Var(3);
        samples.Var(1);
        samples.Text("a");
        samples.Var(2);
        samples.Var(0);
        samples.Var(0);
        var sheets = new ByteWriter();
        sheets.Byte(1);
        sheets.Var(0);
        sheets.Var(1);
        foreach (var number in (int[])[0, 1, 1]) sheets.Var(number); // sample, version, one cell
        sheets.Text("sex");
        sheets.Text("XX");
        var parts = new Dictionary<string, byte[]> { ["samples"] = samples.ToArray(), ["sheets"] = sheets.ToArray() };
        var decoded = Decode(parts);
        Assert.Equal((3, "a", 2, "XX"), (decoded.PurgedBefore, decoded.Samples.Single().Name, decoded.Samples[0].WithdrawnVersion, decoded.Sheets.Single().Values["sex"]));
        foreach (var (name, good) in parts) Assert.Contains("after its end", Refused(parts, name, [.. good, 0]), StringComparison.Ordinal);
    }

    [Fact]
    public void Pages_are_written_where_entries_changed_and_left_out_where_they_are_gone()
    {
        var many = StoreCatalog.Empty with { Samples = Paged<SampleEntry>.Of([.. Enumerable.Range(0, 2_050).Select(i => new SampleEntry("S" + i, 0))], Paged<SampleEntry>.Empty) };
        Assert.Equal(["samples/000000", "samples/000001", "samples/000002"], CatalogCodec.Pages(many, StoreCatalog.Empty).Select(p => p.Name));
        Assert.Empty(CatalogCodec.Pages(many, many));
        var changed = new PagedBuilder<SampleEntry>(many.Samples) { [1_024] = new SampleEntry("S1024", 9) };
        Assert.Equal(["samples/000001"], CatalogCodec.Pages(many with { Samples = changed.Build() }, many).Select(p => p.Name));
        Assert.All(CatalogCodec.Pages(StoreCatalog.Empty, many), p => Assert.Null(p.Content));
        Assert.Equal(3, CatalogCodec.Pages(StoreCatalog.Empty, many).Count());
    }

    [Fact]
    public void Entries_that_are_needed_once_are_those_of_the_list_without_pages_that_cannot_be_read_and_keep_none()
    {
        var reads = new int[4];
        int[] Read(int page)
        {
            reads[page]++;
            return page == 1 ? throw new InvalidDataException() : [.. Enumerable.Range(1_024 * page, page == 3 ? 5 : 1_024)];
        }
        var paged = new Paged<int>(Enumerable.Range(0, 4).Select(p => new Page<int>(p == 3 ? 5 : 1_024, () => Read(p))));
        foreach (var first in (int[])[0, 1, 1_023, 1_024, 2_048, 3_000, 3_072, 3_076, 3_077])
            Assert.Equal(Enumerable.Range(0, 3_077).Where(i => i >= first && i / 1_024 != 1), Paged<int>.Once(paged, first, e => e is InvalidDataException));
        Assert.Throws<InvalidDataException>(() => Paged<int>.Once(paged, 0, _ => false).Count());
        Assert.True(reads[2] > 1, "the page was kept");
        Assert.Equal([2, 3], Paged<int>.Once([1, 2, 3], 1, _ => true));
    }

    [Fact]
    public void A_list_in_pages_is_the_list_whatever_its_length()
    {
        foreach (var count in (int[])[0, 1, 1_023, 1_024, 1_025, 2_048, 2_049])
        {
            var paged = Paged<int>.Of([.. Enumerable.Range(0, count)], Paged<int>.Empty);
            Assert.Equal((count, (count + 1_023) / 1_024), (paged.Count, paged.Pages.Count));
            Assert.Equal(Enumerable.Range(0, count), paged);
            Assert.All(Enumerable.Range(0, count), i => Assert.Equal(i, paged[i]));
            var builder = new PagedBuilder<int>(paged);
            for (var i = 0; i < 3; i++) builder.Add(count + i);
            if (count > 0) builder[0] = -1;
            Assert.Equal(Enumerable.Range(0, count + 3).Select(i => i == 0 && count > 0 ? -1 : i), builder);
            Assert.Equal(builder, builder.Build());
            Assert.Equal(count + 3, builder.Count);
            Assert.Equal(Enumerable.Range(0, count), paged);
        }
    }

    private static Dictionary<string, byte[]> Encoded(StoreCatalog catalog)
    {
        var parts = CatalogCodec.Parts.ToDictionary(p => p, p => CatalogCodec.Encode(catalog, p));
        foreach (var (name, content) in CatalogCodec.Pages(catalog, StoreCatalog.Empty)) parts[name] = content!;
        return parts;
    }

    private static StoreCatalog Decode(Dictionary<string, byte[]> parts) => CatalogCodec.Decode(parts.GetValueOrDefault, page => page());

    private static string Refused(Dictionary<string, byte[]> parts, string name, byte[] content) =>
        Assert.Throws<InvalidDataException>(() => CatalogCodec.Decode(n => n == name ? content : parts.GetValueOrDefault(n), page => page())).Message;

    private static StoreCatalog Random(int seed)
    {
        var dice = new Random(seed);
        int[] Ascending(int most) => [.. Enumerable.Range(0, 200).Where(_ => dice.Next(200) < most)];
        (int, int)[] Intervals() => [.. Enumerable.Range(0, dice.Next(5)).Select(i => (i * 1_000 + dice.Next(400), i * 1_000 + 400 + dice.Next(500)))];
        Dictionary<int, (int, int)> Stretches() => Enumerable.Range(0, dice.Next(4)).ToDictionary(i => i * 3, i => (dice.Next(-1, 500), dice.Next(500, 9_000_000)));
        byte[] Digest() => [.. Enumerable.Range(0, 32).Select(_ => (byte)dice.Next(256))];
        string Name() => "n" + dice.Next(1 << dice.Next(30));
        var samples = dice.Next(1, 40);
        return new StoreCatalog
        {
            PurgedBefore = dice.NextInt64(5),
            Contigs = [.. Enumerable.Range(0, dice.Next(5)).Select(i => new ContigEntry(Name(), Name(), dice.Next(int.MaxValue)))],
            Samples = [.. Enumerable.Range(0, samples).Select(i => new SampleEntry(Name(), dice.Next(3) == 0 ? dice.Next(100) : 0))],
            Ordinals = [.. Enumerable.Range(0, dice.Next(60)).Select(_ => new OrdinalEntry(dice.Next(samples), 0, dice.Next(9), dice.Next(9)))],
            Batches = [.. Enumerable.Range(0, 3).Select(_ => new BatchEntry
            {
                InputSha256 = Digest(), Version = dice.Next(300), LoadedUnixMs = dice.NextInt64(-5, 1L << 42), AssumeReference = dice.Next(2) == 0, HasBlocks = dice.Next(2) == 0,
                BlockGq = dice.Next(100), Callable = -1, FirstOrdinal = dice.Next(1_000), Count = dice.Next(5_000), Records = dice.NextInt64(1L << 40), Stretches = Stretches(),
            })],
            Lineages = [.. Enumerable.Range(0, 3).Select(_ => (IReadOnlyList<string>)[.. Enumerable.Range(0, dice.Next(3)).Select(_ => Name())])],
            Columns = Enumerable.Range(0, dice.Next(4)).ToDictionary(i => "c" + i, _ => dice.Next(2) == 0),
            Sheets = [.. Enumerable.Range(0, dice.Next(20)).Select(_ => new SheetEntry(dice.Next(samples), dice.Next(9), Enumerable.Range(0, dice.Next(4)).ToDictionary(i => "c" + i, _ => Name())))],
            Segments = [.. Enumerable.Range(0, dice.Next(4)).Select(_ => new SegmentEntry { File = Name(), Ordinals = Ascending(50), Stretches = Stretches(), Records = dice.NextInt64(1L << 40), Rows = dice.NextInt64(1L << 40) })],
            Callables = [.. Enumerable.Range(0, dice.Next(3)).Select(_ => new CallableEntry(Digest(), Enumerable.Range(0, dice.Next(4)).ToDictionary(i => i * 2, _ => Intervals())))],
            Cohorts = [.. Enumerable.Range(0, dice.Next(3)).Select(_ => new CohortEntry { Name = Name(), FromVersion = dice.Next(9), UntilVersion = dice.Next(9), Where = dice.Next(2) == 0 ? null : Name(), Samples = [.. Ascending(40).Where(s => s < samples)] })],
        };
    }

    /// <summary>All that a catalog says, as text.</summary>
    private static string Text(StoreCatalog c)
    {
        string Stretches(IReadOnlyDictionary<int, (int, int)> s) => string.Join(' ', s.OrderBy(x => x.Key));
        return string.Join('\n',
        [
            c.PurgedBefore.ToString(), .. c.Contigs.Select(x => x.ToString()), .. c.Samples.Select(x => x.ToString()), .. c.Ordinals.Select(x => x.ToString()),
            .. c.Batches.Select(x => $"{Convert.ToHexString(x.InputSha256)} {x.Version} {x.LoadedUnixMs} {x.AssumeReference} {x.HasBlocks} {x.BlockGq} {x.Callable} {x.FirstOrdinal} {x.Count} {x.Records} {Stretches(x.Stretches)}"),
            .. c.Lineages.Select(x => "lineage " + string.Join(',', x)), .. c.Columns.OrderBy(x => x.Key).Select(x => x.ToString()),
            .. c.Sheets.Select(x => $"{x.Sample} {x.FromVersion} {string.Join(',', x.Values.OrderBy(v => v.Key))}"),
            .. c.Segments.Select(x => $"{x.File} {string.Join(',', x.Ordinals)} {Stretches(x.Stretches)} {x.Records} {x.Rows}"),
            .. c.Callables.Select(x => $"{Convert.ToHexString(x.Sha256)} {string.Join(';', x.Intervals.OrderBy(i => i.Key).Select(i => $"{i.Key}: {string.Join(' ', i.Value)}"))}"),
            .. c.Cohorts.Select(x => $"{x.Name} {x.FromVersion} {x.UntilVersion} '{x.Where}' {x.Where is null} {string.Join(',', x.Samples)}"),
        ]);
    }
}
