using System.Globalization;
using System.Text.RegularExpressions;

namespace Warehouse.Engine.Access;

/// <summary>
/// Whether the consent of a sample, as the columns <c>duo</c> and <c>consent_until</c> of its sheet say it, permits the registered use of a
/// project. What is missing, unknown or not understood does not permit; the rules stand in ARCHITECTURE.md. Any thread.
/// </summary>
internal static partial class Consent
{
    private const string NoRestriction = "DUO:0000004", GeneralResearch = "DUO:0000042", Biomedical = "DUO:0000006", DiseaseSpecific = "DUO:0000007", Ancestry = "DUO:0000011";
    private const string Moratorium = "DUO:0000024", TimeLimit = "DUO:0000025", UserSpecific = "DUO:0000026", ProjectSpecific = "DUO:0000027";
    private const string NonProfitNonCommercial = "DUO:0000018", NonProfit = "DUO:0000045", NonCommercial = "DUO:0000046", ClinicalCare = "DUO:0000043", NoAncestry = "DUO:0000044";

    private static readonly string[] Permissions = [NoRestriction, GeneralResearch, Biomedical, DiseaseSpecific, Ancestry];

    /// <summary>Modifiers that may have no value; the project has to be bound to them.</summary>
    private static readonly string[] Plain = ["DUO:0000015", "DUO:0000016", NonProfitNonCommercial, "DUO:0000019", "DUO:0000021", "DUO:0000029", NoAncestry, NonProfit, NonCommercial, ClinicalCare];

    /// <summary>Modifiers that may have a value: research, collaboration, region, moratorium, institution.</summary>
    private static readonly string[] Valued = ["DUO:0000012", "DUO:0000020", "DUO:0000022", Moratorium, "DUO:0000028"];

    /// <summary>Modifiers that must have a value; they are judged here, not promised by a project.</summary>
    private static readonly string[] Judged = [TimeLimit, UserSpecific, ProjectSpecific];

    /// <summary>Whether a sample may be used.</summary>
    /// <param name="duo">The cell of the sheet; null = missing.</param>
    /// <param name="until">Last day of the consent as in the sheet; null = no end.</param>
    /// <param name="project">On whose behalf.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="today">In UTC.</param>
    public static bool Permits(string? duo, string? until, Project project, Caller caller, DateOnly today)
    {
        if (until is not null && !(DateOf(until) is { } last && today <= last)) return false;
        var terms = (duo ?? "").Split([' ', '\t', ',', ';'], StringSplitOptions.RemoveEmptyEntries).Select(t => (Code: t.Split('=', 2)[0], Value: t.Contains('=', StringComparison.Ordinal) ? t.Split('=', 2)[1] : null)).ToList();
        var permissions = terms.Where(t => Permissions.Contains(t.Code)).ToList();
        if (permissions.Count == 0) return false;
        // One permission; of several that differ nobody can say which one was meant. That for diseases is given once for each.
        var isForDiseases = permissions[0].Code == DiseaseSpecific;
        if (isForDiseases ? !permissions.All(p => p.Code == DiseaseSpecific && p.Value is { } disease && IsDisease(disease)) : permissions is not [{ Value: null }]) return false;
        return Covers(permissions[0].Code, [.. permissions.Select(p => p.Value)], project.Use)
            && terms.All(t => Permissions.Contains(t.Code) || Keeps(t.Code, t.Value, (project, caller, today)));
    }

    /// <summary>True for a modifier that a project may be bound to.</summary>
    public static bool IsModifier(string text)
    {
        var parts = text.Split('=', 2);
        return (Plain.Contains(parts[0]) && parts.Length == 1) || (Valued.Contains(parts[0]) && (parts.Length == 1 || parts[1].Length > 0));
    }

    /// <summary>True for a term of MONDO.</summary>
    public static bool IsDisease(string text) => DiseaseTerm().IsMatch(text);

    private static bool Covers(string permission, IReadOnlyList<string?> diseases, RegisteredUse use) => permission switch
    {
        NoRestriction or GeneralResearch => true,
        Biomedical => use.Kind is ResearchKind.Biomedical or ResearchKind.Disease,
        DiseaseSpecific => use.Kind == ResearchKind.Disease && use.Diseases.Count > 0 && use.Diseases.All(d => diseases.Contains(d.Term) || d.Broader.Any(b => diseases.Contains(b))),
        Ancestry => use.Kind == ResearchKind.Ancestry,
        _ => false,
    };

    private static bool Keeps(string code, string? value, (Project Project, Caller Caller, DateOnly Today) asks)
    {
        if (value is { Length: 0 }) return false;
        if (Judged.Contains(code))
        {
            return value is not null && code switch
            {
                TimeLimit => DateOf(value) is { } last && asks.Today <= last,
                UserSpecific => value == asks.Caller.Id,
                _ => value == asks.Project.Name,
            };
        }
        if (!(Plain.Contains(code) && value is null) && !Valued.Contains(code)) return false;
        if (code == ClinicalCare || (code == NoAncestry && asks.Project.Use.Kind is ResearchKind.Biomedical or ResearchKind.Disease)) return true;
        if (code == Moratorium && value is not null && DateOf(value) is { } end && end < asks.Today) return true;
        var bound = asks.Project.Use.Modifiers;
        return code switch
        {
            NonProfit or NonCommercial => bound.Contains(code) || bound.Contains(NonProfitNonCommercial),
            NonProfitNonCommercial => bound.Contains(code) || (bound.Contains(NonProfit) && bound.Contains(NonCommercial)),
            Moratorium => bound.Any(b => b.Split('=', 2)[0] == code),
            _ => bound.Any(b => value is null ? b.Split('=', 2)[0] == code : b == $"{code}={value}"),
        };
    }

    private static DateOnly? DateOf(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : null;

    [GeneratedRegex(@"\AMONDO:[0-9]{7}\z")]
    private static partial Regex DiseaseTerm();
}
