namespace Warehouse.Engine.Vcf;

/// <summary>A FORMAT column taken apart: which key is at which place. Immutable.</summary>
internal sealed class VcfFormatPlan
{
    private readonly byte[] _text = [];
    private readonly FormatFields[] _fields = [];

    /// <summary>Takes a FORMAT text apart.</summary>
    /// <exception cref="InputException">A key is empty, repeated or has characters that it must not have, GT is not first, or there are too many.</exception>
    public VcfFormatPlan(ReadOnlySpan<byte> text, VcfFaults faults, VcfLimits limits)
    {
        if (text.Length > limits.MaxFieldBytes) faults.Refuse("vcf-field-cap", "FORMAT", $"longer than the limit of {limits.MaxFieldBytes} bytes");
        var count = text.Count((byte)':') + 1;
        if (count > limits.MaxFormatKeys) faults.Refuse("vcf-format-cap", "FORMAT", $"more than {limits.MaxFormatKeys} FORMAT keys");
        _fields = new FormatFields[count];
        _text = text.ToArray();
        if (text is not [(byte)'.']) SetKeys(text, faults);
    }

    private VcfFormatPlan()
    {
    }

    /// <summary>The plan of no text.</summary>
    public static VcfFormatPlan None { get; } = new();

    /// <summary>Number of keys.</summary>
    public int Count => _fields.Length;

    /// <summary>Length of the text.</summary>
    public int LengthBytes => _text.Length;

    /// <summary>True when the first key is GT.</summary>
    public bool HasGt { get; private set; }

    /// <summary>Keys that fill integer columns.</summary>
    public FormatFields Fields { get; private set; }

    /// <summary>Place of the last key that is read; -1 when none is.</summary>
    public int LastReadPlace { get; private set; } = -1;

    /// <summary>Which column the key at a place fills; None for GT and keys that are not read.</summary>
    public FormatFields this[int place] => _fields[place];

    /// <summary>True when this is the plan of that text.</summary>
    public bool Is(ReadOnlySpan<byte> text) => Count > 0 && text.SequenceEqual(_text);

    private void SetKeys(ReadOnlySpan<byte> text, VcfFaults faults)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var place = 0;
        foreach (var range in text.Split((byte)':'))
        {
            var key = text[range];
            if (key.IsEmpty || key.IndexOfAnyInRange((byte)0, (byte)' ') >= 0) faults.Refuse("vcf-format-key", "FORMAT", "a FORMAT key that is empty or has white space or control characters");
            if (!seen.Add(System.Text.Encoding.Latin1.GetString(key))) faults.Refuse("vcf-format-duplicate", "FORMAT", "the same FORMAT key twice");
            var isGt = key.SequenceEqual("GT"u8);
            if (isGt && place > 0) faults.Refuse("vcf-format-gt", "FORMAT", "GT must be the first FORMAT key");
            HasGt |= isGt;
            _fields[place] = Field(key);
            Fields |= _fields[place];
            if (isGt || _fields[place] != FormatFields.None) LastReadPlace = place;
            place++;
        }
    }

    /// <summary>Which column a key fills; None for GT and keys that are not read.</summary>
    public static FormatFields Field(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("GQ"u8)) return FormatFields.Gq;
        if (key.SequenceEqual("DP"u8)) return FormatFields.Dp;
        if (key.SequenceEqual("AD"u8)) return FormatFields.Ad;
        if (key.SequenceEqual("MIN_DP"u8)) return FormatFields.MinDp;
        if (key.SequenceEqual("RGQ"u8)) return FormatFields.Rgq;
        return key.SequenceEqual("LEN"u8) ? FormatFields.Len : FormatFields.None;
    }
}
