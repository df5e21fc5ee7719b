using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Units.Manifests;

namespace Warehouse.Units.Clinic;

/// <summary>Assessments of a store on simulated disks, and people who work on them.</summary>
internal sealed class SimDesk : IDisposable
{
    internal SimDesk(SimStore? sim = null)
    {
        Sim = sim ?? SimStore.WithVersions(0);
        Store = VariantStore.Over(Sim.Open());
        Desk = new AssessmentDesk(Store);
    }

    internal SimStore Sim { get; }

    internal VariantStore Store { get; }

    internal AssessmentDesk Desk { get; }

    internal static AccessActor Owner { get; } = AccessActor.Owner("owner");

    internal static AccessActor Analyst { get; } = Actor("analyst", Role.Analyst);

    internal static AccessActor Second { get; } = Actor("second", Role.Analyst);

    internal static AccessActor Reviewer { get; } = Actor("reviewer", Role.Reviewer);

    internal static AccessActor Director { get; } = Actor("director", Role.LabDirector);

    internal static AccessActor Clinician { get; } = Actor("clinician", Role.Clinician);

    internal static AccessActor Actor(string name, params Role[] roles) => AccessActor.Of(new Caller { Id = "oidc:https://id.example|" + name, Roles = roles.ToHashSet(), HasSecondFactor = true });

    internal static AccessActor WithoutFactor(AccessActor actor) => AccessActor.Of(actor.Caller! with { HasSecondFactor = false });

    /// <summary>Content that is likely pathogenic by PVS1 alone, or of another class with a reason.</summary>
    internal static AssessmentContent Content(string variant = "22-1029-A-G", string condition = "MONDO:0005267", Tier tier = Tier.LikelyPathogenic, string text = "") => new()
    {
        Allele = AssessedAllele.Parse(variant), ConditionId = condition, ConditionName = "heart disease", Class = tier, Criteria = [new CriterionUse("PVS1", Strength.VeryStrong, "stop in exon 2") { References = ["PMID:1"] }],
        DifferenceReason = tier == Tier.LikelyPathogenic ? "" : "functional data", Inheritance = Inheritance.AutosomalDominant, References = ["PMID:25741868"], Text = text,
    };

    /// <summary>Begins, hands in and signs.</summary>
    internal Assessment Signed(AssessmentContent content, long? supersedes = null)
    {
        var draft = Desk.Begin(Analyst, content, supersedes);
        var inReview = Desk.Submit(Analyst, draft.Id, draft.Version);
        return Desk.Sign(Reviewer, draft.Id, inReview.Version, SignatureMeaning.Approved, "looked through");
    }

    public void Dispose() => Store.Dispose();
}
