using Warehouse.Engine.Audit;
using Xunit;

namespace Warehouse.Tests.Audit;

/// <summary>C12: what of a log is unusual, and when nobody has looked through it for too long.</summary>
public sealed class LogReviewTests
{
    // A Friday.
    private static readonly DateTimeOffset Noon = new(2026, 3, 6, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-03-06T05:59:59", true)]
    [InlineData("2026-03-06T06:00:00", false)]
    [InlineData("2026-03-06T19:59:59", false)]
    [InlineData("2026-03-06T20:00:00", true)]
    [InlineData("2026-03-07T12:00:00", true)]
    [InlineData("2026-03-09T12:00:00", false)]
    public void Data_of_samples_shown_when_nobody_works_is_named(string utc, bool isFound) =>
        Assert.Equal(isFound, Of(new(), Shown("a", DateTimeOffset.Parse(utc + "Z", System.Globalization.CultureInfo.InvariantCulture))).Count == 1);

    [Theory]
    [InlineData("2026-03-06T23:30:00", false)]
    [InlineData("2026-03-07T03:00:00", false)]
    [InlineData("2026-03-07T22:30:00", true)]
    [InlineData("2026-03-06T12:00:00", true)]
    public void Whoever_works_through_the_night_works_till_the_morning(string utc, bool isFound) =>
        Assert.Equal(isFound, Of(new() { WorkFrom = new(22, 0), WorkUntil = new(6, 0) }, Shown("a", DateTimeOffset.Parse(utc + "Z", System.Globalization.CultureInfo.InvariantCulture))).Count == 1);

    [Fact]
    public void Hours_are_those_of_the_place()
    {
        var zone = TimeZoneInfo.CreateCustomTimeZone("t", TimeSpan.FromHours(9), "t", "t");
        Assert.Empty(Of(new() { Zone = zone }, Shown("a", new(2026, 3, 5, 22, 0, 0, TimeSpan.Zero))));
        Assert.Single(Of(new() { Zone = zone }, Shown("a", Noon)));
        Assert.Equal((new TimeOnly(7, 30), new TimeOnly(18, 0)), LogReviewOptions.HoursOf("07:30-18:00"));
        foreach (var wrong in (string[])["", "7-18", "07:30", "07:30-18:00-19:00", "25:00-26:00"]) Assert.Null(LogReviewOptions.HoursOf(wrong));
    }

    [Fact]
    public void A_night_of_one_principal_is_one_finding_and_what_shows_no_sample_is_none()
    {
        var night = Noon.AddHours(10);
        var found = Of(new(), Shown("a", night, "1"), Shown("a", night.AddMinutes(1), "1"), Shown("a", night.AddMinutes(2), "2"), Shown("b", night, "3"), Entry("c", night, "4") with { Kind = AuditKind.Call, Outcome = "done", Rows = 5 });
        Assert.Equal(["a: outside working hours: 2 calls that showed data of samples", "b: outside working hours: 1 call that showed data of samples"], found);
    }

    [Fact]
    public void More_in_a_day_than_ever_is_named_once()
    {
        var found = Of(new() { LeastRows = 1000 }, Rows("a", Noon, 500), Rows("a", Noon.AddDays(3), 400), Rows("a", Noon.AddDays(4), 4900), Rows("a", Noon.AddDays(5), 50_000), Rows("a", Noon.AddDays(5), 50_000), Rows("b", Noon, 1000));
        Assert.Equal(["b: unusual volume: 1000 rows in a day, on the first of this principal", "a: unusual volume: 50000 rows in a day, and 4900 at most on one before"], found.Order().Reverse());
    }

    [Fact]
    public void Credentials_that_are_not_taken_again_and_again_are_named()
    {
        AuditEntry[] Failed(int count) => [.. Enumerable.Range(0, count).Select(i => Entry("unauthenticated", Noon.AddMinutes(i), $"{i}") with { Kind = AuditKind.Call, Outcome = "unauthenticated" })];
        Assert.Empty(Of(new(), Failed(19)));
        Assert.Equal(["unauthenticated: 20 credentials within the hour were not taken"], Of(new(), Failed(20)));
    }

    /// <summary>Those of nobody known are summed up by a server, many in one entry.</summary>
    [Fact]
    public void Credentials_that_a_server_summed_up_count_as_many_as_they_were()
    {
        AuditEntry Sum(string outcome, long calls, int minute) => Entry("unauthenticated", Noon.AddMinutes(minute), $"{minute}") with { Kind = AuditKind.Refused, Outcome = outcome, Calls = calls };
        Assert.Equal(["unauthenticated: 20 credentials within the hour were not taken"], Of(new(), Sum("bad-credential", 12, 1), Sum("expired", 7, 2), Entry("unauthenticated", Noon.AddMinutes(3), "3") with { Kind = AuditKind.Call, Outcome = "unauthenticated" }));
        Assert.Empty(Of(new(), Sum("bad-credential", 12, 1), Sum("no-room", 900, 2), Sum("no-credential", 900, 3), Sum("expired", 7, 61)));
    }

    [Fact]
    public void What_comes_on_the_day_of_a_sign_off_is_named_after_it()
    {
        var signed = Entry("auditor", Noon.AddHours(1), "s") with { Kind = AuditKind.Review };
        Assert.Empty(Of(new() { LeastRows = 1000 }, Rows("a", Noon, 5000), signed));
        Assert.Equal(["a: unusual volume: 95000 rows in a day, on the first of this principal"], Of(new() { LeastRows = 1000 }, Rows("a", Noon, 5000), signed, Rows("a", Noon.AddHours(2), 90_000), Rows("a", Noon.AddHours(3), 90_000)));
    }

    [Fact]
    public void What_was_signed_off_is_not_named_again_and_is_known_as_usual()
    {
        var signed = Entry("auditor", Noon.AddHours(12), "s") with { Kind = AuditKind.Review };
        Assert.Empty(Of(new() { LeastRows = 1000 }, Shown("a", Noon.AddHours(10)), Rows("a", Noon, 5000), signed, Rows("a", Noon.AddDays(4), 40_000)));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(255)]
    [InlineData(700)]
    public void A_review_is_due_by_the_last_sign_off_or_by_the_first_entry(int count)
    {
        using var sim = SimLog.With(count, batch: 50);
        var first = sim.Read().Entries().First().Entry.Utc;
        var due = new LastReview(sim.Read);
        Assert.False(due.IsOlderThan(first));
        Assert.True(due.IsOlderThan(first.AddSeconds(1)));
        using (var log = sim.Open()) log.Append([SimLog.Entry(count) with { Kind = AuditKind.Review }, SimLog.Entry(count + 1)]);
        var signed = sim.Read().Entries(count).First().Entry.Utc;
        foreach (var looked in (LastReview[])[due, new(sim.Read)])
        {
            Assert.False(looked.IsOlderThan(signed));
            Assert.True(looked.IsOlderThan(signed.AddSeconds(1)));
        }
    }

    private static List<string> Of(LogReviewOptions options, params AuditEntry[] entries)
    {
        var review = new LogReview(options);
        foreach (var entry in entries) review.Add(entry);
        return [.. review.Findings().Select(f => $"{f.Entry.Who}: {f.Reason}")];
    }

    private static AuditEntry Entry(string who, DateTimeOffset utc, string call) => new() { Utc = utc, Kind = AuditKind.Begin, Call = call, Who = who, Role = "caller", Verb = "v", Purpose = "treatment" };

    private static AuditEntry Shown(string who, DateTimeOffset utc, string call = "1") => Entry(who, utc, call) with { Subjects = ["h"] };

    private static AuditEntry Rows(string who, DateTimeOffset utc, long rows) => Entry(who, utc, "r") with { Kind = AuditKind.End, Outcome = "done", Rows = rows };
}
