using System.Globalization;
using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// The two dictionaries of a BCF header (VCF specification, 6.2.1): strings (FILTER, INFO and FORMAT ids, one index for each
/// name, PASS is 0) and contigs. An index is stated by <c>IDX=</c> or is the next after the greatest so far.
/// </summary>
internal sealed class BcfDictionary
{
    private readonly VcfFaults _faults;
    private readonly VcfLimits _limits;
    private readonly List<BcfKey?> _keys = [];
    private readonly List<int> _contigs = [];
    private readonly Dictionary<string, int> _keyIndexes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _contigIndexes = new(StringComparer.Ordinal);

    /// <summary>Makes the dictionaries of a header.</summary>
    /// <exception cref="InputException">Two names have one index, one name has two, or an index is out of all proportion.</exception>
    public BcfDictionary(VcfHeader header, VcfFaults faults, VcfLimits limits)
    {
        (_faults, _limits) = (faults, limits);
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var contig in header.Contigs) places.Add(contig.Name, places.Count);
        AddKey("PASS", 0);
        foreach (var line in header.MetaLines)
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 2 || line[2..equals] is not ("contig" or "FILTER" or "INFO" or "FORMAT")) continue;
            var fields = VcfMetaFields.Parse(line[(equals + 1)..]);
            var id = fields.Get("ID") ?? "";
            var index = fields.Get("IDX") is { } text ? ReadIndex(text) : -1;
            if (line[2] == 'c') AddContig(id, index, places);
            else AddKey(id, index);
        }
    }

    /// <summary>The name of an index of the string dictionary, or null.</summary>
    public BcfKey? Key(int index) => (uint)index < (uint)_keys.Count ? _keys[index] : null;

    /// <summary>Index of a name that the header has.</summary>
    public int IndexOf(string key) => _keyIndexes[key];

    /// <summary>Place in <see cref="VcfHeader.Contigs"/> of an index of the contig dictionary; -1 when there is none.</summary>
    public int Contig(int index) => (uint)index < (uint)_contigs.Count ? _contigs[index] : -1;

    /// <summary>A meta line without its index, which is BCF's own and would mislead a reader of the same line elsewhere.</summary>
    public static string WithoutIndex(string line)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 2 || line[2..equals] is not ("contig" or "FILTER" or "INFO" or "FORMAT")) return line;
        if (VcfMetaFields.Parse(line[(equals + 1)..]).All is not [.., { Key: "IDX", Quoted: false } last]) return line;
        var tail = $",IDX={last.Value}>";
        return line.EndsWith(tail, StringComparison.Ordinal) ? line[..^tail.Length] + ">" : line;
    }

    private int ReadIndex(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < _limits.MaxMetaLines) return index;
        _faults.Refuse("bcf-dictionary", "header", $"an IDX that is no number from 0 to {_limits.MaxMetaLines - 1}");
        return -1;
    }

    private void AddKey(string name, int index)
    {
        if (index < 0) index = _keyIndexes.TryGetValue(name, out var known) ? known : _keys.Count;
        Register(_keyIndexes, name, index);
        while (_keys.Count <= index) _keys.Add(null);
        if (_keys[index] is { } other && other.Name != name) _faults.Refuse("bcf-dictionary", "header", $"two names have the index {index}");
        _keys[index] ??= new BcfKey(name);
    }

    private void AddContig(string name, int index, Dictionary<string, int> places)
    {
        if (index < 0) index = _contigIndexes.TryGetValue(name, out var known) ? known : _contigs.Count;
        Register(_contigIndexes, name, index);
        while (_contigs.Count <= index) _contigs.Add(-1);
        if (_contigs[index] >= 0 && _contigs[index] != places[name]) _faults.Refuse("bcf-dictionary", "header", $"two contigs have the index {index}");
        _contigs[index] = places[name];
    }

    private void Register(Dictionary<string, int> indexes, string name, int index)
    {
        if (!indexes.TryAdd(name, index) && indexes[name] != index)
            _faults.Refuse("bcf-dictionary", "header", Encoding.UTF8.GetBytes(name), "one index for each name");
    }
}

/// <summary>A name of the string dictionary, with what it means to records. One thread.</summary>
internal sealed class BcfKey(string name)
{
    private long _lastUse;

    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>The name as text.</summary>
    public byte[] Text { get; } = Encoding.UTF8.GetBytes(name);

    /// <summary>The name may be an INFO or FORMAT key.</summary>
    public bool IsKey { get; } = VcfInfoParser.IsKey(Encoding.UTF8.GetBytes(name));

    /// <summary>INFO of this name is read.</summary>
    public bool IsReadInfo { get; } = VcfInfoParser.IsRead(Encoding.UTF8.GetBytes(name));

    /// <summary>Which integer column FORMAT of this name fills.</summary>
    public FormatFields Column { get; } = VcfFormatPlan.Field(Encoding.UTF8.GetBytes(name));

    /// <summary>FORMAT of this name is the genotype.</summary>
    public bool IsGt { get; } = name == "GT";

    /// <summary>False when the key has been used in that part of a record already.</summary>
    /// <param name="part">A number that no other part of a record has.</param>
    public bool TryUse(long part)
    {
        if (_lastUse == part) return false;
        _lastUse = part;
        return true;
    }
}
