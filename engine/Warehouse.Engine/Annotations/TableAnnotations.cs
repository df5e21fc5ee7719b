using System.Globalization;
using System.Text;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Annotations;

/// <summary>Reads a TSV or BED into rows, by a mapping. Every line has the columns of the first; what is not understood refuses the file with its place. One thread.</summary>
internal sealed class TableAnnotations
{
    private const int MaxLineBytes = 16 << 20;
    private const int MaxColumns = 10_000;
    private readonly LineInput _lines;
    private readonly DecodedInput _input;
    private readonly AnnotationMapping _mapping;
    private readonly AnnotationIntake _intake;
    private readonly string _file;
    private readonly long _totalBytes;
    private readonly int[] _columnOfField;
    private readonly int _contig, _start, _end, _ref, _alt;
    private readonly byte[][] _missing;
    private readonly List<Range> _cells = [];
    private readonly string[] _header = [];

    /// <summary>Reads the header.</summary>
    /// <param name="from">The file.</param>
    /// <param name="mapping">How it is read.</param>
    /// <param name="intake">Judges places and alleles.</param>
    /// <param name="file">Name for errors.</param>
    public TableAnnotations((DecodedInput Input, LineInput Lines) from, AnnotationMapping mapping, AnnotationIntake intake, string file)
    {
        ((_input, _lines), _mapping, _intake, _file, _totalBytes) = (from, mapping, intake, file, AnnotationLoad.BytesOf(file));
        _missing = [.. mapping.Missing.Select(Encoding.UTF8.GetBytes)];
        if (mapping.Format == AnnotationFormat.Tsv)
        {
            if (!_lines.Next(MaxLineBytes, out var header)) throw Bad("table-header", "the file ends before its header line", "");
            _header = Encoding.UTF8.GetString(header.Span).TrimStart('#').Split('\t');
            (_contig, _start, _end) = (Column(mapping.Places["contig"]), Column(mapping.Places.GetValueOrDefault("pos") ?? mapping.Places["start"]), mapping.Places.TryGetValue("end", out var end) ? Column(end) : -1);
            (_ref, _alt) = _end >= 0 ? (-1, -1) : (Column(mapping.Places["ref"]), Column(mapping.Places["alt"]));
        }
        else (_contig, _start, _end, _ref, _alt) = (0, 1, 2, -1, -1);
        _columnOfField = [.. mapping.Fields.Select(f => Column(f.From))];
    }

    public IReadOnlyList<string> Lineage => _header.Length == 0 ? [] : [string.Join('\t', _header) is var text && text.Length <= 1000 ? text : text[..1000]];

    /// <summary>Reads all lines.</summary>
    public long ReadInto(AnnotationSink sink, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var (records, columns) = (0L, _header.Length);
        while (_lines.Next(MaxLineBytes, out var line))
        {
            if ((_lines.Line & 0x1fff) == 0)
            {
                stop.ThrowIfCancellationRequested();
                progress?.Report(new WorkProgress("reading", _input.Raw.BytesRead, _totalBytes, "bytes"));
            }
            var text = line.Span;
            if (_mapping.Format == AnnotationFormat.Bed && (text.IsEmpty || text[0] == '#' || text.StartsWith("track"u8) || text.StartsWith("browser"u8))) continue;
            Split(text);
            if (columns == 0) columns = _cells.Count;
            if (_cells.Count != columns) throw Bad("table-columns", $"the line has {_cells.Count} columns, and {columns} are expected", "");
            foreach (var column in _columnOfField)
                if (column >= columns) throw Bad("table-columns", $"there is no column {column + 1}", "");
            records++;
            Add(text, sink);
        }
        if (records > 0 && !_lines.EndedWithLineEnd) throw Bad("truncated", "the last line has no line end: the file is cut off", "");
        return records;
    }

    private void Add(ReadOnlySpan<byte> line, AnnotationSink sink)
    {
        if (_cells.Count < 3) throw Bad("table-columns", "a line has at least three columns", "");
        var name = line[_cells[_contig]];
        if (name.IsEmpty) throw Bad("table-contig", "the contig is empty", "contig");
        var canonical = _intake.Canonical(Encoding.UTF8.GetString(name), 0, Place("contig"));
        var start = Position(line[_cells[_start]], _end >= 0 ? 0 : 1);
        if (_end >= 0)
        {
            var end = Position(line[_cells[_end]], 0);
            if (end <= start) throw Bad("table-interval", "the end is not behind the start", "end");
            _intake.RequireInside(canonical, end, Place("end"));
            sink.Rows.Add(sink.ContigOf(canonical), start, end - start, _lines.Line);
        }
        else if (!TryAddAllele(line, canonical, start, sink)) return;
        for (var i = 0; i < _columnOfField.Length; i++)
        {
            var value = line[_cells[_columnOfField[i]]];
            if (!IsMissing(value)) AnnotationCells.Set(sink.Rows.Column(i), _mapping.Fields[i].Field, value, (_lines.Line, _lines.LineOffset));
        }
        sink.EndRow();
    }

    private bool TryAddAllele(ReadOnlySpan<byte> line, string canonical, int start, AnnotationSink sink)
    {
        var reference = line[_cells[_ref]];
        var alternate = line[_cells[_alt]];
        foreach (var (allele, role) in (ReadOnlySpan<(Range, string)>)[(_cells[_ref], "ref"), (_cells[_alt], "alt")])
            if (AlleleKinds.Classify(line[allele]) != AlleleKind.Bases) throw Bad("table-allele", $"{role} must be bases ACGTN, one at least, found {InputException.Quote(line[allele])}", role);
        if (!_intake.Accepts(canonical, start, reference, (_lines.Line, _lines.LineOffset))) return false;
        if (Ascii.EqualsIgnoreCase(reference, alternate))
        {
            _intake.LeaveOut("ALT is REF");
            return false;
        }
        var normal = _intake.Normalizer.Normalize(canonical, start, reference, alternate);
        sink.Rows.Add(sink.ContigOf(canonical), normal.Start, normal.Ref, normal.Alt, _lines.Line);
        return true;
    }

    private int Position(ReadOnlySpan<byte> text, int first)
    {
        if (!VcfText.TryDigits(text, out var position) || position < first) throw Bad("table-position", $"a position is digits, from {first} on, found {InputException.Quote(text)}", first == 0 ? "start" : "pos");
        return position - first;
    }

    private bool IsMissing(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return true;
        foreach (var word in _missing)
            if (value.SequenceEqual(word)) return true;
        return false;
    }

    private void Split(ReadOnlySpan<byte> line)
    {
        _cells.Clear();
        foreach (var range in line.Split((byte)'\t'))
        {
            if (_cells.Count == MaxColumns) throw Bad("table-columns", $"more than {MaxColumns} columns", "");
            _cells.Add(range);
        }
    }

    /// <summary>Place of a column: by name where there is a header, else by number from 1.</summary>
    private int Column(string name)
    {
        var at = Array.IndexOf(_header, name);
        if (at >= 0 && Array.LastIndexOf(_header, name) != at) throw Bad("table-column", $"two columns are named {InputException.Quote(Encoding.UTF8.GetBytes(name))}", "");
        if (at < 0 && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= MaxColumns && (_header.Length == 0 || number <= _header.Length)) return number - 1;
        return at >= 0 ? at : throw Bad("table-column", $"there is no column {InputException.Quote(Encoding.UTF8.GetBytes(name))}", "");
    }

    private InputPlace Place(string field) => new(_file, _lines.Line, _lines.LineOffset, field);

    private InputException Bad(string code, string expected, string field) => new(code, expected, Place(field));
}
