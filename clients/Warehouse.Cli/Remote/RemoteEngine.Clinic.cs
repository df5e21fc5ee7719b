using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Client;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Query;
using SeenAnswer = Warehouse.Engine.Query.SeenAnswer;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>Annotations and assessments of a server.</summary>
internal sealed partial class RemoteEngine
{
    /// <summary>Samples or persons of one question.</summary>
    private const int LinkedAtOnce = 1000;

    private AnsweredCells? _cells;
    private (IReadOnlyList<string> Choices, long? Snapshot) _joined = ([], null);

    /// <inheritdoc/>
    public override string? Join(StoreAddress store, string[] choices, string? asOf, TextWriter error)
    {
        if (choices.Length == 0) return asOf;
        var described = _client.DescribeAnnotationsAsync(_ask with { Snapshot = Snapshot(asOf), Annotate = choices }).GetAwaiter().GetResult();
        _cells = new AnsweredCells(described);
        Cells = new JoinedCells(_cells);
        foreach (var release in described.Releases) error.WriteLine("warehouse: annotated from " + SafeText.EscapeMessage(release));
        // Below the level record the data are those of the release epoch, and no snapshot can be asked.
        var isPinned = _ask.Detail == V1.Detail.Record || (_ask.Detail == V1.Detail.Unspecified && _client.WhoAmIAsync(_ask).GetAwaiter().GetResult().OpenLevels.Contains(V1.Detail.Record));
        _joined = (choices, isPinned ? described.Snapshot : null);
        return isPinned ? described.Snapshot.ToString(CultureInfo.InvariantCulture) : asOf;
    }

    /// <inheritdoc/>
    public override void EndJoin() => (Cells, _cells, _joined) = (null, null, ([], null));

    /// <inheritdoc/>
    public override Report Link(StoreAddress store, VaultPlaces places, (IReadOnlyList<string> Samples, IReadOnlyList<string> Persons) asked)
    {
        var (columns, links) = ((IReadOnlyList<string>)[], new List<LinkedSample>());
        foreach (var some in asked.Samples.Select(s => (Name: s, IsSample: true)).Concat(asked.Persons.Select(p => (Name: p, IsSample: false))).Chunk(LinkedAtOnce))
        {
            var reply = _client.LinkAsync(some.Where(s => s.IsSample).Select(s => s.Name), some.Where(s => !s.IsSample).Select(s => s.Name), _ask, _cancellation).GetAwaiter().GetResult();
            columns = reply.Columns;
            links.AddRange(reply.Samples.Select(l => new LinkedSample(l.Sample, l.Person, l.IsKnown ? l.Cells : null)));
        }
        return Reports.OfLinks(columns, links);
    }

    /// <inheritdoc/>
    public override Report ListAnnotations(StoreAddress store, CancellationToken cancellation) =>
        Reports.Of([.. _client.AnnotationsAsync(null, cancellation).GetAwaiter().GetResult().Select(RemoteRows.Of)]);

    /// <inheritdoc/>
    public override Report LoadAnnotations(StoreAddress store, AnnotationRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        AnnotationRequest.RequireSource(request.Source);
        if (request.File == "-") throw new InputException("upload-pipe", "what is sent to a server is read twice: name a file", InputPlace.None);
        if (!File.Exists(request.File)) throw new InputException("input-missing", "there is no such file", new InputPlace(request.File, 0, 0, ""));
        using var file = File.OpenRead(request.File);
        var release = new ReleaseUpload
        {
            Source = request.Source, Date = request.Date, Mapping = request.Mapping?.Text, SkipBadRecords = request.SkipBadRecords,
            Progress = (isRead, done, all) => progress?.Report(new WorkProgress(isRead ? "reading" : "sending", done, all, "bytes")),
        };
        try
        {
            var loaded = _client.LoadAnnotationsAsync(file, release, null, cancellation).GetAwaiter().GetResult();
            return Reports.Of(new AnnotationReceipt(RemoteRows.Of(loaded.Release), loaded.IsNew, loaded.IsNewest, loaded.Version, loaded.Unmapped));
        }
        catch (WarehouseException refused) when (refused.Fault is { } fault)
        {
            // In the words of a load that runs here: the server does not know how the file is called.
            throw new InputException(fault.Rule, fault.Text, fault is { File: 0, Line: 0 } ? InputPlace.None : new InputPlace(request.File, fault.Line, fault.Offset, fault.Field));
        }
    }

    /// <inheritdoc/>
    public override Report DropAnnotations(StoreAddress store, string choice, CancellationToken cancellation) =>
        Reports.Of([RemoteRows.Of(_client.RetireAnnotationsAsync(choice, null, cancellation).GetAwaiter().GetResult())]);

    /// <inheritdoc/>
    public override Report Access(StoreAddress store, Func<IAccess, Report> ask) => ask(new RemoteAccess(_client, _cancellation));

    /// <inheritdoc/>
    public override Report ChangeAccess(StoreAddress store, Func<IAccess, PolicyChange> change) => AccessReports.Of(change(new RemoteAccess(_client, _cancellation)));

    /// <inheritdoc/>
    public override IAuditRecord AuditRecord(StoreAddress store, CancellationToken cancellation) => new RemoteAuditRecord(_client, cancellation);

    /// <inheritdoc/>
    public override Report Alerts(StoreAddress store, Func<IAlerts, Report> ask) => ask(new RemoteAlerts(_client, _cancellation));

    /// <inheritdoc/>
    public override Report LoadClinVar(StoreAddress store, AnnotationRequest request, Func<IAlerts, Report> ask, CliContext context)
    {
        using (var progress = context.Progress()) LoadAnnotations(store, request, progress, context.Cancellation);
        return Alerts(store, ask);
    }

    /// <summary>Alerts as they come.</summary>
    public ExitCode FollowAlerts(int? most, CliContext context) => new RemoteAlerts(_client, _cancellation).Follow(most, context);

    /// <inheritdoc/>
    public override T Assessments<T>(StoreAddress store, Func<IAssessments, T> read) => read(new RemoteAssessments(_client, _cancellation));

    /// <inheritdoc/>
    public override Report ChangeAssessment(StoreAddress store, Func<IAssessments, Assessment> change) => AssessmentReports.Of(change(new RemoteAssessments(_client, _cancellation)));

    /// <inheritdoc/>
    public override Func<SeenAnswer, string?> SignedAssessments(StoreAddress store)
    {
        var (own, _, end) = new RemoteAssessments(_client, _cancellation).Listed(null, null, false);
        return Signed(own.Select(RemoteAssessments.Of), Warehouse.Engine.Variants.Assembly.Parse(end.Assembly));
    }

    /// <inheritdoc/>
    public override Report Suggest(StoreAddress store, string spelling, SampleChoice samples, CancellationToken cancellation)
    {
        var reply = _client.SuggestAsync(spelling, About(samples), cancellation).GetAwaiter().GetResult();
        var evidence = RemoteAssessments.Of(reply);
        return reply.Released is { } released ? AssessmentReports.Of(evidence, (released.IsBanded, reply.Context?.Epoch ?? 0)) : AssessmentReports.Of(evidence);
    }

    private AskOptions Joining(AskOptions ask) => _joined.Choices.Count == 0 ? ask : ask with { Annotate = _joined.Choices, Snapshot = _joined.Snapshot };

    private NamedQueries Named(CancellationToken cancellation) => new(name =>
    {
        foreach (var (_, variants) in Wait.Each(_client.SearchAnnotationsAsync([name], null, cancellation), cancellation)) return variants;
        return [];
    });
}
