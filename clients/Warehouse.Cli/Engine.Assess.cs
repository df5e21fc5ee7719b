using Warehouse.Cli.Options;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Query;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>Reads assessments of a store, or what is to be put into one.</summary>
    public virtual T Assessments<T>(StoreAddress store, Func<AssessmentDesk, VariantStore, T> read)
    {
        using var opened = Open(store);
        Call?.Asks(opened.Version, null, null);
        return read(new AssessmentDesk(opened), opened);
    }

    /// <summary>Changes assessments; the change is begun in the audit log before.</summary>
    public virtual Report ChangeAssessment(StoreAddress store, Func<AssessmentDesk, VariantStore, Assessment> change)
    {
        using var opened = Open(store);
        var changed = change(new AssessmentDesk(opened), opened);
        return Changed(opened, AssessmentReports.Of(changed));
    }

    /// <summary>What the laboratory has signed of the allele of an answer: class, condition and number of each assessment; null = nothing.</summary>
    public virtual Func<SeenAnswer, string?> SignedAssessments(StoreAddress store)
    {
        using var opened = Open(store);
        var signed = new AssessmentDesk(opened).List(Owner).Where(a => a.State == AssessmentState.Signed).GroupBy(a => a.Content.Allele)
            .ToDictionary(g => g.Key, g => string.Join("; ", g.Select(a => FormattableString.Invariant($"{AssessmentReports.ClassOf(a.Content)} {a.Content.ConditionId} ({a.Id})"))));
        var assembly = opened.Assembly;
        return answer => signed.Count > 0 && AssessedAllele.TryOf(answer, assembly) is { } allele ? signed.GetValueOrDefault(allele) : null;
    }

    /// <summary>The allele that a spelling means in a store.</summary>
    /// <exception cref="InputException">It cannot be interpreted.</exception>
    public AssessedAllele Allele(VariantStore store, string spelling)
    {
        using var session = store.OpenSession(Asks(null));
        return AssessedAllele.Of(session.Resolve([spelling]).First(), store.Assembly);
    }

    /// <summary>What the store's own figures say to the criteria of frequency.</summary>
    public virtual Report Suggest(StoreAddress store, string spelling, SampleChoice samples, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(null));
        ShowsNamed(samples);
        var evidence = FrequencyEvidence.Of(session, AssessedAllele.Of(session.Resolve([spelling], cancellation).First(), opened.Assembly), samples, new AssessmentDesk(opened).Settings, cancellation);
        return AssessmentReports.Of(evidence);
    }
}
