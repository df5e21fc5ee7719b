using System.Globalization;
using Warehouse.Engine.Catalog;

namespace Warehouse.Engine.Access;

/// <summary>One reason why a caller is answered as he is.</summary>
/// <param name="Subject">What it is about: <c>roles</c>, <c>project</c>, <c>grant 7</c>, <c>answer</c>.</param>
/// <param name="Holds">True when it speaks for an answer, false when against; null when it bounds one.</param>
/// <param name="Text">In words; tells nothing of samples that the caller does not see, not how many there are.</param>
public sealed record AccessReason(string Subject, bool? Holds, string Text);

/// <summary>Why a caller is refused, or how his answers are bounded. It goes by policy and caller alone: what is hidden changes no word, but for the refusal that he meets anyway.</summary>
internal static class Explanation
{
    public static IReadOnlyList<AccessReason> Of(Policy policy, AccessQuestion question, Detail level, StoreCatalog catalog)
    {
        var roles = policy.RolesOf(question.Caller);
        var reasons = new List<AccessReason>
        {
            roles.Overlaps(Policy.BlindRoles)
                ? new("roles", false, Join(roles) + ": operators, data stewards and auditors see no data, whatever is granted to them")
                : new("roles", null, roles.Count == 0 ? "none is stated or assigned" : Join(roles)),
        };
        var isOnBehalf = Scope.IsOnBehalf(policy, question, roles, out var project);
        if (question.Purpose == Purpose.Research || question.Project is not null)
            reasons.Add(new("project", isOnBehalf, isOnBehalf ? $"{project!.Name} is registered, and the caller is a member" : "a registered project of which the caller is a member has to be named"));
        var matching = policy.Grants.Where(g => g.Ended is null && g.Subject.Matches(question.Caller, roles)).ToList();
        foreach (var grant in matching) reasons.Add(Of(policy, grant, question, level));
        if (matching.Count == 0) reasons.Add(new("grants", false, "none names the caller, his roles, groups or attributes"));
        if (question.Purpose == Purpose.Research) reasons.Add(new("consent", null, "samples whose consent does not permit the project are left out; how many is not told"));
        reasons.Add(Verdict(policy, Scope.Of(policy, question, catalog).At(level), isOnBehalf, roles));
        return reasons;
    }

    private static AccessReason Of(Policy policy, Grant grant, AccessQuestion question, Detail level)
    {
        var state = policy.StateOf(grant, question.NowUtc);
        var against = new List<string>();
        if (state != EntryState.InForce) against.Add(state switch
        {
            EntryState.Awaiting => "nobody else has approved it", EntryState.NotYet => "it begins " + Text(grant.FromUtc), EntryState.Suspended => "suspended: nobody attested it since " + Text(Policy.LapseOf(grant) - PolicySettings.AttestedFor),
            _ => "over since " + Text(Policy.EndOf(grant)),
        });
        if (!grant.Purposes.Contains(question.Purpose)) against.Add("not for this purpose");
        if (!grant.Details.Contains(level)) against.Add("not at this level of detail: each is granted for itself");
        if (grant.Kind == GrantKind.BreakGlass && !question.Caller.HasSecondFactor) against.Add("needs a second factor");
        var text = $"{grant.ToWords()}, until {Text(Policy.EndOf(grant))}";
        return new AccessReason(string.Create(CultureInfo.InvariantCulture, $"grant {grant.Id}"), against.Count == 0, against.Count == 0 ? text : $"{text}: {string.Join("; ", against)}");
    }

    private static AccessReason Verdict(Policy policy, Scope scope, bool isOnBehalf, IReadOnlySet<Role> roles)
    {
        if (scope.IsEmpty)
        {
            var rule = roles.Overlaps(Policy.BlindRoles) ? AccessRefusedException.BlindRole() : isOnBehalf ? AccessRefusedException.NotGranted() : AccessRefusedException.Project();
            return new AccessReason("answer", false, $"refused ({rule.Rule}): {rule.Message}");
        }
        var settings = policy.Settings;
        return new AccessReason("answer", true, scope.Level switch
        {
            Detail.Exists => string.Create(CultureInfo.InvariantCulture, $"yes where at least {settings.K} samples carry a variant, else \"fewer than {settings.K}\", nobody included; withheld where something was told of a cohort that overlaps"),
            Detail.Aggregate => string.Create(CultureInfo.InvariantCulture, $"figures of cohorts of at least {settings.MinCohort} samples; what counts fewer than {settings.K}, nobody included, is banded, and so is what would give another one away; from the release epoch that is open"),
            Detail.Record => "exact, over the samples that are granted",
            _ => "granted, and not answered: nothing tells yet which person a sample is of",
        });
    }

    private static string Join(IReadOnlySet<Role> roles) => string.Join(", ", roles.Order().Select(Subject.WordOf));

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
