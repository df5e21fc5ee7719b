using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Cli.Verbs;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Doctor;
using Warehouse.Engine.Export;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Vcf;

namespace Warehouse.Cli;

/// <summary>
/// Every call the command line makes into the engine, in one place. Virtual, so that tests of the frame answer in its stead.
/// </summary>
internal partial class Engine
{
    private StoreAudit? _audit;

    /// <summary>The account that runs the command.</summary>
    public static string Principal => Environment.UserName is { Length: > 0 } name ? name : "unknown";

    /// <summary>The audited call that runs; null when none does.</summary>
    public AuditCall? Call { get; private set; }

    /// <summary>Opens the audit log of a store, with its keys.</summary>
    public static StoreAudit OpenAudit(StoreAddress store) => StoreAudit.Open(store.Path, store.KeysPath, store.AuditPath);

    /// <summary>Begins an audited call; nothing is written before something is shown, or the call ends.</summary>
    public virtual void BeginCall(StoreAddress store, string verb, string question)
    {
        _audit = OpenAudit(store);
        AuditLog log;
        try
        {
            log = _audit.Log;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditRefusedException(e);
        }
        Call = CallOf(log, _audit.Keys, verb, question);
    }

    /// <summary>Ends the call, if one runs: durable on return.</summary>
    public virtual void EndCall(string? outcome)
    {
        var (call, audit) = (Call, _audit);
        (Call, _audit) = (null, null);
        using (audit)
        using (call)
        {
            if (outcome is not null) call?.End(outcome);
        }
    }

    /// <summary>Makes an empty store, and its audit log with the entry that says so: before, there is no key that signs one.</summary>
    public virtual void Init(StoreAddress store, InitRequest request)
    {
        StoreAudit.RequireNone(store.Path, store.AuditPath);
        using var made = VariantStore.Create(new CreateOptions { Path = store.Path, KeysPath = store.KeysPath, Assembly = request.Assembly, ReferencePath = request.ReferencePath });
        BeginLog(store, ("init", $"{request.Assembly}\0{request.ReferencePath}"), made.Version);
    }

    /// <summary>Loads files; the report has one row per fact of the receipt.</summary>
    public virtual Report Ingest(StoreAddress store, IngestRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Reports.Of(opened.Ingest(request, progress, cancellation)));
    }

    /// <summary>Answers queries in their order, one answer each.</summary>
    public virtual IEnumerable<SeenAnswer> Seen(StoreAddress store, SeenRequest request, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(JoinedSnapshot));
        using var search = new NameSearch(opened, session.Snapshot);
        var named = new NamedQueries(search.Of);
        foreach (var found in session.Seen(named.Of(request.Queries), request.Samples, cancellation))
            if (named.Take(found) is { } answer) yield return request.Identify ? answer with { Identifiers = session.Identify(answer) } : answer;
    }

    /// <summary>Annotates a VCF; the answer tells whether anything was seen and all assessed.</summary>
    public virtual ExitCode Annotate(StoreAddress store, AnnotateRequest request, Stream output, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(JoinedSnapshot));
        using var packed = IsPacked(request.OutputPath) ? new BgzfWriter(output, threads: Environment.ProcessorCount, leaveOpen: true) : null;
        var summary = Annotation.Annotate((session, Joined), request.InputPath, request.Samples, packed ?? output, progress, cancellation);
        packed?.Complete();
        AnnotationDamage = summary.Damage;
        return summary.Damage is not null ? ExitCode.DamagedStore : summary.NotAssessable > 0 ? ExitCode.Incomplete : summary.Seen > 0 ? ExitCode.Done : ExitCode.NothingMatched;
    }

    /// <summary>What the last annotation met damaged; null = nothing.</summary>
    public string? AnnotationDamage { get; protected set; }

    /// <summary>What the last listing, taken to its end, could not judge.</summary>
    public IReadOnlyList<UnavailableRange> Unavailable { get; protected set; } = [];

    /// <summary>Figures of the row just given, as a server released them; null = the row has exact ones.</summary>
    public ReleasedCells? Released { get; protected set; }

    /// <summary>Bytes of genotypes that the last <see cref="FrequencyBatches"/>, taken to its end, read.</summary>
    public long GenotypeBytesRead { get; private set; }

    /// <summary>Figures per group of the alleles that the request names; the row is reused.</summary>
    public virtual IEnumerable<FrequencyRow> Frequencies(StoreAddress store, string? asOf, FrequencyRequest request, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(asOf) with { AroundDamage = true });
        foreach (var row in session.Frequencies(request, cancellation)) yield return row;
    }

    /// <summary>Figures per listed variant and group; the batch is reused.</summary>
    public virtual IEnumerable<FrequencyBatch> FrequencyBatches(StoreAddress store, string? asOf, FrequencyRequest request, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(asOf) with { OneQuestion = true, AroundDamage = true });
        foreach (var batch in session.FrequencyBatches(request, cancellation)) yield return batch;
        (GenotypeBytesRead, Unavailable) = (session.GenotypeBytesRead, session.Unavailable);
    }

    /// <summary>Carriers of each query.</summary>
    public virtual IEnumerable<CarrierAnswer> Carriers(StoreAddress store, IEnumerable<string> queries, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(JoinedSnapshot));
        using var search = new NameSearch(opened, session.Snapshot);
        var named = new NamedQueries(search.Of);
        foreach (var found in session.Carriers(named.Of(queries), cancellation))
            if (named.Take(found.Seen) is { } answer) yield return found with { Seen = answer };
    }

    /// <summary>Compares two cohorts; the row is reused.</summary>
    public virtual IEnumerable<CaseControlRow> CaseControl(StoreAddress store, string cases, string controls, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(null) with { AroundDamage = true });
        foreach (var row in session.CaseControl(cases, controls, cancellation)) yield return row;
        Unavailable = session.Unavailable;
    }

    /// <summary>Makes or replaces a cohort and returns its facts.</summary>
    public virtual Report SetCohort(StoreAddress store, CohortRequest request, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Reports.Of(Few(opened, opened.SetCohort(request.Name, request.Samples, request.Where))));
    }

    /// <summary>Evaluates a cohort's expression again and returns its facts.</summary>
    public virtual Report RefreshCohort(StoreAddress store, string name, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Reports.Of(Few(opened, opened.RefreshCohort(name))));
    }

    /// <summary>The members of a cohort.</summary>
    public virtual Report ShowCohort(StoreAddress store, string name, CancellationToken cancellation)
    {
        using var opened = Open(store);
        var members = opened.CohortMembers(name);
        foreach (var member in members) Call?.Shows(member);
        return Reports.OfMembers(members);
    }

    /// <summary>All cohorts.</summary>
    public virtual Report Cohorts(StoreAddress store, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Reports.Of([.. opened.Cohorts().Select(c => Few(opened, c))]);
    }

    /// <summary>Writes genotypes to <paramref name="output"/>.</summary>
    public virtual void Export(StoreAddress store, ExportRequest request, Stream output, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        using var opened = Open(store);
        using var session = opened.OpenSession(Asks(request.AsOf) with { AroundDamage = true });
        var asked = new GenotypeRequest { Regions = request.Regions, Samples = request.Samples, Annotations = Joined };
        if (request.Format is ExportFormat.Tsv or ExportFormat.Arrow)
        {
            using RowWriter writer = request.Format == ExportFormat.Tsv ? new TsvWriter(JoinedCells.Behind(Columns.Genotypes(), Cells), output) : new ArrowRowWriter(JoinedCells.Behind(Columns.Genotypes(), Cells), output);
            foreach (var row in session.Rows(asked, cancellation)) Columns.Write(writer, row, Cells);
            Unavailable = session.Unavailable;
            foreach (var range in Unavailable) Columns.WriteUnavailable(writer, range);
            writer.Complete();
            return;
        }
        var encoding = request.Format == ExportFormat.Bcf ? VariantEncoding.Bcf : IsPacked(request.OutputPath) ? VariantEncoding.VcfBgzf : VariantEncoding.Vcf;
        session.WriteLines(asked, (output, encoding), progress, cancellation);
        Unavailable = session.Unavailable;
    }

    /// <summary>Withdraws samples and returns the facts of the commit.</summary>
    public virtual Report Withdraw(StoreAddress store, IReadOnlyList<string> samples, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Report.OfFacts(("samples withdrawn", Text(samples.Distinct().Count())), ("committed snapshot", Text(opened.Withdraw(samples)))));
    }

    /// <summary>Compacts; <paramref name="purgeBefore"/> is a snapshot as typed, or null.</summary>
    public virtual Report Compact(StoreAddress store, string? purgeBefore, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Reports.Of(opened.Compact(Snapshot(purgeBefore), progress, cancellation)));
    }

    /// <summary>Puts a new master key in the place of the old one and returns what is under it.</summary>
    public virtual Report RotateKeys(StoreAddress store, CancellationToken cancellation)
    {
        using var opened = Open(store);
        var (master, keys) = opened.RotateKeys();
        return Changed(opened, Report.OfFacts(("master key", Text(master)), ("file keys under it", Text(keys))));
    }

    /// <summary>Reads every byte. One row per damage; none when the store is whole. With a backup, its whole files are put in the place of damaged ones before.</summary>
    public virtual Report Verify(StoreAddress store, string? backupPath, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        var mended = new List<object?[]>();
        if (backupPath is not null)
            foreach (var file in VariantStore.Repair(store.Path, store.KeysPath, backupPath, cancellation)) mended.Add(["mended", file, "was not what was written; the backup's is, and stands there now"]);
        return Reports.OfFindings(mended, VariantStore.Verify(store.Path, store.KeysPath, progress, cancellation).Select(f => (f.Kind.ToString().ToLowerInvariant(), f.File, f.Problem)));
    }

    /// <summary>Writes a new store of all that can be proved of a damaged one.</summary>
    public virtual Report Salvage(SalvageOptions options, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        StoreAudit.RequireNone(options.ToPath, null);
        var report = VariantStore.Salvage(options, progress, cancellation);
        if (report.Version > 0)
        {
            Call?.Asks(report.Version, null, null);
            BeginLog(new StoreAddress(options.ToPath, options.ToKeysPath), ("salvage", options.Path), report.Version);
        }
        return Reports.Of(report);
    }

    /// <summary>Facts of a store; what is damaged comes last.</summary>
    public virtual Report Info(StoreAddress store, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Reports.Of(opened.Info());
    }

    /// <summary>Snapshots of a store.</summary>
    public virtual Report Snapshots(StoreAddress store, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Reports.OfSnapshots(opened.Snapshots().Select(s => (s.Version, s.CreatedUtc, s.Samples)));
    }

    /// <summary>Writes a simulated cohort.</summary>
    public virtual Report Simulate(SimulationOptions request, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        var report = Simulator.Run(request, progress, cancellation);
        return Report.OfFacts([("samples", Text(report.Samples)), ("records", Text(report.Records)), ("alleles", Text(report.Alleles)),
            ("non-reference genotypes", Text(report.NonReferenceGenotypes)), ("missing genotypes", Text(report.MissingGenotypes)), .. report.Files.Select(f => ("file", f))]);
    }

    /// <summary>Checks the machine, and the store if one is named. Columns check, state (ok, note or wrong), and what was found or how to mend it.</summary>
    public virtual Report Doctor(StoreAddress? store, CancellationToken cancellation) => Reports.Of(Checkup.Run(store?.Path, store?.KeysPath));

    /// <summary>The first entry of the log of a store that was just made.</summary>
    private static void BeginLog(StoreAddress store, (string Verb, string Question) of, long version)
    {
        try
        {
            using var audit = OpenAudit(store);
            using var call = CallOf(audit.Log, audit.Keys, of.Verb, of.Question);
            call.Asks(version, null, null);
            call.End("done");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the store is made, but that is not in its audit log, which cannot be written: {(e is AuditRefusedException { InnerException: { } why } ? why : e).Message}");
        }
    }

    private static AuditCall CallOf(AuditLog log, AuditKeys keys, string verb, string question) =>
        new(log, keys, new AuditEntry { Kind = AuditKind.Begin, Call = "", Who = Principal, Role = "owner", Verb = verb, Purpose = "operations" }, question, TimeProvider.System);

    /// <summary>Says in the audit log which version a change has made.</summary>
    private Report Changed(VariantStore store, Report report)
    {
        Call?.Asks(store.Version, null, null);
        return report;
    }

    /// <summary>Says in the audit log of whom the size of a cohort is data: of its members, where they are fewer than k.</summary>
    private CohortInfo Few(VariantStore store, CohortInfo cohort)
    {
        if (Call is not { } call || cohort.Samples >= store.Policy().Settings.K) return cohort;
        foreach (var member in store.CohortMembers(cohort.Name)) call.Shows(member);
        return cohort;
    }

    private SessionOptions Asks(string? asOf) => new()
    {
        Principal = Principal, Snapshot = Snapshot(asOf), Shown = Call is { } call ? call.Shows : null, Sink = Call is null ? null : Answered,
    };

    private void Answered(AccessEvent answer)
    {
        Call!.Asks(answer.Snapshot, answer.Scope, answer.Samples, answer.Policy?.ToString(CultureInfo.InvariantCulture));
        Call.Rows = answer.Rows;
    }

    private static VariantStore Open(StoreAddress store) => VariantStore.Open(store.Path, store.KeysPath);

    /// <summary>Whether the name of an output asks for BGZF.</summary>
    protected static bool IsPacked(string path) => path.EndsWith(".gz", StringComparison.Ordinal) || path.EndsWith(".bgz", StringComparison.Ordinal);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A snapshot as typed: its number.</summary>
    protected static long? Snapshot(string? typed)
    {
        if (typed is null) return null;
        return long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new InputException("snapshot", "a snapshot is the number that warehouse snapshots shows", InputPlace.None);
    }
}
