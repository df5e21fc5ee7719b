using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>A header with what only the readers need.</summary>
/// <param name="Header">The public part.</param>
/// <param name="Info">INFO definitions by ID.</param>
/// <param name="Format">FORMAT definitions by ID.</param>
/// <param name="Filters">FILTER IDs.</param>
/// <param name="HasFormatColumn">The column line names FORMAT.</param>
internal sealed record VcfParsedHeader(
    VcfHeader Header, Dictionary<string, VcfDefinition> Info, Dictionary<string, VcfDefinition> Format, HashSet<string> Filters, bool HasFormatColumn);

/// <summary>An INFO or FORMAT definition.</summary>
/// <param name="Number">As written, empty when absent.</param>
/// <param name="Type">As written, empty when absent.</param>
internal readonly record struct VcfDefinition(string Number, string Type);

/// <summary>
/// Reads the lines up to and with <c>#CHROM</c>. Refused: what records are read by (version, contig, INFO, FORMAT and FILTER
/// identities, columns, samples). A warning: everything else that the specification forbids.
/// </summary>
internal sealed class VcfHeaderParser(LineInput lines, VcfFaults faults, VcfLimits limits)
{
    private const int MostWarnings = 1_000;
    private static readonly string[] Columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"];
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly List<VcfContig> _contigs = [];
    private readonly List<string> _metaLines = [];
    private readonly List<string> _references = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<string, VcfDefinition> _info = new(StringComparer.Ordinal);
    private readonly Dictionary<string, VcfDefinition> _format = new(StringComparer.Ordinal);
    private readonly HashSet<string> _filters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _contigIndexes = new(StringComparer.Ordinal);
    private int _version;
    private long _metaBytes;

    /// <summary>Reads the header and stops before the first record.</summary>
    public VcfParsedHeader Read()
    {
        _version = ReadVersion();
        while (true)
        {
            if (!Next(out var line)) faults.Refuse("vcf-no-columns", "header", "the file ends before the line that begins with #CHROM");
            if (!line.StartsWith("##"u8)) return Finish(line);
            if (line.Length > limits.MaxFieldBytes) faults.Refuse("vcf-meta-cap", "header", $"the meta line is longer than the limit of {limits.MaxFieldBytes} bytes");
            if (_metaLines.Count >= limits.MaxMetaLines) faults.Refuse("vcf-meta-cap", "header", $"more than {limits.MaxMetaLines} meta lines");
            if ((_metaBytes += line.Length) > limits.MaxMetaBytes) faults.Refuse("vcf-meta-cap", "header", $"the meta lines together are longer than the limit of {limits.MaxMetaBytes} bytes");
            ReadMeta(Decode(line));
        }
    }

    private bool Next(out ReadOnlySpan<byte> line)
    {
        var found = lines.Next(limits.MaxLineBytes, out var memory);
        (faults.Line, faults.OffsetBytes) = (lines.Line, lines.LineOffset);
        line = memory.Span;
        if (VcfText.HasControl(line)) faults.Refuse("vcf-control", "header", "a control character in the header");
        return found;
    }

    private int ReadVersion()
    {
        const string expected = "a first line of ##fileformat=VCFv4.1 to VCFv4.5";
        if (!Next(out var line)) faults.Refuse("vcf-fileformat", "fileformat", expected);
        var prefix = "##fileformat=VCFv4."u8;
        if (!line.StartsWith(prefix) || line.Length != prefix.Length + 1 || line[^1] is < (byte)'0' or > (byte)'5')
            faults.Refuse("vcf-fileformat", "fileformat", $"expected {expected}, {KindOf(line)}");
        _metaLines.Add(Decode(line));
        if (line[^1] != '0') return 400 + line[^1] - '0';
        Warn("vcf-fileformat", "fileformat", "VCF 4.0 is read by the rules of 4.1");
        return 401;
    }

    /// <summary>What a file is that does not begin as a VCF does, in words: it may be anybody's, so nothing of it is quoted.</summary>
    private static string KindOf(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty) return "found an empty line";
        if (line.StartsWith("##fileformat=VCFv"u8)) return line.Length <= 22 && !line[17..].ContainsAnyExcept("0123456789."u8) ? $"found version {System.Text.Encoding.ASCII.GetString(line[17..])}" : "found another version";
        if (line.StartsWith("##fileformat="u8)) return "found another format";
        if (line.StartsWith("#"u8)) return "found another line of a header";
        if (line[0] is (byte)'{' or (byte)'[') return "found what looks like JSON";
        if (line[0] is (byte)'<') return "found what looks like XML";
        if (line[0] is (byte)'>' or (byte)'@') return "found what looks like sequences";
        return $"found a line of {line.Length} bytes that does not begin with ##fileformat";
    }

    private void ReadMeta(string line)
    {
        _metaLines.Add(line);
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 2)
        {
            Warn("vcf-meta-syntax", "header", "the meta line is not ##key=value");
            return;
        }
        var key = line[2..equals];
        var value = line[(equals + 1)..];
        if (value.Length == 0) Warn("vcf-meta-syntax", key, "the meta line has no value");
        if (key == "reference") _references.Add(value);
        if (key == "fileformat") faults.Refuse("vcf-fileformat", "fileformat", "a second fileformat line");
        if (key is "contig" or "INFO" or "FORMAT" or "FILTER") ReadDefinition(key, value);
        VcfHeaderLint.Check(key, value, _version, Warn);
    }

    private void ReadDefinition(string key, string value)
    {
        var fields = VcfMetaFields.Parse(value);
        if (fields.Get("ID") is not { Length: > 0 } id)
        {
            faults.Refuse("vcf-meta-id", key, $"the {key} line has no ID");
            return;
        }
        var isNew = key switch
        {
            "INFO" => _info.TryAdd(id, new VcfDefinition(fields.Get("Number") ?? "", fields.Get("Type") ?? "")),
            "FORMAT" => _format.TryAdd(id, new VcfDefinition(fields.Get("Number") ?? "", fields.Get("Type") ?? "")),
            "FILTER" => _filters.Add(id),
            _ => AddContig(id, fields),
        };
        if (!isNew) faults.Refuse("vcf-meta-duplicate", key, Encoding.UTF8.GetBytes(id), $"an ID that no {key} line before has");
    }

    private bool AddContig(string id, VcfMetaFields fields)
    {
        if (!VcfText.IsContigName(Encoding.UTF8.GetBytes(id))) faults.Refuse("vcf-contig-name", "contig", Encoding.UTF8.GetBytes(id), "a contig name without white space, comma, quotes and brackets");
        if (_contigs.Count >= limits.MaxContigs) faults.Refuse("vcf-contig-cap", "contig", $"more than {limits.MaxContigs} contigs");
        var length = 0;
        if (fields.Get("length") is { } text && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length) && length > 0))
            faults.Refuse("vcf-contig-length", "contig", Encoding.UTF8.GetBytes(text), "a length of 1 to 2147483647");
        var md5 = fields.Get("md5") ?? fields.Get("M5") ?? "";
        var contig = new VcfContig(id, length, md5.ToLowerInvariant(), Declared: true);
        if (_contigIndexes.TryAdd(id, _contigs.Count)) _contigs.Add(contig);
        else return Agree(_contigIndexes[id], contig);
        return true;
    }

    /// <summary>A second line of a contig says nothing new or adds to the first; two lengths or digests are one too many.</summary>
    private bool Agree(int index, VcfContig second)
    {
        var first = _contigs[index];
        if (first.LengthBases > 0 && second.LengthBases > 0 && first.LengthBases != second.LengthBases) return false;
        if (first.Md5.Length > 0 && second.Md5.Length > 0 && first.Md5 != second.Md5) return false;
        Warn("vcf-meta-duplicate", "contig", "a second line for the same contig");
        _contigs[index] = first with
        {
            LengthBases = Math.Max(first.LengthBases, second.LengthBases),
            Md5 = first.Md5.Length > 0 ? first.Md5 : second.Md5,
        };
        return true;
    }

    private VcfParsedHeader Finish(ReadOnlySpan<byte> line)
    {
        var fixedText = Encoding.UTF8.GetBytes(string.Join('\t', Columns));
        var rest = line.StartsWith(fixedText) ? line[fixedText.Length..] : default;
        if (!line.StartsWith(fixedText) || (!rest.IsEmpty && !rest.StartsWith("\tFORMAT"u8)))
            faults.Refuse("vcf-columns", "header", line, "meta lines, then #CHROM POS ID REF ALT QUAL FILTER INFO [FORMAT and samples] separated by tabs");
        var samples = rest.IsEmpty ? [] : ReadSamples(rest["\tFORMAT"u8.Length..]);
        if (!rest.IsEmpty && samples.Count == 0) Warn("vcf-columns", "header", "a FORMAT column without samples");
        var header = new VcfHeader
        {
            Version = _version,
            Contigs = _contigs,
            Samples = samples,
            MetaLines = _metaLines,
            References = _references,
            Warnings = _warnings,
        };
        return new VcfParsedHeader(header, _info, _format, _filters, !rest.IsEmpty);
    }

    private List<string> ReadSamples(ReadOnlySpan<byte> rest)
    {
        var names = new List<string>();
        if (rest.IsEmpty) return names;
        if (rest[0] != '\t') faults.Refuse("vcf-columns", "header", "FORMAT must be followed by a tab and the sample names");
        if (rest.Count((byte)'\t') > limits.MaxSamples) faults.Refuse("vcf-sample-cap", "header", $"more than {limits.MaxSamples} samples");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var text = rest[1..];
        foreach (var range in text.Split((byte)'\t'))
        {
            var name = DecodeName(text[range]);
            if (name.Length == 0) faults.Refuse("vcf-sample-empty", "header", $"sample {names.Count + 1} has an empty name");
            if (!seen.Add(name)) faults.Refuse("vcf-sample-duplicate", "header", $"sample {names.Count + 1} has the name of a sample before it");
            names.Add(name);
        }
        return names;
    }

    private string DecodeName(ReadOnlySpan<byte> name)
    {
        try
        {
            return StrictUtf8.GetString(name);
        }
        catch (DecoderFallbackException)
        {
            faults.Refuse("vcf-utf8", "header", "a sample name is not UTF-8");
            return "";
        }
    }

    /// <summary>Meta lines of old files are now and then Latin-1; nothing but a description can contain such bytes.</summary>
    private string Decode(ReadOnlySpan<byte> line)
    {
        try
        {
            return StrictUtf8.GetString(line);
        }
        catch (DecoderFallbackException)
        {
            Warn("vcf-utf8", "header", "the meta line is not UTF-8");
            return Encoding.Latin1.GetString(line);
        }
    }

    private void Warn(string code, string field, string text)
    {
        if (_warnings.Count < MostWarnings) _warnings.Add(faults.Describe(code, field, text));
    }
}
