using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Clinic.Assessments;

/// <summary>What can be done to assessments.</summary>
public enum AssessmentAction
{
    /// <summary>Begin or change a draft, hand it in.</summary>
    Write,

    /// <summary>Send one in review back.</summary>
    Return,

    /// <summary>Sign.</summary>
    Sign,

    /// <summary>Take back what is signed.</summary>
    RetireSigned,

    /// <summary>Give up what is not signed.</summary>
    GiveUp,

    /// <summary>Lay down the laboratory's settings.</summary>
    Set,

    /// <summary>Take in what other laboratories say.</summary>
    Import,

    /// <summary>Read what is signed, superseded or retired after it was signed, and what other laboratories say.</summary>
    ReadSigned,

    /// <summary>Read drafts too.</summary>
    ReadAll,
}

/// <summary>Who may do what to assessments, and who may sign whose.</summary>
internal static class AssessmentRules
{
    private static readonly IReadOnlySet<Role> Signers = new HashSet<Role> { Role.Reviewer, Role.LabDirector };
    private static readonly IReadOnlySet<Role> Writers = new HashSet<Role> { Role.Analyst, Role.Reviewer, Role.LabDirector };
    private static readonly IReadOnlySet<Role> Readers = new HashSet<Role> { Role.Analyst, Role.Reviewer, Role.LabDirector, Role.Clinician, Role.Researcher };

    /// <summary>Roles of which one is needed.</summary>
    internal static IReadOnlySet<Role> RolesFor(AssessmentAction action) => action switch
    {
        AssessmentAction.Write or AssessmentAction.GiveUp or AssessmentAction.Import or AssessmentAction.ReadAll => Writers,
        AssessmentAction.Return or AssessmentAction.Sign or AssessmentAction.RetireSigned => Signers,
        AssessmentAction.Set => new HashSet<Role> { Role.LabDirector },
        _ => Readers,
    };

    /// <summary>What is done with a name under it, or for all, needs a second factor.</summary>
    internal static bool NeedsSecondFactor(AssessmentAction action) => action is AssessmentAction.Sign or AssessmentAction.RetireSigned or AssessmentAction.Set;

    /// <summary>Whether an actor may; the store's owner may all of it, and is named.</summary>
    /// <exception cref="AccessRefusedException">No: rules <c>blind-role</c>, <c>role</c>, <c>second-factor</c>.</exception>
    internal static void Require(Policy policy, AccessActor actor, AssessmentAction action)
    {
        if (actor.Caller is not { } caller) return;
        var roles = policy.RolesOf(caller);
        if (roles.Overlaps(Policy.BlindRoles)) throw AccessRefusedException.BlindRole();
        if (!roles.Overlaps(RolesFor(action))) throw AccessRefusedException.Role();
        if (NeedsSecondFactor(action) && !caller.HasSecondFactor) throw AccessRefusedException.SecondFactor();
    }

    /// <summary>Whether an actor may.</summary>
    internal static bool Allows(Policy policy, AccessActor actor, AssessmentAction action)
    {
        if (actor.Caller is not { } caller) return true;
        var roles = policy.RolesOf(caller);
        return !roles.Overlaps(Policy.BlindRoles) && roles.Overlaps(RolesFor(action)) && (caller.HasSecondFactor || !NeedsSecondFactor(action));
    }

    /// <summary>
    /// Nobody signs what he wrote: author and signer are two people. While the policy names no reviewer and no director, the store's owner may, and the
    /// signature says so.
    /// </summary>
    /// <returns>Whether he signs alone.</returns>
    /// <exception cref="AccessRefusedException">He wrote it: rule <c>second-person</c>.</exception>
    internal static bool RequireSecondPerson(Policy policy, AccessActor actor, Assessment reviewed)
    {
        if (!reviewed.Authors.Contains(actor.Id)) return false;
        if (actor.Caller is null && !policy.Entries.OfType<RoleAssignment>().Any(a => a.Ended is null && a.Approved is not null && Signers.Contains(a.Role))) return true;
        throw AccessRefusedException.SecondPerson();
    }

    internal static InputException Bad(string rule, string text) => new(rule, text, InputPlace.None);
}
