using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Linkage;

/// <summary>
/// Who persons are: for each the cells of some columns, such as name, birth and record number. The person is named as the sample sheet names him.
/// Immutable, any thread. Encoded, integers as in the parts of a store:
/// <code>
/// byte 1; 16 bytes id of the store that it belongs to; count of columns, their names; count of persons, in ordinal order: person, then a text per column
/// </code>
/// </summary>
public sealed class IdentityTable
{
    /// <summary>The column that names the person; the first one of a table that is read.</summary>
    public const string PersonColumn = "person";

    /// <summary>Most columns beside it.</summary>
    public const int MostColumns = 64;

    /// <summary>Longest name of a column or person, and longest cell, in characters.</summary>
    public const int MostNameChars = 500, MostCellChars = 4096;

    /// <summary>Most persons.</summary>
    public const int MostPersons = 2_000_000;

    private const byte Format = 1;

    private readonly SortedDictionary<string, string[]> _rows;

    private IdentityTable(IReadOnlyList<string> columns, SortedDictionary<string, string[]> rows) => (Columns, _rows) = (columns, rows);

    /// <summary>A table of nobody.</summary>
    public static IdentityTable Empty { get; } = new([], new SortedDictionary<string, string[]>(StringComparer.Ordinal));

    /// <summary>Names of the columns beside the person, in order.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Persons in ordinal order.</summary>
    public IReadOnlyCollection<string> Persons => _rows.Keys;

    /// <summary>The cells of a person, one per column; null when the table does not have him.</summary>
    public IReadOnlyList<string>? Find(string person) => _rows.GetValueOrDefault(person);

    /// <summary>Reads tab-separated lines. The first names the columns, of which the first is <c>person</c>; empty cells are allowed, no person stands twice.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="file">Name of the file, for errors, which quote nothing of it.</param>
    /// <exception cref="InputException">A line is not of the table; the place says which.</exception>
    public static IdentityTable Parse(IEnumerable<string> lines, string file)
    {
        string[]? header = null;
        var (rows, number) = (new SortedDictionary<string, string[]>(StringComparer.Ordinal), 0);
        foreach (var line in lines)
        {
            var cells = line.Split('\t');
            var place = new InputPlace(file, ++number, 0, "");
            if (header is null)
            {
                header = HeaderOf(cells, place);
                continue;
            }
            if (cells.Length != header.Length) throw new InputException("identity-row", $"a row has a cell for each of the {header.Length} columns, parted by tabs", place);
            if (cells[0].Length is 0 or > MostNameChars) throw new InputException("identity-person", $"a row begins with its person, of at most {MostNameChars} characters", place with { Field = PersonColumn });
            for (var i = 1; i < cells.Length; i++)
                if (cells[i].Length > MostCellChars) throw new InputException("identity-cell", $"a cell has at most {MostCellChars} characters", place with { Field = header[i] });
            if (!rows.TryAdd(cells[0], cells[1..])) throw new InputException("identity-twice", "this person stands in a line before", place with { Field = PersonColumn });
            if (rows.Count > MostPersons) throw new InputException("identity-size", $"there are more than {MostPersons} persons", place);
        }
        return header is null ? throw new InputException("identity-header", $"the first line names the columns: {PersonColumn}, then what is known of him, parted by tabs", new InputPlace(file, 1, 0, "")) : new IdentityTable(header[1..], rows);
    }

    private static string[] HeaderOf(string[] cells, InputPlace place)
    {
        var isGood = cells[0] == PersonColumn && cells.Length is > 1 and <= MostColumns + 1 && !cells.Contains("sample") && cells.All(c => c.Length is > 0 and <= MostNameChars && !c.Any(char.IsControl)) && cells.Distinct(StringComparer.Ordinal).Count() == cells.Length;
        return isGood ? cells : throw new InputException("identity-header", $"the first line names the columns: {PersonColumn}, then 1 to {MostColumns} more, each once and none sample, parted by tabs", place);
    }

    /// <summary>This table with the rows of another in the place of those of the same persons. Columns that only one has are kept; cells that nobody gave are empty.</summary>
    internal IdentityTable With(IdentityTable newer)
    {
        string[] columns = [.. Columns.Union(newer.Columns, StringComparer.Ordinal)];
        if (columns.Length > MostColumns) throw new InputException("identity-header", $"there are more than {MostColumns} columns, with those that the vault has", InputPlace.None);
        var rows = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var from in (IdentityTable[])[this, newer])
        {
            int[] places = [.. columns.Select(c => Array.FindIndex([.. from.Columns], other => other == c))];
            foreach (var (person, cells) in from._rows) rows[person] = [.. places.Select(p => p < 0 ? "" : cells[p])];
        }
        return rows.Count <= MostPersons ? new IdentityTable(columns, rows) : throw new InputException("identity-size", $"there are more than {MostPersons} persons, with those that the vault has", InputPlace.None);
    }

    /// <summary>This table without some persons.</summary>
    internal IdentityTable Without(IEnumerable<string> persons)
    {
        var rows = new SortedDictionary<string, string[]>(_rows, StringComparer.Ordinal);
        foreach (var person in persons) rows.Remove(person);
        return new IdentityTable(Columns, rows);
    }

    internal byte[] Encode(FileId store)
    {
        var to = new ByteWriter();
        to.Byte(Format);
        store.Write(to.Take(FileId.SizeBytes));
        to.Var(Columns.Count);
        foreach (var column in Columns) to.Text(column);
        to.Var(_rows.Count);
        foreach (var (person, cells) in _rows)
        {
            to.Text(person);
            foreach (var cell in cells) to.Text(cell);
        }
        return to.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are not what <see cref="Encode"/> makes.</exception>
    /// <exception cref="StoreRefusedException">They are of another store, or of a later format.</exception>
    internal static IdentityTable Decode(ReadOnlySpan<byte> bytes, FileId store)
    {
        var from = new ByteReader(bytes);
        if (from.Byte() != Format) throw new StoreRefusedException("the linkage vault has a format that this program does not know");
        if (FileId.Read(from.Raw(FileId.SizeBytes)) != store) throw new StoreRefusedException("the linkage vault belongs to another store");
        var columns = new string[from.Count(MostColumns)];
        for (var i = 0; i < columns.Length; i++) columns[i] = from.Text();
        var rows = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        for (var left = from.Count(MostPersons); left > 0; left--)
        {
            var (person, cells) = (from.Text(), new string[columns.Length]);
            for (var i = 0; i < cells.Length; i++) cells[i] = from.Text();
            if (!rows.TryAdd(person, cells)) throw new InvalidDataException("a person stands twice");
        }
        from.End();
        return new IdentityTable(columns, rows);
    }
}
