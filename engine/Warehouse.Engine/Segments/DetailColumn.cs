using System.Numerics;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Segments;

/// <summary>
/// GQ, DP and AD of the carriers of a block, in record order, samples ascending.
/// <code>
/// stream: LEB128 records; per record its carriers (0 when the record has none of the fields), then if any: u8 fields, allele count,
///         per carrier: GQ + 1, DP + 1, AD + 1 of every allele (each only if the field is there; 0 = missing)
/// </code>
/// </summary>
internal sealed class DetailBuilder
{
    private const FormatFields Kept = FormatFields.Gq | FormatFields.Dp | FormatFields.Ad;
    private readonly ByteWriter _bytes = new();
    private int _records;

    public bool Any { get; private set; }

    public void AddNone()
    {
        _records++;
        _bytes.Var(0);
    }

    public void Add(VcfRecord record, int firstSample, ReadOnlySpan<ulong> carriers)
    {
        var count = 0;
        foreach (var word in carriers) count += BitOperations.PopCount(word);
        if ((record.Fields & Kept) == 0 || count == 0)
        {
            AddNone();
            return;
        }
        Any = true;
        _records++;
        _bytes.Var(count);
        _bytes.Byte((byte)(record.Fields & Kept));
        var alleles = record.Alts.Count + 1;
        _bytes.Var(alleles);
        for (var w = 0; w < carriers.Length; w++)
            for (var bits = carriers[w]; bits != 0; bits &= bits - 1) AddSample(record, firstSample + (w * 64) + BitOperations.TrailingZeroCount(bits), alleles);
    }

    /// <summary>Adds the carriers of a record from entries read back; a field that none of them has is left out.</summary>
    public void Add(IReadOnlyList<CarrierDetail> carriers, int alleles)
    {
        var fields = FormatFields.None;
        foreach (var carrier in carriers)
        {
            if (carrier.Gq >= 0) fields |= FormatFields.Gq;
            if (carrier.Dp >= 0) fields |= FormatFields.Dp;
            if (carrier.Ad.Length > 0) fields |= FormatFields.Ad;
        }
        if (fields == FormatFields.None)
        {
            AddNone();
            return;
        }
        Any = true;
        _records++;
        _bytes.Var(carriers.Count);
        _bytes.Byte((byte)fields);
        _bytes.Var(alleles);
        foreach (var carrier in carriers)
        {
            if ((fields & FormatFields.Gq) != 0) _bytes.Var(carrier.Gq + 1);
            if ((fields & FormatFields.Dp) != 0) _bytes.Var(carrier.Dp + 1);
            for (var a = 0; (fields & FormatFields.Ad) != 0 && a < alleles; a++) _bytes.Var(carrier.Ad.Length == 0 ? 0 : carrier.Ad[a] + 1);
        }
    }

    /// <summary>Adds the carriers of a record as they are stored: per carrier the values of the fields, each plus one as LEB128.</summary>
    public void Add(int carriers, FormatFields fields, int alleles, ReadOnlySpan<byte> values)
    {
        if (carriers == 0 || fields == FormatFields.None)
        {
            AddNone();
            return;
        }
        Any = true;
        _records++;
        _bytes.Var(carriers);
        _bytes.Byte((byte)fields);
        _bytes.Var(alleles);
        _bytes.Raw(values);
    }

    private void AddSample(VcfRecord record, int sample, int alleles)
    {
        if ((record.Fields & FormatFields.Gq) != 0) _bytes.Var(record.Gq[sample] + 1);
        if ((record.Fields & FormatFields.Dp) != 0) _bytes.Var(record.Dp[sample] + 1);
        if ((record.Fields & FormatFields.Ad) == 0) return;
        for (var a = 0; a < alleles; a++) _bytes.Var(record.Ad[(sample * alleles) + a] + 1);
    }

    public byte[] Finish()
    {
        var to = new ByteWriter(_bytes.Length + 8);
        to.Var(_records);
        to.Raw(_bytes.Written);
        return to.ToArray();
    }

    public void Clear()
    {
        _bytes.Clear();
        (_records, Any) = (0, false);
    }
}

/// <summary>Evidence of one carrier; -1 = not in the file.</summary>
internal readonly record struct CarrierDetail(int Gq, int Dp, int[] Ad);

/// <summary>The detail stream decoded: entries per record in carrier order. Immutable.</summary>
internal sealed class DetailTable
{
    private readonly CarrierDetail[]?[] _records;

    private DetailTable(CarrierDetail[]?[] records) => _records = records;

    /// <summary>Entries of a record, or null when its file had none of the fields.</summary>
    public CarrierDetail[]? Of(int record) => _records[record];

    /// <exception cref="InvalidDataException">Not a detail stream of this many records.</exception>
    public static DetailTable Decode(ReadOnlySpan<byte> bytes, int records)
    {
        var from = new ByteReader(bytes);
        if (from.Count(bytes.Length) != records) throw new InvalidDataException("the detail stream is of another number of records");
        var all = new CarrierDetail[]?[records];
        for (var record = 0; record < records; record++)
        {
            var count = from.Count(bytes.Length);
            if (count == 0) continue;
            var fields = (FormatFields)from.Byte();
            var alleles = from.Count(bytes.Length);
            all[record] = new CarrierDetail[count];
            for (var i = 0; i < count; i++) all[record]![i] = ReadOne(ref from, fields, alleles);
        }
        from.End();
        return new DetailTable(all);
    }

    private static CarrierDetail ReadOne(ref ByteReader from, FormatFields fields, int alleles)
    {
        var gq = (fields & FormatFields.Gq) != 0 ? from.Count() - 1 : -1;
        var dp = (fields & FormatFields.Dp) != 0 ? from.Count() - 1 : -1;
        if ((fields & FormatFields.Ad) == 0) return new CarrierDetail(gq, dp, []);
        var ad = new int[alleles];
        for (var a = 0; a < alleles; a++) ad[a] = from.Count() - 1;
        return new CarrierDetail(gq, dp, ad);
    }
}
