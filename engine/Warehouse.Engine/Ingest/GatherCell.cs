using Warehouse.Engine.Segments;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>The sample column of a line of one sample, of the common shapes: what <see cref="VcfGenotypeParser"/> reads of it. One thread.</summary>
internal sealed class GatherCell(VcfFaults faults, VcfLimits limits)
{
    private const int MostPlans = 8;
    private readonly List<VcfFormatPlan> _plans = [];
    private readonly int[] _depths = new int[VcfRecord.MaxRegularAllele + 2];
    private VcfFormatPlan _plan = VcfFormatPlan.None;
    private int _alleles;

    /// <summary>First allele code.</summary>
    public byte First { get; private set; }

    /// <summary>Second allele code.</summary>
    public byte Second { get; private set; }

    /// <summary>Written with <c>|</c>.</summary>
    public bool IsPhased { get; private set; }

    public int Gq { get; private set; }

    public int Dp { get; private set; }

    public int MinDp { get; private set; }

    public int Rgq { get; private set; }

    public int Len { get; private set; }

    /// <summary>An ALT is called.</summary>
    public bool Carries => First > 1 || Second is > 1 and not VcfRecord.NoAllele;

    /// <summary>Reads FORMAT and the one sample column.</summary>
    /// <param name="columns">Both, a tab between.</param>
    /// <param name="altCount">ALT alleles of the record.</param>
    /// <returns>False when they are not of the common shapes, or wrong.</returns>
    public bool Take(ReadOnlySpan<byte> columns, int altCount)
    {
        var tab = _plan.LengthBytes;
        if (columns.Length <= tab || columns[tab] != '\t' || !_plan.Is(columns[..tab]))
        {
            tab = columns.IndexOf((byte)'\t');
            if (tab < 0) return false;
            _plan = FindPlan(columns[..tab]);
        }
        if (!_plan.HasGt) return false;
        _alleles = altCount + 1;
        (Gq, Dp, MinDp, Rgq, Len) = (VcfRecord.MissingInt, VcfRecord.MissingInt, VcfRecord.MissingInt, VcfRecord.MissingInt, VcfRecord.MissingInt);
        if ((_plan.Fields & FormatFields.Ad) != 0) _depths.AsSpan(0, _alleles).Fill(VcfRecord.MissingInt);
        var text = columns[(tab + 1)..];
        if (!TakeGenotype(text, out var at)) return false;
        for (var place = 1; place <= _plan.LastReadPlace; place++)
        {
            if (at == text.Length) return true;
            at++;
            if (!TakeValue(text, ref at, _plan[place])) return false;
        }
        // What is not read may be anything but too much.
        var rest = text[at..];
        return rest.IndexOf((byte)'\t') < 0 && rest.Count((byte)':') <= _plan.Count - 1 - _plan.LastReadPlace;
    }

    /// <summary>Whether the call fails --adj.</summary>
    public bool FailsAdj() => AdjRule.Fails(Gq, Dp, (First, Second), (_plan.Fields & FormatFields.Ad) == 0 ? default : _depths.AsSpan(0, _alleles));

    /// <summary>Appends GQ, DP and AD as the detail stream has them. A field without a value is left out, but for AD when FORMAT names it.</summary>
    public FormatFields WriteDetail(GatheredFile file)
    {
        const int MostBytes = 5;
        var needed = file.DetailLength + ((_alleles + 2) * MostBytes);
        if (file.Detail.Length < needed)
        {
            var larger = file.Detail;
            Array.Resize(ref larger, Math.Max(needed, larger.Length * 2));
            file.Detail = larger;
        }
        var (to, at, fields) = (file.Detail, file.DetailLength, _plan.Fields & FormatFields.Ad);
        if (Gq >= 0)
        {
            fields |= FormatFields.Gq;
            at = Put(to, at, Gq);
        }
        if (Dp >= 0)
        {
            fields |= FormatFields.Dp;
            at = Put(to, at, Dp);
        }
        for (var a = 0; (fields & FormatFields.Ad) != 0 && a < _alleles; a++) at = Put(to, at, _depths[a]);
        file.DetailLength = at;
        return fields;
    }

    /// <summary>Writes a value plus one, as LEB128.</summary>
    private static int Put(byte[] to, int at, int value)
    {
        var left = (uint)(value + 1);
        for (; left >= 0x80; left >>= 7) to[at++] = (byte)(left | 0x80);
        to[at++] = (byte)left;
        return at;
    }

    private VcfFormatPlan FindPlan(ReadOnlySpan<byte> format)
    {
        foreach (var known in _plans)
            if (known.Is(format)) return known;
        var plan = new VcfFormatPlan(format, faults, limits);
        if (_plans.Count < MostPlans) _plans.Add(plan);
        return plan;
    }

    /// <summary>One or two alleles of one digit. Half-calls and all else are not common.</summary>
    private bool TakeGenotype(ReadOnlySpan<byte> text, out int end)
    {
        end = 0;
        if (text.IsEmpty || !TryAllele(text[0], out var first)) return false;
        if (text.Length == 1 || text[1] == ':')
        {
            (First, Second, IsPhased, end) = (first, VcfRecord.NoAllele, false, 1);
            return true;
        }
        if (text.Length < 3 || text[1] is not ((byte)'/' or (byte)'|') || !TryAllele(text[2], out var second)) return false;
        if ((first == 0) != (second == 0) || (text.Length > 3 && text[3] != ':')) return false;
        (First, Second, IsPhased, end) = (first, second, text[1] == '|', 3);
        return true;
    }

    private bool TryAllele(byte text, out byte code)
    {
        code = text == '.' ? (byte)0 : (byte)(text - '0' + 1);
        return text == '.' || (text is >= (byte)'0' and <= (byte)'9' && text - '0' < _alleles);
    }

    /// <summary>Reads a value; on return the place is at a colon or at the end.</summary>
    private bool TakeValue(ReadOnlySpan<byte> text, ref int at, FormatFields field)
    {
        if (field == FormatFields.Ad) return TakeDepths(text, ref at);
        if (field == FormatFields.None)
        {
            for (; at < text.Length && text[at] != ':'; at++)
                if (text[at] == '\t') return false;
            return true;
        }
        if (!TakeNumber(text, ref at, out var value) || (at < text.Length && text[at] != ':')) return false;
        switch (field)
        {
            case FormatFields.Gq: Gq = value; break;
            case FormatFields.Dp: Dp = value; break;
            case FormatFields.MinDp: MinDp = value; break;
            case FormatFields.Rgq: Rgq = value; break;
            default: Len = value; break;
        }
        return true;
    }

    private bool TakeDepths(ReadOnlySpan<byte> text, ref int at)
    {
        if (at < text.Length && text[at] == '.' && (at + 1 == text.Length || text[at + 1] == ':'))
        {
            at++;
            return true;
        }
        for (var a = 0; a < _alleles; a++)
        {
            if (!TakeNumber(text, ref at, out _depths[a])) return false;
            if (a == _alleles - 1) break;
            if (at == text.Length || text[at] != ',') return false;
            at++;
        }
        return at == text.Length || text[at] == ':';
    }

    /// <summary>One to nine digits, or a point for a missing value.</summary>
    private static bool TakeNumber(ReadOnlySpan<byte> text, ref int at, out int value)
    {
        const int MostDigits = 9;
        var first = at;
        value = 0;
        for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++)
        {
            if (at - first == MostDigits) return false;
            value = (value * 10) + text[at] - '0';
        }
        if (at > first) return true;
        if (at == text.Length || text[at] != '.') return false;
        value = VcfRecord.MissingInt;
        at++;
        return true;
    }
}
