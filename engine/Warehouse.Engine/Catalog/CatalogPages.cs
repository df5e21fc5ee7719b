using System.Globalization;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Manifests;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// The lists of the catalog that grow with the samples, each in parts <c>NAME/n</c> of 1,024 entries, n from 0 in 6 digits. A commit
/// writes the pages with changed entries, so its cost does not grow with the store. Layout: version byte 1, then the entries.
/// <code>
/// samples    text name | version that withdrew it (0 = not withdrawn)
/// ordinals   sample | batch | from version | until version (0 = in force)
/// batches    bytes SHA-256 of the file | version | signed time in ms since 1970 | bool --assume-reference | bool has reference blocks
///            | --block-gq | signed callable regions | first ordinal | ordinals | records | stretches
/// lineage    list of text, by batch
/// sheets     sample | from version | bytes: see SheetValues
/// </code>
/// </summary>
internal sealed class CatalogPages(Func<string, byte[]?> read, Func<Func<object>, object> guard)
{
    /// <summary>Entries of a list: a manifest has no more parts for its pages. What a count claims beyond that takes no memory.</summary>
    public const int MostEntries = ManifestFormat.MaxParts * Paged<SampleEntry>.PageEntries;

    private const byte Version = 1;

    public static readonly Kind<SampleEntry> Samples = new("samples", WriteSample, (ref ByteReader f) => new SampleEntry(f.Text(), (long)f.Var()));

    public static readonly Kind<OrdinalEntry> Ordinals = new("ordinals", WriteOrdinal, (ref ByteReader f) => new OrdinalEntry(f.Count(), f.Count(), (long)f.Var(), (long)f.Var()));

    public static readonly Kind<BatchEntry> Batches = new("batches", WriteBatch, ReadBatch);

    public static readonly Kind<IReadOnlyList<string>> Lineages = new("lineage", WriteLineage, (ref ByteReader f) => CatalogCodec.List(ref f, (ref ByteReader g) => g.Text()));

    public static readonly Kind<SheetEntry> Sheets = new("sheets", WriteSheet, (ref ByteReader f) => new SheetEntry(f.Count(), (long)f.Var(), new SheetValues(f.Bytes().ToArray())));

    /// <summary>A list of so many entries whose pages are read when they are first used.</summary>
    public Paged<T> Open<T>(Kind<T> kind, int count)
    {
        var pages = new List<Page<T>>();
        for (var first = 0L; first < count; first += Paged<T>.PageEntries)
        {
            var (name, entries) = (kind.NameOf(pages.Count), (int)Math.Min(Paged<T>.PageEntries, count - first));
            pages.Add(new Page<T>(entries, () => (T[])guard(() => kind.Decode(read(name), entries))));
        }
        return new Paged<T>(pages);
    }

    /// <summary>A page of header lines in which every file has none.</summary>
    /// <param name="name">Of the page.</param>
    /// <param name="batches">Files of the store.</param>
    public static byte[] EmptyLineage(string name, int batches)
    {
        var first = int.Parse(name.AsSpan(name.IndexOf('/', StringComparison.Ordinal) + 1), NumberStyles.None, CultureInfo.InvariantCulture) * (long)Paged<SampleEntry>.PageEntries;
        var to = new ByteWriter(1024);
        to.Byte(Version);
        for (var batch = first; batch < Math.Min(first + Paged<SampleEntry>.PageEntries, batches); batch++) WriteLineage(to, []);
        return to.ToArray();
    }

    private static void WriteSample(ByteWriter to, SampleEntry sample)
    {
        to.Text(sample.Name);
        to.Var((ulong)sample.WithdrawnVersion);
    }

    private static void WriteOrdinal(ByteWriter to, OrdinalEntry ordinal)
    {
        to.Var(ordinal.Sample);
        to.Var(ordinal.Batch);
        to.Var((ulong)ordinal.FromVersion);
        to.Var((ulong)ordinal.UntilVersion);
    }

    private static void WriteBatch(ByteWriter to, BatchEntry batch)
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
        CatalogCodec.WriteStretches(batch.Stretches, to);
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
        Stretches = CatalogCodec.ReadStretches(ref from),
    };

    private static void WriteLineage(ByteWriter to, IReadOnlyList<string> lines)
    {
        to.Var(lines.Count);
        foreach (var line in lines) to.Text(line);
    }

    private static void WriteSheet(ByteWriter to, SheetEntry sheet)
    {
        to.Var(sheet.Sample);
        to.Var((ulong)sheet.FromVersion);
        to.Bytes(SheetValues.Of(sheet.Values).Encoded.Span);
    }

    /// <summary>One of the lists.</summary>
    internal sealed class Kind<T>(string name, Action<ByteWriter, T> write, CatalogCodec.Reader<T> read)
    {
        /// <summary>Reads an entry.</summary>
        public CatalogCodec.Reader<T> Read => read;

        public string NameOf(int page) => string.Create(CultureInfo.InvariantCulture, $"{name}/{page:d6}");

        /// <summary>The pages that differ from those of the version before; null content: it is there no more.</summary>
        public IEnumerable<(string Name, byte[]? Content)> Changed(IReadOnlyList<T> now, IReadOnlyList<T> before)
        {
            var old = (before as Paged<T> ?? Paged<T>.Empty).Pages;
            var pages = Paged<T>.Of(now, before as Paged<T> ?? Paged<T>.Empty).Pages;
            for (var p = 0; p < pages.Count; p++)
                if (p >= old.Count || !ReferenceEquals(old[p], pages[p])) yield return (NameOf(p), Encode(pages[p].Entries));
            for (var p = pages.Count; p < old.Count; p++) yield return (NameOf(p), null);
        }

        private byte[] Encode(T[] entries)
        {
            var to = new ByteWriter(4096);
            to.Byte(Version);
            foreach (var entry in entries) write(to, entry);
            return to.ToArray();
        }

        /// <exception cref="InvalidDataException">It is not a page of this many entries.</exception>
        public T[] Decode(byte[]? bytes, int count)
        {
            if (bytes is null) throw new InvalidDataException($"a page of {name} is missing");
            var from = new ByteReader(bytes);
            if (from.Byte() != Version) throw new InvalidDataException($"a page of {name} has an unknown version");
            var entries = new T[count];
            for (var i = 0; i < entries.Length; i++) entries[i] = read(ref from);
            from.End();
            return entries;
        }
    }
}
