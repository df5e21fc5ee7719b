using System.Globalization;

namespace Warehouse.Clinic.Alerts;

/// <summary>What may be wrong with alerts. A fixed set: logs show these names.</summary>
public enum AlertAlarmKind
{
    /// <summary>The clock was set back.</summary>
    ClockBehind,

    /// <summary>A way out does not take messages.</summary>
    WayFails,

    /// <summary>Alerts have nobody who may see them.</summary>
    NobodyMaySee,

    /// <summary>The self-test did not go through.</summary>
    SelfTestFailed,

    /// <summary>No self-test has begun for too long.</summary>
    SelfTestOverdue,

    /// <summary>The server could not bring alerts up to date.</summary>
    RunFailed,

    /// <summary>A way out does not take what is for some recipients.</summary>
    RecipientRefused,

    /// <summary>Everybody there is was told, and nobody acknowledged.</summary>
    Overdue,
}

/// <summary>What somebody must look at.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Text">The same in words, without data of persons.</param>
public sealed record AlertAlarm(AlertAlarmKind Kind, string Text)
{
    private const int MostPlaces = 20;

    private static readonly TimeSpan TestOverdue = TimeSpan.FromHours(26);

    internal static AlertAlarm ClockBehind { get; } = new(AlertAlarmKind.ClockBehind, "the clock was set back: time goes on from the newest event");

    internal static AlertAlarm WayFails(string way) => new(AlertAlarmKind.WayFails, $"{way} does not work: messages wait");

    /// <summary>
    /// Recipients for whom a way takes nothing while something waits for them; null = there are none. They are named by their places among the recipients of all open
    /// alerts in the order of their ids, since logs show no ids.
    /// </summary>
    internal static AlertAlarm? RefusedBy(string way, AlertBook book)
    {
        if (book.RefusedBy(way) is not { Count: > 0 } refused) return null;
        var open = book.Alerts.Where(a => a.State == AlertState.Open).ToList();
        string[] all = [.. open.SelectMany(a => a.Recipients).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        int[] places = [.. refused.Where(r => open.Exists(a => a.Recipients.Contains(r) && a.Waits(way, r))).Select(r => Array.IndexOf(all, r) + 1).Order()];
        if (places.Length == 0) return null;
        var named = string.Join(", ", places.Take(MostPlaces)) + (places.Length > MostPlaces ? " and others" : "");
        return new(AlertAlarmKind.RecipientRefused, string.Create(CultureInfo.InvariantCulture, $"{way} takes no messages for {places.Length} of {all.Length} recipients: in the order of their ids {named}"));
    }

    /// <summary>Open alerts of which everybody there is was told, and the time of their grade has passed again; null = there are none.</summary>
    internal static AlertAlarm? OverdueIn(AlertBook book)
    {
        var overdue = book.Alerts.Count(a => a.State == AlertState.Open && !a.Draft.IsSelfTest && a.Level > book.LastLevelOf(a) && !(a.SnoozedUntilUtc > book.NowUtc));
        return overdue == 0 ? null : new(AlertAlarmKind.Overdue, string.Create(CultureInfo.InvariantCulture, $"{overdue} alerts are overdue: clinicians, deputies and directors were told, and nobody has acknowledged them"));
    }

    /// <summary>Open alerts that nobody may see; null = there are none.</summary>
    internal static AlertAlarm? UnseenIn(AlertBook book)
    {
        var unseen = book.Alerts.Count(a => a.State == AlertState.Open && a.IsRouted && a.Recipients.Count == 0 && !a.Draft.IsSelfTest);
        return unseen == 0 ? null : new(AlertAlarmKind.NobodyMaySee, string.Create(CultureInfo.InvariantCulture, $"{unseen} alerts have nobody who may see them: grant access, or name a clinician by care import"));
    }

    /// <summary>What is wrong with the self-test; null = nothing, or none was ever begun.</summary>
    internal static AlertAlarm? SelfTestOf(AlertBook book)
    {
        if (book.SelfTest is not { } test) return null;
        if (book.SelfTestPassed is not { } passed || passed.Mark != test.Mark) return new(AlertAlarmKind.SelfTestFailed, "the self-test did not go through");
        return book.NowUtc - passed.AtUtc > TestOverdue ? new(AlertAlarmKind.SelfTestOverdue, "the self-test is overdue") : null;
    }
}
