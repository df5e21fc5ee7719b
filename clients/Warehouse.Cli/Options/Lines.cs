using System.Text;
using Warehouse.Engine;

namespace Warehouse.Cli.Options;

/// <summary>Small text files of names and spellings, streamed.</summary>
internal static class Lines
{
    /// <summary>Longest line accepted, without its end.</summary>
    public const int MaxLineBytes = 1 << 20;

    /// <summary>Sample names, one per line; empty lines are skipped, a final CR is dropped.</summary>
    public static IEnumerable<string> Names(string path, CliContext context) => Read(path, context, comments: false).Select(l => l.Text);

    /// <summary>Lines that are not empty, each with its 1-based number in the file.</summary>
    public static IEnumerable<(long Number, string Text)> Numbered(string path, CliContext context) => Read(path, context, comments: false);

    /// <summary>Spellings of variants, one per line; empty lines and lines that start with # are skipped.</summary>
    public static IEnumerable<string> Variants(string path, CliContext context) => Read(path, context, comments: true).Select(l => l.Text);

    private static IEnumerable<(long Number, string Text)> Read(string path, CliContext context, bool comments)
    {
        if (path != "-" && !File.Exists(path)) throw new InputException("no-file", "no such file", new InputPlace(path, 0, 0, ""));
        using var stream = path == "-" ? context.OpenInput() : File.OpenRead(path);
        using var bytes = new BufferedStream(new CancellableInput(stream, context.Cancellation), 1 << 16);
        for (var number = 1L; NextLine(bytes, new InputPlace(path, number, 0, "")) is { } text; number++)
        {
            var line = number == 1 ? text.TrimStart('\uFEFF') : text; // a byte order mark is no part of the first name
            if (comments && number == 1 && line.StartsWith("##fileformat=", StringComparison.Ordinal))
                throw new InputException("variant-list", "this is a VCF; a list of variants has one spelling per line (seen --vcf annotates a VCF)", new InputPlace(path, 1, 0, ""));
            if (line.Length > 0 && !(comments && line[0] == '#')) yield return (number, line);
        }
    }

    private static string? NextLine(BufferedStream bytes, InputPlace place)
    {
        var line = new List<byte>();
        int next;
        while ((next = bytes.ReadByte()) >= 0 && next != '\n')
        {
            if (line.Count >= MaxLineBytes) throw new InputException("line-length", $"a line is longer than {MaxLineBytes} bytes", place);
            line.Add((byte)next);
        }
        if (next < 0 && line.Count == 0) return null;
        if (line is [.., (byte)'\r']) line.RemoveAt(line.Count - 1);
        var utf8 = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(line);
        return System.Text.Unicode.Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : throw new InputException("text-encoding", "not UTF-8", place);
    }
}
