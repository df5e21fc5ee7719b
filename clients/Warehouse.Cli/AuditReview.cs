using System.Globalization;
using Warehouse.Cli.Output;
using Warehouse.Engine.Audit;

namespace Warehouse.Cli;

/// <summary>What of an audit log somebody should look at since the last sign-off.</summary>
internal static class AuditReview
{
    private const string Methods = "warehouse.v1.";

    /// <summary>What of <c>access</c> changes nothing.</summary>
    private static readonly string[] Looks = ["access list", "access review", "access explain", Methods + "Access/WhoAmI", Methods + "Access/Explain", Methods + "Access/List", Methods + "Access/Review"];

    /// <summary>The entries with the reason of each, in their order.</summary>
    /// <param name="entries">All of the log.</param>
    /// <param name="usual">What is usual in it.</param>
    public static IEnumerable<(AuditEntry Entry, string Reason)> Of(IEnumerable<AuditEntry> entries, LogReviewOptions usual)
    {
        var unusual = new LogReview(usual);
        var (rows, open) = (new List<(AuditEntry Entry, string Reason)>(), new Dictionary<string, AuditEntry>(StringComparer.Ordinal));
        foreach (var entry in entries)
        {
            unusual.Add(entry);
            if (entry.Kind == AuditKind.Begin) open[entry.Call] = entry;
            else if (entry.Kind == AuditKind.End) open.Remove(entry.Call);
            if (entry.Kind == AuditKind.Review) rows.Clear();
            else if (ReasonOf(entry) is { } reason) rows.Add((entry, reason));
        }
        rows.AddRange(unusual.Findings());
        rows.AddRange(open.Values.Select(e => (e, "never ended: what it names may have been shown")));
        return rows.OrderBy(r => r.Entry.Sequence);
    }

    /// <summary>What an entry that sums calls up says; null for others.</summary>
    public static string? Summed(AuditEntry entry) =>
        entry is { Kind: AuditKind.Refused, FirstUtc: { } first, LastUtc: { } last } ? string.Create(CultureInfo.InvariantCulture, $"{entry.Calls} calls refused from {Columns.Time(first)} to {Columns.Time(last)}") : null;

    private static string? ReasonOf(AuditEntry entry)
    {
        if (entry.Kind == AuditKind.Recovered) return "a stop in the middle";
        if (entry.Kind == AuditKind.Refused) return Summed(entry);
        if (entry.Kind is AuditKind.Begin or AuditKind.Call && entry.Verb is "export" or Methods + "Variants/Export") return "export";
        if (entry.Kind is AuditKind.Begin or AuditKind.Call && entry.Verb is "access break-glass" or Methods + "Access/BreakGlass") return "break-glass";
        if (entry.Kind == AuditKind.Begin && IsOfPolicy(entry.Verb) && !Looks.Contains(entry.Verb)) return "access";
        // A grant on a cohort follows its members. At a server a caller has cohorts of his own too, which nobody else relies on: a change says which it was when it ends.
        if (entry.Kind == AuditKind.Begin && entry.Verb is "cohort set" or "cohort refresh" || entry.Note == AuditCall.SharedCohort) return "cohort";
        return entry.Kind is AuditKind.End or AuditKind.Call && entry.Outcome is not ("done" or "nothing-matched") ? "did not end well" : null;
    }

    private static bool IsOfPolicy(string verb) => verb.StartsWith("access ", StringComparison.Ordinal) || verb.StartsWith(Methods + "Access/", StringComparison.Ordinal);
}
