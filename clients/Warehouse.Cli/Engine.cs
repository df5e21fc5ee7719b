using Warehouse.Cli.Options;
using Warehouse.Cli.Verbs;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;

namespace Warehouse.Cli;

/// <summary>
/// Every call the command line makes into the engine, in one place. Virtual, so that tests of the frame answer in its stead.
/// </summary>
internal class Engine
{
    /// <summary>Makes an empty store.</summary>
    public virtual void Init(StoreAddress store, InitRequest request) => throw NotConnected();

    /// <summary>Loads files; the report has one row per fact of the receipt.</summary>
    public virtual Report Ingest(StoreAddress store, IngestRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Answers queries in their order, one answer each.</summary>
    public virtual IEnumerable<SeenAnswer> Seen(StoreAddress store, SeenRequest request, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Annotates a VCF; the answer tells whether anything was seen and all assessed.</summary>
    public virtual ExitCode Annotate(StoreAddress store, AnnotateRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Figures per variant and group; the row is reused.</summary>
    public virtual IEnumerable<FrequencyRow> Frequencies(StoreAddress store, string? asOf, FrequencyRequest request, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Carriers of each query.</summary>
    public virtual IEnumerable<CarrierAnswer> Carriers(StoreAddress store, IEnumerable<string> queries, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Compares two cohorts; the row is reused.</summary>
    public virtual IEnumerable<CaseControlRow> CaseControl(StoreAddress store, string cases, string controls, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Makes or replaces a cohort and returns its facts.</summary>
    public virtual Report SetCohort(StoreAddress store, CohortRequest request, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Evaluates a cohort's expression again and returns its facts.</summary>
    public virtual Report RefreshCohort(StoreAddress store, string name, CancellationToken cancellation) => throw NotConnected();

    /// <summary>The members of a cohort.</summary>
    public virtual Report ShowCohort(StoreAddress store, string name, CancellationToken cancellation) => throw NotConnected();

    /// <summary>All cohorts.</summary>
    public virtual Report Cohorts(StoreAddress store, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Writes genotypes to <paramref name="output"/>.</summary>
    public virtual void Export(StoreAddress store, ExportRequest request, Stream output, IProgress<WorkProgress>? progress, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Withdraws samples and returns the facts of the commit.</summary>
    public virtual Report Withdraw(StoreAddress store, IReadOnlyList<string> samples, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Compacts; <paramref name="purgeBefore"/> is a snapshot as typed, or null.</summary>
    public virtual Report Compact(StoreAddress store, string? purgeBefore, IProgress<WorkProgress>? progress, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Reads every byte. One row per damage; none when the store is whole.</summary>
    public virtual Report Verify(StoreAddress store, IProgress<WorkProgress>? progress, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Facts of a store.</summary>
    public virtual Report Info(StoreAddress store, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Snapshots of a store.</summary>
    public virtual Report Snapshots(StoreAddress store, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Writes a simulated cohort.</summary>
    public virtual Report Simulate(SimulateRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellation) => throw NotConnected();

    /// <summary>Checks the machine, and the store if one is named. Columns check, state (ok or wrong), how to mend.</summary>
    public virtual Report Doctor(StoreAddress? store, CancellationToken cancellation) => throw NotConnected();

    private static InvalidOperationException NotConnected() => new("not connected");
}
