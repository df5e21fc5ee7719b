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
}

/// <summary>What somebody must look at.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Text">The same in words, without data of persons.</param>
public sealed record AlertAlarm(AlertAlarmKind Kind, string Text)
{
    private static readonly TimeSpan TestOverdue = TimeSpan.FromHours(26);

    internal static AlertAlarm ClockBehind { get; } = new(AlertAlarmKind.ClockBehind, "the clock was set back: time goes on from the newest event");

    internal static AlertAlarm WayFails(string way) => new(AlertAlarmKind.WayFails, $"{way} does not work: messages wait");

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
