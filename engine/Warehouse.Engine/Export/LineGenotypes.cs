using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>
/// Fills the genotype columns of a line for every chosen sample: from its own record of the line where it has one, else from
/// <see cref="OtherCalls"/>. The record is reused from line to line. One thread.
/// </summary>
internal sealed class LineGenotypes
{
    private const int PaddedTo = 64;
    private readonly bool[] _filled;
    private readonly OtherCalls _others;
    private int _left;

    public LineGenotypes(StoreView view, int contig, Selection selection, LineScan scan)
    {
        _filled = new bool[selection.SlotCount];
        _others = new OtherCalls(view, contig, selection, scan);
        var padded = (selection.SlotCount + PaddedTo - 1) / PaddedTo * PaddedTo;
        Record = new VcfRecord
        {
            SampleCount = selection.SlotCount, HasGt = true, Qual = float.NaN, InfoEnd = VcfRecord.MissingInt, First = new byte[padded], Second = new byte[padded],
            Phased = new byte[padded], Gq = new int[selection.SlotCount], Dp = new int[selection.SlotCount],
        };
    }

    /// <summary>The line as a record: place, texts, genotypes; FORMAT fields that any sample has.</summary>
    public VcfRecord Record { get; }

    /// <summary>Copies of each ALT allele in the columns as written.</summary>
    public int[] Ac { get; private set; } = [];

    /// <summary>Called alleles in the columns as written.</summary>
    public int An { get; private set; }

    /// <summary>Fills <see cref="Record"/> from a line of the scan that is still at it.</summary>
    public void Fill(Line line)
    {
        var alleles = line.First.Rows.Length + 1;
        Record.Irregular.Clear();
        Record.Fields = FormatFields.None;
        if (Record.Ad.Length < Record.SampleCount * alleles) Record.Ad = new int[checked(Record.SampleCount * alleles)];
        Record.Gq.AsSpan().Fill(VcfRecord.MissingInt);
        Record.Dp.AsSpan().Fill(VcfRecord.MissingInt);
        Record.Ad.AsSpan(0, Record.SampleCount * alleles).Fill(VcfRecord.MissingInt);
        Array.Clear(_filled);
        _left = Record.SampleCount;
        FillTexts(line);
        foreach (var own in line.Records) Copy(own);
        if (_left > 0) _others.Fill(line, _filled, Record);
        Record.Irregular.Sort((a, b) => a.Sample.CompareTo(b.Sample));
        Sum(alleles);
    }

    private void FillTexts(Line line)
    {
        var (sites, record) = (line.First.Block.Sites, line.First.Record);
        Record.Start = line.Start;
        Record.Ref = sites.Text.AsMemory(sites.RefAt[record], sites.RecordEnd[record] - sites.RecordStart[record]);
        Record.Alts.Clear();
        foreach (var row in line.First.Rows) Record.Alts.Add(sites.Text.AsMemory(sites.WrittenAlt[row].At, sites.WrittenAlt[row].Length));
        Record.Filter = System.Text.Encoding.UTF8.GetBytes(ExportHeader.Encode(sites.FilterTexts[sites.Filter[record]]));
        Record.Passes = (sites.Flags[record] & RecordFlags.Passes) != 0;
        // Files may name one variant differently; the name of the file loaded first is kept, as compaction does.
        var (id, ordinal) = (".", int.MaxValue);
        // From whom something is hidden gets none: where files were merged it may be that of a file of which he sees no sample.
        foreach (var own in line.Records)
            if (own.Source.HidesNothing && own.Source.Segment.Ordinals[0] < ordinal && own.Block.IdOf(own.Record) is var next && next != ".") (id, ordinal) = (next, own.Source.Segment.Ordinals[0]);
        Record.Id = System.Text.Encoding.UTF8.GetBytes(id);
    }

    /// <summary>Copies the calls of a record as its file wrote them.</summary>
    private void Copy(LineRecord own)
    {
        var (open, record) = (own.Block, own.Record);
        var calls = open.Decode(record);
        var details = open.Block.Detail?.Of(record);
        var withoutGt = (open.Sites.Flags[record] & RecordFlags.NoGenotypes) != 0;
        var entry = -1;
        open.Phase.Enter(record);
        for (var local = 0; local < own.Source.SlotOf.Length; local++)
        {
            if (calls.IsAbsent(local)) continue;
            if (details is not null && Carries(calls, local)) entry++;
            var slot = own.Source.SlotOf[local];
            if (slot < 0 || _filled[slot]) continue;
            _filled[slot] = true;
            _left--;
            if (withoutGt) CallCells.Set(Record, slot, [-1], phased: false);
            else if (calls.First[local] == VcfRecord.IrregularMark) CopyText(own, calls.Exception(local), slot);
            else CopyRegular(own, calls, local, slot);
            if (details is not null && entry >= 0 && entry < details.Length && Carries(calls, local)) CopyDetail(own, details[entry], slot);
        }
    }

    private void CopyRegular(LineRecord own, RecordCalls calls, int local, int slot)
    {
        var (first, second) = (calls.First[local], calls.Second[local]);
        var haploid = second == VcfRecord.NoAllele;
        if (own.IsRenumbered)
        {
            first = (byte)(own.OnLine(first - 1) + 1);
            if (!haploid) second = (byte)(own.OnLine(second - 1) + 1);
        }
        if (!haploid && own.Block.Phase.IsSwapped(local)) (first, second) = (second, first);
        (Record.First[slot], Record.Second[slot]) = (first, second);
        Record.Phased[slot] = !haploid && own.Block.Phase.IsPhased(local) ? (byte)1 : (byte)0;
    }

    private void CopyText(LineRecord own, ExceptionCall call, int slot) =>
        CallCells.SetText(Record, slot, own.IsRenumbered ? CallCells.Renumber(call.Text, own.OnLine) : call.Text);

    private void CopyDetail(LineRecord own, CarrierDetail detail, int slot)
    {
        (Record.Gq[slot], Record.Dp[slot]) = (detail.Gq, detail.Dp);
        if (detail.Gq >= 0) Record.Fields |= FormatFields.Gq;
        if (detail.Dp >= 0) Record.Fields |= FormatFields.Dp;
        if (detail.Ad.Length == 0) return;
        var alleles = own.Rows.Length + 1;
        var first = own.Block.Sites.FirstRow[own.Record];
        for (var a = 0; a < alleles; a++)
        {
            var depth = detail.Ad[a == 0 ? 0 : own.Rows[a - 1] - first + 1];
            Record.Ad[(slot * alleles) + a] = depth;
            if (depth >= 0) Record.Fields |= FormatFields.Ad;
        }
    }

    /// <summary>Whether the detail stream has an entry of a sample.</summary>
    private static bool Carries(RecordCalls calls, int local) => calls.First[local] == VcfRecord.IrregularMark
        ? Array.Exists(calls.Exception(local).Alleles, a => a > 0)
        : calls.First[local] > 1 || (calls.Second[local] > 1 && calls.Second[local] != VcfRecord.NoAllele);

    private void Sum(int alleles)
    {
        var counts = new int[alleles + 1];   // at allele + 1; at 0 what is not called
        for (var slot = 0; slot < Record.SampleCount; slot++)
        {
            if (Record.First[slot] == VcfRecord.IrregularMark) continue;
            counts[Record.First[slot]]++;
            if (Record.Second[slot] != VcfRecord.NoAllele) counts[Record.Second[slot]]++;
        }
        foreach (var call in Record.Irregular)
            foreach (var allele in call.Alleles) counts[allele + 1]++;
        Ac = counts[2..];
        An = counts.AsSpan(1).ToArray().Sum();
    }
}
