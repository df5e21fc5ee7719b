using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Ingest;

/// <summary>A place with its alleles and FILTER, as many files write it.</summary>
internal struct GatherSite
{
    /// <summary>First bytes of the key, little-endian.</summary>
    public ulong Prefix;

    /// <summary>0-based.</summary>
    public int Start;

    /// <summary>Where REF, a tab and ALT begin in the text.</summary>
    public int KeyAt;

    /// <summary>Last file of the worker that had it.</summary>
    public int LastFile;

    public int FirstRow;

    /// <summary>Least identity hash of its rows; the greatest number when no row has one.</summary>
    public uint LeastSketch;

    /// <summary>The next site of the same slot, plus one; 0 at the end.</summary>
    public int Next;

    public ushort KeyLength;

    public ushort RefLength;

    /// <summary>Number of the contig within the worker.</summary>
    public ushort Contig;

    public ushort Filter;

    public ushort RowCount;

    public ushort BaseRows;

    public bool Passes;

    /// <summary>One of its alleles is also written otherwise: a file may have it once only.</summary>
    public bool IsShared;
}

/// <summary>One ALT of a site. Places are in the text of the sites; a negative length of the normalised form: as it is written.</summary>
internal readonly record struct GatherRow(AlleleKind Kind, int AltAt, int AltLength, int Start, int RefAt, int RefLength, int FormAltAt, int FormAltLength, uint Sketch, bool HasSketch, int Allele);

/// <summary>
/// The sites that the files of one worker have shown so far, found by place, REF, ALT and FILTER as written: what was normalised and
/// checked once is not looked at again. Grows with distinct sites only. One thread.
/// </summary>
internal sealed class GatherSites
{
    /// <summary>REF and ALT of a site that may be longer are not taken.</summary>
    public const int MaxKeyBytes = 60_000;

    private GatherSite[] _sites = new GatherSite[256];
    private int[] _slots = new int[1 << 10];
    private byte[] _text = new byte[1 << 12];
    private int _textLength;
    private readonly List<GatherRow> _rows = [];
    private readonly List<byte[]> _filters = [];
    private readonly List<string> _contigs = [];
    private int[] _alleleSlots = new int[1 << 10];
    private readonly List<Allele> _alleles = [];

    /// <summary>A normalised allele and the first site that has it; a negative length of ALT: the text is a whole record without base alleles.</summary>
    private record struct Allele(int FirstSite, int Start, (int At, int Length) Ref, (int At, int Length) Alt, int LastFile, int Next);

    public int Count { get; private set; }

    /// <summary>Canonical names of the contigs in the order of their numbers.</summary>
    public IReadOnlyList<string> Contigs => _contigs;

    public ref GatherSite this[int site] => ref _sites[site];

    public ReadOnlySpan<GatherRow> Rows(in GatherSite site) => CollectionsMarshal.AsSpan(_rows).Slice(site.FirstRow, site.RowCount);

    public ReadOnlySpan<byte> Text(int at, int length) => _text.AsSpan(at, length);

    public ReadOnlySpan<byte> Filter(int filter) => _filters[filter];

    /// <summary>Number of a contig; a new one when it is not known.</summary>
    public int ContigOf(string canonical)
    {
        var at = _contigs.IndexOf(canonical);
        if (at >= 0) return at;
        _contigs.Add(canonical);
        return _contigs.Count - 1;
    }

    /// <summary>Number of a FILTER text, or -1.</summary>
    public int FindFilter(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < _filters.Count; i++)
            if (text.SequenceEqual(_filters[i])) return i;
        return -1;
    }

    public int AddFilter(ReadOnlySpan<byte> text)
    {
        _filters.Add(text.ToArray());
        return _filters.Count - 1;
    }

    /// <summary>
    /// Finds a site; -1 when it is not known. The key is REF, a tab and ALT. Slots go by place: a file, whose places ascend, goes through
    /// them in order, and memory that comes next has been fetched before it is needed.
    /// </summary>
    public int Find(int contig, int start, int filter, ReadOnlySpan<byte> key)
    {
        var prefix = PrefixOf(key);
        for (var next = _slots[SlotOf(contig, start) & (_slots.Length - 1)]; next != 0;)
        {
            ref var site = ref _sites[next - 1];
            if (site.Prefix == prefix && site.Start == start && site.KeyLength == key.Length && site.Contig == contig && site.Filter == filter
                && (key.Length <= 8 || key[8..].SequenceEqual(_text.AsSpan(site.KeyAt + 8, key.Length - 8)))) return next - 1;
            next = site.Next;
        }
        return -1;
    }

    /// <summary>Adds a site that <see cref="Find"/> did not know.</summary>
    /// <param name="at">Contig, start, FILTER and whether it passes.</param>
    /// <param name="key">REF, a tab and ALT; upper case.</param>
    /// <param name="refLength">Length of REF.</param>
    /// <param name="rows">One per ALT: bases, <c>*</c> or unspecified.</param>
    /// <param name="sketchSeed">Start of identity hashes on the contig; null where none are made.</param>
    public int Add((int Contig, int Start, int Filter, bool Passes) at, ReadOnlySpan<byte> key, int refLength, IReadOnlyList<NormalizedRow> rows, ulong? sketchSeed)
    {
        if (Count == _sites.Length) Array.Resize(ref _sites, Count * 2);
        var site = Count++;
        _sites[site] = new GatherSite
        {
            Prefix = PrefixOf(key), Start = at.Start, KeyAt = Append(key), LastFile = 0, FirstRow = _rows.Count, LeastSketch = uint.MaxValue,
            KeyLength = (ushort)key.Length, RefLength = (ushort)refLength, Contig = (ushort)at.Contig, Filter = (ushort)at.Filter, RowCount = (ushort)rows.Count, Passes = at.Passes,
        };
        AddRows(site, rows, at.Passes ? sketchSeed : null);
        if (Count * 2 > _slots.Length) Grow();
        else Link(site);
        return site;
    }

    /// <summary>Notes that a file has a site. False when the file had it, or one of its alleles, before.</summary>
    public bool TryUse(int site, int file)
    {
        ref var used = ref _sites[site];
        if (used.LastFile == file) return false;
        used.LastFile = file;
        if (!used.IsShared) return true;
        var uses = CollectionsMarshal.AsSpan(_alleles);
        foreach (ref readonly var row in Rows(used))
        {
            if (row.Allele < 0) continue;
            if (uses[row.Allele].LastFile == file) return false;
            uses[row.Allele].LastFile = file;
        }
        return true;
    }

    private void AddRows(int index, IReadOnlyList<NormalizedRow> rows, ulong? sketchSeed)
    {
        ref var site = ref _sites[index];
        var altAt = site.KeyAt + site.RefLength + 1;
        foreach (var row in rows)
        {
            var isWritten = row.Ref.IsEmpty && row.Alt.IsEmpty;
            var (refAt, refLength) = isWritten ? (site.KeyAt, site.RefLength) : (Append(row.Ref.Span), row.Ref.Length);
            var (formAt, formLength) = isWritten ? (altAt, -1) : (Append(row.Alt.Span), row.Alt.Length);
            ReadOnlySpan<byte> reference = Text(refAt, refLength), alternate = Text(formAt, isWritten ? row.WrittenAlt.Length : formLength);
            var hasSketch = sketchSeed is not null && row.Kind == AlleleKind.Bases && refLength == 1 && alternate.Length == 1;
            var sketch = hasSketch ? (uint)IdentitySketch.HashOf(sketchSeed!.Value, row.Start, reference[0], alternate[0]) : 0;
            if (hasSketch) site.LeastSketch = Math.Min(site.LeastSketch, sketch);
            if (row.Kind == AlleleKind.Bases) site.BaseRows++;
            var allele = row.Kind == AlleleKind.Bases ? AlleleOf(index, row.Start, (refAt, refLength), (formAt, alternate.Length)) : -1;
            _rows.Add(new GatherRow(row.Kind, altAt, row.WrittenAlt.Length, row.Start, refAt, refLength, formAt, formLength, sketch, hasSketch, allele));
            altAt += row.WrittenAlt.Length + 1;
        }
        if (site.BaseRows > 0) return;
        // Without a base allele the whole record stands for itself: the same one with another FILTER is the same one again.
        var own = AlleleOf(index, site.Start, (site.KeyAt, site.KeyLength), (0, -1));
        _rows[^1] = _rows[^1] with { Allele = own };
    }

    private int AlleleOf(int site, int start, (int At, int Length) reference, (int At, int Length) alternate)
    {
        var contig = _sites[site].Contig;
        var slot = SlotOf(contig, start) & (_alleleSlots.Length - 1);
        for (var next = _alleleSlots[slot]; next != 0; next = _alleles[next - 1].Next)
        {
            var known = _alleles[next - 1];
            if (known.Start != start || _sites[known.FirstSite].Contig != contig || known.Alt.Length != alternate.Length) continue;
            if (!Text(known.Ref.At, known.Ref.Length).SequenceEqual(Text(reference.At, reference.Length))) continue;
            if (alternate.Length > 0 && !Text(known.Alt.At, known.Alt.Length).SequenceEqual(Text(alternate.At, alternate.Length))) continue;
            Share(known.FirstSite);
            _sites[site].IsShared = true;
            return next - 1;
        }
        _alleles.Add(new Allele(site, start, reference, alternate, 0, _alleleSlots[slot]));
        _alleleSlots[slot] = _alleles.Count;
        if (_alleles.Count > _alleleSlots.Length) GrowAlleles();
        return _alleles.Count - 1;
    }

    private void GrowAlleles()
    {
        _alleleSlots = new int[_alleleSlots.Length * 4];
        var all = CollectionsMarshal.AsSpan(_alleles);
        for (var i = 0; i < all.Length; i++)
        {
            ref var head = ref _alleleSlots[SlotOf(_sites[all[i].FirstSite].Contig, all[i].Start) & (_alleleSlots.Length - 1)];
            all[i].Next = head;
            head = i + 1;
        }
    }

    private void Share(int site)
    {
        if (_sites[site].IsShared) return;
        _sites[site].IsShared = true;
        var uses = CollectionsMarshal.AsSpan(_alleles);
        if (site == Count - 1) return; // it has not been used yet
        foreach (var row in Rows(_sites[site]))
            if (row.Allele >= 0) uses[row.Allele].LastFile = _sites[site].LastFile;
    }

    private void Grow()
    {
        _slots = new int[_slots.Length * 2];
        for (var site = 0; site < Count; site++) Link(site);
    }

    private void Link(int site)
    {
        ref var head = ref _slots[SlotOf(_sites[site].Contig, _sites[site].Start) & (_slots.Length - 1)];
        _sites[site].Next = head;
        head = site + 1;
    }

    private static int SlotOf(int contig, int start) => (int)(((uint)start >> 2) + ((uint)contig * 0x9E3779B1));

    /// <summary>The first 8 bytes, zeros behind the end.</summary>
    private static ulong PrefixOf(ReadOnlySpan<byte> key)
    {
        if (key.Length >= 8) return BinaryPrimitives.ReadUInt64LittleEndian(key);
        if (key.Length == 3) return (uint)(key[0] | key[1] << 8 | key[2] << 16);
        var prefix = 0UL;
        for (var i = key.Length - 1; i >= 0; i--) prefix = (prefix << 8) | key[i];
        return prefix;
    }

    private int Append(ReadOnlySpan<byte> text)
    {
        if (_text.Length - _textLength < text.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, checked(_textLength + text.Length)));
        text.CopyTo(_text.AsSpan(_textLength));
        _textLength += text.Length;
        return _textLength - text.Length;
    }
}
