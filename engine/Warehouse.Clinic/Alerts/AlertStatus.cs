using Warehouse.Clinic.ClinVar;

namespace Warehouse.Clinic.Alerts;

/// <summary>Where alerts stand, by the log alone: no alert, no person, no allele. Immutable.</summary>
public sealed record AlertStatus
{
    /// <summary>Open alerts by grade, the gravest first, and how many of these nobody has looked at; self-tests do not count.</summary>
    public required IReadOnlyList<(Grade Grade, int Open, int Unshown)> Open { get; init; }

    /// <summary>What somebody must look at.</summary>
    public required IReadOnlyList<AlertAlarm> Alarms { get; init; }

    /// <summary>When the self-test last went through; null = never.</summary>
    public DateTimeOffset? SelfTestPassedUtc { get; init; }

    /// <summary>Version of the store through which all alerts are raised; 0 = none was ever looked at.</summary>
    public long DerivedVersion { get; init; }

    /// <summary>Reads it.</summary>
    public static AlertStatus Of(AlertBook book)
    {
        var open = book.Alerts.Where(a => a.State == AlertState.Open && !a.Draft.IsSelfTest).ToList();
        List<AlertAlarm> alarms = book.IsClockBehind ? [AlertAlarm.ClockBehind] : [];
        alarms.AddRange(book.FailingWays.Select(AlertAlarm.WayFails));
        alarms.AddRange(book.RefusingWays.Select(way => AlertAlarm.RefusedBy(way, book)).OfType<AlertAlarm>());
        if (AlertAlarm.SelfTestOf(book) is { } test) alarms.Add(test);
        if (AlertAlarm.UnseenIn(book) is { } unseen) alarms.Add(unseen);
        if (AlertAlarm.OverdueIn(book) is { } overdue) alarms.Add(overdue);
        return new AlertStatus
        {
            Open = [.. Enum.GetValues<Grade>().Where(g => g > Grade.None).OrderDescending().Select(g => (g, open.Count(a => a.Draft.Grade == g), open.Count(a => a.Draft.Grade == g && a.Shown.Count == 0)))],
            Alarms = alarms, SelfTestPassedUtc = book.SelfTestPassed?.AtUtc, DerivedVersion = book.Derived.Version,
        };
    }
}
