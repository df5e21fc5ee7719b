namespace Warehouse.Engine.Vcf;

/// <summary>The fields of a structured meta line, <c>&lt;ID=DP,Number=1,Description="..."&gt;</c>, as far as they can be told apart.</summary>
internal sealed class VcfMetaFields
{
    private const int MostFields = 1_000;
    private readonly List<(string Key, string Value, bool Quoted)> _fields = [];

    /// <summary>The first thing wrong with the syntax; null when it is right.</summary>
    public string? Fault { get; private set; }

    /// <summary>The fields in order.</summary>
    public IReadOnlyList<(string Key, string Value, bool Quoted)> All => _fields;

    /// <summary>The value of the first field of that name, or null.</summary>
    public string? Get(string key)
    {
        foreach (var field in _fields)
            if (field.Key == key) return field.Value;
        return null;
    }

    /// <summary>Takes a value apart; never fails, but says in <see cref="Fault"/> where it had to stop.</summary>
    public static VcfMetaFields Parse(string value)
    {
        var fields = new VcfMetaFields();
        if (value.Length < 2 || value[0] != '<') fields.Fault = "the value is not in angle brackets";
        else fields.Read(value);
        return fields;
    }

    private void Read(string value)
    {
        var at = 1;
        while (true)
        {
            var equals = value.IndexOf('=', at);
            if (equals < 0 || _fields.Count == MostFields)
            {
                Fault ??= equals < 0 ? "a field without a value" : "too many fields";
                return;
            }
            var key = value[at..equals];
            at = equals + 1;
            var quoted = at < value.Length && value[at] == '"';
            var text = quoted ? ReadQuoted(value, ref at) : ReadPlain(value, ref at);
            if (text is null) return;
            if (key.Length == 0 || key.AsSpan().IndexOfAny(" \t,<>\"") >= 0) Fault ??= "a field name with characters that it must not have";
            if (Get(key) is not null) Fault ??= "the same field twice";
            _fields.Add((key, text, quoted));
            if (at >= value.Length)
            {
                Fault ??= "the closing angle bracket is missing";
                return;
            }
            if (value[at] == '>')
            {
                if (at != value.Length - 1) Fault ??= "text follows the closing angle bracket";
                return;
            }
            at++;
        }
    }

    private static string ReadPlain(string value, ref int at)
    {
        var start = at;
        var depth = 0;
        for (; at < value.Length; at++)
        {
            if (value[at] == '[') depth++;
            if (value[at] == ']') depth--;
            if (value[at] == '>' && at == value.Length - 1) break;
            if (value[at] == ',' && depth <= 0) break;
        }
        return value[start..at];
    }

    private string? ReadQuoted(string value, ref int at)
    {
        var start = ++at;
        for (; at < value.Length; at++)
        {
            if (value[at] == '\\') at++;
            else if (value[at] == '"') break;
        }
        if (at >= value.Length)
        {
            Fault ??= "a quotation mark is not closed";
            return null;
        }
        var text = value[start..at];
        at++;
        if (at < value.Length && value[at] is ',' or '>') return text;
        Fault ??= "text follows a closing quotation mark";
        return null;
    }
}
