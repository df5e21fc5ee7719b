using Warehouse.Engine.Coding;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// Takes the consequences apart that VEP (CSQ) and SnpEff (ANN) write into INFO: entries apart by commas, one per transcript and allele, their
/// parts by bars in the order that the header states. Each part that is kept becomes a field: the values of all transcripts of the allele,
/// apart by commas, aligned, <c>.</c> where one has none. One thread.
/// </summary>
internal sealed class Consequences
{
    private static readonly (string Name, string[] Parts, AnnotationTerms Terms, string Description)[] Kept =
    [
        ("GENE", ["SYMBOL", "Gene_Name"], AnnotationTerms.Gene, "Symbol of the gene, per transcript"),
        ("CONSEQUENCE", ["Consequence", "Annotation"], AnnotationTerms.None, "Consequence, per transcript"),
        ("IMPACT", ["IMPACT", "Annotation_Impact"], AnnotationTerms.None, "Impact, per transcript"),
        ("TRANSCRIPT", ["Feature", "Feature_ID"], AnnotationTerms.None, "Transcript"),
        ("HGVSC", ["HGVSc", "HGVS.c"], AnnotationTerms.Hgvs, "HGVS of the transcript"),
        ("HGVSP", ["HGVSp", "HGVS.p"], AnnotationTerms.Hgvs, "HGVS of the protein"),
        ("MANE", ["MANE_SELECT", "MANE"], AnnotationTerms.None, "MANE Select transcript"),
    ];

    private readonly string _key;
    private readonly int[] _parts;
    private readonly int _partCount, _alleleAt, _numberAt, _featureAt;
    private readonly ByteWriter _cell = new();
    private readonly List<Range> _entries = [];
    private readonly List<(int Start, int Length)> _pieces = [];

    private Consequences(string key, string[] layout)
    {
        (_key, _partCount) = (key, layout.Length);
        (_alleleAt, _numberAt, _featureAt) = (Array.IndexOf(layout, "Allele"), Array.IndexOf(layout, "ALLELE_NUM"), Array.IndexOf(layout, "Feature_ID"));
        var kept = Kept.Select(k => (Field: k, At: Array.FindIndex(layout, p => k.Parts.Contains(p)))).Where(k => k.At >= 0).ToList();
        _parts = [.. kept.Select(k => k.At)];
        Fields = [.. kept.Select(k => new AnnotationField($"{key}_{k.Field.Name}", AnnotationType.Text, Terms: k.Field.Terms, Description: k.Field.Description))];
    }

    public IReadOnlyList<AnnotationField> Fields { get; }

    /// <summary>The plan of a description, null when it states no layout.</summary>
    public static Consequences? Of(string key, string description)
    {
        var at = description.IndexOf("Format:", StringComparison.OrdinalIgnoreCase);
        var text = at >= 0 ? description[(at + 7)..] : description.IndexOf('\'', StringComparison.Ordinal) is >= 0 and var quote ? description[quote..] : "";
        string[] layout = [.. text.Trim().Trim('\'', '"', '.').Split('|').Select(p => p.Trim(' ', '\'', '"'))];
        return layout.Length > 2 && layout.Contains("Allele") && layout.Any(p => p is "Consequence" or "Annotation") ? new Consequences(key, layout) : null;
    }

    /// <summary>Sets the cells of the last row.</summary>
    /// <param name="value">The value of the key.</param>
    /// <param name="record">Its record.</param>
    /// <param name="allele">Index of the ALT.</param>
    /// <param name="to">The rows, and the place of the first field.</param>
    /// <exception cref="InputException">An entry has another number of parts, or is of no allele of the record.</exception>
    public void Set(ReadOnlySpan<byte> value, VcfRecord record, int allele, (AnnotationRows Rows, int First) to)
    {
        _entries.Clear();
        foreach (var range in value.Split((byte)','))
            if (IsOf(value[range], record, allele)) _entries.Add(range);
        if (_entries.Count == 0) return;
        for (var i = 0; i < _parts.Length; i++)
        {
            _cell.Clear();
            var any = false;
            foreach (var range in _entries)
            {
                if (_cell.Length > 0) _cell.Byte((byte)',');
                Take(value[range], record);
                var piece = PieceOf(value[range], _parts[i]);
                any |= !piece.IsEmpty;
                if (piece.IsEmpty) _cell.Byte((byte)'.');
                // SnpEff names the transcript beside the change, not before it.
                else if (Fields[i].Name.EndsWith("HGVSC", StringComparison.Ordinal) && _featureAt >= 0 && !piece.Contains((byte)':') && PieceOf(value[range], _featureAt) is { IsEmpty: false } feature)
                {
                    _cell.Raw(feature);
                    _cell.Byte((byte)':');
                    _cell.Raw(piece);
                }
                else _cell.Raw(piece);
            }
            if (any) AnnotationCells.Set(to.Rows.Column(to.First + i), Fields[i], _cell.Written, (record.Line, record.OffsetBytes));
        }
    }

    /// <summary>Whether an entry is of an allele. One that is of none of the record's is refused: it would be lost in silence.</summary>
    private bool IsOf(ReadOnlySpan<byte> entry, VcfRecord record, int allele)
    {
        Take(entry, record);
        if (record.Alts.Count == 1) return true;
        if (_numberAt >= 0 && PieceOf(entry, _numberAt) is { IsEmpty: false } number)
        {
            if (!VcfText.TryDigits(number, out var index) || index < 1 || index > record.Alts.Count) throw Bad(record, "an entry whose ALLELE_NUM is of no allele of the record");
            return index == allele + 1;
        }
        var written = PieceOf(entry, _alleleAt);
        var shares = Shared(record);
        for (var i = 0; i < record.Alts.Count; i++)
            if (Names(written, record.Alts[i].Span, shares)) return i == allele;
        throw Bad(record, "an entry whose Allele is none of the record's");
    }

    /// <summary>SnpEff writes ALT as it is; VEP cuts the first base off where all alleles share it and their lengths differ, and writes nothing as a dash.</summary>
    private static bool Names(ReadOnlySpan<byte> written, ReadOnlySpan<byte> alt, bool shares)
    {
        if (written.SequenceEqual(alt)) return true;
        return shares && (alt.Length == 1 ? written is [(byte)'-'] : written.SequenceEqual(alt[1..]));
    }

    private static bool Shared(VcfRecord record)
    {
        var differ = false;
        foreach (var alt in record.Alts)
        {
            if (alt.Span[0] != record.Ref.Span[0]) return false;
            differ |= alt.Length != record.Ref.Length;
        }
        return differ;
    }

    private void Take(ReadOnlySpan<byte> entry, VcfRecord record)
    {
        _pieces.Clear();
        var at = 0;
        foreach (var range in entry.Split((byte)'|'))
        {
            var (start, length) = range.GetOffsetAndLength(entry.Length);
            while (length > 0 && entry[start] == ' ') (start, length) = (start + 1, length - 1);
            _pieces.Add((start, length));
            at++;
        }
        if (at != _partCount) throw Bad(record, $"an entry of {at} parts, where the header states {_partCount}");
    }

    private ReadOnlySpan<byte> PieceOf(ReadOnlySpan<byte> entry, int part) => entry.Slice(_pieces[part].Start, _pieces[part].Length);

    private InputException Bad(VcfRecord record, string what) => new("annotation-consequence", $"{_key} has {what}", new InputPlace("", record.Line, record.OffsetBytes, "INFO"));
}
