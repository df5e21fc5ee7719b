using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Annotations;

/// <summary>Form of a source file.</summary>
public enum AnnotationFormat
{
    /// <summary>VCF text.</summary>
    Vcf,

    /// <summary>Columns apart by tabs, a header line first.</summary>
    Tsv,

    /// <summary>BED: contig, start, end, further columns.</summary>
    Bed,
}

/// <summary>Which field of a release comes from where.</summary>
/// <param name="Field">The field.</param>
/// <param name="From">VCF: ID, QUAL, FILTER or an INFO key; TSV: a column's name, or its number from 1; BED: its number.</param>
/// <param name="Number">VCF: A or R = one value per allele; L = one per entry of <see cref="AnnotationMapping.AlleleList"/>, where the header has that key; else the whole value.</param>
public sealed record MappedField(AnnotationField Field, string From, char Number = '1');

/// <summary>
/// How a source file is read. Text, a statement per line, words apart by blanks (with blanks inside: in double quotes), <c>#</c> begins a comment:
/// <code>
/// format tsv | bed | vcf
/// assembly NAME                      the file's; another than the store's is refused
/// contig COLUMN                      tsv; then pos (1-based) with ref and alt, or start (0-based) and end (exclusive) for intervals
/// pos COLUMN | start COLUMN | end COLUMN | ref COLUMN | alt COLUMN
/// missing WORD …                     cells that are missing beside empty ones; without the statement: .
/// field NAME TYPE [from COLUMN] [number A|R] [class public|aggregate] [terms gene|hgvs]
///                                    TYPE: text, integer, real, flag; COLUMN: the field's name when not given
/// consequences KEY                   vcf: the INFO key that VEP (CSQ) or SnpEff (ANN) has written, laid out as the header says
/// </code>
/// </summary>
public sealed record AnnotationMapping
{
    /// <summary>Longest mapping.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Form of the file.</summary>
    public AnnotationFormat Format { get; init; }

    /// <summary>Its assembly, if stated.</summary>
    public string? Assembly { get; init; }

    /// <summary>Columns of the place, by role: contig, pos, start, end, ref, alt.</summary>
    public IReadOnlyDictionary<string, string> Places { get; init; } = new Dictionary<string, string>();

    /// <summary>Cells that are missing, beside empty ones.</summary>
    public IReadOnlyList<string> Missing { get; init; } = ["."];

    /// <summary>The fields; a VCF without any has all of its header.</summary>
    public IReadOnlyList<MappedField> Fields { get; init; } = [];

    /// <summary>INFO keys with consequences.</summary>
    public IReadOnlyList<string> Consequences { get; init; } = [];

    /// <summary>Fields that a file need not have: those that its header does not declare are left out.</summary>
    public bool FieldsAreOptional { get; init; }

    /// <summary>VCF: the INFO key that says of which allele each entry of a field of number L is; null = there is none.</summary>
    public string? AlleleList { get; init; }

    /// <summary>Lower-case hex.</summary>
    public required string Sha256 { get; init; }

    /// <summary>As it was written; null of one that is built in.</summary>
    public string? Text { get; init; }

    /// <summary>A VCF whose header tells all.</summary>
    public static AnnotationMapping AllOfHeader { get; } = new() { Sha256 = DigestOf("vcf, all of the header, 1") };

    /// <summary>
    /// ClinVar's VCF as NCBI releases it. From memory, but for what the data of the tests show: the keys of 2018 (those of germline classes), of 2021, and of 2024,
    /// which adds the axes ONC and SCI; and the layout before 2018, in which a record has several ALT and CLNALLE says of which allele each entry of the other keys is. All values are kept as written.
    /// </summary>
    public static AnnotationMapping ClinVar { get; } = new()
    {
        FieldsAreOptional = true,
        AlleleList = "CLNALLE",
        Sha256 = DigestOf("clinvar, 2"),
        Fields =
        [
            new MappedField(new AnnotationField("ID", AnnotationType.Text, Description: "ClinVar variation identifier"), "ID"),
            .. ((string[])["CLNSIG", "CLNREVSTAT", "CLNSIGCONF", "CLNSIGINCL", "CLNVCSO", "CLNVC", "CLNDN", "CLNDNINCL", "CLNDISDB", "CLNDISDBINCL", "CLNHGVS", "CLNVI", "MC",
                "ORIGIN", "RS", "SSR", "DBVARID", "ONC", "ONCREVSTAT", "ONCCONF", "ONCINCL", "ONCDN", "ONCDNINCL", "ONCDISDB", "ONCDISDBINCL", "SCI", "SCIREVSTAT", "SCICONF", "SCIINCL",
                "SCIDN", "SCIDNINCL", "SCIDISDB", "SCIDISDBINCL"]).Select(k => new MappedField(new AnnotationField(k, AnnotationType.Text), k, k is "CLNSIG" or "CLNREVSTAT" or "CLNHGVS" ? 'L' : '1')),
            new MappedField(new AnnotationField("GENEINFO", AnnotationType.Text, Terms: AnnotationTerms.Gene), "GENEINFO"),
            new MappedField(new AnnotationField("GENE", AnnotationType.Text, Terms: AnnotationTerms.Gene), "GENE"),
            new MappedField(new AnnotationField("ALLELEID", AnnotationType.Integer), "ALLELEID"),
            .. ((string[])["AF_ESP", "AF_EXAC", "AF_TGP"]).Select(k => new MappedField(new AnnotationField(k, AnnotationType.Real), k)),
            .. ((string[])["CLNDBN", "CLNACC"]).Select(k => new MappedField(new AnnotationField(k, AnnotationType.Text), k, 'L')),
        ],
    };

    /// <summary>The built-in mapping of a source by name; null when there is none.</summary>
    public static AnnotationMapping? BuiltIn(string source) => source.StartsWith("clinvar", StringComparison.OrdinalIgnoreCase) ? ClinVar : null;

    /// <summary>Reads a mapping.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <exception cref="InputException">A statement is not understood, twice, or missing.</exception>
    public static AnnotationMapping Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > MaxBytes) throw new InputException("mapping-length", $"a mapping has at most {MaxBytes} characters", new InputPlace(name, 0, 0, ""));
        var parser = new AnnotationMappingParser(name);
        var line = 0;
        foreach (var statement in text.Split('\n')) parser.Read(statement.TrimEnd('\r'), ++line);
        return parser.Complete(DigestOf(text)) with { Text = text };
    }

    internal static string DigestOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <summary>Reads the statements of a mapping.</summary>
internal sealed class AnnotationMappingParser(string name)
{
    private static readonly string[] Roles = ["contig", "pos", "start", "end", "ref", "alt"];
    private readonly Dictionary<string, string> _places = [];
    private readonly List<MappedField> _fields = [];
    private readonly List<string> _consequences = [];
    private AnnotationFormat? _format;
    private string? _assembly;
    private List<string>? _missing;
    private int _line;

    public void Read(string statement, int line)
    {
        _line = line;
        var words = Words(statement);
        if (words.Count == 0) return;
        switch (words[0])
        {
            case "format": Once(_format is null, words, 2); _format = Format(words[1]); break;
            case "assembly": Once(_assembly is null, words, 2); _assembly = words[1]; break;
            case "missing":
                if (_missing is not null) throw Bad("mapping-twice", "missing stands twice");
                _missing = words[1..];
                break;
            case "consequences": Once(!_consequences.Contains(words.ElementAtOrDefault(1) ?? ""), words, 2); _consequences.Add(words[1]); break;
            case "field": _fields.Add(Field(words)); break;
            case var role when Roles.Contains(role): Once(!_places.ContainsKey(role), words, 2); _places.Add(role, words[1]); break;
            default: throw Bad("mapping-statement", $"{Quote(words[0])} is no statement: format, assembly, contig, pos, start, end, ref, alt, missing, field or consequences");
        }
    }

    public AnnotationMapping Complete(string sha256)
    {
        _line = 0;
        var format = _format ?? throw Bad("mapping-format", "the mapping needs a line: format tsv, bed or vcf");
        if (format == AnnotationFormat.Tsv)
        {
            var (alleles, intervals) = (Has("contig", "pos", "ref", "alt"), Has("contig", "start", "end"));
            if (alleles == intervals || _places.Count != (alleles ? 4 : 3)) throw Bad("mapping-place", "a tsv needs contig, pos, ref and alt, or contig, start and end, and no other place");
        }
        else if (_places.Count > 0) throw Bad("mapping-place", $"the columns of a place are known in {format.ToString().ToLowerInvariant()}");
        if (format != AnnotationFormat.Vcf && (_consequences.Count > 0 || _fields.Exists(f => f.Number != '1'))) throw Bad("mapping-format", "consequences and number are for vcf alone");
        if (format != AnnotationFormat.Vcf && _fields.Count == 0) throw Bad("mapping-field", "the mapping names no field");
        if (_fields.Count > AnnotationField.MaxFields) throw Bad("mapping-field", $"a release has at most {AnnotationField.MaxFields} fields");
        if (_fields.Select(f => f.Field.Name).Distinct(StringComparer.Ordinal).Count() != _fields.Count) throw Bad("mapping-twice", "two fields have one name");
        return new AnnotationMapping { Format = format, Assembly = _assembly, Places = _places, Missing = _missing ?? ["."], Fields = _fields, Consequences = _consequences, Sha256 = sha256 };
    }

    private bool Has(params ReadOnlySpan<string> roles)
    {
        foreach (var role in roles)
            if (!_places.ContainsKey(role)) return false;
        return true;
    }

    private MappedField Field(List<string> words)
    {
        if (words.Count < 3 || words.Count % 2 == 0) throw Bad("mapping-field", "a field is: field NAME TYPE, then pairs of from, number, class, terms and their values");
        if (!AnnotationField.IsName(words[1])) throw Bad("mapping-field", $"{Quote(words[1])} is no name of a field: letters, digits, _ and . with a letter or _ first, at most {AnnotationField.MaxNameLength}");
        var type = words[2] switch
        {
            "text" => AnnotationType.Text, "integer" => AnnotationType.Integer, "real" => AnnotationType.Real, "flag" => AnnotationType.Flag,
            _ => throw Bad("mapping-type", $"{Quote(words[2])} is no type: text, integer, real or flag"),
        };
        var (from, number, dataClass, terms) = (words[1], '1', DataClass.Public, AnnotationTerms.None);
        for (var i = 3; i < words.Count; i += 2)
        {
            switch (words[i], words[i + 1])
            {
                case ("from", var column): from = column; break;
                case ("number", "A" or "R"): number = words[i + 1][0]; break;
                case ("class", "public"): dataClass = DataClass.Public; break;
                case ("class", "aggregate"): dataClass = DataClass.Aggregate; break;
                case ("terms", "gene") when type == AnnotationType.Text: terms = AnnotationTerms.Gene; break;
                case ("terms", "hgvs") when type == AnnotationType.Text: terms = AnnotationTerms.Hgvs; break;
                default: throw Bad("mapping-field", $"{Quote(words[i])} {Quote(words[i + 1])} is not understood: from COLUMN, number A or R, class public or aggregate, terms gene or hgvs (of text)");
            }
        }
        return new MappedField(new AnnotationField(words[1], type, dataClass, terms), from, number);
    }

    private AnnotationFormat Format(string word) => word switch
    {
        "vcf" => AnnotationFormat.Vcf, "tsv" => AnnotationFormat.Tsv, "bed" => AnnotationFormat.Bed,
        _ => throw Bad("mapping-format", $"{Quote(word)} is no format: vcf, tsv or bed"),
    };

    private void Once(bool isFirst, List<string> words, int count)
    {
        if (words.Count != count) throw Bad("mapping-statement", $"{words[0]} has one value");
        if (!isFirst) throw Bad("mapping-twice", $"{words[0]} stands twice");
    }

    private List<string> Words(string statement)
    {
        var words = new List<string>();
        for (var at = 0; at < statement.Length;)
        {
            if (statement[at] is ' ' or '\t')
            {
                at++;
                continue;
            }
            if (statement[at] == '#') break;
            if (char.IsControl(statement[at])) throw Bad("mapping-statement", "a control character");
            var quoted = statement[at] == '"';
            var end = quoted ? statement.IndexOf('"', at + 1) : statement.AsSpan(at).IndexOfAny(' ', '\t') is >= 0 and var blank ? at + blank : statement.Length;
            if (end < 0) throw Bad("mapping-statement", "a double quote that is not closed");
            words.Add(quoted ? statement[(at + 1)..end] : statement[at..end]);
            at = quoted ? end + 1 : end;
        }
        return words;
    }

    private static string Quote(string text) => InputException.Quote(Encoding.UTF8.GetBytes(text));

    private InputException Bad(string code, string expected) => new(code, expected, new InputPlace(name, _line, 0, ""));
}
