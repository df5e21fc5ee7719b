using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// The parts of the manifest that hold the catalog, each a sequence of counted entries in LEB128, zig-zag LEB128, length-prefixed UTF-8
/// and bytes, in the field order of the entry types, after a version byte of 1. Parts: <c>contigs</c>, <c>samples</c> (samples, ordinals,
/// batches), <c>sheets</c>, <c>segments</c>, <c>callables</c>, <c>cohorts</c>. A commit rewrites the parts whose bytes changed.
/// </summary>
internal static class CatalogCodec
{
    private const byte Version = 1;

    /// <summary>Names of the parts, in the order of <see cref="Encode"/>.</summary>
    public static readonly string[] Parts = ["contigs", "samples", "sheets", "segments", "callables", "cohorts"];

    public static byte[] Encode(StoreCatalog catalog, string part)
    {
        var to = new ByteWriter(4096);
        to.Byte(Version);
        switch (part)
        {
            case "contigs": WriteContigs(catalog, to); break;
            case "samples": WriteSamples(catalog, to); break;
            case "sheets": WriteSheets(catalog, to); break;
            case "segments": WriteSegments(catalog, to); break;
            case "callables": WriteCallables(catalog, to); break;
            case "cohorts": WriteCohorts(catalog, to); break;
            default: throw new ArgumentOutOfRangeException(nameof(part));
        }
        return to.ToArray();
    }

    /// <summary>Decodes a catalog; a part that is absent is empty.</summary>
    /// <exception cref="InvalidDataException">A part is not what this version writes.</exception>
    public static StoreCatalog Decode(Func<string, byte[]?> read)
    {
        var (samples, ordinals, batches, purged) = ReadSamples(read("samples"));
        var (columns, sheets) = ReadSheets(read("sheets"));
        return new StoreCatalog
        {
            Contigs = Read(read("contigs"), (ref ByteReader f) => new ContigEntry(f.Text(), f.Text(), f.Count())),
            Samples = samples, Ordinals = ordinals, Batches = batches, PurgedBefore = purged, Columns = columns, Sheets = sheets,
            Segments = Read(read("segments"), ReadSegment),
            Callables = Read(read("callables"), ReadCallable),
            Cohorts = Read(read("cohorts"), ReadCohort),
        };
    }

    private delegate T Reader<T>(ref ByteReader from);

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
        var from = new ByteReader(bytes);
        if (from.Byte() != Version) throw new InvalidDataException("a part of the catalog has an unknown version");
        return from;
    }

    private static T[] List<T>(ref ByteReader from, Reader<T> one)
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

    private static void WriteSamples(StoreCatalog catalog, ByteWriter to)
    {
        to.Var((ulong)catalog.PurgedBefore);
        to.Var(catalog.Samples.Count);
        foreach (var sample in catalog.Samples)
        {
            to.Text(sample.Name);
            to.Var((ulong)sample.WithdrawnVersion);
        }
        to.Var(catalog.Ordinals.Count);
        foreach (var ordinal in catalog.Ordinals)
        {
            to.Var(ordinal.Sample);
            to.Var(ordinal.Batch);
            to.Var((ulong)ordinal.FromVersion);
            to.Var((ulong)ordinal.UntilVersion);
        }
        to.Var(catalog.Batches.Count);
        foreach (var batch in catalog.Batches) WriteBatch(batch, to);
    }

    private static void WriteBatch(BatchEntry batch, ByteWriter to)
    {
        to.Bytes(batch.InputSha256);
        to.Var((ulong)batch.Version);
        to.Signed(batch.LoadedUnixMs);
        to.Bool(batch.AssumeReference);
        to.Bool(batch.HasBlocks);
        to.Var(batch.BlockGq);
        to.Signed(batch.Callable);
        to.Var(batch.FirstOrdinal);
        to.Var(batch.Count);
        to.Var((ulong)batch.Records);
        WriteStretches(batch.Stretches, to);
        to.Var(batch.Lineage.Count);
        foreach (var line in batch.Lineage) to.Text(line);
    }

    private static (SampleEntry[], OrdinalEntry[], BatchEntry[], long) ReadSamples(byte[]? bytes)
    {
        if (bytes is null) return ([], [], [], 0);
        var from = Open(bytes);
        var purged = (long)from.Var();
        var samples = List(ref from, (ref ByteReader f) => new SampleEntry(f.Text(), (long)f.Var()));
        var ordinals = List(ref from, (ref ByteReader f) => new OrdinalEntry(f.Count(), f.Count(), (long)f.Var(), (long)f.Var()));
        var batches = List(ref from, ReadBatch);
        from.End();
        return (samples, ordinals, batches, purged);
    }

    private static BatchEntry ReadBatch(ref ByteReader from) => new()
    {
        InputSha256 = from.Bytes().ToArray(),
        Version = (long)from.Var(),
        LoadedUnixMs = from.Signed(),
        AssumeReference = from.Bool(),
        HasBlocks = from.Bool(),
        BlockGq = from.Count(),
        Callable = (int)from.Signed(),
        FirstOrdinal = from.Count(),
        Count = from.Count(),
        Records = (long)from.Var(),
        Stretches = ReadStretches(ref from),
        Lineage = List(ref from, (ref ByteReader f) => f.Text()),
    };

    private static void WriteSheets(StoreCatalog catalog, ByteWriter to)
    {
        to.Var(catalog.Columns.Count);
        foreach (var (name, aggregate) in catalog.Columns.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            to.Text(name);
            to.Bool(aggregate);
        }
        to.Var(catalog.Sheets.Count);
        foreach (var sheet in catalog.Sheets)
        {
            to.Var(sheet.Sample);
            to.Var((ulong)sheet.FromVersion);
            to.Var(sheet.Values.Count);
            foreach (var (name, value) in sheet.Values.OrderBy(v => v.Key, StringComparer.Ordinal))
            {
                to.Text(name);
                to.Text(value);
            }
        }
    }

    private static (Dictionary<string, bool>, SheetEntry[]) ReadSheets(byte[]? bytes)
    {
        if (bytes is null) return ([], []);
        var from = Open(bytes);
        var columns = List(ref from, (ref ByteReader f) => (Name: f.Text(), Aggregate: f.Bool())).ToDictionary(c => c.Name, c => c.Aggregate);
        var sheets = List(ref from, (ref ByteReader f) => new SheetEntry(f.Count(), (long)f.Var(),
            List(ref f, (ref ByteReader g) => (Name: g.Text(), Value: g.Text())).ToDictionary(v => v.Name, v => v.Value)));
        from.End();
        return (columns, sheets);
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
                var start = checked(at + from.Count());
                list[i] = (start, at = checked(start + from.Count()));
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

    private static void WriteStretches(IReadOnlyDictionary<int, (int Start, int End)> stretches, ByteWriter to)
    {
        to.Var(stretches.Count);
        foreach (var (contig, (start, end)) in stretches.OrderBy(s => s.Key))
        {
            to.Var(contig);
            to.Signed(start);
            to.Signed(end);
        }
    }

    private static Dictionary<int, (int Start, int End)> ReadStretches(ref ByteReader from)
    {
        var stretches = new Dictionary<int, (int, int)>();
        for (var left = from.Count(from.Remaining); left > 0; left--) stretches.Add(from.Count(), (checked((int)from.Signed()), checked((int)from.Signed())));
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
        for (var (i, before) = (0, 0); i < values.Length; i++) values[i] = before = checked(before + from.Count());
        return values;
    }
}
