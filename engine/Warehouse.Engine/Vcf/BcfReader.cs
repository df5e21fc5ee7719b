using System.Buffers.Binary;
using System.Numerics;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Reads BCF 2.2 (VCF specification, 6), fills records as <see cref="VcfTextReader"/> would from the same data in text, and
/// refuses what it would refuse. Records are not linted. Integers little-endian.
/// <code>
/// file    "BCF" 2 2 | l_text 4 | text, NUL | records
/// record  l_shared 4 | l_indiv 4 | shared part | sample part
/// shared  CHROM 4 | POS 4 (0-based) | rlen 4 | QUAL 4 | n_info 2 | n_allele 2 | n_sample 3, n_fmt 1
///         | ID | alleles | FILTER | n_info x (key, value)                                  (typed values)
/// samples n_fmt x (key, descriptor, values of all samples)
/// </code>
/// </summary>
internal sealed class BcfReader : VariantReader
{
    private const int HeadBytes = 9;
    private const int FrameBytes = 8;
    private const int LeastSharedBytes = 24;
    private readonly VcfReadOptions _options;
    private readonly DecodedInput _input;
    private readonly VcfFaults _faults;
    private readonly BcfRecordParser _parser;
    private readonly byte[] _frame = new byte[FrameBytes];
    private byte[] _buffer = new byte[1 << 16];
    private long _offset;

    /// <summary>Reads the header.</summary>
    public BcfReader(DecodedInput input, VcfReadOptions options)
        : base(input)
    {
        (_options, _input) = (options, input);
        _faults = new VcfFaults(input.Raw.Name, options.Lint, Warn);
        var textBytes = ReadHead();
        var text = new HeaderText(input, textBytes);
        using var lines = new LineInput(text, HeadBytes);
        var parsed = new VcfHeaderParser(lines, _faults, options.Limits).Read();
        if (lines.Next(options.Limits.MaxLineBytes, out _)) _faults.Refuse("bcf-header", "header", "text follows the column line of the header");
        if (!text.IsWhole) Truncated("header");
        (_faults.Line, _offset) = (0, HeadBytes + textBytes);
        var dictionary = new BcfDictionary(parsed.Header, _faults, options.Limits);
        Header = new VcfHeader
        {
            Version = parsed.Header.Version,
            Contigs = parsed.Header.Contigs,
            Samples = parsed.Header.Samples,
            MetaLines = [.. parsed.Header.MetaLines.Select(BcfDictionary.WithoutIndex)],
            References = parsed.Header.References,
            Warnings = parsed.Header.Warnings,
        };
        foreach (var warning in Header.Warnings) Warn(warning);
        _parser = new BcfRecordParser(parsed, dictionary, _faults, options);
    }

    /// <inheritdoc/>
    public override VcfHeader Header { get; }

    /// <inheritdoc/>
    private protected override bool ReadNext(VcfRecord record)
    {
        while (NextFrame(out var sharedBytes, out var sampleBytes))
        {
            try
            {
                _parser.Parse(_buffer.AsMemory(0, sharedBytes), _buffer.AsSpan(sharedBytes, sampleBytes), record);
                return true;
            }
            catch (InputException fault) when (_options.SkipBadRecords)
            {
                Skip(fault);
            }
        }
        return false;
    }

    /// <summary>Length of the header text.</summary>
    private long ReadHead()
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        if (_input.ReadFully(head) < HeadBytes) Truncated("header");
        return BinaryPrimitives.ReadUInt32LittleEndian(head[5..]);
    }

    /// <summary>Brings the next record into the buffer; false at the end of the file.</summary>
    private bool NextFrame(out int sharedBytes, out int sampleBytes)
    {
        (sharedBytes, sampleBytes) = (0, 0);
        (_faults.Line, _faults.OffsetBytes) = (_faults.Line + 1, _offset);
        var got = _input.ReadFully(_frame);
        if (got == 0) return false;
        if (got < FrameBytes) Truncated("record");
        long shared = BinaryPrimitives.ReadUInt32LittleEndian(_frame);
        long samples = BinaryPrimitives.ReadUInt32LittleEndian(_frame.AsSpan(4));
        if (shared < LeastSharedBytes) _faults.Refuse("bcf-length", "", $"the record states a shared part of {shared} bytes, at least {LeastSharedBytes} are needed");
        if (shared + samples > _options.Limits.MaxLineBytes) _faults.Refuse("line-cap", "", $"the record is longer than the limit of {_options.Limits.MaxLineBytes} bytes");
        Fill((int)(shared + samples));
        (sharedBytes, sampleBytes) = ((int)shared, (int)samples);
        _offset += FrameBytes + shared + samples;
        return true;
    }

    /// <summary>Reads so many bytes. The buffer grows as they arrive, never by what is only claimed.</summary>
    private void Fill(int count)
    {
        for (var filled = 0; filled < count;)
        {
            if (filled == _buffer.Length) Array.Resize(ref _buffer, (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)count), 2L * filled));
            var want = Math.Min(count, _buffer.Length) - filled;
            var got = _input.ReadFully(_buffer.AsSpan(filled, want));
            if (got < want) Truncated("record");
            filled += got;
        }
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void Truncated(string what) => _faults.Refuse("bcf-truncated", "", $"the file ends inside a {what}: it is truncated");

    /// <summary>The header text alone: what follows it stays in the input below. The text ends at its first NUL.</summary>
    private sealed class HeaderText(DecodedInput inner, long textBytes) : DecodedInput(inner.Raw, textBytes)
    {
        private long _left = textBytes;
        private bool _ended;

        /// <summary>True when all of it has been read.</summary>
        public bool IsWhole => _left == 0;

        protected override int ReadSome(Span<byte> into)
        {
            while (true)
            {
                if (_left == 0) return 0;
                var got = inner.Read(into[..(int)Math.Min(into.Length, _left)]);
                if (got == 0) return 0;
                _left -= got;
                var text = into[..got];
                var nul = _ended ? 0 : text.IndexOf((byte)0);
                if (nul < 0) return got;
                _ended = true;
                if (text[nul..].IndexOfAnyExcept((byte)0) >= 0)
                    throw new InputException("bcf-header", "text follows the NUL that ends the header", new InputPlace(inner.Raw.Name, 0, HeadBytes, "header"));
                if (nul > 0) return nul;
            }
        }
    }
}
