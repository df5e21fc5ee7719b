namespace Warehouse.Engine.Vcf;

/// <summary>One INFO key of a record to be written, with its value as text or as integers. The memory is used until the write returns.</summary>
public readonly struct VcfInfoEntry
{
    private VcfInfoEntry(string key, ReadOnlyMemory<byte> text, ReadOnlyMemory<int> integers, bool isFlag) =>
        (Key, Text, Integers, IsFlag) = (key, text, integers, isFlag);

    /// <summary>The key; the header must declare it.</summary>
    public string Key { get; }

    /// <summary>The value as VCF writes it, special characters percent-encoded; empty when it is integers or a flag.</summary>
    public ReadOnlyMemory<byte> Text { get; }

    /// <summary>The values; int.MinValue is a missing one.</summary>
    public ReadOnlyMemory<int> Integers { get; }

    /// <summary>The key stands alone.</summary>
    public bool IsFlag { get; }

    /// <summary>A key that stands alone.</summary>
    public static VcfInfoEntry Flag(string key) => new(key, default, default, isFlag: true);

    /// <summary>A value as VCF writes it: <c>.</c> when missing, several apart by commas, special characters percent-encoded.</summary>
    public static VcfInfoEntry OfText(string key, ReadOnlyMemory<byte> text) => new(key, text, default, isFlag: false);

    /// <summary>Integer values of a key declared as Integer, or as Float; int.MinValue is a missing one.</summary>
    public static VcfInfoEntry OfIntegers(string key, ReadOnlyMemory<int> integers) => new(key, default, integers, isFlag: false);
}
