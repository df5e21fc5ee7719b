namespace Warehouse.Engine.Vcf;

/// <summary>
/// Reads VCF text. Every record is understood or refused with its place. Lines end in LF or CR LF, the last one may lack its end;
/// empty lines are accepted at the end of the file alone; a byte order mark is refused.
/// </summary>
internal sealed class VcfTextReader : VariantReader
{
    private readonly VcfReadOptions _options;
    private readonly LineInput _lines;
    private readonly VcfFaults _faults;
    private readonly VcfRecordParser _parser;

    /// <summary>Reads the header.</summary>
    public VcfTextReader(DecodedInput input, VcfReadOptions options)
        : base(input)
    {
        _options = options;
        _lines = new LineInput(input);
        _faults = new VcfFaults(input.Raw.Name, options.Lint, Warn);
        try
        {
            Parsed = new VcfHeaderParser(_lines, _faults, options.Limits).Read();
        }
        catch
        {
            _lines.Dispose(); // nobody else knows its buffer
            throw;
        }
        foreach (var warning in Header.Warnings) Warn(warning);
        _parser = new VcfRecordParser(Parsed, _faults, options);
    }

    /// <inheritdoc/>
    public override VcfHeader Header => Parsed.Header;

    /// <summary>The header with what only readers need.</summary>
    internal VcfParsedHeader Parsed { get; }

    /// <summary>False when the last line that was read had no line end.</summary>
    internal bool EndedWithLineEnd => _lines.EndedWithLineEnd;

    /// <summary>The next line as it is, for a caller who parses and counts himself; false at the end of the file, which has been checked then. Not together with Read.</summary>
    internal bool NextLine(out ReadOnlyMemory<byte> line)
    {
        if (_lines.Next(_options.Limits.MaxLineBytes, out line)) return true;
        End();
        return false;
    }

    /// <inheritdoc/>
    private protected override bool ReadNext(VcfRecord record)
    {
        while (_lines.Next(_options.Limits.MaxLineBytes, out var line))
        {
            (_faults.Line, _faults.OffsetBytes) = (_lines.Line, _lines.LineOffset);
            if (line.IsEmpty)
            {
                CheckOnlyEmptyLinesFollow();
                break;
            }
            try
            {
                _parser.Parse(line, record);
                return true;
            }
            catch (InputException fault) when (_options.SkipBadRecords)
            {
                Skip(fault);
            }
        }
        if (!_lines.EndedWithLineEnd) _faults.Warn("vcf-no-newline", "", "the last line does not end with a line end");
        return false;
    }

    /// <inheritdoc/>
    private protected override void Release() => _lines.Dispose();

    private void CheckOnlyEmptyLinesFollow()
    {
        _faults.Warn("vcf-empty-line", "", "empty lines at the end of the file");
        for (var count = 2; _lines.Next(_options.Limits.MaxLineBytes, out var line); count++)
        {
            if (!line.IsEmpty) _faults.Refuse("vcf-empty-line", "", "the line is empty, and more lines follow");
            if (count > _options.Limits.MaxEmptyLines) _faults.Refuse("vcf-empty-line", "", $"more than {_options.Limits.MaxEmptyLines} empty lines follow");
        }
    }
}
