using Warehouse.Engine.Coding;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;
using Warehouse.Primitives;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// The block of gathered files that is being built. The calls of a stretch are put to their sites first, then each site becomes a record.
/// Memory: the calls of one block. One thread.
/// </summary>
internal sealed class GatherBlock
{
    private readonly IReadOnlyList<GatheredFile> _files;
    private readonly SegmentWriter _segment;
    private readonly SampleSetsBuilder _missingRows, _haploidRows, _absentRows, _adjRows, _phasedRows, _hetRows, _homRows;
    private readonly ushort[] _missing, _haploid, _fails, _phased, _het, _hom, _absent;
    private readonly BitAppender _swapped = new();
    private readonly DetailBuilder _detail = new();
    private readonly SiteTableBuilder _sites = new();
    private readonly EvidenceBuilder _evidence;
    private readonly List<RecordFlags> _phases = [];
    private readonly ByteWriter _details = new();
    private readonly bool _hasIds;
    private Placed[] _placed = [];
    private int[] _next = [];
    private bool _anySwapped;

    /// <summary>A call and whose it is.</summary>
    private readonly record struct Placed(ushort Sample, int Index, GatherCall Call);

    public GatherBlock(IReadOnlyList<GatheredFile> files, SegmentWriter segment)
    {
        (_files, _segment, _hasIds) = (files, segment, files.Any(f => f.Ids is not null));
        var n = files.Count;
        (_missingRows, _haploidRows, _absentRows, _adjRows) = (new(n), new(n), new(n), new(n));
        (_phasedRows, _hetRows, _homRows) = (new(n), new(n), new(n));
        (_missing, _haploid, _fails, _phased) = (new ushort[n], new ushort[n], new ushort[n], new ushort[n]);
        (_het, _hom, _absent) = (new ushort[n], new ushort[n], new ushort[n]);
        _evidence = new EvidenceBuilder(n);
    }

    /// <summary>Makes room for the calls of the next sites.</summary>
    /// <param name="uses">Calls of each.</param>
    public void Begin(ReadOnlySpan<int> uses)
    {
        if (_next.Length < uses.Length + 1) _next = new int[uses.Length + 1];
        var total = 0;
        for (var i = 0; i < uses.Length; i++)
        {
            _next[i] = total;
            total = checked(total + uses[i]);
        }
        _next[uses.Length] = total;
        if (_placed.Length < total) _placed = new Placed[total];
    }

    /// <summary>Puts a call to its site; files in order.</summary>
    public void Put(int site, int file, int index, in GatherCall call) => _placed[_next[site]++] = new Placed((ushort)file, index, call);

    public void AddEvidence(int file, in (int Start, int End, byte Kind) piece) => _evidence.Add(file, piece.Start, piece.End, piece.Kind);

    /// <summary>Makes the record of a site; every call has been put to its place.</summary>
    public void AddRecord(GatherSites sites, in GatherSite site, int index)
    {
        // After the last Put each place stands at the end of its site, which is the beginning of the next.
        var calls = _placed.AsSpan((index == 0 ? 0 : _next[index - 1]).._next[index]);
        AddSite(sites, site, calls);
        for (var alt = 1; alt <= site.RowCount; alt++) AddRow(calls, (byte)(alt + 1));
        AddSets(calls);
        AddSwapped(calls);
        AddDetail(calls, site.RowCount + 1);
    }

    private void AddSite(GatherSites sites, in GatherSite site, ReadOnlySpan<Placed> calls)
    {
        var flags = site.Passes ? RecordFlags.Passes : RecordFlags.None;
        var rows = sites.Rows(site);
        foreach (ref readonly var row in rows)
            if (row.Kind is AlleleKind.Bases or AlleleKind.Star) flags |= RecordFlags.Speaks;
        var filter = sites.Filter(site.Filter);
        _sites.AddRecord(site.Start, sites.Text(site.KeyAt, site.RefLength), flags, filter is [(byte)'.'] ? "." : filter.SequenceEqual("PASS"u8) ? "PASS" : System.Text.Encoding.UTF8.GetString(filter), IdOf(calls));
        foreach (ref readonly var row in rows)
        {
            var alt = sites.Text(row.AltAt, row.AltLength);
            if (row.FormAltLength < 0) _sites.AddRow(row.Kind, alt, row.Start, [], []);
            else _sites.AddRow(row.Kind, alt, row.Start, sites.Text(row.RefAt, row.RefLength), sites.Text(row.FormAltAt, row.FormAltLength));
        }
    }

    /// <summary>Files may name one variant differently; the first name is kept, as it identifies nothing here.</summary>
    private string IdOf(ReadOnlySpan<Placed> calls)
    {
        if (_hasIds)
            foreach (ref readonly var one in calls)
                if (_files[one.Sample].Ids?[one.Index] is { } id) return id;
        return ".";
    }

    private void AddRow(ReadOnlySpan<Placed> calls, byte code)
    {
        var (het, hom) = (0, 0);
        foreach (ref readonly var one in calls)
        {
            var (first, second) = (one.Call.First, one.Call.Second);
            if (first != code && second != code) continue;
            if (first == code && (second == code || second == VcfRecord.NoAllele)) _hom[hom++] = one.Sample;
            else _het[het++] = one.Sample;
        }
        _hetRows.AddIds(_het.AsSpan(0, het));
        _homRows.AddIds(_hom.AsSpan(0, hom));
    }

    private void AddSets(ReadOnlySpan<Placed> calls)
    {
        var (missing, haploid, fails, phased, absent, before) = (0, 0, 0, 0, 0, 0);
        foreach (ref readonly var one in calls)
        {
            while (before < one.Sample) _absent[absent++] = (ushort)before++;
            before = one.Sample + 1;
            if (one.Call.First == 0) _missing[missing++] = one.Sample;
            if ((one.Call.Flags & GatherFlags.FailsAdj) != 0) _fails[fails++] = one.Sample;
            if (one.Call.Second == VcfRecord.NoAllele) _haploid[haploid++] = one.Sample;
            else if ((one.Call.Flags & GatherFlags.Phased) != 0) _phased[phased++] = one.Sample;
        }
        while (before < _files.Count) _absent[absent++] = (ushort)before++;
        _missingRows.AddIds(_missing.AsSpan(0, missing));
        _haploidRows.AddIds(_haploid.AsSpan(0, haploid));
        _adjRows.AddIds(_fails.AsSpan(0, fails));
        _absentRows.AddIds(_absent.AsSpan(0, absent));
        var all = phased == calls.Length - haploid;
        _phasedRows.AddIds(all ? [] : _phased.AsSpan(0, phased));
        _phases.Add(phased == 0 ? RecordFlags.None : all ? RecordFlags.AllPhased : RecordFlags.MixedPhase);
    }

    private void AddSwapped(ReadOnlySpan<Placed> calls)
    {
        var (bits, count) = (0UL, 0);
        foreach (ref readonly var one in calls)
        {
            var (first, second) = (one.Call.First, one.Call.Second);
            if (first == second || second == VcfRecord.NoAllele || (first < 2 && second < 2)) continue;
            if (first > second) bits |= 1UL << count;
            if (++count < 64) continue;
            Append(bits, count);
            (bits, count) = (0, 0);
        }
        if (count > 0) Append(bits, count);
    }

    private void Append(ulong bits, int count)
    {
        _anySwapped |= bits != 0;
        _swapped.Append(bits, count);
    }

    /// <summary>Fields that one carrier has at least. When all have the same, their bytes are taken as they are.</summary>
    private void AddDetail(ReadOnlySpan<Placed> calls, int alleles)
    {
        var (carriers, fields, isEqual) = (0, (byte)0, true);
        foreach (ref readonly var one in calls)
        {
            if ((one.Call.Flags & GatherFlags.Carries) == 0) continue;
            isEqual &= carriers == 0 || one.Call.Fields == fields;
            fields |= one.Call.Fields;
            carriers++;
        }
        _details.Clear();
        foreach (ref readonly var one in calls)
        {
            if (fields == 0 || (one.Call.Flags & GatherFlags.Carries) == 0) continue;
            var from = _files[one.Sample].Detail.AsSpan(one.Call.DetailAt);
            if (isEqual) CopyValues(ref from, ValuesOf(fields, alleles));
            else
            {
                CopyField(ref from, one.Call.Fields, fields, FormatFields.Gq, 1);
                CopyField(ref from, one.Call.Fields, fields, FormatFields.Dp, 1);
                CopyField(ref from, one.Call.Fields, fields, FormatFields.Ad, alleles);
            }
        }
        _detail.Add(carriers, (FormatFields)fields, alleles, _details.Written);
    }

    private static int ValuesOf(byte fields, int alleles) =>
        ((fields & (byte)FormatFields.Gq) != 0 ? 1 : 0) + ((fields & (byte)FormatFields.Dp) != 0 ? 1 : 0) + ((fields & (byte)FormatFields.Ad) != 0 ? alleles : 0);

    private void CopyField(ref Span<byte> from, byte has, byte wanted, FormatFields field, int values)
    {
        if ((has & (byte)field) != 0) CopyValues(ref from, values);
        else if ((wanted & (byte)field) != 0) _details.Take(values).Clear();
    }

    /// <summary>Copies that many LEB128 numbers.</summary>
    private void CopyValues(ref Span<byte> from, int values)
    {
        var length = 0;
        for (; values > 0; length++)
            if (from[length] < 0x80) values--;
        _details.Raw(from[..length]);
        from = from[length..];
    }

    /// <summary>Writes the block, if it holds anything, and starts the next.</summary>
    public void Write(int contig)
    {
        if (_sites.RecordCount > 0 || _evidence.Count > 0)
            BlockEncoder.Encode(contig, _sites.Build(_phases), _sites.Ids, _evidence, Streams()).WriteTo(_segment);
        _sites.Clear();
        _evidence.Clear();
        _phases.Clear();
        _swapped.Clear();
        _detail.Clear();
        _anySwapped = false;
    }

    private Dictionary<BlockStream, byte[]> Streams()
    {
        var streams = new Dictionary<BlockStream, byte[]>();
        CallColumns.Put(streams, BlockStream.Het, _hetRows, null);
        CallColumns.Put(streams, BlockStream.Hom, _homRows, null);
        CallColumns.Put(streams, BlockStream.Missing, _missingRows, null);
        CallColumns.Put(streams, BlockStream.Haploid, _haploidRows, null);
        CallColumns.Put(streams, BlockStream.Absent, _absentRows, null);
        CallColumns.Put(streams, BlockStream.AdjFail, _adjRows, null);
        CallColumns.Put(streams, BlockStream.Phased, _phasedRows, null);
        if (_anySwapped) streams[BlockStream.Swapped] = PackedStream.Pack(_swapped.Finish());
        if (_detail.Any) streams[BlockStream.Detail] = PackedStream.Pack(_detail.Finish());
        return streams;
    }
}
