using System.Globalization;

namespace Warehouse.Engine.Annotations;

/// <summary>A release as it is asked for: <c>clinvar</c>, <c>clinvar@2024-01-07</c> or <c>clinvar@3</c>.</summary>
internal static class AnnotationChoice
{
    /// <summary>Source and what stands behind the at sign; that is empty when there is none.</summary>
    public static (string Source, string Which) Split(string choice) => choice.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? (choice[..at], choice[(at + 1)..]) : (choice, "");

    /// <summary>The release that a snapshot shows under a choice.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static AnnotationRelease Find(IReadOnlyList<AnnotationRelease> releases, string choice, long version)
    {
        var (source, which) = Split(choice);
        var shown = releases.Where(r => r.Source == source && r.InForce(version)).ToList();
        if (shown.Count == 0)
        {
            var known = releases.Where(r => r.InForce(version)).Select(r => r.Source).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            throw new InputException("annotation-source", $"the store has no annotations {Quote(source)}; it has: {(known.Count == 0 ? "none" : string.Join(", ", known))}", InputPlace.None);
        }
        if (which.Length == 0) return shown.MaxBy(r => (r.Date, r.Number))!;
        AnnotationRelease? found;
        if (DateOnly.TryParseExact(which, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) found = shown.Find(r => r.Date == day);
        else if (int.TryParse(which, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) found = shown.Find(r => r.Number == number);
        else throw new InputException("annotation-release", $"{Quote(which)} is neither a day, as 2024-01-07, nor the number of a release", InputPlace.None);
        return found ?? throw new InputException("annotation-release", $"there is no release {Quote(which)} of {source}; there are: {string.Join(", ", shown.Select(r => FormattableString.Invariant($"{r.Date:yyyy-MM-dd} ({r.Number})")))}", InputPlace.None);
    }

    private static string Quote(string text) => InputException.Quote(System.Text.Encoding.UTF8.GetBytes(text));
}
