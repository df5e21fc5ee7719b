using System.Buffers;
using System.Text.Json;
using Warehouse.Engine;

namespace Warehouse.Clinic.Assessments;

/// <summary>
/// The content of an assessment as JSON, in one canonical form: members in this order, empty ones left out, ASCII, no space. What a signature covers is the
/// digest of these bytes. <c>{"variant":…,"condition":…,"condition_name":…,"class":…,"vus":…,"criteria":[{"code":…,"strength":…,"evidence":…,"references":[…]}],
/// "reason":…,"inheritance":…,"references":[…],"text":…}</c>
/// </summary>
internal static class AssessmentJson
{
    private const int MaxDepth = 8;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth };

    internal static byte[] Encode(AssessmentContent content) => Encode(json => Write(json, content));

    internal static byte[] Encode(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer)) write(json);
        return buffer.WrittenSpan.ToArray();
    }

    internal static void Write(Utf8JsonWriter json, AssessmentContent content)
    {
        json.WriteStartObject();
        json.WriteString("variant", content.Allele.ToString());
        json.WriteString("condition", content.ConditionId);
        Optional(json, "condition_name", content.ConditionName);
        json.WriteString("class", Words.Of(content.Class));
        if (content.Uncertain is { } third) json.WriteString("vus", Words.Of(third));
        if (content.Criteria.Count > 0)
        {
            json.WriteStartArray("criteria");
            foreach (var use in content.Criteria)
            {
                json.WriteStartObject();
                json.WriteString("code", use.Code);
                json.WriteString("strength", Words.Of(use.Strength));
                Optional(json, "evidence", use.Evidence);
                Texts(json, "references", use.References);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        Optional(json, "reason", content.DifferenceReason);
        if (content.Inheritance != Inheritance.Unknown) json.WriteString("inheritance", Words.Of(content.Inheritance));
        Texts(json, "references", content.References);
        Optional(json, "text", content.Text);
        json.WriteEndObject();
    }

    internal static void Optional(Utf8JsonWriter json, string name, string text)
    {
        if (text.Length > 0) json.WriteString(name, text);
    }

    /// <summary>Parses a whole text as one object.</summary>
    /// <exception cref="InputException">It is none: rule <c>assess-json</c>.</exception>
    internal static JsonDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var document = JsonDocument.Parse(bytes, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException)
        {
            // Its message would quote what was found.
        }
        throw Bad("this is not one JSON object");
    }

    /// <summary>Reads content; it is checked as an author's is.</summary>
    internal static AssessmentContent Read(JsonElement from)
    {
        var members = new JsonMembers(from);
        var content = new AssessmentContent
        {
            Allele = AssessedAllele.Parse(members.Text("variant")),
            ConditionId = members.Text("condition"),
            ConditionName = members.Optional("condition_name"),
            Class = Words.Parse<Tier>(members.Text("class")),
            Uncertain = members.Optional("vus") is { Length: > 0 } third ? Words.Parse<UncertainTier>(third) : null,
            Criteria = [.. members.Array("criteria").Select(Use)],
            DifferenceReason = members.Optional("reason"),
            Inheritance = members.Optional("inheritance") is { Length: > 0 } way ? Words.Parse<Inheritance>(way) : Inheritance.Unknown,
            References = [.. members.Array("references").Select(JsonMembers.TextOf)],
            Text = members.Optional("text"),
        };
        members.End();
        return content.Checked();
    }

    internal static InputException Bad(string text) => new("assess-json", text, InputPlace.None);

    private static CriterionUse Use(JsonElement from)
    {
        var members = new JsonMembers(from);
        var use = new CriterionUse(members.Text("code"), Words.Parse<Strength>(members.Text("strength")), members.Optional("evidence")) { References = [.. members.Array("references").Select(JsonMembers.TextOf)] };
        members.End();
        return use;
    }

    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0) return;
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}

/// <summary>Reads the members of an object; one that nobody asked for, or that comes twice, is refused, since nothing that somebody wrote is to be lost in silence.</summary>
internal readonly struct JsonMembers
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);

    internal JsonMembers(JsonElement from)
    {
        if (from.ValueKind != JsonValueKind.Object) throw AssessmentJson.Bad("an object is missing");
        foreach (var member in from.EnumerateObject())
            if (!_members.TryAdd(NameOf(member), member.Value)) throw AssessmentJson.Bad("a member comes twice");
    }

    internal string Text(string name) => _members.Remove(name, out var value) ? TextOf(value) : throw AssessmentJson.Bad($"the member {name} is missing");

    internal string Optional(string name) => _members.Remove(name, out var value) ? TextOf(value) : "";

    internal long Number(string name) =>
        _members.Remove(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : throw AssessmentJson.Bad($"the member {name} is no whole number");

    /// <summary>A number of 32 bits; one that is larger is refused, not made another.</summary>
    internal int Whole(string name) => Number(name) is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw AssessmentJson.Bad($"the member {name} is too large");

    internal long? OptionalNumber(string name) => _members.ContainsKey(name) ? Number(name) : null;

    internal int? OptionalWhole(string name) => _members.ContainsKey(name) ? Whole(name) : null;

    internal double Real(string name) =>
        _members.Remove(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number : throw AssessmentJson.Bad($"the member {name} is no number");

    internal bool Flag(string name) => _members.Remove(name, out var value) && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw AssessmentJson.Bad($"the member {name} is neither true nor false"),
    };

    internal JsonElement Object(string name) => _members.Remove(name, out var value) ? value : throw AssessmentJson.Bad($"the member {name} is missing");

    internal JsonElement? OptionalObject(string name) => _members.Remove(name, out var value) ? value : null;

    internal IEnumerable<JsonElement> Array(string name)
    {
        if (!_members.Remove(name, out var value)) return [];
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw AssessmentJson.Bad($"the member {name} is no list");
    }

    internal void End()
    {
        if (_members.Count > 0) throw AssessmentJson.Bad("a member is there that this version does not know");
    }

    internal static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? Unicode(() => value.GetString()!) : throw AssessmentJson.Bad("a text is missing");

    private static string NameOf(JsonProperty member) => Unicode(() => member.Name);

    /// <summary>Bytes that are no UTF-8, and halves of surrogate pairs, are found when a text is taken.</summary>
    private static string Unicode(Func<string> take)
    {
        try
        {
            return take();
        }
        catch (InvalidOperationException)
        {
            throw AssessmentJson.Bad("a text is no Unicode");
        }
    }
}
