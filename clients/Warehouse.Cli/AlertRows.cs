using Warehouse.Cli.Output;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;

namespace Warehouse.Cli;

/// <summary>An alert as its recipient sees it, of the store or of a server.</summary>
internal sealed record InboxRow
{
    /// <summary>What is printed of it.</summary>
    public static Column[] Columns { get; } =
    [
        new("alert", ColumnKind.Text), new("grade", ColumnKind.Text), new("state", ColumnKind.Text), new("person", ColumnKind.FreeText), new("samples", ColumnKind.FreeText), new("variant", ColumnKind.Text),
        new("gene", ColumnKind.FreeText), new("change", ColumnKind.FreeText), new("kinds", ColumnKind.Text), new("raised", ColumnKind.Text), new("acknowledged_by", ColumnKind.FreeText), new("reason", ColumnKind.FreeText),
    ];

    /// <summary>Id.</summary>
    public required string Id { get; init; }

    /// <summary>What raised it.</summary>
    public required AlertDraft Draft { get; init; }

    /// <summary>Where it stands.</summary>
    public required AlertState State { get; init; }

    /// <summary>When it was raised.</summary>
    public required DateTimeOffset RaisedUtc { get; init; }

    /// <summary>Who acknowledged it, and why it was closed.</summary>
    public (string? By, string? Reason) Closed { get; init; }

    /// <summary>The cells of its columns.</summary>
    public object?[] Cells =>
    [
        Id, AlertReports.Word(Draft.Grade), AlertReports.Word(State), AlertReports.Some(Draft.Person), AlertReports.Some(string.Join(' ', Draft.Samples)), AlertReports.Some(Draft.Allele), AlertReports.Some(Draft.Genes), Draft.Change,
        AlertReports.Words(Draft.Kinds), Output.Columns.Time(RaisedUtc), Closed.By, Closed.Reason,
    ];

    /// <summary>Of the store.</summary>
    public static InboxRow Of(Alert alert, IReadOnlyList<string> samples) => new() { Id = alert.Id, Draft = alert.Draft with { Samples = samples }, State = alert.State, RaisedUtc = alert.RaisedUtc, Closed = (alert.ClosedBy, alert.Reason) };
}

/// <summary>An alert without what it is about, of the store or of a server.</summary>
internal sealed record CourseRow
{
    /// <summary>What is printed of it.</summary>
    public static Column[] Columns { get; } =
    [
        new("alert", ColumnKind.Text), new("grade", ColumnKind.Text), new("state", ColumnKind.Text), new("recipients", ColumnKind.FreeText), new("level", ColumnKind.Integer), new("raised", ColumnKind.Text),
        new("delivered_after_min", ColumnKind.Integer), new("shown_after_min", ColumnKind.Integer), new("closed_after_min", ColumnKind.Integer), new("snoozed_until", ColumnKind.Text), new("self_test", ColumnKind.Text),
    ];

    /// <summary>Id.</summary>
    public required string Id { get; init; }

    /// <summary>Grade and state.</summary>
    public required (Grade Grade, AlertState State) Is { get; init; }

    /// <summary>Who is to hear of it.</summary>
    public required IEnumerable<string> Recipients { get; init; }

    /// <summary>How often it went further.</summary>
    public required int Level { get; init; }

    /// <summary>When it was raised, delivered, shown and closed, and until when it is put off.</summary>
    public required (DateTimeOffset Raised, DateTimeOffset? Delivered, DateTimeOffset? Shown, DateTimeOffset? Closed, DateTimeOffset? SnoozedUntil) Utc { get; init; }

    /// <summary>The daily self-test.</summary>
    public bool IsSelfTest { get; init; }

    /// <summary>The cells of its columns.</summary>
    public object?[] Cells =>
    [
        Id, AlertReports.Word(Is.Grade), AlertReports.Word(Is.State), AlertReports.Some(string.Join(' ', Recipients)), (long)Level, Output.Columns.Time(Utc.Raised), After(Utc.Delivered), After(Utc.Shown), After(Utc.Closed),
        Utc.SnoozedUntil is { } until ? Output.Columns.Time(until) : null, IsSelfTest ? "yes" : null,
    ];

    /// <summary>Of the store.</summary>
    public static CourseRow Of(Alert alert) => new()
    {
        Id = alert.Id, Is = (alert.Draft.Grade, alert.State), Recipients = alert.Recipients, Level = alert.Level, IsSelfTest = alert.Draft.IsSelfTest,
        Utc = (alert.RaisedUtc, alert.DeliveredUtc, alert.Shown.Count == 0 ? null : alert.Shown.Values.Min(), alert.ClosedUtc, alert.SnoozedUntilUtc),
    };

    private object? After(DateTimeOffset? at) => at is { } moment ? (long)(moment - Utc.Raised).TotalMinutes : null;
}

/// <summary>What became of an allele from one release to the next, of the store or of a server.</summary>
internal sealed record ChangeRow
{
    /// <summary>What is printed of it.</summary>
    public static Column[] Columns { get; } =
    [
        new("variant", ColumnKind.Text), new("gene", ColumnKind.FreeText), new("axis", ColumnKind.Text), new("from", ColumnKind.Text), new("to", ColumnKind.Text),
        new("stars_from", ColumnKind.Integer), new("stars_to", ColumnKind.Integer), new("kinds", ColumnKind.Text), new("grade", ColumnKind.Text), new("ids", ColumnKind.FreeText),
    ];

    /// <summary>The allele.</summary>
    public required string Allele { get; init; }

    /// <summary>The axis.</summary>
    public required ClinVarAxis Axis { get; init; }

    /// <summary>Class and stars before.</summary>
    public required (NetClass Net, int Stars) From { get; init; }

    /// <summary>Class and stars now.</summary>
    public required (NetClass Net, int Stars) To { get; init; }

    /// <summary>In what ways, and how much it matters.</summary>
    public required (ChangeKinds Kinds, Grade Grade) Is { get; init; }

    /// <summary>Genes and variation ids.</summary>
    public required (string Genes, string Ids) Of { get; init; }

    /// <summary>The cells of its columns.</summary>
    public object?[] Cells =>
    [
        Allele, AlertReports.Some(Of.Genes), AlertReports.Word(Axis), AlertReports.Word(From.Net), AlertReports.Word(To.Net), (long)From.Stars, (long)To.Stars, AlertReports.Words(Is.Kinds), AlertReports.Word(Is.Grade), AlertReports.Some(Of.Ids),
    ];

    /// <summary>Of the store.</summary>
    public static ChangeRow Made(ClassChange change) => new()
    {
        Allele = change.Allele.ToString(), Axis = change.Axis, From = (change.From, change.FromStars), To = (change.To, change.ToStars), Is = (change.Kinds, change.Grade), Of = (change.Genes, change.Ids),
    };
}
