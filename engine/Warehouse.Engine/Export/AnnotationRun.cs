using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>
/// One annotation. Most alleles are looked up as their record is read. Those that need the general way wait for the end of a window of
/// records and are asked in ascending order of their normalised starts, because a left shift can step back behind the record before; the
/// lines leave in their own order. One thread.
/// </summary>
internal sealed class AnnotationRun
{
    /// <summary>Records of a window.</summary>
    public const int WindowRecords = 4096;

    /// <summary>Bytes of lines after which a window ends early: files of many samples have long lines.</summary>
    public const int WindowBytes = 16 << 20;

    private static readonly string[] Fields = ["WH_SEEN", "WH_AC", "WH_AN", "WH_AF", "WH_HOM", "WH_CARRIERS"];

    /// <summary>Decoded blocks that are kept: records come in order, so those around the place are enough.</summary>
    private const long MaxBlockBytes = 512 << 10;

    private readonly Session _session;
    private readonly AlleleLookup _lookup;
    private readonly Normalizer _normalizer;
    private readonly string _input;
    private readonly Stream _target;
    private readonly AnnotationInfo? _notes;
    private readonly List<(int At, int Length, int FirstAllele)> _lines = [];
    private readonly List<int> _noteLengths = [];
    private readonly List<Allele> _alleles = [];
    private readonly List<(int Allele, int Start, byte[] Ref, byte[] Alt)> _waiting = [];
    private readonly AnnotationText _output = new();
    private byte[] _text = new byte[1 << 16];
    private int _used;
    private long _records;
    private long _seen;
    private long _notSeen;
    private long _notAssessable;
    private string? _damage;

    public AnnotationRun((Session Session, AnnotationSet? Notes) asked, SampleChoice samples, string input, Stream target)
    {
        var session = asked.Session;
        (_session, _input, _target) = (session, input, target);
        _notes = asked.Notes is { } set ? new AnnotationInfo(set) : null;
        _lookup = session.PrepareLookup(samples, new LookupMemory(MaxBlockBytes, inOrder: true));
        _normalizer = new Normalizer(session.Reference());
    }

    /// <summary>Copies the file.</summary>
    public AnnotationSummary Run(VariantReader reader, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var record = new VcfRecord();
        var (written, canonical) = (-1, "");
        ContigAnswers? answers = null;
        while (reader.Read(record))
        {
            if (_records++ == 0) WriteHeader(reader.Header, Columns(record.LineText.Span));
            if (record.ContigIndex != written || _lines.Count >= WindowRecords || _used >= WindowBytes)
            {
                stop.ThrowIfCancellationRequested();
                progress?.Report(new WorkProgress("annotating", reader.CompressedBytesRead, 0, "bytes"));
                Flush(answers);
            }
            if (record.ContigIndex != written)
            {
                written = record.ContigIndex;
                canonical = Canonical(reader.Header.Contigs[written], record);
                answers = AnswersOf(canonical);
            }
            Add(canonical, record, answers);
        }
        if (_records == 0) WriteHeader(reader.Header, reader.Header.Samples.Count > 0 ? 9 : 8);
        Flush(answers);
        return new AnnotationSummary(_records, _seen, _notSeen, _notAssessable) { Damage = _damage };
    }

    /// <summary>The answers of a contig; null when what the catalog says of it is damaged: then nothing of it can be assessed.</summary>
    private ContigAnswers? AnswersOf(string canonical)
    {
        try
        {
            return _lookup.Canonical(canonical);
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            _damage ??= Damage.TextOf(met);
            return null;
        }
    }

    /// <summary>The quick way; where it meets damage the general way is to tell whether the answer needs what is damaged.</summary>
    private static bool TryFind(ContigAnswers answers, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref Allele allele)
    {
        try
        {
            return answers.TryFind(start, reference, alternate, out allele.State, out allele.Figures);
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            return false;
        }
    }

    private string Canonical(VcfContig contig, VcfRecord record)
    {
        var place = new InputPlace(_input, record.Line, record.OffsetBytes, "CHROM");
        try
        {
            var canonical = _session.View.Assembly.CanonicalContig(contig.Name);
            if (canonical == "MT" && contig.LengthBases == HumanGenome.OldMitochondrionBases) return Assembly.OldMitochondrion; // as ingest reads it
            if (contig.LengthBases > 0 && _session.View.Assembly.LengthContradiction(canonical, contig.LengthBases) is { } why) throw new InputException("wrong-assembly", why, place);
            return canonical;
        }
        catch (InputException wrong) when (wrong.Place.IsNone)
        {
            throw new InputException("wrong-assembly", wrong.Expected, place);
        }
    }

    private void Add(string canonical, VcfRecord record, ContigAnswers? answers)
    {
        if (record.LineText.IsEmpty) throw new InputException("annotate-text", "BCF has no lines to annotate: bcftools view turns it into VCF", new InputPlace(_input, 0, 0, ""));
        if (record.Start >= 0 && _normalizer.CheckRef(canonical, record.Start, record.Ref.Span) == RefMatch.Mismatch)
            throw new InputException("ref-mismatch", $"{InputException.Quote(record.Ref.Span)} differs from the reference at {canonical}:{record.Start + 1L}", new InputPlace(_input, record.Line, record.OffsetBytes, "REF"));
        var line = record.LineText.Span;
        if (_text.Length - _used < line.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, checked(_used + line.Length)));
        line.CopyTo(_text.AsSpan(_used));
        var at = _used;
        _used += line.Length;
        var first = _alleles.Count;
        _notes?.Begin();
        foreach (var alt in record.Alts)
        {
            var allele = new Allele { Kind = AlleleKinds.Classify(alt.Span), State = SeenState.NotAssessable };
            if (allele.Kind == AlleleKind.Bases)
            {
                var normal = _normalizer.Normalize(canonical, record.Start, record.Ref.Span, alt.Span);
                _notes?.Add(canonical, normal.Start, normal.Ref, normal.Alt);
                if (answers is not null && !TryFind(answers, normal.Start, normal.Ref, normal.Alt, ref allele)) _waiting.Add((_alleles.Count, normal.Start, normal.Ref.ToArray(), normal.Alt.ToArray()));
            }
            else _notes?.AddNone();
            _alleles.Add(allele);
        }
        _lines.Add((at, line.Length, first));
        if (_notes is not null) AddNotes();
    }

    /// <summary>What annotations say stands behind its line until the line leaves.</summary>
    private void AddNotes()
    {
        var notes = _notes!.Text();
        if (_text.Length - _used < notes.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, checked(_used + notes.Length)));
        notes.CopyTo(_text.AsSpan(_used));
        _used += notes.Length;
        _noteLengths.Add(notes.Length);
    }

    /// <summary>Answers what waits and writes the lines of the window.</summary>
    private void Flush(ContigAnswers? answers)
    {
        _session.ChargeLookUps(_alleles.Count, _lookup.AskedSamples);
        if (_waiting.Count > 0) _waiting.Sort((a, b) => a.Start.CompareTo(b.Start));
        foreach (var (at, start, reference, alternate) in _waiting)
        {
            ref var allele = ref CollectionsMarshal.AsSpan(_alleles)[at];
            try
            {
                (allele.State, allele.Figures) = answers!.General.Ask(start, reference, alternate);
            }
            catch (Exception met) when (Damage.TextOf(met) is not null)
            {
                answers!.General.Forget();
                (allele.State, allele.Figures) = (SeenState.NotAssessable, default);
                _damage ??= Damage.TextOf(met);
            }
        }
        var alleles = CollectionsMarshal.AsSpan(_alleles);
        foreach (ref readonly var allele in alleles) Count(allele);
        for (var i = 0; i < _lines.Count; i++)
        {
            var (at, length, first) = _lines[i];
            var end = i + 1 < _lines.Count ? _lines[i + 1].FirstAllele : alleles.Length;
            _output.WriteLine(_text.AsSpan(at, length), alleles[first..end], _notes is null ? [] : _text.AsSpan(at + length, _noteLengths[i]));
        }
        _target.Write(_output.Written);
        _output.Clear();
        _waiting.Clear();
        _lines.Clear();
        _noteLengths.Clear();
        _alleles.Clear();
        _used = 0;
    }

    private void Count(in Allele allele)
    {
        if (!allele.IsAsked) return;
        switch (allele.State)
        {
            case SeenState.Seen: _seen++; break;
            case SeenState.NotSeen: _notSeen++; break;
            default: _notAssessable++; break;
        }
    }

    private static int Columns(ReadOnlySpan<byte> line) => line.Count((byte)'\t') + 1;

    private void WriteHeader(VcfHeader header, int columns)
    {
        var text = new StringBuilder();
        foreach (var line in header.MetaLines)
        {
            if (Fields.Concat(_notes?.Keys ?? []).Any(f => line.StartsWith($"##INFO=<ID={f},", StringComparison.Ordinal)))
                throw new InputException("annotated-before", "the file has been annotated before; `bcftools annotate -x INFO/WH_SEEN,INFO/WH_AC,INFO/WH_AN,INFO/WH_AF,INFO/WH_HOM,INFO/WH_CARRIERS` removes that", new InputPlace(_input, 0, 0, "INFO"));
            text.Append(line).Append('\n');
        }
        var over = string.Create(CultureInfo.InvariantCulture, $"{_lookup.SampleCount} samples of snapshot {_session.Snapshot}");
        var form = _normalizer.Reference is null ? ", alleles trimmed only" : "";
        text.Append(CultureInfo.InvariantCulture, $"##INFO=<ID=WH_SEEN,Number=A,Type=String,Description=\"seen, not_seen or not_assessable in {over}{form}\">\n");
        text.Append("##INFO=<ID=WH_AC,Number=A,Type=Integer,Description=\"Copies of the allele\">\n##INFO=<ID=WH_AN,Number=A,Type=Integer,Description=\"Called alleles where this one could be\">\n");
        text.Append("##INFO=<ID=WH_AF,Number=A,Type=Float,Description=\"WH_AC / WH_AN\">\n##INFO=<ID=WH_HOM,Number=A,Type=Integer,Description=\"Samples with two or more copies and no other allele\">\n");
        text.Append("##INFO=<ID=WH_CARRIERS,Number=A,Type=Integer,Description=\"Samples with a copy\">\n");
        foreach (var line in _notes?.MetaLines() ?? []) text.Append(line).Append('\n');
        text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO");
        if (columns > 8) text.Append("\tFORMAT");
        foreach (var sample in header.Samples) text.Append('\t').Append(sample);
        _target.Write(Encoding.UTF8.GetBytes(text.Append('\n').ToString()));
    }

    /// <summary>One ALT of the window.</summary>
    internal struct Allele
    {
        public AlleleKind Kind;

        public SeenState State;

        public CountFigures Figures;

        /// <summary>False for what is no allele of its own.</summary>
        public readonly bool IsAsked => Kind is not (AlleleKind.Star or AlleleKind.Unspecified);
    }
}
