using System.Globalization;
using Warehouse.Engine.Access;

namespace Warehouse.Units.Oracle;

/// <summary>A sample as a policy sees it.</summary>
/// <param name="Withdrawn">Whether it was withdrawn.</param>
/// <param name="Cohorts">Cohorts of which it is a member now.</param>
/// <param name="Duo">Column <c>duo</c> of its newest sheet; null = missing.</param>
/// <param name="Until">Column <c>consent_until</c>; null = missing.</param>
internal sealed record PolicySample(bool Withdrawn, IReadOnlyList<string> Cohorts, string? Duo, string? Until);

/// <summary>
/// Who may see what, sample by sample, as the section "Who may see what" of ARCHITECTURE.md says it: the dull twin of what the engine compiles.
/// It reads the policy's records and shares no rule with the engine.
/// </summary>
internal static class NaivePolicy
{
    public static bool Sees(Policy policy, (Caller Caller, Purpose Purpose, string? Project, Detail Level, DateTimeOffset Now) asks, IReadOnlyList<PolicySample> samples, int sample)
    {
        if (samples[sample].Withdrawn) return false;
        var roles = Roles(policy, asks.Caller);
        if (roles.Contains(Role.DataSteward) || roles.Contains(Role.Auditor) || roles.Contains(Role.Operator)) return false;

        Project? project = null;
        if (asks.Project != null)
        {
            foreach (var entry in policy.Entries)
                if (entry is Project one && one.Name == asks.Project && EverApproved(one)) project = one;
            if (project == null || project.Ended != null) return false;
            var isMember = false;
            foreach (var member in project.Members) isMember = isMember || Names(member, asks.Caller, roles);
            if (!isMember) return false;
        }
        if (asks.Purpose == Purpose.Research)
        {
            if (project == null) return false;
            if (!Consents(samples[sample], project, asks.Caller.Id, asks.Now)) return false;
        }

        foreach (var entry in policy.Entries)
        {
            if (entry is not Grant grant) continue;
            if (!Names(grant.Subject, asks.Caller, roles)) continue;
            if (!Holds(grant, asks.Caller, asks.Now)) continue;
            if (!grant.Details.Contains(asks.Level) || !grant.Purposes.Contains(asks.Purpose)) continue;
            if (grant.Target.Cohort != null ? samples[sample].Cohorts.Contains(grant.Target.Cohort) : grant.Target.Samples == null || grant.Target.Samples.Contains(sample)) return true;
        }
        return false;
    }

    private static bool EverApproved(PolicyEntry entry)
    {
        if (entry.Approved == null) return false;
        if (entry.IsBootstrap) return true;
        return entry.Approved.Value.By != entry.Made.By;
    }

    private static List<Role> Roles(Policy policy, Caller caller)
    {
        var roles = caller.Roles.ToList();
        foreach (var entry in policy.Entries)
        {
            if (entry is not RoleAssignment assignment || assignment.Ended != null || !EverApproved(assignment)) continue;
            if (assignment.Subject.Kind == SubjectKind.Principal && assignment.Subject.Name == caller.Id) roles.Add(assignment.Role);
            if (assignment.Subject.Kind == SubjectKind.Group && caller.Groups.Contains(assignment.Subject.Name)) roles.Add(assignment.Role);
        }
        return roles;
    }

    private static bool Names(Subject subject, Caller caller, List<Role> roles)
    {
        if (subject.Kind == SubjectKind.Principal) return subject.Name == caller.Id;
        if (subject.Kind == SubjectKind.Group) return caller.Groups.Any(g => g == subject.Name);
        if (subject.Kind == SubjectKind.Attribute) return caller.Attributes.Any(a => a.Key == subject.Name && a.Value == subject.Value);
        var words = new Dictionary<string, Role>
        {
            ["lab-director"] = Role.LabDirector, ["reviewer"] = Role.Reviewer, ["analyst"] = Role.Analyst, ["researcher"] = Role.Researcher, ["clinician"] = Role.Clinician,
            ["data-steward"] = Role.DataSteward, ["auditor"] = Role.Auditor, ["operator"] = Role.Operator, ["spoke"] = Role.Spoke,
        };
        return words.TryGetValue(subject.Name, out var role) && roles.Contains(role);
    }

    private static bool Holds(Grant grant, Caller caller, DateTimeOffset now)
    {
        if (grant.Ended != null) return false;
        if (now >= grant.UntilUtc) return false;
        if (grant.Kind == GrantKind.BreakGlass) return caller.HasSecondFactor && (now - grant.Made.Utc).TotalMinutes < 60;
        if (!EverApproved(grant)) return false;
        if (now < grant.FromUtc) return false;
        if (grant.Kind == GrantKind.Elevation) return (now - grant.Made.Utc).TotalHours < 8;
        if ((now - grant.Approved!.Value.Utc).TotalDays < 90) return true;
        foreach (var attested in grant.Attested)
            if ((now - attested.Utc).TotalDays < 90) return true;
        return false;
    }

    public static bool Consents(PolicySample sample, Project project, string caller, DateTimeOffset now)
    {
        var today = now.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture); // dates of this form are in the order of their text
        if (sample.Until != null && (!IsDate(sample.Until) || string.CompareOrdinal(today, sample.Until) > 0)) return false;
        if (sample.Duo == null) return false;
        string? permission = null;
        var diseases = new List<string>();
        foreach (var term in sample.Duo.Replace(',', ' ').Replace(';', ' ').Replace('\t', ' ').Split(' '))
        {
            if (term.Length == 0) continue;
            var at = term.IndexOf('=', StringComparison.Ordinal);
            var (code, value) = at < 0 ? (term, null) : (term[..at], term[(at + 1)..]);
            if (value == "" || !code.StartsWith("DUO:00000", StringComparison.Ordinal) || code.Length != 11) return false;
            switch (code[9..])
            {
                case "04" or "42" or "06" or "11":
                    if (permission != null || value != null) return false;
                    permission = code[9..];
                    break;
                case "07":
                    if ((permission != null && permission != "07") || value == null || !IsDisease(value)) return false;
                    permission = "07";
                    diseases.Add(value);
                    break;
                case "15" or "16" or "18" or "19" or "21" or "29" or "43" or "44" or "45" or "46":
                    if (value != null || !KeepsPlain(code[9..], project)) return false;
                    break;
                case "12" or "20" or "22" or "24" or "28":
                    if (!KeepsValued(code[9..], value, project, today)) return false;
                    break;
                case "25":
                    if (value == null || !IsDate(value) || string.CompareOrdinal(today, value) > 0) return false;
                    break;
                case "26":
                    if (value != caller) return false;
                    break;
                case "27":
                    if (value != project.Name) return false;
                    break;
                default:
                    return false;
            }
        }
        var kind = project.Use.Kind;
        return permission switch
        {
            "04" or "42" => true,
            "06" => kind == ResearchKind.Biomedical || kind == ResearchKind.Disease,
            "11" => kind == ResearchKind.Ancestry,
            "07" => kind == ResearchKind.Disease && project.Use.Diseases.Count > 0 && project.Use.Diseases.All(d => diseases.Any(x => x == d.Term || d.Broader.Any(b => b == x))),
            _ => false,
        };
    }

    private static bool KeepsPlain(string code, Project project)
    {
        bool Lists(string number) => project.Use.Modifiers.Any(m => m == "DUO:00000" + number);
        return code switch
        {
            "43" => true,
            "44" => Lists("44") || project.Use.Kind == ResearchKind.Biomedical || project.Use.Kind == ResearchKind.Disease,
            "45" => Lists("45") || Lists("18"),
            "46" => Lists("46") || Lists("18"),
            "18" => Lists("18") || (Lists("45") && Lists("46")),
            _ => Lists(code),
        };
    }

    private static bool KeepsValued(string code, string? value, Project project, string today)
    {
        var listed = project.Use.Modifiers.Where(m => m == "DUO:00000" + code || m.StartsWith("DUO:00000" + code + "=", StringComparison.Ordinal)).ToList();
        if (code == "24") return listed.Count > 0 || (value != null && IsDate(value) && string.CompareOrdinal(value, today) < 0);
        return value == null ? listed.Count > 0 : listed.Contains("DUO:00000" + code + "=" + value);
    }

    private static bool IsDate(string text) => text.Length == 10 && DateTime.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsDisease(string text) => text.Length == 13 && text.StartsWith("MONDO:", StringComparison.Ordinal) && text[6..].All(c => c >= '0' && c <= '9');
}
