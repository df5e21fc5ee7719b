using System.Text;
using Warehouse.Engine.Vcf;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>Reads the records of a VCF into rows, by a mapping that has been made to fit its header. One thread.</summary>
internal sealed class VcfAnnotations
{
    private const int MostFieldsUnasked = 64;
    private readonly VariantReader _reader;
    private readonly AnnotationIntake _intake;
    private readonly InputPlace _place;
    private readonly long _totalBytes;
    private readonly List<(int Field, Piece Piece, char Number)> _columns = [];
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly List<(byte[] Key, char Number, int Field)> _info = [];
    private readonly List<(int Slot, Consequences Plan, int FirstField)> _consequences = [];
    private readonly AlleleList? _list;
    private (int Start, int Length)[] _found = [];
    private int _expected;
    private bool _isAscii;

    public VcfAnnotations(VariantReader reader, AnnotationMapping mapping, AnnotationIntake intake, string file)
    {
        (_reader, _intake, _place, _totalBytes) = (reader, intake, new InputPlace(file, 0, 0, "header"), AnnotationLoad.BytesOf(file));
        foreach (var reference in reader.Header.References) intake.RequireAssembly(reference, "##reference");
        var declared = Declared(reader.Header);
        var fields = new List<AnnotationField>();
        var mapped = mapping.Fields.Count > 0 || mapping.Consequences.Count > 0 ? mapping.Fields : AllOf(declared);
        foreach (var field in mapped) Add(field, declared, mapping.FieldsAreOptional, fields);
        if (mapping.AlleleList is { } list && declared.ContainsKey(list) && _taken.Add(list)) _info.Add((Encoding.UTF8.GetBytes(list), '1', -1));
        var consequences = mapping.Consequences.Count > 0 ? mapping.Consequences : ((string[])["CSQ", "ANN"]).Where(k => declared.ContainsKey(k) && (mapping.Fields.Count == 0 || mapping.FieldsAreOptional));
        foreach (var key in consequences) AddConsequences(key, declared, fields);
        if (fields.Count is 0 or > AnnotationField.MaxFields) throw Bad("annotation-fields", $"the mapping takes {fields.Count} fields of this file: 1 to {AnnotationField.MaxFields} are possible");
        if (fields.Select(f => f.Name).Distinct(StringComparer.Ordinal).Count() != fields.Count) throw Bad("annotation-fields", "two fields have one name");
        OrderByHeader([.. declared.Keys]);
        if (mapping.AlleleList is { } alleles && declared.ContainsKey(alleles)) _list = new AlleleList(alleles, _info.FindIndex(i => i.Key.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(alleles))), [.. Enumerable.Range(0, _info.Count).Where(i => _info[i].Number == 'L')]);
        (Fields, _found) = (fields, new (int, int)[_info.Count]);
        Unmapped = [.. declared.Keys.Where(k => !_taken.Contains(k)).Order(StringComparer.Ordinal)];
    }

    private enum Piece
    {
        Id,
        Qual,
        Filter,
    }

    public IReadOnlyList<AnnotationField> Fields { get; }

    /// <summary>INFO keys of the header that no field has.</summary>
    public IReadOnlyList<string> Unmapped { get; }

    /// <summary>Lines of the header that say what the file is.</summary>
    public IReadOnlyList<string> Lineage =>
        [.. _reader.Header.MetaLines.Where(l => !l.StartsWith("##INFO=", StringComparison.Ordinal) && !l.StartsWith("##contig=", StringComparison.Ordinal) && !l.StartsWith("##FORMAT=", StringComparison.Ordinal) && !l.StartsWith("##FILTER=", StringComparison.Ordinal))
            .Take(32).Select(l => l.Length <= 1000 ? l : l[..1000])];

    /// <summary>Reads all records.</summary>
    public long ReadInto(AnnotationSink sink, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var record = new VcfRecord();
        var (written, contig, canonical, records) = (-1, -1, "", 0L);
        while (_reader.Read(record))
        {
            if ((records++ & 0x1fff) == 0)
            {
                stop.ThrowIfCancellationRequested();
                progress?.Report(new WorkProgress("reading", _reader.CompressedBytesRead, _totalBytes, "bytes"));
            }
            if (record.ContigIndex != written)
            {
                written = record.ContigIndex;
                var named = _reader.Header.Contigs[written];
                canonical = _intake.Canonical(named.Name, named.LengthBases, _place with { Line = record.Line, OffsetBytes = record.OffsetBytes, Field = "CHROM" });
                contig = sink.ContigOf(canonical);
            }
            Add(record, contig, canonical, sink);
        }
        return records;
    }

    private void Add(VcfRecord record, int contig, string canonical, AnnotationSink sink)
    {
        var at = (record.Line, record.OffsetBytes);
        if (record.LineText.IsEmpty) throw new InputException("annotation-text", "BCF is not read as annotations: bcftools view turns it into VCF", _place with { Field = "" });
        if (record.Alts.Count == 0)
        {
            _intake.LeaveOut("no ALT");
            return;
        }
        if (record.Start < 0)
        {
            _intake.LeaveOut("POS 0");
            return;
        }
        if (!_intake.Accepts(canonical, record.Start, record.Ref.Span, at)) return;
        _isAscii = Ascii.IsValid(record.LineText.Span);
        FindInfo(record.LineText.Span);
        if (_list?.Read(record, _found) == true)
        {
            foreach (var reason in _list.LeftOut) _intake.LeaveOut(reason);
            for (var entry = 0; entry < _list.Alleles.Count; entry++)
                if (_list.Alleles[entry] > 0) Add(record, (contig, canonical), (_list.Alleles[entry] - 1, entry), sink);
            return;
        }
        for (var i = 0; i < record.Alts.Count; i++) Add(record, (contig, canonical), (i, -1), sink);
    }

    /// <summary>One row.</summary>
    /// <param name="record">The record.</param>
    /// <param name="at">Its contig, by number and canonical name.</param>
    /// <param name="what">Which ALT, from 0, and which entry of its lists; -1 = the lists are whole values.</param>
    /// <param name="sink">Takes it.</param>
    private void Add(VcfRecord record, (int Contig, string Canonical) at, (int Allele, int Entry) what, AnnotationSink sink)
    {
        var alt = record.Alts[what.Allele].Span;
        if (AlleleKinds.Classify(alt) is var kind && kind != AlleleKind.Bases)
        {
            _intake.LeaveOut(kind switch { AlleleKind.Symbolic => "symbolic ALT", AlleleKind.Breakend => "breakend", _ => "ALT is * or <*>" });
            return;
        }
        if (Ascii.EqualsIgnoreCase(alt, record.Ref.Span))
        {
            _intake.LeaveOut("ALT is REF");
            return;
        }
        var normal = _intake.Normalizer.Normalize(at.Canonical, record.Start, record.Ref.Span, alt);
        sink.Rows.Add(at.Contig, normal.Start, normal.Ref, normal.Alt, record.Line);
        SetCells(sink.Rows, record, what.Allele, what.Entry);
        sink.EndRow();
    }

    private void SetCells(AnnotationRows rows, VcfRecord record, int allele, int entry)
    {
        var line = record.LineText.Span;
        var (at, alleles) = ((record.Line, record.OffsetBytes), record.Alts.Count);
        foreach (var (field, piece, _) in _columns)
        {
            var text = piece switch { Piece.Id => record.Id.Span, Piece.Filter => record.Filter.Span, _ => QualOf(line) };
            if (text is not [(byte)'.']) AnnotationCells.Set(rows.Column(field), Fields[field], text, at, _isAscii);
        }
        for (var slot = 0; slot < _info.Count; slot++)
        {
            var (start, length) = _found[slot];
            var (_, number, field) = _info[slot];
            if (start == 0 || field < 0) continue;
            if (length < 0)
            {
                // A key without a value: true where a flag is expected.
                if (Fields[field].Type == AnnotationType.Flag) rows.Column(field).Set(1);
                else throw new InputException("annotation-value", $"{Fields[field].Name} has no value", new InputPlace("", record.Line, record.OffsetBytes, "INFO"));
                continue;
            }
            var value = line.Slice(start, length);
            if (number == 'L' && entry >= 0) value = AlleleList.ItemOf(value, entry);
            if (number is 'A' or 'R') value = ItemOf(value, number == 'A' ? allele : allele + 1, number == 'A' ? alleles : alleles + 1, record, Fields[field]);
            if (value is not [(byte)'.']) AnnotationCells.Set(rows.Column(field), Fields[field], value, at, _isAscii);
        }
        foreach (var (slot, plan, first) in _consequences)
            if (_found[slot].Length > 0) plan.Set(line.Slice(_found[slot].Start, _found[slot].Length), record, allele, (rows, first));
    }

    /// <summary>Notes where the values of the fields lie. Files write their keys in one order, so the key after the last one is tried first.</summary>
    private void FindInfo(ReadOnlySpan<byte> line)
    {
        Array.Clear(_found);
        if (_info.Count == 0) return;
        var at = 0;
        for (var column = 0; column < 7; column++) at += line[at..].IndexOf((byte)'\t') + 1;
        var end = line[at..].IndexOf((byte)'\t') is >= 0 and var tab ? at + tab : line.Length;
        while (at <= end)
        {
            var length = line[at..end].IndexOf((byte)';');
            var next = length < 0 ? end : at + length;
            var entry = line[at..next];
            var equals = entry.IndexOf((byte)'=');
            var slot = SlotOf(equals < 0 ? entry : entry[..equals]);
            if (slot >= 0) _found[slot] = equals < 0 ? (at, -1) : (at + equals + 1, entry.Length - equals - 1);
            at = next + 1;
        }
    }

    /// <summary>Puts the keys into the order of the header, which is that of the records in most files: then the next one is guessed right.</summary>
    private void OrderByHeader(string[] declared)
    {
        int[] order = [.. Enumerable.Range(0, _info.Count).OrderBy(i => Array.IndexOf(declared, Encoding.UTF8.GetString(_info[i].Key)))];
        var (info, consequences) = (order.Select(i => _info[i]).ToList(), _consequences.Select(c => (Array.IndexOf(order, c.Slot), c.Plan, c.FirstField)).ToList());
        _info.Clear();
        _info.AddRange(info);
        _consequences.Clear();
        _consequences.AddRange(consequences);
    }

    private int SlotOf(ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < _info.Count; i++)
        {
            var slot = _expected + i < _info.Count ? _expected + i : _expected + i - _info.Count;
            if (!_info[slot].Key.AsSpan().SequenceEqual(key)) continue;
            _expected = slot + 1 == _info.Count ? 0 : slot + 1;
            return slot;
        }
        return -1;
    }

    private static ReadOnlySpan<byte> QualOf(ReadOnlySpan<byte> line)
    {
        for (var column = 0; column < 5; column++) line = line[(line.IndexOf((byte)'\t') + 1)..];
        return line[..line.IndexOf((byte)'\t')];
    }

    private static ReadOnlySpan<byte> ItemOf(ReadOnlySpan<byte> value, int index, int count, VcfRecord record, AnnotationField field)
    {
        if (value is [(byte)'.']) return value;
        if (value.Count((byte)',') + 1 != count)
            throw new InputException("annotation-number", $"{field.Name} has {value.Count((byte)',') + 1} values for {record.Alts.Count} ALT alleles", new InputPlace("", record.Line, record.OffsetBytes, "INFO"));
        for (; index > 0; index--) value = value[(value.IndexOf((byte)',') + 1)..];
        return value.IndexOf((byte)',') is >= 0 and var comma ? value[..comma] : value;
    }

    private void Add(MappedField mapped, Dictionary<string, (string Number, string Type, string Description)> declared, bool isOptional, List<AnnotationField> fields)
    {
        if (mapped.From is "ID" or "QUAL" or "FILTER")
        {
            _columns.Add((fields.Count, mapped.From switch { "ID" => Piece.Id, "QUAL" => Piece.Qual, _ => Piece.Filter }, mapped.Number));
            fields.Add(mapped.Field);
            return;
        }
        var key = mapped.From.StartsWith("INFO/", StringComparison.Ordinal) ? mapped.From[5..] : mapped.From;
        if (!declared.TryGetValue(key, out var definition))
        {
            if (isOptional) return;
            throw Bad("annotation-field", $"the header does not declare INFO {InputException.Quote(Encoding.UTF8.GetBytes(key))}");
        }
        if (!_taken.Add(key)) throw Bad("annotation-field", $"two fields are of INFO {key}");
        _info.Add((Encoding.UTF8.GetBytes(key), mapped.Number, fields.Count));
        fields.Add(mapped.Field.Description.Length > 0 ? mapped.Field : mapped.Field with { Description = definition.Description });
    }

    private void AddConsequences(string key, Dictionary<string, (string Number, string Type, string Description)> declared, List<AnnotationField> fields)
    {
        if (!declared.TryGetValue(key, out var definition)) throw Bad("annotation-field", $"the header does not declare INFO {InputException.Quote(Encoding.UTF8.GetBytes(key))}");
        var plan = Consequences.Of(key, definition.Description) ?? throw Bad("annotation-layout", $"the description of INFO {key} does not say how it is laid out: Format: Allele|Consequence|…");
        if (!_taken.Add(key)) throw Bad("annotation-field", $"two fields are of INFO {key}");
        _info.Add((Encoding.UTF8.GetBytes(key), '1', -1));
        _consequences.Add((_info.Count - 1, plan, fields.Count));
        fields.AddRange(plan.Fields);
    }

    private List<MappedField> AllOf(Dictionary<string, (string Number, string Type, string Description)> declared)
    {
        if (declared.Count > MostFieldsUnasked) throw Bad("annotation-mapping", $"the header declares {declared.Count} INFO keys: a mapping must say which are wanted (without one, at most {MostFieldsUnasked})");
        var all = new List<MappedField> { new(new AnnotationField("ID", AnnotationType.Text), "ID") };
        foreach (var (key, (number, type, description)) in declared)
        {
            if (Consequences.Of(key, description) is not null) continue;
            var one = number is "1" or "A" or "R";
            var kind = type switch { "Flag" => AnnotationType.Flag, "Integer" when one => AnnotationType.Integer, "Float" when one => AnnotationType.Real, _ => AnnotationType.Text };
            if (key != "ID" && AnnotationField.IsName(key)) all.Add(new MappedField(new AnnotationField(key, kind), "INFO/" + key, number is "A" or "R" ? number[0] : '1'));
        }
        return all;
    }

    /// <summary>INFO keys of the header, in its order.</summary>
    private static Dictionary<string, (string Number, string Type, string Description)> Declared(VcfHeader header)
    {
        const string prefix = "##INFO=";
        var declared = new Dictionary<string, (string, string, string)>(StringComparer.Ordinal);
        foreach (var line in header.MetaLines)
        {
            if (!line.StartsWith(prefix, StringComparison.Ordinal)) continue;
            var meta = VcfMetaFields.Parse(line[prefix.Length..]);
            if (meta.Get("ID") is { Length: > 0 } id) declared.TryAdd(id, (meta.Get("Number") ?? "", meta.Get("Type") ?? "", meta.Get("Description") is { } text ? text[..Math.Min(text.Length, 4096)] : ""));
        }
        return declared;
    }

    private InputException Bad(string code, string expected) => new(code, expected, _place);
}
