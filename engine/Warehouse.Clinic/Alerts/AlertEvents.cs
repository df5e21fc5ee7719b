namespace Warehouse.Clinic.Alerts;

/// <summary>What the log holds of watches and alerts. Each says when it was, by <see cref="AlertBook.NowUtc"/>.</summary>
public abstract record AlertEvent;

/// <summary>The salt of the ids; the first event.</summary>
public sealed record Salted(byte[] Salt) : AlertEvent;

/// <summary>A watch is kept, in place of one of its name.</summary>
public sealed record WatchSet(Watch Watch) : AlertEvent;

/// <summary>A watch is kept no more.</summary>
public sealed record WatchRemoved(string Name) : AlertEvent;

/// <summary>Who cares for these persons; a row without a responsible clinician takes the person off the table.</summary>
public sealed record CareSet(IReadOnlyList<CareRow> Rows) : AlertEvent;

/// <summary>A new table of grades.</summary>
public sealed record GradesSet(string Text) : AlertEvent;

/// <summary>New settings.</summary>
public sealed record SettingsSet(AlertSettings Settings) : AlertEvent;

/// <summary>A release of ClinVar holds from here on.</summary>
/// <param name="Release">Its date.</param>
/// <param name="Digest">Of its content.</param>
/// <param name="Alleles">How many it has.</param>
/// <param name="Unrecognised">How many of these have something that no table has, and were accepted so.</param>
public sealed record ReleaseAccepted(string Release, string Digest, long Alleles, long Unrecognised) : AlertEvent;

/// <summary>Alerts are raised.</summary>
public sealed record AlertsRaised(IReadOnlyList<AlertDraft> Drafts) : AlertEvent;

/// <summary>All alerts of all events and versions up to here are raised (I10).</summary>
public sealed record DerivedThrough(long Event, long Version) : AlertEvent;

/// <summary>Who hears of alerts.</summary>
public sealed record AlertsRouted(IReadOnlyList<(string Alert, IReadOnlyList<string> Recipients)> Routes) : AlertEvent;

/// <summary>Who hears was looked at for every open alert by what may be seen at a moment.</summary>
/// <param name="Mark">Of what is in force of the policy and of the callers that are known: another one, and all is looked at anew.</param>
public sealed record AccessLooked(string Mark) : AlertEvent;

/// <summary>A message over alerts went out.</summary>
public sealed record AlertsDelivered(string Way, string Recipient, IReadOnlyList<string> Alerts) : AlertEvent;

/// <summary>A way does not work, or refuses what is for one recipient; it is tried again at a moment.</summary>
public sealed record DeliveryFailed(string Way, int Attempt, DateTimeOffset AgainUtc) : AlertEvent
{
    /// <summary>For whom it takes nothing; empty = the way takes nothing at all.</summary>
    public string Recipient { get; init; } = "";
}

/// <summary>Alerts are about to be shown to somebody.</summary>
public sealed record AlertsShown(string Recipient, IReadOnlyList<string> Alerts) : AlertEvent;

/// <summary>Somebody acknowledges an alert that was shown to him.</summary>
public sealed record AlertAcknowledged(string Alert, string By, string Reason) : AlertEvent;

/// <summary>An alert is somebody else's now.</summary>
public sealed record AlertDelegated(string Alert, string By, string To, string Reason) : AlertEvent;

/// <summary>An alert does not go further until a moment.</summary>
public sealed record AlertSnoozed(string Alert, string By, DateTimeOffset UntilUtc, string Reason) : AlertEvent;

/// <summary>An alert went further, since nobody acknowledged it in time or somebody sent it on.</summary>
public sealed record AlertEscalated(string Alert, int Level, string Reason) : AlertEvent
{
    /// <summary>Who is told again, since everybody there is was told before.</summary>
    public IReadOnlyList<string> Again { get; init; } = [];
}

/// <summary>An alert is told to nobody any more.</summary>
public sealed record AlertSuppressed(string Alert, string Reason) : AlertEvent;

/// <summary>A self-test begins.</summary>
public sealed record SelfTestBegun(string Mark) : AlertEvent;

/// <summary>A self-test went through all ways.</summary>
public sealed record SelfTestPassed(string Mark) : AlertEvent;

/// <summary>The clock was set back: so many milliseconds are added to it from here on.</summary>
public sealed record ClockMoved(long OffsetMs) : AlertEvent;
