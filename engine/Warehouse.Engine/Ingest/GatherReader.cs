using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// Reads files of one sample into memory, the plain ones only: VCF text whose every line is of the common shapes. It never says what is
/// wrong with a file. Whatever it does not take, good or bad, it leaves to <see cref="FileIngest"/>, whose twin it is: what it takes it
/// understands alike, and <c>GatherTests</c> compare the two. Sites are looked up among those of the files before, so that a line costs a
/// look-up and its sample column. One thread.
/// </summary>
/// <param name="request">The command.</param>
/// <param name="assembly">Of the store.</param>
/// <param name="reference">Of the store, or null.</param>
internal sealed class GatherReader(IngestRequest request, Assembly assembly, ReferenceGenome? reference)
{
    /// <summary>Memory that a file may take: so many times its bytes as stored, and <see cref="FreeBytes"/>.</summary>
    private const int MostBytesPerByte = 4;

    private const int FreeBytes = 1 << 20;

    private readonly GatherSites _sites = new();
    private readonly Normalizer _normalizer = new(reference);
    private readonly RowMaker _maker = new(new Normalizer(reference), assembly, headerVersion: 0);
    private readonly VcfRecord _record = new() { First = new byte[64], Second = new byte[64], Phased = new byte[64], SampleCount = 1, HasGt = true };
    private readonly List<ulong> _sketch = [];
    private (GatherCall[] Calls, byte[] Detail, (int Start, int End, byte Kind)[] Evidence) _room = (new GatherCall[1 << 10], new byte[1 << 12], new (int, int, byte)[1 << 8]);
    private GatheredFile _file = null!;
    private GatherRun _run = null!;
    private GatherCell _cell = null!;
    private VcfSiteRules _rules = null!;
    private VcfInfoParser _info = null!;
    private VcfHeader _header = null!;
    private Dictionary<string, int> _headerContigs = [];
    private byte[] _chrom = [];
    private string _canonical = "";
    private byte[] _filter = [];
    private int _filterIndex = -1;
    private int _fileNumber;
    private int _contigLength;
    private int _start;
    private ulong? _sketchSeed;
    private int _sketchLevel;
    private ulong _sketchLimit;

    /// <summary>Reads a file; null when it is not plain. Its errors and those of the disk come out when <see cref="FileIngest"/> reads it.</summary>
    /// <param name="path">Of a regular file.</param>
    /// <param name="stop">Cancels.</param>
    public GatheredFile? Read(string path, CancellationToken stop)
    {
        try
        {
            var limit = (Gather.LengthOf(path) * MostBytesPerByte) + FreeBytes;
            using var reader = VariantFile.Open(path, new VcfReadOptions());
            return reader is VcfTextReader text && text.Parsed is { HasFormatColumn: true } parsed && parsed.Header.Samples.Count == 1 && Read(text, path, limit, stop) ? _file : null;
        }
        catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private bool Read(VcfTextReader reader, string path, long limit, CancellationToken stop)
    {
        Begin(reader.Parsed, path);
        while (reader.NextLine(out var line))
        {
            if ((_file.Records++ & 0x3ff) == 0)
            {
                stop.ThrowIfCancellationRequested();
                if (_file.Bytes > limit) return false;
            }
            if (!TakeLine(line)) return false;
        }
        if (_file.Records == 0) return false;
        EndRun();
        _file.Sha256 = reader.Sha256OfInput();
        _sketch.Sort();
        _file.Sketch = new IdentitySketch(_sketchLevel, [.. _sketch]);
        _room = (_file.Calls, _file.Detail, _file.Evidence);
        _file.Trim();
        return true;
    }

    private void Begin(VcfParsedHeader parsed, string path)
    {
        var (faults, limits) = (new VcfFaults(path, lint: false, _ => { }), new VcfLimits());
        _header = parsed.Header;
        _file = new GatheredFile { Sites = _sites, Header = _header, Sex = new SexEvidence(1, assembly), Calls = _room.Calls, Detail = _room.Detail, Evidence = _room.Evidence };
        _rules = new VcfSiteRules(_header, faults, limits);
        _info = new VcfInfoParser(faults, limits);
        _cell = new GatherCell(faults, limits);
        _headerContigs = [];
        for (var i = 0; i < _header.Contigs.Count; i++) _headerContigs.Add(_header.Contigs[i].Name, i);
        _fileNumber++;
        _chrom = [];
        _sketch.Clear();
        (_sketchLevel, _sketchLimit) = (0, IdentitySketch.LimitOf(0));
    }

    // kernel: the columns of a line from left to right, each a few bytes; taken apart, every piece would check its place again.
    private bool TakeLine(ReadOnlyMemory<byte> memory)
    {
        var line = memory.Span;
        var at = _chrom.Length;
        if (at == 0 || line.Length <= at || line[at] != '\t' || !line.StartsWith(_chrom))
        {
            if (!EnterContig(line)) return false;
            at = _chrom.Length;
        }
        at++;
        var (position, first) = (0, at);
        for (; at < line.Length && (uint)(line[at] - '0') <= 9 && at - first < 10; at++) position = (position * 10) + line[at] - '0';
        if (at == first || at - first > 9 || at >= line.Length || line[at] != '\t') return false;
        var start = position - 1;
        if (start < Math.Max(_start, 0) || (_contigLength > 0 && start > _contigLength)) return false;
        _start = start;
        var idAt = at + 1;
        if (!Next(line, idAt, out var idEnd) || !Next(line, idEnd + 1, out var refEnd) || !Next(line, refEnd + 1, out var altEnd)) return false;
        if (!Next(line, altEnd + 1, out var qualEnd) || !Next(line, qualEnd + 1, out var filterEnd)) return false;
        var infoEnd = line[(filterEnd + 1)..].IndexOf((byte)'\t');
        if (infoEnd < 0) return false;
        infoEnd += filterEnd + 1;
        if (!IsNumber(line[(altEnd + 1)..qualEnd]) || !TakeFilter(memory[(qualEnd + 1)..filterEnd])) return false;
        var hasId = idEnd != idAt + 1 || line[idAt] != '.';
        if (hasId) _rules.SetId(_record, memory[idAt..idEnd]);
        var end = VcfRecord.MissingInt;
        if (infoEnd != filterEnd + 2 || line[filterEnd + 1] != '.')
        {
            if (!TakeInfo(memory[(filterEnd + 1)..infoEnd], start, out end)) return false;
        }
        var alt = line[(refEnd + 1)..altEnd];
        if (line[refEnd + 1] == '<' || alt is [(byte)'.'])
            return (alt is [(byte)'.'] || alt.SequenceEqual("<NON_REF>"u8) || alt.SequenceEqual("<*>"u8)) && _cell.Take(line[(infoEnd + 1)..], alt.Length == 1 ? 0 : 1) && TakeBlock(memory[(idEnd + 1)..refEnd], alt.Length > 1, end);
        return TakeCall(memory[(idEnd + 1)..altEnd], refEnd - idEnd - 1, end, line[(infoEnd + 1)..], hasId);
    }

    /// <summary>Where a column that is not empty ends.</summary>
    private static bool Next(ReadOnlySpan<byte> line, int at, out int end)
    {
        const int ShortBytes = 12;
        var near = Math.Min(line.Length, at + ShortBytes);
        for (end = at; end < near; end++)
            if (line[end] == '\t') return end > at;
        var far = end < line.Length ? line[end..].IndexOf((byte)'\t') : -1;
        end += far;
        return far >= 0;
    }

    /// <summary>QUAL.</summary>
    private static bool IsNumber(ReadOnlySpan<byte> text)
    {
        const int MostDigits = 30;
        if (text is [(byte)'.']) return true;
        var (digits, points) = (0, 0);
        foreach (var b in text)
        {
            if ((uint)(b - '0') <= 9) digits++;
            else if (b == '.' && digits > 0) points++;
            else return VcfText.TryFloat(text, out _);
        }
        return (points <= 1 && digits <= MostDigits && text[^1] != '.') || VcfText.TryFloat(text, out _);
    }

    private bool EnterContig(ReadOnlySpan<byte> line)
    {
        var tab = line.IndexOf((byte)'\t');
        if (tab <= 0 || !_headerContigs.TryGetValue(System.Text.Encoding.Latin1.GetString(line[..tab]), out var index)) return false;
        if (_file.Runs.Exists(r => r.HeaderContig == index)) return false;
        if (_chrom.Length > 0) EndRun();
        _chrom = line[..tab].ToArray();
        _canonical = ContigMap.CanonicalOf(assembly, _header.Contigs[index]);
        var contig = _sites.ContigOf(_canonical);
        if (_file.Runs.Exists(r => r.Contig == contig)) return false; // another name of it: refused there
        _run = new GatherRun(contig, index, _file.CallCount, _file.EvidenceCount);
        _file.Runs.Add(_run);
        (_contigLength, _start) = (_header.Contigs[index].LengthBases, 0);
        _sketchSeed = Assembly.ClassOf(_canonical) == ContigClass.Autosome ? IdentitySketch.SeedOf(_canonical) : null;
        _file.Sex!.Enter(_canonical);
        return _sites.Contigs.Count <= ushort.MaxValue;
    }

    private void EndRun() => (_run.CallEnd, _run.EvidenceEnd) = (_file.CallCount, _file.EvidenceCount);

    private bool TakeFilter(ReadOnlyMemory<byte> text)
    {
        if (_filterIndex >= 0 && text.Span.SequenceEqual(_filter)) return true;
        _filterIndex = _sites.FindFilter(text.Span);
        if (_filterIndex < 0)
        {
            _rules.SetFilter(_record, text);
            _filterIndex = _sites.AddFilter(text.Span);
        }
        _filter = _sites.Filter(_filterIndex).ToArray();
        _record.Passes = _filter is [(byte)'.'] || _filter.AsSpan().SequenceEqual("PASS"u8);
        return _filterIndex <= ushort.MaxValue;
    }

    /// <summary>INFO that is not missing: END alone is the common one.</summary>
    private bool TakeInfo(ReadOnlyMemory<byte> text, int start, out int end)
    {
        var span = text.Span;
        if (span.StartsWith("END="u8) && VcfText.TryDigits(span[4..], out end)) return end > start;
        (_record.Start, end) = (start, VcfRecord.MissingInt);
        _record.Alts.Clear(); // SVLEN belongs to alleles that are not taken here; with a value it is refused by its number
        _info.Parse(text, _record);
        end = _record.InfoEnd;
        return true;
    }

    private bool TakeBlock(ReadOnlyMemory<byte> reference, bool hasAlt, int infoEnd)
    {
        if (!VcfText.IsBases(reference.Span) || reference.Length > GatherSites.MaxKeyBytes) return false;
        if (_normalizer.Reference is not null && _normalizer.CheckRef(_canonical, _start, reference.Span) == RefMatch.Mismatch) return false;
        var refEnd = _start + reference.Length;
        var until = infoEnd != VcfRecord.MissingInt ? infoEnd : refEnd;
        _run.Extend(_start, Math.Max(until, refEnd));
        _file.HasBlocks |= hasAlt || until > refEnd;
        if (!_record.Passes || _cell.First != 1 || _cell.Second is not (1 or VcfRecord.NoAllele)) return true;
        var ploidy = _cell.Second == 1 ? 2 : 1;
        var quality = _cell.Gq >= 0 ? _cell.Gq : _cell.Rgq;
        if (quality >= 0 && quality < request.BlockGq) return true;
        var depth = _cell.MinDp >= 0 ? _cell.MinDp : _cell.Dp;
        var end = _cell.Len > 0 ? _start + _cell.Len : until;
        if (end <= _start) return true;
        _run.Extend(_start, end);
        AddEvidence(_start, end, EvidenceBuilder.KindOf(ploidy, AdjRule.BlockPasses(quality, depth, ploidy)));
        return true;
    }

    private void AddEvidence(int start, int end, byte kind)
    {
        var all = _file.Evidence;
        if (_file.EvidenceCount > _run.FirstEvidence && all[_file.EvidenceCount - 1] is var last && last.Kind == kind && start >= last.Start && start <= last.End)
        {
            all[_file.EvidenceCount - 1].End = Math.Max(last.End, end);
            return;
        }
        if (_file.EvidenceCount == all.Length)
        {
            Array.Resize(ref all, all.Length * 2);
            _file.Evidence = all;
        }
        all[_file.EvidenceCount++] = (start, end, kind);
    }

    private bool TakeCall(ReadOnlyMemory<byte> key, int refLength, int infoEnd, ReadOnlySpan<byte> columns, bool hasId)
    {
        if (key.Length > GatherSites.MaxKeyBytes) return false;
        var site = _sites.Find(_run.Contig, _start, _filterIndex, key.Span);
        if (site < 0 && (site = AddSite(key, refLength)) < 0) return false;
        ref var at = ref _sites[site];
        if (!_cell.Take(columns, at.RowCount) || _cell.First == VcfRecord.IrregularMark || !_sites.TryUse(site, _fileNumber)) return false;
        _run.Extend(_start, Math.Max(_start + refLength, infoEnd));
        _file.Variants += at.BaseRows;
        if (at.LeastSketch < _sketchLimit) Sketch(at);
        if (_sketchSeed is null) AddSex();
        if (_file.CallCount == _file.Calls.Length)
        {
            var larger = _file.Calls;
            Array.Resize(ref larger, larger.Length * 2);
            _file.Calls = larger;
        }
        AddId(hasId);
        var flags = (_cell.IsPhased ? GatherFlags.Phased : 0) | (_cell.FailsAdj() ? GatherFlags.FailsAdj : 0) | (_cell.Carries ? GatherFlags.Carries : 0);
        var detailAt = _file.DetailLength;
        var fields = _cell.Carries ? _cell.WriteDetail(_file) : FormatFields.None;
        _file.Calls[_file.CallCount++] = new GatherCall(site, detailAt, _cell.First, _cell.Second, flags, (byte)fields);
        return true;
    }

    /// <summary>A site that no file before had: here REF and ALT are checked and normalised, once. -1 when it is not plain.</summary>
    private int AddSite(ReadOnlyMemory<byte> key, int refLength)
    {
        if (key.Span.ContainsAnyInRange((byte)'a', (byte)'z')) return -1;
        _record.Start = _start;
        _rules.SetRef(_record, key[..refLength]);
        var alts = key[(refLength + 1)..];
        _rules.BeginAlts(_record, alts.Span.Count((byte)',') + 1);
        for (var comma = 0; comma >= 0; alts = comma < 0 ? alts : alts[(comma + 1)..])
        {
            comma = alts.Span.IndexOf((byte)',');
            _rules.AddAlt(_record, comma < 0 ? alts : alts[..comma]);
        }
        if (_record.Alts.Count > VcfRecord.MaxRegularAllele) return -1;
        if (_record.Alts.Exists(a => AlleleKinds.Classify(a.Span) is not (AlleleKind.Bases or AlleleKind.Star or AlleleKind.Unspecified))) return -1;
        var rows = _maker.Make(_canonical, _record);
        if (rows.All(r => r.Kind == AlleleKind.Unspecified)) return -1;
        if (_normalizer.CheckRef(_canonical, _start, key.Span[..refLength]) == RefMatch.Mismatch) return -1;
        return _sites.Add((_run.Contig, _start, _filterIndex, _record.Passes), key.Span, refLength, rows, _sketchSeed);
    }

    private void AddId(bool hasId)
    {
        if (!hasId && _file.Ids is null) return;
        var ids = _file.Ids ??= [.. Enumerable.Repeat<string?>(null, _file.CallCount)];
        ids.Add(hasId ? System.Text.Encoding.UTF8.GetString(_record.Id.Span) : null);
    }

    /// <summary>As <see cref="SketchBuilder"/>: every carried SNV allele whose hash is below the limit, which is halved while they are too many.</summary>
    private void Sketch(in GatherSite site)
    {
        if (_sketchSeed is null || !site.Passes) return;
        var alt = 0;
        foreach (var row in _sites.Rows(site))
        {
            var code = ++alt + 1;
            if (!row.HasSketch || row.Sketch >= _sketchLimit) continue;
            var (first, second) = (_cell.First, _cell.Second);
            if ((first != code && second != code) || first == 0 || second == 0 || _sketch.Exists(e => e >> 1 == row.Sketch)) continue;
            _sketch.Add(((ulong)row.Sketch << 1) | (first == code && (second == code || second == VcfRecord.NoAllele) ? 1UL : 0UL));
        }
        while (_sketch.Count > IdentitySketch.MeanEntries)
        {
            _sketchLimit = IdentitySketch.LimitOf(++_sketchLevel);
            _sketch.RemoveAll(e => e >> 1 >= _sketchLimit);
        }
    }

    private void AddSex()
    {
        (_record.Start, _record.First[0], _record.Second[0]) = (_start, _cell.First, _cell.Second);
        _file.Sex!.Add(_record);
    }
}
