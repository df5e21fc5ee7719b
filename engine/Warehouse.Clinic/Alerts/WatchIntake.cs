using System.Globalization;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;

namespace Warehouse.Clinic.Alerts;

/// <summary>What is looked at before watches, the care table and settings are written: whatever way they came in, they are held to the same rules.</summary>
public static class WatchIntake
{
    /// <summary>Longest name of a person, in characters.</summary>
    public const int MaxPerson = 500;

    /// <summary>Most bytes of a table of grades.</summary>
    public const int MaxGradeBytes = 1 << 18;

    private const int MaxNumber = 10_000;

    /// <summary>A watch as it is kept: alleles, given in any spelling, are normalised.</summary>
    /// <exception cref="InputException">It is not sound, or looks at something that is not there.</exception>
    public static Watch Checked(Watch watch, Session session)
    {
        if ((watch.Triggers & WatchTriggers.Frequency) != 0 != watch.FrequencyLine is > 0 and < 1)
            throw new InputException("watch-frequency", "the trigger frequency needs its line, between 0 and 1, and nothing else has one", InputPlace.None);
        if (watch.Name.Length is 0 or > Watch.MaxName || watch.Items.Count > Watch.MaxItems || watch.Hears.Count > Watch.MaxItems)
            throw new InputException("watch-size", string.Create(CultureInfo.InvariantCulture, $"a watch has a name of at most {Watch.MaxName} characters and at most {Watch.MaxItems} items"), InputPlace.None);
        if (watch.Triggers == WatchTriggers.None || watch.Least == Grade.None) throw new InputException("watch-trigger", "a watch has a trigger, and a least grade", InputPlace.None);
        foreach (var id in watch.Hears) RequireHearer(id, "watch-hears");
        if (watch.Scope == WatchScope.Everybody != (watch.Items.Count == 0) || (watch.Scope is WatchScope.Cohort or WatchScope.Person && watch.Items.Count != 1))
            throw new InputException("watch-scope", "a watch looks at one of a cohort, a person, genes, regions, alleles, or at everybody", InputPlace.None);
        switch (watch.Scope)
        {
            case WatchScope.Cohort: session.CohortMembers(watch.Items[0]); break; // there must be one
            case WatchScope.Regions:
                foreach (var region in watch.Items) RegionText.Parse(region);
                break;
            case WatchScope.Alleles: return watch with { Items = [.. session.Resolve(watch.Items).Select(a => Spelled(a, session))] };
        }
        return watch;
    }

    /// <summary>
    /// Of those who are named to hear, the roles that nobody is known to hold now. Whoever names one is told so: who has it by a group or a token of an identity
    /// provider is not known while he is not here, and would hear of nothing.
    /// </summary>
    public static IReadOnlyList<string> Unheld(AlertSources sources, IEnumerable<string> named)
    {
        using var routing = new Routing(sources, "");
        return routing.Unheld(named);
    }

    /// <summary>Those whom a row of the care table names.</summary>
    public static IEnumerable<string> NamedBy(CareRow row) => row.Responsible.Length > 0 ? row.Deputies.Prepend(row.Responsible) : [];

    /// <summary>A row of the care table; one without a responsible clinician takes the person off.</summary>
    /// <exception cref="InputException">It is not sound.</exception>
    public static CareRow Checked(CareRow row, InputPlace place)
    {
        if (row.Person.Length is 0 or > MaxPerson) throw new InputException("care-row", "a row has person, responsible and deputies, parted by tabs", place);
        try
        {
            foreach (var id in row.Responsible.Length > 0 ? row.Deputies.Append(row.Responsible) : row.Deputies) RequireHearer(id, "care-row");
        }
        catch (InputException bad) when (bad.Place.IsNone)
        {
            throw new InputException(bad.Code, bad.Expected, place);
        }
        return row;
    }

    /// <summary>Settings as they are kept.</summary>
    /// <exception cref="InputException">They are not sound.</exception>
    public static AlertSettings Checked(AlertSettings settings)
    {
        foreach (var number in (ReadOnlySpan<int>)[settings.CriticalHours, settings.MajorHours, settings.MinorHours, settings.MessagesAnHour])
            if (number is < 1 or > MaxNumber) throw new InputException("alert-settings", "a number from 1 to 10,000 is needed", InputPlace.None);
        foreach (var id in settings.Directors) RequireHearer(id, "alert-settings");
        return settings;
    }

    /// <summary>Nobody knows here who is in a group, or who has an attribute: whoever is named so would never hear.</summary>
    private static void RequireHearer(string id, string rule)
    {
        if (Subject.Parse(id).Kind is not (SubjectKind.Principal or SubjectKind.Role)) throw new InputException(rule, "those who hear are callers, or role:ROLE", InputPlace.None);
    }

    /// <summary>An allele as the log names it.</summary>
    private static string Spelled(SeenAnswer answer, Session session)
    {
        if (answer.Contig is null || answer.Reason is not null || answer.MatchedAlleles is not null) throw new InputException("watch-variant", answer.Reason ?? "an allele of plain bases is needed", InputPlace.None);
        return string.Create(CultureInfo.InvariantCulture, $"{session.CanonicalOf(answer.Contig)}-{answer.Start + 1L}-{answer.Ref}-{answer.Alt}");
    }
}
