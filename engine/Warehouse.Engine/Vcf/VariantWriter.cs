using System.Buffers;
using System.IO.Compression;
using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Writes a variant file: VCF 4.1 to 4.3 as text, plain or BGZF, or as BCF 2.2. What other programs would warn of is refused: every
/// contig, FILTER, INFO and FORMAT key must be declared in the meta lines, by a type that fits. One thread.
/// <para>
/// A file is whole when <see cref="Finish"/> has returned. Disposing an unfinished writer leaves a compressed file without its
/// end block, which readers refuse, and plain text that merely stops: keep that under another name until it is finished.
/// After an exception the writer can only be disposed.
/// </para>
/// </summary>
public sealed class VariantWriter : IDisposable
{
    private const int FirstVersionWithLeadingPhase = 404;
    private readonly Stream _target;
    private readonly Stream _stream;
    private readonly VcfTextEncoder? _text;
    private readonly BcfEncoder? _binary;
    private readonly VcfFaults _faults = new("output", lint: false, _ => { });
    private readonly VcfSiteRules _rules;
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);
    private bool _finished;

    /// <summary>Checks and writes the header.</summary>
    /// <param name="target">Receives the bytes; disposed with the writer.</param>
    /// <param name="encoding">What to write.</param>
    /// <param name="metaLines">Lines beginning with ##, without line ends; the first is the fileformat, 4.1 to 4.3.</param>
    /// <param name="samples">Sample names in column order; none for a sites-only file.</param>
    /// <param name="threads">Threads that compress; the bytes do not depend on it.</param>
    /// <exception cref="InputException">The header is none that a reader would take.</exception>
    /// <exception cref="ArgumentException">The header is of version 4.4 or later, or an item holds a line end or tab.</exception>
    public VariantWriter(Stream target, VariantEncoding encoding, IReadOnlyList<string> metaLines, IReadOnlyList<string> samples, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(metaLines);
        ArgumentNullException.ThrowIfNull(samples);
        var text = HeaderText(metaLines, samples);
        using var lines = new LineInput(new PlainInput(new RawInput(new MemoryStream(text), "output")));
        var parsed = new VcfHeaderParser(lines, _faults, new VcfLimits()).Read();
        if (parsed.Header.Version >= FirstVersionWithLeadingPhase) throw new ArgumentException("the fileformat is above VCFv4.3", nameof(metaLines));
        Header = parsed.Header;
        _rules = new VcfSiteRules(Header, _faults, new VcfLimits());
        (_faults.Line, _faults.OffsetBytes) = (0, 0);
        _target = target;
        _stream = encoding == VariantEncoding.Vcf ? target : new BgzfWriter(target, CompressionLevel.Fastest, threads, leaveOpen: true);
        if (encoding != VariantEncoding.Bcf)
        {
            _text = new VcfTextEncoder(parsed, _buffer);
            _stream.Write(text);
            return;
        }
        _binary = new BcfEncoder(parsed, new BcfDictionary(parsed.Header, _faults, new VcfLimits()), _buffer);
        _binary.WriteHeader(text);
        WriteBuffer();
    }

    /// <summary>The header as readers will see it; contig indexes of records are places in its contigs.</summary>
    public VcfHeader Header { get; }

    /// <summary>Writes one record; records come contig by contig, positions ascending.</summary>
    /// <param name="record">
    /// ContigIndex is a place in the contigs of <see cref="Header"/>. SampleCount is that of the header, or 0 with HasGt false and no
    /// Fields for a record without sample columns filled. ID, REF and ALT are as readers give them, and written as they are. InfoEnd, SvLen, SvType, CiPos, CiEnd and LineText are not written: they
    /// belong to <paramref name="info"/>. A leading phase character of an irregular call is left out: VCF 4.3 has none.
    /// </param>
    /// <param name="info">INFO in order, each key once.</param>
    /// <exception cref="InputException">The record is out of order, or lies beyond the end of its contig.</exception>
    /// <exception cref="ArgumentException">The record uses what the header does not declare, or does not fit it.</exception>
    public void Write(VcfRecord record, ReadOnlySpan<VcfInfoEntry> info)
    {
        ArgumentNullException.ThrowIfNull(record);
        ObjectDisposedException.ThrowIf(_finished, this);
        if ((uint)record.ContigIndex >= (uint)Header.Contigs.Count) throw new ArgumentException("the contig is none of the header", nameof(record));
        if (record.SampleCount != Header.Samples.Count && (record.SampleCount != 0 || record.HasGt || record.Fields != FormatFields.None))
            throw new ArgumentException($"the record has {record.SampleCount} samples, the header {Header.Samples.Count}", nameof(record));
        _faults.Line++;
        if (record.ContigIndex != _rules.CurrentContig) _rules.CheckContig(record.ContigIndex, Encoding.UTF8.GetBytes(Header.Contigs[record.ContigIndex].Name));
        _rules.SetPosition(record, record.Start + 1);
        if (_text is not null) _text.Write(record, info);
        else _binary!.Write(record, info);
        _rules.Accept(record);
        WriteBuffer();
    }

    /// <summary>Ends the file and flushes it to the target.</summary>
    public void Finish()
    {
        if (_finished) return;
        _finished = true;
        if (_stream == _target) _target.Flush();
        else _stream.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The BGZF writer would end the file on its own Dispose: an unfinished one must not look whole.
        _finished = true;
        _target.Dispose();
    }

    private static byte[] HeaderText(IReadOnlyList<string> metaLines, IReadOnlyList<string> samples)
    {
        var text = new StringBuilder();
        foreach (var line in metaLines) text.Append(BcfDictionary.WithoutIndex(Checked(line))).Append('\n');
        text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO");
        if (samples.Count > 0) text.Append("\tFORMAT");
        foreach (var sample in samples) text.Append('\t').Append(Checked(sample));
        return Encoding.UTF8.GetBytes(text.Append('\n').ToString());
    }

    private static string Checked(string item) => item.AsSpan().IndexOfAny("\r\n\t\0") < 0
        ? item
        : throw new ArgumentException("a header item has a line end, a tab or a NUL");

    private void WriteBuffer()
    {
        _stream.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }
}
