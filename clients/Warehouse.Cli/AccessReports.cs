using Warehouse.Cli.Output;
using Warehouse.Engine.Access;

namespace Warehouse.Cli;

/// <summary>The policy of a store as reports. Samples are never named.</summary>
internal static class AccessReports
{
    /// <summary>One row per entry.</summary>
    public static Report Of(IEnumerable<(PolicyEntry Entry, EntryState State)> entries)
    {
        var report = new Report(new Column("entry", ColumnKind.Integer), new Column("kind", ColumnKind.Text), new Column("who", ColumnKind.FreeText), new Column("what", ColumnKind.FreeText),
            new Column("state", ColumnKind.Text), new Column("from", ColumnKind.Text), new Column("until", ColumnKind.Text), new Column("made", ColumnKind.Text), new Column("made_by", ColumnKind.FreeText),
            new Column("approved", ColumnKind.Text), new Column("approved_by", ColumnKind.FreeText), new Column("revoked", ColumnKind.Text), new Column("revoked_by", ColumnKind.FreeText), new Column("reason", ColumnKind.FreeText));
        return report.With(entries.Select(e =>
        {
            var (entry, grant) = (e.Entry, e.Entry as Grant);
            return new object?[]
            {
                entry.Id, Kind(entry), Who(entry), What(entry), Word(e.State), grant is null ? null : Columns.Time(grant.FromUtc), grant is null ? null : Columns.Time(Policy.EndOf(grant)), Columns.Time(entry.Made.Utc), entry.Made.By,
                Time(entry.Approved), entry.Approved?.By, Time(entry.Ended), entry.Ended?.By, grant?.Reason is { Length: > 0 } reason ? reason : null,
            };
        }));
    }

    /// <summary>What became of a change.</summary>
    public static Report Of(PolicyChange change) => Report.OfFacts(
        [.. change.State is { } state ? new[] { ("entry", Text(change.Entry)), ("state", Word(state)) } : [], ("committed snapshot", Text(change.Version))]);

    /// <summary>What an access review has to look at: overdue first, then what is due, each by entry.</summary>
    public static Report Of(IEnumerable<(ReviewFinding Finding, string? Page)> findings)
    {
        var report = new Report(new Column("entry", ColumnKind.Integer), new Column("finding", ColumnKind.Text), new Column("due", ColumnKind.Text), new Column("who", ColumnKind.FreeText), new Column("what", ColumnKind.FreeText), new Column("last", ColumnKind.Text), new Column("last_by", ColumnKind.FreeText), new Column("page", ColumnKind.Text));
        return report.With(findings.Select(found =>
        {
            var (f, page) = found;
            var last = f.Entry is Grant { Attested: [.., var attested] } ? attested : f.Entry.Approved ?? f.Entry.Made;
            return new object?[] { f.Entry.Id, f.Word, f.Due is { } due ? Columns.Time(due) : null, Who(f.Entry), $"{Kind(f.Entry)}: {What(f.Entry)}{(f.Entry.IsBootstrap ? ", approved by its maker" : "")}", Columns.Time(last.Utc), last.By, page };
        }));
    }

    /// <summary>Reasons for an answer.</summary>
    public static Report Of(IReadOnlyList<AccessReason> reasons) => new Report(new Column("about", ColumnKind.Text), new Column("speaks", ColumnKind.Text), new Column("reason", ColumnKind.FreeText))
        .With(reasons.Select(r => new object?[] { r.Subject, r.Holds switch { true => "for", false => "against", null => "beside" }, r.Text }));

    /// <summary>The settings in force, and the release epoch that is open.</summary>
    public static Report Of((PolicySettings Settings, ReleaseEpoch? Epoch) inForce)
    {
        var settings = inForce.Settings;
        return Report.OfFacts(
            ("release epoch", inForce.Epoch is { } epoch ? FormattableString.Invariant($"{epoch.Number}, of snapshot {epoch.Snapshot}") : "none"), ("least samples shown (k)", Text(settings.K)), ("least cohort", Text(settings.MinCohort)), ("longest grant, days", Text(settings.MaxGrantDays)),
            ("longest elevation, minutes", Text(settings.MaxElevationMinutes)), ("longest break-glass, minutes", Text(settings.MaxBreakGlassMinutes)),
            ("projects are charged", settings.ChargesByVariant ? "by-variant" : "by-information"));
    }

    /// <summary>A state's word.</summary>
    public static string Word(EntryState state) => state switch
    {
        EntryState.InForce => "in-force", EntryState.Awaiting => "awaits-approval", EntryState.NotYet => "not-yet", EntryState.Suspended => "suspended", EntryState.Expired => "expired",
        EntryState.Revoked => "revoked", _ => "replaced",
    };

    private static string Kind(PolicyEntry entry) => entry switch
    {
        Grant { Kind: GrantKind.Elevation } => "elevation", Grant { Kind: GrantKind.BreakGlass } => "break-glass", Grant => "grant", RoleAssignment => "role", Project => "project", _ => "settings",
    };

    private static string? Who(PolicyEntry entry) => entry switch
    {
        Grant grant => grant.Subject.ToString(), RoleAssignment assignment => assignment.Subject.ToString(), Project project => string.Join(' ', project.Members), _ => null,
    };

    private static string What(PolicyEntry entry) => entry switch
    {
        Grant grant => grant.ToWords(),
        RoleAssignment assignment => Subject.WordOf(assignment.Role),
        Project project => $"{project.Name}: {string.Join(' ', [project.Use.Kind.ToString().ToLowerInvariant(), .. project.Use.Diseases.Select(d => d.Term), .. project.Use.Modifiers])}{(project.CollusionGroup == project.Name ? "" : ", shares budgets as " + project.CollusionGroup)}",
        PolicySettings settings => FormattableString.Invariant($"k {settings.K}, least cohort {settings.MinCohort}, longest {settings.MaxGrantDays} days, {settings.MaxElevationMinutes} and {settings.MaxBreakGlassMinutes} minutes{(settings.ChargesByVariant ? "" : ", charged by information")}"),
        _ => "",
    };

    private static string? Time(Stamp? stamp) => stamp is { } there ? Columns.Time(there.Utc) : null;

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
