using Warehouse.Cli.Options;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>Opens a store for what is asked of its watches and alerts; samples whose data is used are named to the audit log.</summary>
    public virtual Report OfAlerts(StoreAddress store, Func<AlertSources, Report> ask)
    {
        using var opened = Open(store);
        var assessments = new Lazy<IReadOnlyList<SignedAssessment>>(() => OwnAssessments.Of(opened.Events, opened.Assembly));
        return Changed(opened, ask(new AlertSources
        {
            Store = opened, Release = date => ClinVarShelf.Find(opened, date), Assessments = () => assessments.Value, Shown = Call is { } call ? call.Shows : null,
        }));
    }
}
