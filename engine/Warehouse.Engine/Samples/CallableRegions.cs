using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;

namespace Warehouse.Engine.Samples;

/// <summary>
/// Where the assay of some samples sees every base: per contig, disjoint intervals in order. Read from BED; overlapping and
/// touching intervals are merged, so the same regions written differently are equal. Immutable; any number of threads may read.
/// </summary>
public sealed class CallableRegions
{
    /// <summary>Longest line.</summary>
    public const int MaxLineBytes = 1 << 20;

    /// <summary>Most lines with an interval.</summary>
    public const int MaxIntervals = 16_000_000;

    /// <summary>Longest contig name, bytes.</summary>
    public const int MaxContigBytes = 1024;

    private readonly Dictionary<string, CallableInterval[]> _byContig;

    private static ReadOnlySpan<byte> GzipMagic => [0x1F, 0x8B];

    private CallableRegions(List<string> contigs, Dictionary<string, CallableInterval[]> byContig)
    {
        Contigs = contigs;
        _byContig = byContig;
    }

    /// <summary>Contig names as written, in the order of their first line.</summary>
    public IReadOnlyList<string> Contigs { get; }

    /// <summary>Intervals of a contig: sorted, disjoint, not touching. Empty for a contig without a line.</summary>
    public ReadOnlySpan<CallableInterval> Of(string contig) => _byContig.GetValueOrDefault(contig);

    /// <summary>True when every base of [start, end) is callable.</summary>
    public bool Covers(string contig, int start, int end)
    {
        var intervals = Of(contig);
        int low = 0, high = intervals.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (intervals[middle].Start <= start) low = middle + 1;
            else high = middle;
        }
        return low > 0 && intervals[low - 1].End >= end;
    }

    /// <summary>Reads a BED file (plain text; 3 or more columns, 0-based half-open).</summary>
    /// <exception cref="InputException">A line is not understood, or the file is compressed.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static CallableRegions Read(string path)
    {
        using var stream = File.OpenRead(path);
        return Read(stream, path);
    }

    /// <summary>Reads BED text to the end of the stream, which stays open.</summary>
    /// <param name="stream">Its bytes.</param>
    /// <param name="fileName">Name for messages.</param>
    /// <exception cref="InputException">A line is not understood, or the bytes are compressed.</exception>
    public static CallableRegions Read(Stream stream, string fileName)
    {
        var reader = new CappedLineReader(stream, fileName, MaxLineBytes);
        var lists = new Dictionary<string, List<CallableInterval>>(StringComparer.Ordinal);
        var byName = lists.GetAlternateLookup<ReadOnlySpan<char>>();
        var contigs = new List<string>();
        Span<char> name = stackalloc char[MaxContigBytes];
        var count = 0;
        while (reader.TryRead(out var line))
        {
            if (reader.Line == 1 && line.StartsWith(GzipMagic))
                throw new InputException("bed-compressed", "a compressed file: decompress it first", new InputPlace(fileName, 0, 0, ""));
            if (IsHeader(line)) continue;
            if (++count > MaxIntervals) throw new InputException("bed-lines", $"more than {MaxIntervals} intervals", reader.Place());
            var contig = ReadLine(line, reader, out var interval);
            var length = Encoding.ASCII.GetChars(contig, name);
            if (!byName.TryGetValue(name[..length], out var list))
            {
                contigs.Add(name[..length].ToString());
                lists.Add(contigs[^1], list = []);
            }
            if (interval.Start < interval.End) list.Add(interval);
        }
        return new CallableRegions(contigs, lists.ToDictionary(l => l.Key, l => Merge(l.Value), StringComparer.Ordinal));
    }

    /// <summary>Blank lines, comments and the two kinds of browser lines.</summary>
    private static bool IsHeader(ReadOnlySpan<byte> line) =>
        line.Trim(" \t"u8).IsEmpty || line[0] == (byte)'#' || IsWord(line, "track"u8) || IsWord(line, "browser"u8);

    private static bool IsWord(ReadOnlySpan<byte> line, ReadOnlySpan<byte> word) =>
        line.StartsWith(word) && (line.Length == word.Length || line[word.Length] is (byte)' ' or (byte)'\t');

    private static ReadOnlySpan<byte> ReadLine(ReadOnlySpan<byte> line, CappedLineReader reader, out CallableInterval interval)
    {
        var separator = line.Contains((byte)'\t') ? (byte)'\t' : (byte)' ';
        Span<Range> cells = stackalloc Range[3];
        var count = 0;
        foreach (var cell in line.Split(separator))
        {
            if (count == 3) break;
            cells[count++] = cell;
        }
        if (count < 3) throw new InputException("bed-columns", "a line with fewer than 3 columns: contig, start and end are expected", reader.Place());
        var contig = line[cells[0]];
        if (contig.Length is 0 or > MaxContigBytes || contig.ContainsAnyExceptInRange((byte)0x21, (byte)0x7E))
            throw new InputException("bed-contig", $"expected a contig name of 1 to {MaxContigBytes} printable ASCII characters without spaces", reader.Place("contig"));
        interval = new(ReadPosition(line[cells[1]], reader, "start"), ReadPosition(line[cells[2]], reader, "end"));
        if (interval.Start > interval.End) throw new InputException("bed-order", "an end before the start", reader.Place("end"));
        return contig;
    }

    private static int ReadPosition(ReadOnlySpan<byte> text, CappedLineReader reader, string field)
    {
        // Digits only: the parser alone would take a sign, and stop before what follows the number.
        if (!text.ContainsAnyExceptInRange((byte)'0', (byte)'9') && Utf8Parser.TryParse(text, out int value, out var used) && used == text.Length) return value;
        throw new InputException("bed-position", $"expected a whole number from 0 to {int.MaxValue}, found {KindOf(text)}", reader.Place(field));
    }

    /// <summary>What stands in place of a number, in words: a cell of a file of somebody's own is never quoted.</summary>
    private static string KindOf(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return "nothing";
        if (!text.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return "a larger one";
        if (text[0] is (byte)'-' or (byte)'+' && !text[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9')) return "a number with a sign";
        return $"{text.Length} bytes that are not digits alone";
    }

    private static CallableInterval[] Merge(List<CallableInterval> intervals)
    {
        var sorted = CollectionsMarshal.AsSpan(intervals);
        sorted.Sort();
        var merged = new List<CallableInterval>(sorted.Length);
        foreach (var next in sorted)
        {
            if (merged.Count > 0 && next.Start <= merged[^1].End) merged[^1] = new(merged[^1].Start, Math.Max(merged[^1].End, next.End));
            else merged.Add(next);
        }
        return [.. merged];
    }
}
