namespace Warehouse.Engine.Vcf;

/// <summary>Parses INFO: the keys of every entry are checked and unique, and those that counts and intervals need are read. One thread.</summary>
internal sealed class VcfInfoParser(VcfFaults faults, VcfLimits limits)
{
    private ulong[] _keyHashes = new ulong[64];
    private (int Start, int Length)[] _keys = new (int, int)[64];
    private int _keyCount;

    /// <summary>Empties the INFO fields of the record.</summary>
    public static void Clear(VcfRecord record)
    {
        record.InfoEnd = VcfRecord.MissingInt;
        record.SvLen.Clear();
        record.SvType = default;
        record.CiPos = record.CiEnd = (0, 0);
    }

    /// <summary>Fills the INFO fields of the record; REF and ALT must have been read.</summary>
    public void Parse(ReadOnlyMemory<byte> text, VcfRecord record)
    {
        Clear(record);
        _keyCount = 0;
        var span = text.Span;
        if (span is [(byte)'.']) return;
        if (span.IsEmpty) faults.Refuse("vcf-empty-field", "INFO", "INFO is empty");
        for (var at = 0; at <= span.Length;)
        {
            var semicolon = span[at..].IndexOf((byte)';');
            var end = semicolon < 0 ? span.Length : at + semicolon;
            if (end == at) faults.Warn("vcf-info-empty", "INFO", "an empty INFO entry");
            else Entry(text, at, end, record);
            at = end + 1;
        }
    }

    private void Entry(ReadOnlyMemory<byte> text, int start, int end, VcfRecord record)
    {
        var entry = text.Span[start..end];
        var equals = entry.IndexOf((byte)'=');
        var key = equals < 0 ? entry : entry[..equals];
        if (!IsKey(key)) faults.Refuse("vcf-info-key", "INFO", "an INFO key that is empty or has white space or control characters");
        Remember(text.Span, start, key.Length);
        if (equals < 0) return;
        ReadValue(key, text[(start + equals + 1)..end], record);
    }

    /// <summary>Takes the value of a key that is read; others are passed over. ALT must have been read.</summary>
    /// <param name="key">The key.</param>
    /// <param name="text">Its value as VCF writes it; SVTYPE is kept by reference.</param>
    /// <param name="record">To fill.</param>
    public void ReadValue(ReadOnlySpan<byte> key, ReadOnlyMemory<byte> text, VcfRecord record)
    {
        if (!IsRead(key)) return;
        var value = text.Span;
        if (key.SequenceEqual("END"u8)) ReadEnd(value, record);
        else if (key.SequenceEqual("SVLEN"u8)) ReadSvLen(value, record);
        else if (key.SequenceEqual("SVTYPE"u8)) record.SvType = text;
        else if (key.SequenceEqual("CIPOS"u8)) record.CiPos = ReadInterval(value, "INFO/CIPOS");
        else record.CiEnd = ReadInterval(value, "INFO/CIEND");
    }

    /// <summary>True for the keys whose values are read.</summary>
    public static bool IsRead(ReadOnlySpan<byte> key) => key[0] is (byte)'E' or (byte)'S' or (byte)'C'
        && (key.SequenceEqual("END"u8) || key.SequenceEqual("SVLEN"u8) || key.SequenceEqual("SVTYPE"u8) || key.SequenceEqual("CIPOS"u8) || key.SequenceEqual("CIEND"u8));

    /// <summary>True for a key that records may use: not empty, no white space, no control characters.</summary>
    public static bool IsKey(ReadOnlySpan<byte> key) => !key.IsEmpty && key.IndexOfAnyInRange((byte)0, (byte)' ') < 0;

    /// <summary>Refuses a key that this record has had. Hashes are compared first, many at a time.</summary>
    private void Remember(ReadOnlySpan<byte> text, int start, int length)
    {
        var key = text.Slice(start, length);
        var hash = 14695981039346656037UL;
        foreach (var b in key) hash = (hash ^ b) * 1099511628211UL;
        for (var from = 0; ;)
        {
            var found = _keyHashes.AsSpan(from, _keyCount - from).IndexOf(hash);
            if (found < 0) break;
            var (otherStart, otherLength) = _keys[from + found];
            if (text.Slice(otherStart, otherLength).SequenceEqual(key)) faults.Refuse("vcf-info-duplicate", "INFO", "the same INFO key twice");
            from += found + 1;
        }
        if (_keyCount == limits.MaxInfoKeys) faults.Refuse("vcf-info-cap", "INFO", $"more than {limits.MaxInfoKeys} INFO keys");
        if (_keyCount == _keys.Length)
        {
            Array.Resize(ref _keys, _keyCount * 2);
            Array.Resize(ref _keyHashes, _keyCount * 2);
        }
        _keyHashes[_keyCount] = hash;
        _keys[_keyCount++] = (start, length);
    }

    private void ReadEnd(ReadOnlySpan<byte> value, VcfRecord record)
    {
        if (value is [(byte)'.']) return;
        if (!VcfText.TryDigits(value, out record.InfoEnd)) faults.Refuse("vcf-info-end", "INFO/END", "END is not digits within 2147483647");
        if (record.InfoEnd <= record.Start) faults.Refuse("vcf-info-end", "INFO/END", "END lies before POS");
    }

    private void ReadSvLen(ReadOnlySpan<byte> value, VcfRecord record)
    {
        if (value is [(byte)'.']) return;
        foreach (var range in value.Split((byte)','))
        {
            var item = value[range];
            var length = VcfRecord.MissingInt;
            if (item is not [(byte)'.'] && !VcfText.TryInteger(item, out length)) faults.Refuse("vcf-info-svlen", "INFO/SVLEN", "SVLEN is not integers");
            record.SvLen.Add(item is [(byte)'.'] ? VcfRecord.MissingInt : Math.Abs(length));
            if (record.SvLen.Count > limits.MaxAlleles) faults.Refuse("vcf-info-svlen", "INFO/SVLEN", "more SVLEN values than there can be alleles");
        }
        if (record.SvLen.Count != record.Alts.Count) faults.Refuse("vcf-info-svlen", "INFO/SVLEN", $"{record.SvLen.Count} SVLEN values for {record.Alts.Count} ALT alleles");
    }

    private (int Low, int High) ReadInterval(ReadOnlySpan<byte> value, string field)
    {
        if (value is [(byte)'.'] || value.SequenceEqual(".,."u8)) return (0, 0);
        var comma = value.IndexOf((byte)',');
        var second = comma < 0 ? default : value[(comma + 1)..];
        var next = second.IndexOf((byte)',');
        if (next >= 0) second = second[..next];
        if (comma < 0 || !VcfText.TryInteger(value[..comma], out var low) || !VcfText.TryInteger(second, out var high))
        {
            faults.Refuse("vcf-info-interval", field, "not a pair of integers");
            return default;
        }
        return (low, high);
    }
}
