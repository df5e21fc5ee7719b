using Warehouse.Cli.Options;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>What is asked of watches and alerts, or changed; samples whose data is used are named to the audit log.</summary>
    public virtual Report Alerts(StoreAddress store, Func<IAlerts, Report> ask)
    {
        using var opened = Open(store);
        return Changed(opened, ask(AlertsOf(opened)));
    }

    /// <summary>Loads a release of ClinVar, then asks about it.</summary>
    public virtual Report LoadClinVar(StoreAddress store, AnnotationRequest request, Func<IAlerts, Report> ask, CliContext context)
    {
        using var opened = Open(store);
        using (var progress = context.Progress()) opened.LoadAnnotations(request, progress, context.Cancellation);
        return Changed(opened, ask(AlertsOf(opened)));
    }

    private LocalAlerts AlertsOf(VariantStore opened)
    {
        var assessments = new Lazy<IReadOnlyList<SignedAssessment>>(() => OwnAssessments.Of(opened.Events, opened.Assembly));
        return new(new AlertSources { Store = opened, Release = (date, digest) => ClinVarShelf.Find(opened, date, digest), Assessments = () => assessments.Value, Shown = Call is { } call ? call.Shows : null });
    }
}
