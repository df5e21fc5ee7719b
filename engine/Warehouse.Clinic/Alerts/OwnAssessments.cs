using Warehouse.Clinic.Assessments;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine.Events;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.Alerts;

/// <summary>What the laboratory has signed and taken back, as alerts look at it: per allele and condition, in the order of the log.</summary>
public static class OwnAssessments
{
    /// <summary>Reads a log.</summary>
    /// <param name="log">The log.</param>
    /// <param name="assembly">Of the store.</param>
    public static IReadOnlyList<SignedAssessment> Of(EventLog log, Assembly assembly)
    {
        var (book, last, signed) = (new AssessmentBook(), new Dictionary<(AssessedAllele, string), NetClass>(), new List<SignedAssessment>());
        foreach (var logged in log.Read())
        {
            var id = AssessmentEvent.Decode(logged) switch { AssessmentEvent.Signed s => s.Id, AssessmentEvent.Given g => g.Id, _ => 0 };
            var was = id == 0 ? null : book.Find(id)?.State;
            book.Apply(logged);
            if (id == 0 || book.Find(id) is not { } now || (now.State != AssessmentState.Signed && was != AssessmentState.Signed)) continue;
            var (content, key) = (now.Content, (now.Content.Allele, now.Content.ConditionId));
            var net = now.State == AssessmentState.Signed ? NetOf(content.Class) : NetClass.Absent;
            signed.Add(new SignedAssessment(logged.Number, VariantOf(content.Allele, assembly), last.GetValueOrDefault(key, NetClass.Absent), net, content.ConditionId));
            last[key] = net;
        }
        return signed;
    }

    private static Variant VariantOf(AssessedAllele allele, Assembly assembly) => Variant.FromNormalized(assembly.CanonicalContig(allele.Contig), allele.Start, allele.Ref, allele.Alt);

    private static NetClass NetOf(Tier tier) => tier switch
    {
        Tier.Benign or Tier.LikelyBenign => NetClass.Benign,
        Tier.Uncertain => NetClass.Uncertain,
        _ => NetClass.Pathogenic,
    };
}
