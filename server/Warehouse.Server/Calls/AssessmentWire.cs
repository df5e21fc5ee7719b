using Google.Protobuf.WellKnownTypes;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>Between messages and assessments. Stateless.</summary>
internal static class AssessmentWire
{
    /// <summary>An assessment as a caller gets it.</summary>
    /// <param name="one">The assessment.</param>
    /// <param name="seesFigures">Whether he gets evidence that may hold figures of the store.</param>
    public static V1.Assessment Of(Assessment one, bool seesFigures)
    {
        var wire = new V1.Assessment
        {
            Id = one.Id, Version = one.Version, State = Of(one.State), Content = Of(one.Content, seesFigures), Points = one.Content.Points, Implied = Of(one.Content.Implied),
            MadeBy = one.By, Made = Timestamp.FromDateTimeOffset(one.TimeUtc), ManifestVersion = one.ManifestVersion, Reason = one.Reason, Authors = { one.Authors },
        };
        if (one.Supersedes is { } old) wire.Supersedes = old;
        if (one.SupersededBy is { } next) wire.SupersededBy = next;
        if (one.Signature is { } signature)
        {
            wire.Signature = new V1.Signature
            {
                Principal = signature.By, Time = Timestamp.FromDateTimeOffset(signature.TimeUtc), Meaning = Of(signature.Meaning), Reason = signature.Reason, ContentSha256 = signature.ContentSha256, IsAlone = signature.IsAlone,
            };
        }
        return wire;
    }

    /// <summary>What another laboratory says: its figures are not of this store.</summary>
    public static V1.OtherAssessment Of(OtherAssessment one)
    {
        var wire = new V1.OtherAssessment { Laboratory = one.Laboratory, Id = one.Id, Version = one.Version, State = Of(one.State), Assembly = one.Assembly, Content = Of(one.Content, true) };
        if (one.SignedBy is { } by) (wire.SignedBy, wire.Signed, wire.Meaning, wire.SignedReason) = (by, Timestamp.FromDateTimeOffset(one.SignedUtc), Of(one.Meaning), one.SignedReason);
        return wire;
    }

    /// <summary>Whether a part of the evidence may hold figures of the store.</summary>
    public static bool HasFigures(AssessmentContent content) => content.Criteria.Any(HasFigures);

    /// <summary>Content that is to be written.</summary>
    /// <param name="wire">As sent.</param>
    /// <param name="allele">What its spelling means.</param>
    /// <param name="before">What was looked at, from which evidence that was withheld is taken; null = nothing was.</param>
    public static AssessmentContent Of(V1.AssessmentContent wire, AssessedAllele allele, AssessmentContent? before) => new()
    {
        Allele = allele, ConditionId = wire.Condition, ConditionName = wire.ConditionName, Class = TierOf(wire.Tier),
        Uncertain = wire.Uncertain switch
        {
            V1.UncertainTier.Unspecified => null, >= V1.UncertainTier.Low and <= V1.UncertainTier.High => (UncertainTier)((int)wire.Uncertain - 1), _ => throw Refusals.BadRequest("assess-word"),
        },
        Criteria = [.. wire.Criteria.Select(c => Of(c, before))], DifferenceReason = wire.DifferenceReason,
        Inheritance = wire.Inheritance is >= V1.Inheritance.Unspecified and <= V1.Inheritance.Mitochondrial ? (Inheritance)wire.Inheritance : throw Refusals.BadRequest("assess-word"),
        References = [.. wire.References], Text = wire.Text,
    };

    /// <summary>A state to choose by; null = any.</summary>
    public static AssessmentState? StateOf(V1.AssessmentState wire) => wire switch
    {
        V1.AssessmentState.Unspecified => null, >= V1.AssessmentState.Draft and <= V1.AssessmentState.Retired => (AssessmentState)((int)wire - 1), _ => throw Refusals.BadRequest("assess-word"),
    };

    /// <summary>What a signature means.</summary>
    public static SignatureMeaning MeaningOf(V1.SignatureMeaning wire) => wire switch
    {
        V1.SignatureMeaning.Unspecified or V1.SignatureMeaning.Approved => SignatureMeaning.Approved, V1.SignatureMeaning.Responsible => SignatureMeaning.Responsible, _ => throw Refusals.BadRequest("assess-word"),
    };

    /// <summary>A class that a request states.</summary>
    public static Tier TierOf(V1.Tier wire) => wire is >= V1.Tier.Benign and <= V1.Tier.Pathogenic ? (Tier)((int)wire - 1) : throw Refusals.BadRequest("assess-class");

    /// <summary>The settings in force.</summary>
    public static V1.AssessmentSettings Of(AssessmentSettings settings) => new() { Laboratory = settings.Laboratory, Ba1 = settings.Ba1, Bs1 = settings.Bs1, Pm2 = settings.Pm2, LeastAlleles = settings.LeastAlleles };

    /// <summary>Those in force, with what a request changes of them.</summary>
    public static AssessmentSettings Of(V1.AssessmentSettings wire, AssessmentSettings now) => new()
    {
        Laboratory = wire.HasLaboratory ? wire.Laboratory : now.Laboratory, Ba1 = wire.HasBa1 ? wire.Ba1 : now.Ba1, Bs1 = wire.HasBs1 ? wire.Bs1 : now.Bs1, Pm2 = wire.HasPm2 ? wire.Pm2 : now.Pm2,
        LeastAlleles = wire.HasLeastAlleles ? wire.LeastAlleles : now.LeastAlleles,
    };

    /// <summary>A criterion with all of its evidence.</summary>
    public static V1.CriterionUse Of(CriterionUse use) => new() { Code = use.Code, Strength = (V1.Strength)((int)use.Strength + 1), Evidence = use.Evidence, References = { use.References } };

    /// <summary>Two statements that differ.</summary>
    public static V1.DiscordantPair Of(DiscordantPair pair) => new() { Grade = (V1.DiscordanceGrade)((int)pair.Grade + 1), First = Of(pair.First), Second = Of(pair.Second), IsOfOneCondition = pair.IsOfOneCondition };

    private static V1.ClassStatement Of(ClassStatement statement) => new() { Variant = statement.Allele.ToString(), Source = statement.Source, Tier = Of(statement.Class), Condition = statement.ConditionId ?? "" };

    private static V1.AssessmentContent Of(AssessmentContent content, bool seesFigures) => new()
    {
        Variant = content.Allele.ToString(), Condition = content.ConditionId, ConditionName = content.ConditionName, Tier = Of(content.Class),
        Uncertain = content.Uncertain is { } third ? (V1.UncertainTier)((int)third + 1) : V1.UncertainTier.Unspecified, DifferenceReason = content.DifferenceReason,
        Inheritance = (V1.Inheritance)content.Inheritance, Text = content.Text, References = { content.References }, Criteria = { content.Criteria.Select(c => Of(c, seesFigures)) },
    };

    private static V1.CriterionUse Of(CriterionUse use, bool seesFigures)
    {
        var wire = Of(use);
        if (!seesFigures && HasFigures(use)) (wire.Evidence, wire.IsEvidenceWithheld) = ("", true);
        return wire;
    }

    private static CriterionUse Of(V1.CriterionUse wire, AssessmentContent? before)
    {
        Criterion.OrderOf(wire.Code);
        var evidence = wire.Evidence;
        if (wire.IsEvidenceWithheld)
            evidence = evidence.Length == 0 && before?.Criteria.FirstOrDefault(c => c.Code == wire.Code && HasFigures(c)) is { } kept ? kept.Evidence : throw Refusals.BadRequest("assess-withheld");
        var strength = wire.Strength is >= V1.Strength.Supporting and <= V1.Strength.StandAlone ? (Strength)((int)wire.Strength - 1) : throw Refusals.BadRequest("assess-strength");
        return new CriterionUse(wire.Code, strength, evidence) { References = [.. wire.References] };
    }

    private static bool HasFigures(CriterionUse use) => use.Evidence.Length > 0 && Criterion.IsOfFigures(use.Code);

    private static V1.AssessmentState Of(AssessmentState state) => (V1.AssessmentState)((int)state + 1);

    private static V1.Tier Of(Tier tier) => (V1.Tier)((int)tier + 1);

    private static V1.SignatureMeaning Of(SignatureMeaning meaning) => (V1.SignatureMeaning)((int)meaning + 1);
}
