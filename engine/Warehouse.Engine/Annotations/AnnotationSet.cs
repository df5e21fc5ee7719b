using System.Text;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>A column of a join: one field of one release.</summary>
/// <param name="Name">Source, a dot, field: <c>clinvar.CLNSIG</c>; where several releases of a source are joined, source and day: <c>clinvar_20240107.CLNSIG</c>.</param>
/// <param name="Type">Of its cells.</param>
/// <param name="Description">One line.</param>
public sealed record JoinColumn(string Name, AnnotationType Type, string Description)
{
    /// <summary>Index of the release.</summary>
    internal int Reader { get; init; }

    /// <summary>Index of its field; -1 = how many records the release has.</summary>
    internal int Field { get; init; }
}

/// <summary>
/// Releases joined to alleles: for an allele, what each release says of it, as cells of columns. A release of intervals is joined where it
/// touches REF. Where a release has several records of an allele, different texts stand in one cell apart by <c>;</c> (a record without the
/// field as <c>.</c>), and numbers that differ are missing: the column <c>records</c> of each release tells how many there are. Quick when alleles are asked in order, and right in any. One thread.
/// </summary>
public sealed class AnnotationSet : IDisposable
{
    /// <summary>Name of the column that counts records.</summary>
    public const string RecordsField = "records";

    private readonly AnnotationReader[] _readers;
    private readonly List<AnnotationHit>[] _hits;
    private readonly Assembly _assembly;
    private readonly Dictionary<string, string> _canonical = new(StringComparer.Ordinal);
    private byte[] _bytes = new byte[256];

    internal AnnotationSet(IReadOnlyList<(AnnotationReader Reader, string? Field)> chosen, Assembly assembly, long snapshot)
    {
        (_assembly, Snapshot) = (assembly, snapshot);
        _readers = [.. chosen.Select(c => c.Reader).Distinct()];
        _hits = [.. _readers.Select(_ => new List<AnnotationHit>())];
        Columns = [.. _readers.SelectMany((r, i) => ColumnsOf(r, i, [.. chosen.Where(c => c.Reader == r).Select(c => c.Field)]))];
    }

    /// <summary>The columns.</summary>
    public IReadOnlyList<JoinColumn> Columns { get; }

    /// <summary>The manifest version whose releases are joined.</summary>
    public long Snapshot { get; }

    /// <summary>The releases, in the order in which they were chosen.</summary>
    public IEnumerable<AnnotationRelease> Releases => _readers.Select(r => r.Release);

    /// <summary>Moves to an allele whose contig is spelled as a file or an answer spells it.</summary>
    public void SeekSpelled(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        if (!_canonical.TryGetValue(contig, out var canonical)) _canonical.Add(contig, canonical = _assembly.CanonicalContig(contig));
        Seek(canonical, start, reference, alternate);
    }

    /// <summary>Moves to an allele as the normaliser makes it.</summary>
    /// <param name="contig">Canonical contig.</param>
    /// <param name="start">0-based.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT.</param>
    public void Seek(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        for (var i = 0; i < _readers.Length; i++)
        {
            _hits[i].Clear();
            if (_readers[i].Release.IsIntervals) _hits[i].AddRange(_readers[i].Overlapping(contig, start, start + reference.Length));
            else if (_readers[i].Find(contig, start, reference, alternate) is { } hit) _hits[i].Add(hit);
        }
    }

    /// <summary>Moves to an allele as an answer has it; to nothing where that is no allele of bases.</summary>
    /// <param name="contig">As answers spell it; null = there is no allele.</param>
    /// <param name="start">0-based.</param>
    /// <param name="reference">REF.</param>
    /// <param name="alternate">ALT; one that is not of bases has no annotation.</param>
    public void SeekAnswer(string? contig, int start, string reference, string alternate)
    {
        if (contig is null || start < 0 || alternate.Length == 0 || !char.IsAsciiLetter(alternate[0]) || alternate.AsSpan().ContainsAny("[]<>.*"))
        {
            Clear();
            return;
        }
        var needed = reference.Length + alternate.Length;
        if (_bytes.Length < needed) _bytes = new byte[2 * needed];
        var (r, a) = (Encoding.ASCII.GetBytes(reference, _bytes), Encoding.ASCII.GetBytes(alternate, _bytes.AsSpan(reference.Length)));
        SeekSpelled(contig, start, _bytes.AsSpan(0, r), _bytes.AsSpan(r, a));
    }

    /// <summary>Moves to nothing: every cell is missing.</summary>
    public void Clear()
    {
        foreach (var hits in _hits) hits.Clear();
    }

    /// <summary>The text of a text column; null = missing.</summary>
    public string? TextOf(int column)
    {
        var (hits, field) = (_hits[Columns[column].Reader], Columns[column].Field);
        if (hits.Count == 0) return null;
        if (hits is [{ Count: 1 } one]) return one.Block.Column(field) is var cells ? cells.StringOf(cells.Codes[one.First]) : null;
        var texts = new List<string?>();
        foreach (var hit in hits)
            for (var row = hit.First; row < hit.First + hit.Count; row++)
                if (hit.Block.Column(field) is var cells && cells.StringOf(cells.Codes[row]) is var text && !texts.Contains(text)) texts.Add(text);
        return texts is [null] ? null : string.Join(';', texts.Select(t => t ?? "."));
    }

    /// <summary>Appends the cell of a text column as it may stand in a list of INFO; nothing when it is missing.</summary>
    internal void AppendInfo(int column, ByteWriter to)
    {
        var (hits, field) = (_hits[Columns[column].Reader], Columns[column].Field);
        if (hits is [{ Count: 1 } one])
        {
            var cells = one.Block.Column(field);
            if (cells.Codes[one.First] is > 0 and var code) to.Raw(cells.EncodedOf(code));
        }
        else if (TextOf(column) is { } text) to.Raw(InfoText.Encode(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The number of an integer or flag column; null = missing.</summary>
    public long? IntegerOf(int column)
    {
        var (hits, field) = (_hits[Columns[column].Reader], Columns[column].Field);
        if (hits.Count == 0) return null;
        if (field < 0) return hits.Sum(h => (long)h.Count);
        long? found = null;
        foreach (var hit in hits)
            foreach (var value in hit.Block.Column(field).Integers.Slice(hit.First, hit.Count))
            {
                if (found is { } other && other != value) return null;
                found = value;
            }
        return found == AnnotationField.MissingInteger ? null : found;
    }

    /// <summary>The number of a floating-point column; not a number = missing.</summary>
    public double RealOf(int column)
    {
        var (hits, field) = (_hits[Columns[column].Reader], Columns[column].Field);
        double? found = null;
        foreach (var hit in hits)
            foreach (var value in hit.Block.Column(field).Reals.Slice(hit.First, hit.Count))
            {
                if (found is { } other && !other.Equals(value)) return double.NaN;
                found = value;
            }
        return found ?? double.NaN;
    }

    /// <summary>Alleles that a gene or an HGVS text of a transcript or protein names, in any of the releases.</summary>
    /// <param name="text">The text.</param>
    /// <param name="most">Most alleles given.</param>
    public IReadOnlyList<Variant> Search(string text, int most)
    {
        var found = new SortedSet<Variant>();
        foreach (var reader in _readers) found.UnionWith(reader.Search(text, most));
        return [.. found.Take(most)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var reader in _readers) reader.Dispose();
    }

    private IEnumerable<JoinColumn> ColumnsOf(AnnotationReader reader, int index, IReadOnlyList<string?> fields)
    {
        var release = reader.Release;
        var source = _readers.Count(r => r.Release.Source == release.Source) > 1 ? FormattableString.Invariant($"{release.Source}_{release.Date:yyyyMMdd}") : release.Source;
        var all = fields.Contains(null);
        for (var i = 0; i < reader.Fields.Count; i++)
            if (all || fields.Contains(reader.Fields[i].Name)) yield return new JoinColumn($"{source}.{reader.Fields[i].Name}", reader.Fields[i].Type, reader.Fields[i].Description) { Reader = index, Field = i };
        if (all && reader.FieldOf(RecordsField) < 0) yield return new JoinColumn($"{source}.{RecordsField}", AnnotationType.Integer, "Records of the release") { Reader = index, Field = -1 };
    }
}
