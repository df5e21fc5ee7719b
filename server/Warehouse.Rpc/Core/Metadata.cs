using System.Collections;
using System.Text;
using Warehouse.Rpc.Wire;

namespace Grpc.Core;

/// <summary>
/// Names and values that travel beside the messages of a call, in order; a name may stand several times. Names are lower case;
/// the value of a name that ends in <c>-bin</c> is bytes, of every other one printable ASCII.
/// </summary>
public sealed class Metadata : IList<Metadata.Entry>
{
    /// <summary>How names of binary values end.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>None; cannot be added to.</summary>
    public static readonly Metadata Empty = new Metadata().Freeze();

    private readonly List<Entry> _entries = [];
    private bool _isReadOnly;

    /// <inheritdoc/>
    public int Count => _entries.Count;

    /// <inheritdoc/>
    public bool IsReadOnly => _isReadOnly;

    /// <inheritdoc/>
    public Entry this[int index]
    {
        get => _entries[index];
        set
        {
            CheckWritable();
            _entries[index] = value ?? throw new ArgumentNullException(nameof(value));
        }
    }

    /// <summary>The last entry of a name, or null.</summary>
    public Entry? Get(string key)
    {
        for (var i = _entries.Count - 1; i >= 0; i--)
            if (_entries[i].Is(key)) return _entries[i];
        return null;
    }

    /// <summary>The text of the last entry of a name, or null.</summary>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The bytes of the last entry of a name, or null.</summary>
    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    /// <summary>All entries of a name, in order.</summary>
    public IEnumerable<Entry> GetAll(string key) => _entries.Where(entry => entry.Is(key));

    /// <summary>Adds a text.</summary>
    public void Add(string key, string value) => Add(new Entry(key, value));

    /// <summary>Adds bytes; the name ends in <c>-bin</c>.</summary>
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    /// <inheritdoc/>
    public void Add(Entry item)
    {
        CheckWritable();
        _entries.Add(item ?? throw new ArgumentNullException(nameof(item)));
    }

    /// <inheritdoc/>
    public void Insert(int index, Entry item)
    {
        CheckWritable();
        _entries.Insert(index, item ?? throw new ArgumentNullException(nameof(item)));
    }

    /// <inheritdoc/>
    public bool Remove(Entry item)
    {
        CheckWritable();
        return _entries.Remove(item);
    }

    /// <inheritdoc/>
    public void RemoveAt(int index)
    {
        CheckWritable();
        _entries.RemoveAt(index);
    }

    /// <inheritdoc/>
    public void Clear()
    {
        CheckWritable();
        _entries.Clear();
    }

    /// <inheritdoc/>
    public int IndexOf(Entry item) => _entries.IndexOf(item);

    /// <inheritdoc/>
    public bool Contains(Entry item) => _entries.Contains(item);

    /// <inheritdoc/>
    public void CopyTo(Entry[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);

    /// <inheritdoc/>
    public IEnumerator<Entry> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Nothing can be added from now on.</summary>
    internal Metadata Freeze()
    {
        _isReadOnly = true;
        return this;
    }

    private void CheckWritable()
    {
        if (_isReadOnly) throw new InvalidOperationException("these metadata cannot be changed");
    }

    /// <summary>A name and its value.</summary>
    public sealed class Entry
    {
        private readonly string? _text;
        private readonly byte[]? _bytes;

        /// <summary>A text. Throws <see cref="ArgumentException"/> for a name or text that cannot travel, and for a name of the protocol (<c>grpc-</c> and others).</summary>
        public Entry(string key, string value) : this(CheckedKey(key), value ?? throw new ArgumentNullException(nameof(value)), null)
        {
            if (IsBinary) throw new ArgumentException($"the value of a name that ends in {BinaryHeaderSuffix} is bytes", nameof(value));
            if (value.AsSpan().ContainsAnyExceptInRange(' ', '~')) throw new ArgumentException("a value is printable ASCII", nameof(value));
        }

        /// <summary>Bytes, which are copied. Throws <see cref="ArgumentException"/> for a name that cannot travel or is not one of bytes.</summary>
        public Entry(string key, byte[] valueBytes) : this(CheckedKey(key), null, [.. valueBytes ?? throw new ArgumentNullException(nameof(valueBytes))])
        {
            if (!IsBinary) throw new ArgumentException($"the name of bytes ends in {BinaryHeaderSuffix}", nameof(key));
        }

        private Entry(string key, string? text, byte[]? bytes) => (Key, _text, _bytes) = (key, text, bytes);

        /// <summary>The name, in lower case.</summary>
        public string Key { get; }

        /// <summary>True when the value is bytes.</summary>
        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <summary>The text. Throws <see cref="InvalidOperationException"/> when the value is bytes.</summary>
        public string Value => _text ?? throw new InvalidOperationException("the value is bytes");

        /// <summary>The bytes, copied; of a text its ASCII.</summary>
        public byte[] ValueBytes => _bytes is null ? Encoding.ASCII.GetBytes(_text!) : [.. _bytes];

        /// <summary>Names only: a value may be a secret.</summary>
        public override string ToString() => $"[Entry: key={Key}]";

        /// <summary>What came over the wire, taken as it is: a text may hold what this side would not send.</summary>
        internal static Entry Received(string key, string text) => new(key, text, null);

        /// <summary>The same of bytes that nobody else holds.</summary>
        internal static Entry Received(string key, byte[] bytes) => new(key, null, bytes);

        internal bool Is(string key) => Key.Equals(key, StringComparison.OrdinalIgnoreCase);

        private static string CheckedKey(string key)
        {
            ArgumentException.ThrowIfNullOrEmpty(key);
            var lower = key.ToLowerInvariant();
            foreach (var c in lower)
                if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('_' or '-' or '.')) throw new ArgumentException("a name holds 0-9 a-z _ - and . only", nameof(key));
            if (Headers.IsOfProtocol(lower)) throw new ArgumentException("the name belongs to the protocol", nameof(key));
            return lower;
        }
    }
}
