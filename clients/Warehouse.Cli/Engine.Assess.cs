using Warehouse.Cli.Options;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Query;
using Warehouse.Engine.Variants;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>Reads assessments of a store, or what is to be put into one.</summary>
    public virtual T Assessments<T>(StoreAddress store, Func<IAssessments, T> read)
    {
        using var opened = Open(store);
        Call?.Asks(opened.Version, null, null);
        return read(Of(opened));
    }

    /// <summary>Changes assessments; the change is begun in the audit log before.</summary>
    public virtual Report ChangeAssessment(StoreAddress store, Func<IAssessments, Assessment> change)
    {
        using var opened = Open(store);
        return Changed(opened, AssessmentReports.Of(change(Of(opened))));
    }

    /// <summary>What the laboratory has signed of the allele of an answer: class, condition and number of each assessment; null = nothing.</summary>
    public virtual Func<SeenAnswer, string?> SignedAssessments(StoreAddress store)
    {
        using var opened = Open(store);
        return Signed(new AssessmentDesk(opened).List(Owner), opened.Assembly);
    }

    /// <summary>What the store's own figures say to the criteria of frequency.</summary>
    public virtual Report Suggest(StoreAddress store, string spelling, SampleChoice samples, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(null));
        var evidence = FrequencyEvidence.Of(session, AssessedAllele.Of(session.Resolve([spelling], cancellation).First(), opened.Assembly), samples, new AssessmentDesk(opened).Settings, cancellation);
        return AssessmentReports.Of(evidence);
    }

    /// <summary>The signed ones by allele, for an answer.</summary>
    protected static Func<SeenAnswer, string?> Signed(IEnumerable<Assessment> all, Assembly assembly)
    {
        var signed = all.Where(a => a.State == AssessmentState.Signed).GroupBy(a => a.Content.Allele)
            .ToDictionary(g => g.Key, g => string.Join("; ", g.Select(a => FormattableString.Invariant($"{AssessmentReports.ClassOf(a.Content)} {a.Content.ConditionId} ({a.Id})"))));
        return answer => signed.Count > 0 && AssessedAllele.TryOf(answer, assembly) is { } allele ? signed.GetValueOrDefault(allele) : null;
    }

    private LocalAssessments Of(VariantStore opened) => new(opened, spellings =>
    {
        using var session = opened.OpenSession(Asks(null));
        return [.. session.Resolve(spellings).Select(a => AssessedAllele.Of(a, opened.Assembly))];
    });
}
