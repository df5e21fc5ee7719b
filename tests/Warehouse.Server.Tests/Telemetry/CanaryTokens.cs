using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>Kinds of fields that hold data of persons.</summary>
internal enum CanaryKind
{
    SampleId,
    PatientName,
    Mrn,
    BirthDate,
    FileName,
    HeaderSample,
    InfoValue,
    CohortName,
    OrderId,
    BundleNote,
    Metadata,
    CliInput,

    /// <summary>Of whoever signs a review of the audit log off: his own word, which that log keeps.</summary>
    Remark,
}

/// <summary>
/// Texts that stand nowhere by chance: 200 of them in thirteen kinds. They are put where data of persons goes in; found where it must not come
/// out, in any of the forms of <see cref="Forms"/>, they show a leak.
/// </summary>
internal sealed class CanaryTokens
{
    /// <summary>How many.</summary>
    public const int Count = 200;

    private readonly List<(CanaryKind Kind, string Text)> _all = [];
    private readonly Dictionary<CanaryKind, int> _given = [];

    /// <summary>The tokens of a seed. Each class of tests has a seed of its own: sinks of the whole process hear what classes beside it send.</summary>
    public CanaryTokens(int seed)
    {
        var chance = new Random(seed);
        var kinds = Enum.GetValues<CanaryKind>();
        HashSet<string> known = [];
        for (var i = 0; i < Count;)
        {
            var text = Make(kinds[i % kinds.Length], chance);
            var forms = Forms(text).Select(f => Convert.ToHexString(f.Bytes)).ToList();
            if (forms.Any(known.Contains)) continue; // two dates may differ in a character that base64 mixes with what stands beside it
            known.UnionWith(forms);
            _all.Add((kinds[i++ % kinds.Length], text));
        }
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<(CanaryKind Kind, string Text)> All => _all;

    /// <summary>One of a kind, another each time until all were given.</summary>
    public string Next(CanaryKind kind)
    {
        var own = _all.Where(t => t.Kind == kind).ToList();
        var at = _given[kind] = _given.GetValueOrDefault(kind) + 1;
        return own[(at - 1) % own.Count].Text;
    }

    /// <summary>The forms in which a text may come out, as bytes.</summary>
    public static IEnumerable<(string Form, byte[] Bytes)> Forms(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var forms = new List<(string, byte[])>
        {
            ("raw", utf8), ("Latin-1", Encoding.Latin1.GetBytes(text)), ("UTF-16", Encoding.Unicode.GetBytes(text)), ("UTF-16, big-endian", Encoding.BigEndianUnicode.GetBytes(text)),
            ("hex", Ascii(Convert.ToHexStringLower(utf8))), ("HEX", Ascii(Convert.ToHexString(utf8))),
        };
        void Add(string form, string other) => forms.Add((form, Encoding.UTF8.GetBytes(other)));
        Add("lower", text.ToLowerInvariant());
        Add("upper", text.ToUpperInvariant());
        Add("reversed", new string([.. text.Reverse()]));
        Add("URL", Uri.EscapeDataString(text));
        Add("URL, lower", LowerEscapes(Uri.EscapeDataString(text)));
        Add("form", WebUtility.UrlEncode(text));
        Add("HTML", WebUtility.HtmlEncode(text));
        Add("HTML, hex", HtmlEncoder.Default.Encode(text));
        Add("JSON", JavaScriptEncoder.Default.Encode(text));
        Add("JSON, short", JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text));
        Add("escaped", string.Concat(utf8.Select(b => b is >= 0x20 and < 0x7F and not (byte)'\\' ? ((char)b).ToString() : $"\\x{b:X2}")));
        for (var shift = 0; shift < 3; shift++)
        {
            // The first and the last character depend on what stands before and behind.
            var code = Convert.ToBase64String([.. new byte[shift], .. utf8])[((shift * 4 + 2) / 3)..((shift + utf8.Length) * 8 / 6)];
            Add($"base64, {shift}", code);
            Add($"base64url, {shift}", code.Replace('+', '-').Replace('/', '_'));
        }
        return forms.DistinctBy(f => Convert.ToHexString(f.Item2));
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static string LowerEscapes(string url)
    {
        var text = new StringBuilder(url);
        for (var i = 0; i + 2 < text.Length; i++)
            if (text[i] == '%') (text[i + 1], text[i + 2]) = (char.ToLowerInvariant(text[i + 1]), char.ToLowerInvariant(text[i + 2]));
        return text.ToString();
    }

    private static string Make(CanaryKind kind, Random chance)
    {
        var (word, other) = (Word(chance, 9), Word(chance, 6));
        var digits = chance.NextInt64(1_000_000_000, 10_000_000_000).ToString(CultureInfo.InvariantCulture);
        return kind switch
        {
            CanaryKind.SampleId => $"Cnr-{word}.s",
            CanaryKind.PatientName => $"Zoë \"{word}\" O'{other} & <Söhne>",
            CanaryKind.Mrn => "MRN" + digits,
            CanaryKind.BirthDate => new DateOnly(1800, 1, 1).AddDays(chance.Next(36_000)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            CanaryKind.FileName => $"cnr_{word}",
            CanaryKind.HeaderSample => $"hdr {word}+{other}",
            CanaryKind.InfoValue => "INF" + word,
            CanaryKind.CohortName => "coh-" + word,
            CanaryKind.OrderId => $"ORD#{word}/{digits}",
            CanaryKind.BundleNote => $"note: {word} ünd {other}",
            CanaryKind.Metadata => "md-" + word,
            CanaryKind.Remark => "seen by " + word,
            _ => "CLI" + word,
        };
    }

    private static string Word(Random chance, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ"[chance.Next(44)]));
}
