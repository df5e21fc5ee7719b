using System.Text.RegularExpressions;

namespace Warehouse.Engine.Vcf;

/// <summary>Checks meta lines for what no count depends on: prose, order of fields, definitions of reserved keys, addresses.</summary>
internal static partial class VcfHeaderLint
{
    private const int Version43 = 403;
    private static readonly HashSet<string> Types = new(StringComparer.Ordinal) { "Integer", "Float", "Flag", "Character", "String" };
    private static readonly HashSet<string> StructuralTypes = new(StringComparer.Ordinal) { "DEL", "INS", "DUP", "INV", "CNV", "BND" };

    /// <summary>Checks one meta line.</summary>
    /// <param name="key">The part before the first <c>=</c>.</param>
    /// <param name="value">The part after it.</param>
    /// <param name="version">As in <see cref="VcfHeader.Version"/>.</param>
    /// <param name="warn">Takes code, field and text.</param>
    public static void Check(string key, string value, int version, Action<string, string, string> warn)
    {
        if (key is "assembly" or "pedigreeDB" && !Address().IsMatch(value)) warn("vcf-meta-address", key, "the value is no address");
        if (key is not ("INFO" or "FORMAT" or "FILTER" or "ALT" or "contig" or "SAMPLE" or "PEDIGREE" or "META")) return;
        var fields = VcfMetaFields.Parse(value);
        if (fields.Fault is not null) warn("vcf-meta-syntax", key, fields.Fault);
        if (fields.All.Any(f => f.Key == "Description" && !f.Quoted)) warn("vcf-meta-description", key, "the description is not in quotation marks");
        if (Problem(key, fields, version) is { } problem) warn("vcf-meta-definition", key, problem);
    }

    private static string? Problem(string key, VcfMetaFields fields, int version) => key switch
    {
        "INFO" or "FORMAT" => Definition(key, fields, version),
        "ALT" => Alternative(fields, version),
        "contig" => fields.Get("ID") is { } id && OddContigName(id, version) ? "a contig name with characters that it must not have" : null,
        "SAMPLE" => Sample(fields, version),
        "PEDIGREE" => Pedigree(fields, version),
        "META" => Meta(fields),
        _ => null,
    };

    /// <summary>True for contig names that records can be told by, but that the specification does not allow.</summary>
    public static bool OddContigName(string name, int version) =>
        name.Contains(':', StringComparison.Ordinal) || (version >= Version43 && name.AsSpan().IndexOfAny('*', '=') >= 0);

    private static string? Definition(string key, VcfMetaFields fields, int version)
    {
        if (!InOrder(fields, "ID", "Number", "Type", "Description")) return "the fields are not ID, Number, Type, Description in this order";
        var (number, type) = (fields.Get("Number") ?? "", fields.Get("Type") ?? "");
        if (!IsNumber(number) && !(key == "FORMAT" && version >= 405 && number is "P" or "M" or "LA" or "LR" or "LG")) return "a Number that is none of the specification's";
        if (!Types.Contains(type) || (key == "FORMAT" && type == "Flag")) return "a Type that is none of the specification's";
        var id = fields.Get("ID") ?? "";
        if ((key == "INFO" ? VcfReserved.Info(id, version) : VcfReserved.Format(id, version)) is not { } reserved) return null;
        if (reserved.Number != number) return $"a reserved key with another Number than {reserved.Number}";
        return reserved.Type == type ? null : $"a reserved key with another Type than {reserved.Type}";
    }

    private static string? Alternative(VcfMetaFields fields, int version)
    {
        var id = fields.Get("ID") ?? "";
        if (id.Length == 0 || id.AsSpan().IndexOfAny(" <>,") >= 0) return "an ID that is empty or has characters that it must not have";
        if (fields.All.Any(f => f.Key is not ("ID" or "Description"))) return "fields beside ID and Description";
        var isKnown = StructuralTypes.Contains(id.Split(':')[0]) || id is "*" or "NON_REF" || id.Length == 1;
        return isKnown || (version >= Version43 && !id.Contains(':', StringComparison.Ordinal)) ? null : "a type of structural variant that the specification does not know";
    }

    private static string? Sample(VcfMetaFields fields, int version)
    {
        if (fields.Get("ID") is not { Length: > 0 } id || id.AsSpan().IndexOfAny(" *<>") >= 0) return "the ID is missing or has characters that it must not have";
        if (version >= Version43) return null;
        if (fields.Get("Genomes") is null || fields.Get("Mixture") is null) return "Genomes or Mixture is missing";
        return fields.All.Any(f => f.Quoted && f.Key != "Description") ? "quotation marks around another field than Description" : null;
    }

    private static string? Pedigree(VcfMetaFields fields, int version)
    {
        if (version >= Version43 && fields.Get("ID") is null) return "the ID is missing";
        return fields.All.All(f => f.Quoted || PlainName().IsMatch(f.Value)) ? null : "a value with characters that it must not have";
    }

    private static string? Meta(VcfMetaFields fields)
    {
        if (!InOrder(fields, "ID", "Number", "Type", "Values")) return "the fields are not ID, Number, Type, Values in this order";
        if (!IsNumber(fields.Get("Number") ?? "") || !Types.Contains(fields.Get("Type") ?? "")) return "a Number or Type that is none of the specification's";
        return fields.Get("Values") is ['[', .., ']'] ? null : "Values are not in square brackets";
    }

    /// <summary>Digits, or one of A, R, G and the point. By hand: the first expression of a process costs 30 ms, and nearly every header comes here.</summary>
    private static bool IsNumber(string text) => text is "A" or "R" or "G" or "." || (text.Length > 0 && text.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0);

    private static bool InOrder(VcfMetaFields fields, params ReadOnlySpan<string> keys)
    {
        if (fields.All.Count < keys.Length) return false;
        for (var i = 0; i < keys.Length; i++)
            if (fields.All[i].Key != keys[i]) return false;
        return true;
    }

    [GeneratedRegex(@"^<?[A-Za-z][A-Za-z0-9+.-]*://(([^/\s:]*[A-Za-z][^/\s:]*|\d+(\.\d+){3})(:\d+)?)?(/\S*)?>?$", RegexOptions.NonBacktracking)]
    private static partial Regex Address();

    [GeneratedRegex(@"^[A-Za-z0-9_.-]+$", RegexOptions.NonBacktracking)]
    private static partial Regex PlainName();
}
