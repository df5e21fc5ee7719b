using Warehouse.Engine;

namespace Warehouse.Clinic.Alerts;

/// <summary>Who cares for whom, as a table of text.</summary>
public static class CareTable
{
    /// <summary>Reads a table of persons: person, responsible, deputies (parted by commas), parted by tabs, with a header; the last column may be left out.</summary>
    /// <param name="lines">Its lines that are not empty, with their numbers.</param>
    /// <param name="file">What to call it in errors.</param>
    /// <exception cref="InputException">A line is not understood.</exception>
    public static IReadOnlyList<CareRow> ReadAll(IEnumerable<(long Number, string Text)> lines, string file)
    {
        List<CareRow>? rows = null;
        foreach (var (number, text) in lines)
        {
            var cells = text.Split('\t');
            var place = new InputPlace(file, number, 0, "");
            if (rows is null)
            {
                if (!cells.SequenceEqual(["person", "responsible", "deputies"])) throw new InputException("care-header", "the first line is: person, responsible, deputies, parted by tabs", place);
                rows = [];
                continue;
            }
            if (cells.Length is not (2 or 3)) throw new InputException("care-row", "a row has person, responsible and deputies, parted by tabs", place);
            string[] deputies = cells.Length < 3 ? [] : cells[2].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            rows.Add(WatchIntake.Checked(new CareRow(cells[0], cells[1], deputies), place));
        }
        return rows ?? [];
    }
}
