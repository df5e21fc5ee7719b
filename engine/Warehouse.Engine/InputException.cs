namespace Warehouse.Engine;

/// <summary>
/// Bad input: something that a user handed in could not be understood. Exit code 2 of the command line.
/// Carries the place and what was expected; nothing of the input has been committed when it is thrown.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Makes the error of one place.</summary>
    /// <param name="code">A short stable name of the rule, kebab-case: <c>vcf-pos</c>. Receipts and logs carry only this, line and offset.</param>
    /// <param name="expected">What the rule asks for, in words, with at most 40 escaped characters of what was found; never a sample name, INFO or genotype text.</param>
    /// <param name="place">Where it was found.</param>
    public InputException(string code, string expected, InputPlace place)
        : base(place.IsNone ? expected : $"{place}: {expected} [{code}]")
    {
        Code = code;
        Expected = expected;
        Place = place;
    }

    /// <summary>The rule's stable name.</summary>
    public string Code { get; }

    /// <summary>What was found and expected, without the place.</summary>
    public string Expected { get; }

    /// <summary>Where; <see cref="InputPlace.None"/> when the input has no lines.</summary>
    public InputPlace Place { get; }

    /// <summary><see cref="Expected"/> where its words are the rule's own and quote nothing, so that whoever sent the input may be told them over the wire too; else null.</summary>
    public string? FixedWords => HasFixedWords ? Expected : null;

    /// <summary>The words are the rule's own and quote nothing.</summary>
    internal bool HasFixedWords { get; init; }

    /// <summary>Quotes a piece of input for a message: at most 40 characters, everything but printable ASCII as \xNN.</summary>
    public static string Quote(ReadOnlySpan<byte> found)
    {
        var text = new System.Text.StringBuilder("'");
        foreach (var b in found[..Math.Min(40, found.Length)])
        {
            if (b is >= 0x20 and < 0x7f and not (byte)'\\') text.Append((char)b);
            else text.Append("\\x").Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        if (found.Length > 40) text.Append('…');
        return text.Append('\'').ToString();
    }
}

/// <summary>A place in an input file.</summary>
/// <param name="File">Path as the user gave it, or <c>-</c> for standard input; empty for none.</param>
/// <param name="Line">1-based line (text) or record number (BCF); 0 when unknown.</param>
/// <param name="OffsetBytes">0-based offset of the line or record in the decompressed bytes.</param>
/// <param name="Field">CHROM, POS, REF, INFO/END, FORMAT/GT, header key …; empty when it is the whole line.</param>
public readonly record struct InputPlace(string File, long Line, long OffsetBytes, string Field)
{
    /// <summary>No place.</summary>
    public static InputPlace None => new("", 0, 0, "");

    /// <summary>True when there is nothing to show.</summary>
    public bool IsNone => string.IsNullOrEmpty(File) && Line == 0;

    /// <summary>Whether it is in the file of this path: tells whoever knows the path already, and nobody else.</summary>
    public bool IsIn(string path) => File == path;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{File}{(Line > 0 ? $":{Line}" : "")}{(OffsetBytes > 0 ? $" (byte {OffsetBytes})" : "")}{(string.IsNullOrEmpty(Field) ? "" : $" {Field}")}";
}
