using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// The parts of the manifest that hold the catalog, each a sequence of counted entries in LEB128, zig-zag LEB128, length-prefixed UTF-8
/// and bytes, in the field order of the entry types, after a version byte. Parts: <c>contigs</c>, <c>samples</c> (how many samples,
/// ordinals and batches there are), <c>sheets</c> (columns, and how many sheet entries there are), <c>segments</c>, <c>callables</c>, <c>cohorts</c>.
/// What grows with the samples lies in pages of 1,024 entries, see <see cref="CatalogPages"/>. Stores of the first programs have the lists in
/// the parts themselves: version 1 of <c>samples</c> and <c>sheets</c>, which is read and never written.
/// </summary>
internal static class CatalogCodec
{
    private const byte Version = 1;
    private const byte PagedVersion = 2;

    /// <summary>Names of the parts, in the order of <see cref="Encode"/>.</summary>
    public static readonly string[] Parts = ["contigs", "samples", "sheets", "segments", "callables", "cohorts"];

    public static byte[] Encode(StoreCatalog catalog, string part)
    {
        var to = new ByteWriter(4096);
        to.Byte(part is "samples" or "sheets" ? PagedVersion : Version);
        switch (part)
        {
            case "contigs": WriteContigs(catalog, to); break;
            case "samples": WriteCounts(catalog, to); break;
            case "sheets": WriteColumns(catalog, to); break;
            case "segments": WriteSegments(catalog, to); break;
            case "callables": WriteCallables(catalog, to); break;
            case "cohorts": WriteCohorts(catalog, to); break;
            default: throw new ArgumentOutOfRangeException(nameof(part));
        }
        return to.ToArray();
    }

    /// <summary>Decodes a catalog; a part that is absent is empty. Pages are read when they are first used.</summary>
    /// <param name="read">Reads a part.</param>
    /// <param name="guard">Runs the reading of a page and names what it throws.</param>
    /// <exception cref="InvalidDataException">A part is not what this version writes.</exception>
    public static StoreCatalog Decode(Func<string, byte[]?> read, Func<Func<object>, object> guard)
    {
        var catalog = new StoreCatalog
        {
            Contigs = Read(read("contigs"), (ref ByteReader f) => new ContigEntry(f.Text(), f.Text(), f.Count())),
            Segments = Read(read("segments"), ReadSegment),
            Callables = Read(read("callables"), ReadCallable),
            Cohorts = Read(read("cohorts"), ReadCohort),
        };
        var pages = new CatalogPages(read, guard);
        return ReadSheets(read("sheets"), ReadSamples(read("samples"), catalog, pages), pages);
    }

    /// <summary>The pages that a version has to write, by part name; null for one that it has to leave out.</summary>
    public static IEnumerable<(string Name, byte[]? Content)> Pages(StoreCatalog catalog, StoreCatalog before) =>
        CatalogPages.Samples.Changed(catalog.Samples, before.Samples)
            .Concat(CatalogPages.Ordinals.Changed(catalog.Ordinals, before.Ordinals))
            .Concat(CatalogPages.Batches.Changed(catalog.Batches, before.Batches))
            .Concat(CatalogPages.Lineages.Changed(catalog.Lineages, before.Lineages))
            .Concat(CatalogPages.Sheets.Changed(catalog.Sheets, before.Sheets));

    internal delegate T Reader<T>(ref ByteReader from);

    private static T[] Read<T>(byte[]? bytes, Reader<T> one)
    {
        if (bytes is null) return [];
        var from = Open(bytes);
        var all = List(ref from, one);
        from.End();
        return all;
    }

    private static ByteReader Open(byte[] bytes)
    {
        var from = Open(bytes, out var version);
        if (version != Version) throw Unknown();
        return from;
    }

    private static ByteReader Open(byte[] bytes, out byte version)
    {
        var from = new ByteReader(bytes);
        version = from.Byte();
        if (version is not (Version or PagedVersion)) throw Unknown();
        return from;
    }

    private static InvalidDataException Unknown() => new("a part of the catalog has an unknown version");

    internal static T[] List<T>(ref ByteReader from, Reader<T> one)
    {
        var all = new T[from.Count(from.Remaining)];
        for (var i = 0; i < all.Length; i++) all[i] = one(ref from);
        return all;
    }

    private static void WriteContigs(StoreCatalog catalog, ByteWriter to)
    {
        to.Var(catalog.Contigs.Count);
        foreach (var contig in catalog.Contigs)
        {
            to.Text(contig.Canonical);
            to.Text(contig.Spelling);
            to.Var(contig.LengthBases);
        }
    }

    private static void WriteCounts(StoreCatalog catalog, ByteWriter to)
    {
        to.Var((ulong)catalog.PurgedBefore);
        to.Var(catalog.Samples.Count);
        to.Var(catalog.Ordinals.Count);
        to.Var(catalog.Batches.Count);
    }

    private static StoreCatalog ReadSamples(byte[]? bytes, StoreCatalog catalog, CatalogPages pages)
    {
        if (bytes is null) return catalog;
        var from = Open(bytes, out var version);
        catalog = catalog with { PurgedBefore = (long)from.Var() };
        if (version == PagedVersion)
        {
            var (samples, ordinals, batches) = (from.Count(CatalogPages.MostEntries), from.Count(CatalogPages.MostEntries), from.Count(CatalogPages.MostEntries));
            from.End();
            return catalog with
            {
                Samples = pages.Open(CatalogPages.Samples, samples), Ordinals = pages.Open(CatalogPages.Ordinals, ordinals),
                Batches = pages.Open(CatalogPages.Batches, batches), Lineages = pages.Open(CatalogPages.Lineages, batches),
            };
        }
        catalog = catalog with { Samples = List(ref from, CatalogPages.Samples.Read), Ordinals = List(ref from, CatalogPages.Ordinals.Read) };
        var old = List(ref from, (ref ByteReader f) => (Batch: CatalogPages.Batches.Read(ref f), Lineage: CatalogPages.Lineages.Read(ref f)));
        from.End();
        return catalog with { Batches = [.. old.Select(o => o.Batch)], Lineages = [.. old.Select(o => o.Lineage)] };
    }

    private static void WriteColumns(StoreCatalog catalog, ByteWriter to)
    {
        to.Var(catalog.Columns.Count);
        foreach (var (name, aggregate) in catalog.Columns.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            to.Text(name);
            to.Bool(aggregate);
        }
        to.Var(catalog.Sheets.Count);
    }

    private static StoreCatalog ReadSheets(byte[]? bytes, StoreCatalog catalog, CatalogPages pages)
    {
        if (bytes is null) return catalog;
        var from = Open(bytes, out var version);
        var columns = new Dictionary<string, bool>();
        for (var left = from.Count(from.Remaining); left > 0; left--)
            if (!columns.TryAdd(from.Text(), from.Bool())) throw new InvalidDataException("a column of the sample sheet is listed twice");
        catalog = catalog with { Columns = columns };
        if (version == PagedVersion) catalog = catalog with { Sheets = pages.Open(CatalogPages.Sheets, from.Count(CatalogPages.MostEntries)) };
        else
        {
            catalog = catalog with
            {
                Sheets = List(ref from, (ref ByteReader f) => new SheetEntry(f.Count(), (long)f.Var(),
                    List(ref f, (ref ByteReader g) => (Name: g.Text(), Value: g.Text())).ToDictionary(v => v.Name, v => v.Value))),
            };
        }
        from.End();
        return catalog;
    }

    private static void WriteSegments(StoreCatalog catalog, ByteWriter to)
    {
        to.Var(catalog.Segments.Count);
        foreach (var segment in catalog.Segments)
        {
            to.Text(segment.File);
            WriteAscending(segment.Ordinals, to);
            WriteStretches(segment.Stretches, to);
            to.Var((ulong)segment.Records);
            to.Var((ulong)segment.Rows);
        }
    }

    private static SegmentEntry ReadSegment(ref ByteReader from) => new()
    {
        File = from.Text(),
        Ordinals = ReadAscending(ref from),
        Stretches = ReadStretches(ref from),
        Records = (long)from.Var(),
        Rows = (long)from.Var(),
    };

    private static void WriteCallables(StoreCatalog catalog, ByteWriter to)
    {
        to.Var(catalog.Callables.Count);
        foreach (var callable in catalog.Callables)
        {
            to.Bytes(callable.Sha256);
            to.Var(callable.Intervals.Count);
            foreach (var (contig, intervals) in callable.Intervals.OrderBy(i => i.Key))
            {
                to.Var(contig);
                to.Var(intervals.Length);
                var before = 0;
                foreach (var (start, end) in intervals)
                {
                    to.Var(start - before);
                    to.Var(end - start);
                    before = end;
                }
            }
        }
    }

    private static CallableEntry ReadCallable(ref ByteReader from)
    {
        var digest = from.Bytes().ToArray();
        var intervals = new Dictionary<int, (int, int)[]>();
        for (var left = from.Count(); left > 0; left--)
        {
            var contig = from.Count();
            var list = new (int, int)[from.Count(from.Remaining)];
            for (var (i, at) = (0, 0); i < list.Length; i++)
            {
                var start = ByteReader.Sum(at, from.Count());
                list[i] = (start, at = ByteReader.Sum(start, from.Count()));
            }
            intervals.Add(contig, list);
        }
        return new CallableEntry(digest, intervals);
    }

    private static void WriteCohorts(StoreCatalog catalog, ByteWriter to)
    {
        to.Var(catalog.Cohorts.Count);
        foreach (var cohort in catalog.Cohorts)
        {
            to.Text(cohort.Name);
            to.Var((ulong)cohort.FromVersion);
            to.Var((ulong)cohort.UntilVersion);
            to.Bool(cohort.Where is not null);
            if (cohort.Where is not null) to.Text(cohort.Where);
            WriteAscending(cohort.Samples, to);
        }
    }

    private static CohortEntry ReadCohort(ref ByteReader from) => new()
    {
        Name = from.Text(),
        FromVersion = (long)from.Var(),
        UntilVersion = (long)from.Var(),
        Where = from.Bool() ? from.Text() : null,
        Samples = ReadAscending(ref from),
    };

    internal static void WriteStretches(IReadOnlyDictionary<int, (int Start, int End)> stretches, ByteWriter to)
    {
        to.Var(stretches.Count);
        foreach (var (contig, (start, end)) in stretches.OrderBy(s => s.Key))
        {
            to.Var(contig);
            to.Signed(start);
            to.Signed(end);
        }
    }

    internal static Dictionary<int, (int Start, int End)> ReadStretches(ref ByteReader from)
    {
        var stretches = new Dictionary<int, (int, int)>();
        for (var left = from.Count(from.Remaining); left > 0; left--) stretches.Add(from.Count(), (from.SignedInt32(), from.SignedInt32()));
        return stretches;
    }

    private static void WriteAscending(int[] values, ByteWriter to)
    {
        to.Var(values.Length);
        var before = 0;
        foreach (var value in values)
        {
            to.Var(value - before);
            before = value;
        }
    }

    private static int[] ReadAscending(ref ByteReader from)
    {
        var values = new int[from.Count(from.Remaining)];
        for (var (i, before) = (0, 0); i < values.Length; i++) values[i] = before = ByteReader.Sum(before, from.Count());
        return values;
    }
}
