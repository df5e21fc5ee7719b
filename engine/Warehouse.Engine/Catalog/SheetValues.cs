using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Catalog;

/// <summary>
/// What the sheet says of a sample, kept as stored: a column is looked for in the bytes, since most questions ask for one or two of many.
/// Immutable, any thread. Layout: count, then per column, ordinal by name: text name, text value.
/// </summary>
internal sealed class SheetValues(ReadOnlyMemory<byte> encoded) : IReadOnlyDictionary<string, string>
{
    public ReadOnlyMemory<byte> Encoded => encoded;

    public int Count => new ByteReader(encoded.Span).Count(encoded.Length);

    public IEnumerable<string> Keys => this.Select(v => v.Key);

    public IEnumerable<string> Values => this.Select(v => v.Value);

    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException();

    /// <summary>The values in the form of this type.</summary>
    public static SheetValues Of(IReadOnlyDictionary<string, string> values)
    {
        if (values is SheetValues same) return same;
        var to = new ByteWriter();
        to.Var(values.Count);
        foreach (var (name, value) in values.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            to.Text(name);
            to.Text(value);
        }
        return new SheetValues(to.ToArray());
    }

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    /// <exception cref="InvalidDataException">The bytes are not what <see cref="Of"/> makes.</exception>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        Span<byte> wanted = stackalloc byte[256];
        var name = Encoding.UTF8.TryGetBytes(key, wanted, out var length) ? wanted[..length] : Encoding.UTF8.GetBytes(key);
        var from = new ByteReader(encoded.Span);
        for (var left = from.Count(encoded.Length); left > 0; left--)
        {
            var isIt = from.Bytes().SequenceEqual(name);
            var bytes = from.Bytes();
            if (!isIt) continue;
            value = Encoding.UTF8.GetString(bytes);
            return true;
        }
        value = null;
        return false;
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => Decode().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<KeyValuePair<string, string>> Decode()
    {
        var values = new List<KeyValuePair<string, string>>();
        var from = new ByteReader(encoded.Span);
        for (var left = from.Count(encoded.Length); left > 0; left--) values.Add(new(from.Text(), from.Text()));
        from.End();
        return values;
    }
}
