using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Warehouse.Engine.Variants;

/// <summary>A sequence of the reference.</summary>
/// <param name="Name">As written in the FASTA.</param>
/// <param name="Canonical">Canonical contig.</param>
/// <param name="LengthBases">Length in bases.</param>
public sealed record ReferenceContig(string Name, string Canonical, int LengthBases);

/// <summary>
/// The reference sequence: a FASTA file, plain or BGZF, read in place through its .fai and .gzi. A missing index is made in memory;
/// nothing is ever written. Bases are upper case as in the file; <see cref="Reduce"/> gives what VCF allows in REF.
/// <para>Any thread: windows of 256 KiB are read once into arrays that never change and kept in a small table whose slots are replaced
/// whole, so a span that was handed out stays true. Two threads may read the same window twice; that costs time only.</para>
/// <para>An index that does not fit the file is found at the first use of a contig: its name must stand before its first base, its lines
/// must end where the index says, and nothing but another sequence may follow it.</para>
/// </summary>
public sealed class ReferenceGenome : IDisposable
{
    internal const int WindowBases = 1 << 18;
    private const int SlotCount = 64;
    private const int HeaderPeekBytes = 8192;
    private static readonly byte[] ReducedBases = MakeReducedBases();

    private readonly SafeFileHandle _handle;
    private readonly BgzfFile? _bgzf;
    private readonly List<FastaEntry> _entries;
    private readonly Dictionary<string, int> _indexes = new(StringComparer.Ordinal);
    private readonly ReferenceContig[] _contigs;
    private readonly bool[] _verified;
    private readonly Window?[] _slots = new Window?[SlotCount];
    private readonly ConcurrentDictionary<int, (string Refget, string Md5)> _digests = new();

    private ReferenceGenome(string path, Assembly assembly, SafeFileHandle handle)
    {
        Path = path;
        Assembly = assembly;
        _handle = handle;
        _bgzf = BgzfFile.IsGzip(handle) ? BgzfFile.Open(handle, path) : null;
        _entries = File.Exists(path + ".fai") ? FastaIndex.Read(path + ".fai") : FastaIndex.Scan(path, ReadAt);
        _verified = new bool[_entries.Count];
        _contigs = new ReferenceContig[_entries.Count];
        for (var i = 0; i < _entries.Count; i++)
        {
            var canonical = assembly.CanonicalContig(_entries[i].Name);
            var contradiction = assembly.LengthContradiction(canonical, _entries[i].LengthBases);
            if (contradiction is not null)
            {
                if (canonical != "MT" || _entries[i].Name == "MT") throw Bad("contig-assembly", contradiction);
                canonical = _entries[i].Name;   // chrM of hg19: there, but not MT
            }
            if (!_indexes.TryAdd(canonical, i)) throw Bad("fasta-contig", $"two sequences are contig {canonical}");
            _contigs[i] = new ReferenceContig(_entries[i].Name, canonical, _entries[i].LengthBases);
        }
    }

    /// <summary>Path as given.</summary>
    public string Path { get; }

    /// <summary>The assembly that contig names are read by.</summary>
    public Assembly Assembly { get; }

    /// <summary>The sequences in file order.</summary>
    public IReadOnlyList<ReferenceContig> Contigs => _contigs;

    /// <summary>Opens a FASTA file with its index, or makes the index in memory by one pass over the file.</summary>
    /// <exception cref="InputException">Not FASTA, compressed by anything but bgzip, a damaged index, or another assembly.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ReferenceGenome Open(string path, Assembly assembly)
    {
        var handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            return new ReferenceGenome(path, assembly, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The base that VCF writes for a reference base: IUPAC codes become the alphabetically first base they stand for; anything else but ACGTN becomes N.</summary>
    public static byte Reduce(byte upperCaseBase) => ReducedBases[upperCaseBase];

    /// <summary>True when the reference has this canonical contig.</summary>
    public bool Has(string canonical) => _indexes.ContainsKey(canonical);

    /// <summary>Length in bases of a canonical contig, or null when the reference has none of that name.</summary>
    public int? Length(string canonical) => _indexes.TryGetValue(canonical, out var index) ? _entries[index].LengthBases : null;

    /// <summary>How the FASTA spells a canonical contig, or null.</summary>
    public string? WrittenName(string canonical) => _indexes.TryGetValue(canonical, out var index) ? _contigs[index].Name : null;

    /// <summary>Upper-case bases of [start, end), 0-based. The caller has checked that the contig exists and holds them.</summary>
    /// <exception cref="InputException">The file or its index is damaged.</exception>
    public ReadOnlySpan<byte> Bases(string canonical, int start, int end)
    {
        var contig = _indexes[canonical];
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, _entries[contig].LengthBases);
        if (start == end) return [];
        var (first, last) = (start / WindowBases, (end - 1) / WindowBases);
        if (first == last) return At(contig, first).AsSpan(start - first * WindowBases, end - start);
        var joined = new byte[end - start];
        for (var w = first; w <= last; w++)
        {
            var from = Math.Max(start, w * WindowBases);
            var to = (int)Math.Min(end, (w + 1L) * WindowBases);
            At(contig, w).AsSpan(from - w * WindowBases, to - from).CopyTo(joined.AsSpan(from - start));
        }
        return joined;
    }

    /// <summary>A stretch of at least one base that ends before <paramref name="end"/> (1 to length): what lies ready, without copying. For walking left.</summary>
    internal ReadOnlySpan<byte> BasesBefore(string canonical, int end) => Bases(canonical, (end - 1) / WindowBases * WindowBases, end);

    /// <summary>Refget accession of a contig: <c>SQ.</c> and the truncated SHA-512 of its upper-case bases. Reads the whole contig the first time.</summary>
    public string RefgetAccession(string canonical) => Digests(canonical).Refget;

    /// <summary>MD5 of a contig's upper-case bases, lower-case hex, as in SAM M5. Reads the whole contig the first time.</summary>
    public string Md5(string canonical) => Digests(canonical).Md5;

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private (string Refget, string Md5) Digests(string canonical)
    {
        var contig = _indexes[canonical];
        if (_digests.TryGetValue(contig, out var known)) return known;
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        for (long start = 0; start < _entries[contig].LengthBases; start += WindowBases)
        {
            var bases = Load(contig, (int)(start / WindowBases));
            sha.AppendData(bases);
            md5.AppendData(bases);
        }
        return _digests[contig] = ("SQ." + Vrs.Truncate(sha.GetHashAndReset()), Convert.ToHexStringLower(md5.GetHashAndReset()));
    }

    private byte[] At(int contig, int window)
    {
        ref var slot = ref _slots[(uint)(contig * 31 + window) % SlotCount];
        var held = Volatile.Read(ref slot);
        if (held is not null && held.Contig == contig && held.Index == window) return held.Bases;
        held = new Window(contig, window, Load(contig, window));
        Volatile.Write(ref slot, held);
        return held.Bases;
    }

    private byte[] Load(int contig, int window)
    {
        if (!Volatile.Read(ref _verified[contig])) Verify(contig);
        var entry = _entries[contig];
        var start = window * WindowBases;
        var bases = new byte[Math.Min(WindowBases, entry.LengthBases - start)];
        var from = entry.OffsetOf(start);
        var rawBytes = entry.OffsetOf(start + bases.Length - 1) + 1 - from;
        if (rawBytes > 3L * bases.Length) throw Misfit(contig);
        var raw = new byte[rawBytes];
        if (ReadAt(from, raw) < raw.Length) throw Misfit(contig);
        for (int at = 0, filled = 0, inLine = start % entry.LineBases; filled < bases.Length; inLine = 0)
        {
            var count = Math.Min(entry.LineBases - inLine, bases.Length - filled);
            raw.AsSpan(at, count).CopyTo(bases.AsSpan(filled));
            filled += count;
            at += count;
            if (filled == bases.Length) break;
            var lineEnd = raw.AsSpan(at, entry.LineBytes - entry.LineBases);
            if (lineEnd.ContainsAnyExcept((byte)'\r', (byte)'\n')) throw Misfit(contig);
            at += lineEnd.Length;
        }
        Ascii.ToUpperInPlace(bases, out _);
        if (bases.AsSpan().ContainsAnyExceptInRange((byte)'A', (byte)'Z'))
            foreach (var b in bases)
                if (b is not (>= (byte)'A' and <= (byte)'Z' or (byte)'*' or (byte)'-')) throw Misfit(contig);
        return bases;
    }

    /// <summary>The index and the file agree about where the contig begins and ends.</summary>
    private void Verify(int contig)
    {
        var entry = _entries[contig];
        var header = new byte[Math.Min(entry.OffsetBytes, HeaderPeekBytes)];
        if (ReadAt(entry.OffsetBytes - header.Length, header) < header.Length || header.Length < 2 || header[^1] != '\n') throw Misfit(contig);
        var lineStart = header.AsSpan(0, header.Length - 1).LastIndexOf((byte)'\n') + 1;
        if (lineStart > 0 || header.Length == entry.OffsetBytes)   // else the description is longer than the peek
        {
            var line = header.AsSpan(lineStart);
            var name = Encoding.UTF8.GetBytes(">" + entry.Name);
            if (!line.StartsWith(name) || line[name.Length] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) throw Misfit(contig);
        }
        if (entry.LengthBases > 0)
        {
            Span<byte> after = stackalloc byte[8];
            after = after[..ReadAt(entry.OffsetOf(entry.LengthBases - 1) + 1, after)].TrimStart("\r\n"u8);
            if (!after.IsEmpty && after[0] != '>') throw Misfit(contig);
        }
        Volatile.Write(ref _verified[contig], true);
    }

    private int ReadAt(long offsetBytes, Span<byte> into)
    {
        if (_bgzf is not null) return _bgzf.Read(offsetBytes, into);
        var filled = 0;
        while (filled < into.Length)
        {
            var count = RandomAccess.Read(_handle, into[filled..], offsetBytes + filled);
            if (count == 0) break;
            filled += count;
        }
        return filled;
    }

    private InputException Misfit(int contig) =>
        Bad("fasta-fai", $"sequence {InputException.Quote(Encoding.UTF8.GetBytes(_entries[contig].Name))} is not where or what the .fai says: make the index again with samtools faidx");

    private InputException Bad(string code, string text) => new(code, text, new InputPlace(Path, 0, 0, ""));

    private static byte[] MakeReducedBases()
    {
        var table = new byte[256];
        Array.Fill(table, (byte)'N');
        foreach (var b in "ACGT") table[b] = (byte)b;
        foreach (var (code, b) in new[] { ('R', 'A'), ('Y', 'C'), ('S', 'C'), ('W', 'A'), ('K', 'G'), ('M', 'A'), ('B', 'C'), ('D', 'A'), ('H', 'A'), ('V', 'A'), ('U', 'T') })
            table[code] = (byte)b;
        return table;
    }

    private sealed record Window(int Contig, int Index, byte[] Bases);
}
