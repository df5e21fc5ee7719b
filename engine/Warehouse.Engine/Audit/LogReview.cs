using System.Globalization;

namespace Warehouse.Engine.Audit;

/// <summary>What a review of the audit log takes for usual (C12).</summary>
public sealed record LogReviewOptions
{
    /// <summary>When people work: from this time of day on, and until before that one.</summary>
    public TimeOnly WorkFrom { get; init; } = new(6, 0);

    /// <summary>End of the working day; where it is not after its beginning, people work through the night.</summary>
    public TimeOnly WorkUntil { get; init; } = new(20, 0);

    /// <summary>Days on which they work.</summary>
    public IReadOnlyCollection<DayOfWeek> WorkDays { get; init; } = [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday];

    /// <summary>Where that holds.</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>Rows of a day of one principal below which nothing is unusual.</summary>
    public long LeastRows { get; init; } = 10_000;

    /// <summary>So many times as many rows as on any day of his before are unusual.</summary>
    public int TimesUsual { get; init; } = 10;

    /// <summary>So many credentials that were not taken within an hour are unusual.</summary>
    public int FailedLogins { get; init; } = 20;

    /// <summary>Times of day as <c>HH:MM-HH:MM</c>; null where the text is none.</summary>
    public static (TimeOnly From, TimeOnly Until)? HoursOf(string text)
    {
        var parts = text.Split('-');
        TimeOnly? Of(int at) => parts.Length == 2 && TimeOnly.TryParseExact(parts[at], "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;
        return Of(0) is { } from && Of(1) is { } until ? (from, until) : null;
    }
}

/// <summary>
/// What of an audit log is unusual in itself, beside the single entries that somebody looks at anyway: data of samples shown when nobody works, more of it in a day
/// than ever, credentials that are not taken again and again. One finding for each principal and day (or hour), at its first entry, so that a night's listing is
/// one line. Feed it the entries in order.
/// </summary>
public sealed class LogReview(LogReviewOptions options)
{
    /// <summary>Outcome of a call whose credential was not taken.</summary>
    public const string Unauthenticated = "unauthenticated";

    private readonly Dictionary<(string Who, DateOnly Day), (AuditEntry First, int Calls, HashSet<string> Ids)> _offHours = [];
    private readonly Dictionary<string, Volume> _volumes = new(StringComparer.Ordinal);
    private readonly Dictionary<DateTimeOffset, (AuditEntry First, long Count)> _failed = [];
    private readonly List<(AuditEntry Entry, string Reason)> _unusual = [];

    /// <summary>Takes the next entry. One that signs the log off ends the findings before it; what is usual is learnt from all.</summary>
    public void Add(AuditEntry entry)
    {
        if (entry.Kind == AuditKind.Review)
        {
            _offHours.Clear();
            _failed.Clear();
            _unusual.Clear();
            foreach (var volume in _volumes.Values) volume.IsTold = false; // what comes after it is another finding, on the same day too
            return;
        }
        var local = TimeZoneInfo.ConvertTime(entry.Utc, options.Zone);
        if (entry.Subjects.Count > 0 && !IsWork(local)) AddOffHours(entry, DateOnly.FromDateTime(local.Date));
        if (entry.Kind is AuditKind.End or AuditKind.Call && entry.Rows is > 0 and var rows) AddRows(entry, DateOnly.FromDateTime(local.Date), rows);
        if (HasFailed(entry))
        {
            var (hour, count) = (new DateTimeOffset(entry.Utc.Year, entry.Utc.Month, entry.Utc.Day, entry.Utc.Hour, 0, 0, TimeSpan.Zero), entry.Calls ?? 1);
            _failed[hour] = _failed.TryGetValue(hour, out var known) ? (known.First, known.Count + count) : (entry, count);
        }
    }

    /// <summary>Whether a credential was not taken: of a call, or of several that a server summed up.</summary>
    private static bool HasFailed(AuditEntry entry) => entry.Outcome == Unauthenticated || entry is { Kind: AuditKind.Refused, Outcome: "bad-credential" or "expired" };

    /// <summary>What is unusual since the last sign-off: the first entry of each, and why.</summary>
    public IReadOnlyList<(AuditEntry Entry, string Reason)> Findings() =>
    [
        .. _offHours.Values.Select(o => (o.First, string.Create(CultureInfo.InvariantCulture, $"outside working hours: {o.Calls} {(o.Calls == 1 ? "call" : "calls")} that showed data of samples"))),
        .. _unusual,
        .. _failed.Values.Where(f => f.Count >= options.FailedLogins).Select(f => (f.First, string.Create(CultureInfo.InvariantCulture, $"{f.Count} credentials within the hour were not taken"))),
    ];

    private bool IsWork(DateTimeOffset local)
    {
        var time = TimeOnly.FromDateTime(local.DateTime);
        // Through the night: what is after midnight belongs to the day before.
        var isNight = options.WorkUntil <= options.WorkFrom;
        var day = isNight && time < options.WorkUntil ? local.AddDays(-1).DayOfWeek : local.DayOfWeek;
        return options.WorkDays.Contains(day) && (isNight ? time >= options.WorkFrom || time < options.WorkUntil : time >= options.WorkFrom && time < options.WorkUntil);
    }

    private void AddOffHours(AuditEntry entry, DateOnly day)
    {
        if (!_offHours.TryGetValue((entry.Who, day), out var known)) known = (entry, 0, new(StringComparer.Ordinal));
        _offHours[(entry.Who, day)] = known.Ids.Add(entry.Call) ? known with { Calls = known.Calls + 1 } : known;
    }

    private void AddRows(AuditEntry entry, DateOnly day, long rows)
    {
        if (!_volumes.TryGetValue(entry.Who, out var volume)) _volumes.Add(entry.Who, volume = new Volume());
        if (volume.Day != day) (volume.Day, volume.Most, volume.Rows, volume.IsTold) = (day, Math.Max(volume.Most, volume.Rows), 0, false);
        volume.Rows += rows;
        if (volume.IsTold || volume.Rows < options.LeastRows || volume.Rows <= volume.Most * options.TimesUsual) return;
        volume.IsTold = true;
        _unusual.Add((entry, volume.Most == 0
            ? string.Create(CultureInfo.InvariantCulture, $"unusual volume: {volume.Rows} rows in a day, on the first of this principal")
            : string.Create(CultureInfo.InvariantCulture, $"unusual volume: {volume.Rows} rows in a day, and {volume.Most} at most on one before")));
    }

    private sealed class Volume
    {
        public DateOnly Day { get; set; }

        public long Most { get; set; }

        public long Rows { get; set; }

        public bool IsTold { get; set; }
    }
}
