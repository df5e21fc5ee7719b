using Warehouse.Engine.Catalog;
using Warehouse.Engine.Samples;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// What a batch may change whose sender is not the store's owner (I4): it brings new samples with their rows of the sheet, and more data of samples
/// that he sees, or of which all data came from him. Rows that are there, and the classes of columns, are the owner's to change: they say who
/// is one person and what research may see. What is refused says nothing of samples that he does not see but that a name is taken: of a sample, a
/// person or a column; hidden ones and withdrawn ones are refused alike. One ingest; one thread.
/// </summary>
internal sealed class SenderBounds
{
    private const string OwnerChanges = "the store's owner changes rows, by `warehouse ingest STORE FILE --samples SHEET.tsv` with a file that is in the store";

    private readonly StoreCatalog _before;
    private readonly Func<int, bool> _sees;
    private readonly IReadOnlySet<long> _own;
    private readonly Lazy<ILookup<int, long>> _parts;
    private readonly Lazy<Dictionary<int, IReadOnlyDictionary<string, string>>> _sheets, _sent;
    private readonly Lazy<HashSet<string>> _foreign;
    private readonly Dictionary<string, int> _came = new(StringComparer.Ordinal);
    private readonly HashSet<string> _persons = new(StringComparer.Ordinal);

    /// <param name="before">The store.</param>
    /// <param name="sees">Whether he sees a sample's own data; withdrawn ones nobody sees.</param>
    /// <param name="own">Versions that are batches of his.</param>
    public SenderBounds(StoreCatalog before, Func<int, bool> sees, IReadOnlySet<long> own)
    {
        (_before, _sees, _own) = (before, sees, own);
        _parts = new(() => before.Ordinals.ToLookup(o => o.Sample, o => o.FromVersion));
        _sheets = new(() => before.SheetAt(long.MaxValue));
        _sent = new(() => new StoreCatalog { Sheets = [.. before.Sheets.Where(s => own.Contains(s.FromVersion))] }.SheetAt(long.MaxValue));
        _foreign = new(ForeignPersons);
    }

    /// <summary>Nothing of the store is hidden from him: what its samples look like may be told to him.</summary>
    public bool HidesNothing { get; init; }

    /// <summary>Takes note of the sheet, before the first file: it says whose the new samples are.</summary>
    public void Expect(SampleSheet? sheet)
    {
        foreach (var row in sheet?.Rows ?? [])
            if (row.Person is not null) _persons.Add(row.Sample);
    }

    /// <summary>Takes note of a sample of a file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="sample">Its number in the store before; -1 when it is new.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">The name is taken: as that of a sample, or of a person, since a sample without a person is its own.</exception>
    public void Admit(string name, int sample, string file)
    {
        var isTaken = sample >= 0 ? !MayExtend(sample) : !_persons.Contains(name) && _foreign.Value.Contains(name);
        if (isTaken)
            throw Refused("sample-taken", "the file has a sample whose name is taken, by one that its sender neither sees nor has loaded: give it another name, or have the store's owner load the file", new InputPlace(file, 0, 0, "#CHROM"));
        _came[name] = sample;
    }

    /// <summary>Requires of a sheet that it says something of the samples of the batch alone, and nothing new of those that were there.</summary>
    /// <param name="sheet">The sheet, when all files have come.</param>
    /// <param name="path">Its place.</param>
    /// <exception cref="InputException">It says more.</exception>
    public void Require(SampleSheet sheet, string path)
    {
        foreach (var column in sheet.Columns)
            if (column.Name != SheetColumn.Sample && _before.Columns.TryGetValue(column.Name, out var isAggregate) && isAggregate != column.IsAggregate)
                throw Refused("column-taken", "the store has a column of this name that is of another class: with ':aggregate' where it is without, or without it: give it another name, or that class", new InputPlace(path, 1, 0, ""));
        for (var i = 0; i < sheet.Rows.Count; i++)
        {
            // A line for each row: blank ones are at the end alone.
            var (row, place) = (sheet.Rows[i], new InputPlace(path, i + 2, 0, SheetColumn.Sample));
            // Before anything of the store is looked at: hidden, withdrawn or never there is the same.
            if (!_came.TryGetValue(row.Sample, out var sample))
                throw Refused("sheet-row", "a row of a sample that no file of this batch has: leave it out; " + OwnerChanges, place);
            if (sample >= 0 && !SheetRow.SaySame(row.Said(), Known(sample)))
                throw Refused("sheet-row-differs", "a row of a sample that is in the store already, where it was not sent like this: leave it out; " + OwnerChanges, place);
            if (sample < 0 && row.Person is { } person && _foreign.Value.Contains(person))
                throw Refused("person-taken", "a person's name that is taken, by samples that the sender neither sees nor has loaded: give the person another name, or have the store's owner load the file", place with { Field = SheetColumn.Person });
        }
    }

    /// <summary>Of what the sheets say, what he knows: of samples that he does not see, what he said himself.</summary>
    public Dictionary<int, IReadOnlyDictionary<string, string>> Known(Dictionary<int, IReadOnlyDictionary<string, string>> sheets)
    {
        if (HidesNothing) return sheets;
        foreach (var sample in _came.Values.Where(s => s >= 0 && !_sees(s)))
            if (Known(sample) is { } sent) sheets[sample] = sent;
            else sheets.Remove(sample);
        return sheets;
    }

    private static InputException Refused(string code, string expected, InputPlace place) => new(code, expected, place) { HasFixedWords = true };

    private bool MayExtend(int sample) => _before.Samples[sample].WithdrawnVersion == 0 && (_sees(sample) || IsOwn(sample));

    /// <summary>Whether all data that was ever loaded of a sample came from him.</summary>
    private bool IsOwn(int sample) => _own.Count > 0 && _parts.Value[sample].Any() && _parts.Value[sample].All(_own.Contains);

    private IReadOnlyDictionary<string, string>? Known(int sample) => (_sees(sample) ? _sheets : _sent).Value.GetValueOrDefault(sample);

    /// <summary>Whom samples are of that he neither sees nor has loaded, and no others; a sample without a person is its own.</summary>
    private HashSet<string> ForeignPersons()
    {
        var (all, known, sample) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal), 0);
        foreach (var entry in _before.Samples)
        {
            all.Add(PersonOf(_sheets.Value.GetValueOrDefault(sample)) ?? entry.Name);
            if (entry.WithdrawnVersion == 0 && (_sees(sample) || IsOwn(sample))) known.Add(PersonOf(Known(sample)) ?? entry.Name);
            sample++;
        }
        all.ExceptWith(known);
        return all;
    }

    private static string? PersonOf(IReadOnlyDictionary<string, string>? sheet) => sheet is not null && sheet.TryGetValue(SheetColumn.Person, out var person) && person.Length > 0 ? person : null;
}
