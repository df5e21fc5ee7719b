using Google.Protobuf.Collections;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Cli.Verbs;
using Warehouse.Client;
using Warehouse.Client.Login;
using Warehouse.Engine;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Query;
using SeenAnswer = Warehouse.Engine.Query.SeenAnswer;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>
/// The calls of verbs that read, to a server: messages become the engine's records, so that what prints them cannot tell. The server audits; no
/// entry is written here. One thread.
/// </summary>
internal sealed partial class RemoteEngine : Engine
{
    // Alleles in one question, so that an answer with a row per group stays under the longest message (4 MiB).
    private const int AllelesAtOnce = 1000, GroupedAllelesAtOnce = 50;

    private readonly WarehouseClient _client;
    private readonly AskOptions _ask;
    private readonly HttpClient? _http;
    private readonly PersonLogin? _person;
    private readonly CancellationToken _cancellation;

    /// <summary>Of a server; nothing is sent yet. A certificate among the credentials is shown; without one, the login that is kept.</summary>
    public RemoteEngine(ServerAddress server, CliContext context)
    {
        _cancellation = context.Cancellation;
        _ask = new AskOptions
        {
            Purpose = server.Purpose switch { "treatment" => V1.Purpose.Treatment, "research" => V1.Purpose.Research, _ => V1.Purpose.Operations },
            Detail = server.Detail switch { "record" => V1.Detail.Record, "aggregate" => V1.Detail.Aggregate, "exists" => V1.Detail.Exists, _ => V1.Detail.Unspecified },
            Project = server.Project ?? "",
            AcceptsIncomplete = true, // what is lacking is told in the answer's own rows
        };
        var credentials = server.CredentialsPath is { } path ? Credentials.Read(path) : null;
        var connect = new ConnectOptions { Server = ConnectOptions.AddressOf(server.Url), Credentials = credentials, Ask = _ask };
        if (credentials?.Certificate is null)
        {
            var file = RemoteLogin.FileOf(context);
            Advice = $"show a certificate by --credentials, or log in: warehouse login --server {connect.Server.GetLeftPart(UriPartial.Authority)}";
            if (file.Find(connect.Server) is { } login)
            {
                var bound = login.CertificateFile is { } with ? Credentials.Read(with) : null;
                (_http, Advice) = (DeviceLogin.NewHttp(bound?.Certificate), $"log in again: warehouse login --server {connect.Server.GetLeftPart(UriPartial.Authority)}");
                _person = new PersonLogin(file, connect.Server, _http, context.Clock);
                connect = connect with { Token = _person.TokenAsync, Credentials = bound ?? credentials ?? (login.Authorities is { } pem ? Credentials.FromPem(pem) : null) };
            }
        }
        _client = new WarehouseClient(connect);
    }

    /// <summary>What helps when the server does not know who asks; null for who shows a certificate.</summary>
    public string? Advice { get; }

    /// <inheritdoc/>
    public override void BeginCall(StoreAddress store, string verb, string question)
    {
    }

    /// <inheritdoc/>
    public override void EndCall(string? outcome)
    {
        _client.Dispose();
        _person?.Dispose();
        _http?.Dispose();
    }

    /// <inheritdoc/>
    public override IEnumerable<SeenAnswer> Seen(StoreAddress store, SeenRequest request, CancellationToken cancellation)
    {
        var named = Named(cancellation);
        foreach (var answer in Wait.Each(_client.SeenAsync(named.Of(request.Queries).ToAsyncEnumerable(), Joining(About(request.Samples)), request.Identify, cancellation), cancellation))
        {
            Released = RemoteRows.Released(answer);
            _cells?.Take(answer.Message.Annotations);
            if (named.Take(RemoteRows.Of(answer)) is { } shown) yield return shown;
        }
    }

    /// <inheritdoc/>
    public override ExitCode Annotate(StoreAddress store, AnnotateRequest request, Stream output, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        if (IsPacked(request.OutputPath)) throw new InputException("packed-output", "a server's annotation is text: name the output .vcf, or pipe it to bgzip", InputPlace.None);
        if (request.InputPath != "-" && !File.Exists(request.InputPath)) throw new InputException("no-file", "no such file", new InputPlace(request.InputPath, 0, 0, ""));
        using var input = request.InputPath == "-" ? Console.OpenStandardInput() : File.OpenRead(request.InputPath);
        var end = _client.AnnotateAsync(input, output, Joining(About(request.Samples)), cancellation).GetAwaiter().GetResult();
        AnnotationDamage = end.Damage.Length > 0 ? end.Damage : null;
        return AnnotationDamage is not null ? ExitCode.DamagedStore : end.NotAssessable > 0 ? ExitCode.Incomplete : end.Seen > 0 ? ExitCode.Done : ExitCode.NothingMatched;
    }

    /// <summary>Rows of alleles asked for, or of what is listed.</summary>
    public override IEnumerable<FrequencyRow> Frequencies(StoreAddress store, string? asOf, FrequencyRequest request, CancellationToken cancellation)
    {
        if (request.Rules.NoPrecomputed) throw new InputException("no-precomputed", "--no-precomputed is for a store that lies here", InputPlace.None);
        var ask = Joining(About(request.Samples)) with { Snapshot = Snapshot(asOf) };
        return request.Variants is null ? Listed(request, ask, cancellation) : Asked(request, ask, cancellation);
    }

    /// <inheritdoc/>
    public override IEnumerable<CarrierAnswer> Carriers(StoreAddress store, IEnumerable<string> queries, CancellationToken cancellation)
    {
        var named = Named(cancellation);
        foreach (var answer in Wait.Each(_client.CarriersAsync(named.Of(queries).ToAsyncEnumerable(), Joining(_ask), cancellation), cancellation))
        {
            _cells?.Take(answer.Seen.Message.Annotations);
            if (named.Take(RemoteRows.Of(answer.Seen)) is { } shown) yield return new CarrierAnswer(shown, [.. answer.Carriers.Select(RemoteRows.Of)]);
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<CaseControlRow> CaseControl(StoreAddress store, string cases, string controls, CancellationToken cancellation)
    {
        var row = new CaseControlRow();
        foreach (var (batch, at) in Rows(_client.CaseControl(cases, controls), cancellation))
        {
            RemoteRows.Fill(row, batch, at);
            yield return row;
        }
    }

    /// <inheritdoc/>
    public override Report ShowCohort(StoreAddress store, string name, CancellationToken cancellation) => Reports.OfMembers(_client.CohortMembersAsync(name, null, cancellation).GetAwaiter().GetResult());

    /// <inheritdoc/>
    public override Report Cohorts(StoreAddress store, CancellationToken cancellation) => Reports.OfCohorts(
        _client.CohortsAsync(null, cancellation).GetAwaiter().GetResult().Select(c => (c.Name, c.HasSamples ? (long?)c.Samples : null, c.FromVersion, c.Where.Length > 0 ? c.Where : null)));

    /// <inheritdoc/>
    public override void Export(StoreAddress store, ExportRequest request, Stream output, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        var ask = Joining(About(request.Samples)) with { Snapshot = Snapshot(request.AsOf) };
        var format = request.Format switch
        {
            ExportFormat.Bcf => V1.ExportFormat.Bcf, ExportFormat.Vcf => IsPacked(request.OutputPath) ? V1.ExportFormat.VcfBgzf : V1.ExportFormat.Vcf, _ => V1.ExportFormat.Arrow,
        };
        var answer = _client.Export(format, request.Regions.Select(RemoteRows.Of), ask);
        if (format != V1.ExportFormat.Arrow)
        {
            Take(answer.CopyToAsync(output, cancellation).GetAwaiter().GetResult());
            return;
        }
        using RowWriter writer = request.Format == ExportFormat.Tsv ? new TsvWriter(JoinedCells.Behind(Columns.Genotypes(), Cells), output) : new ArrowRowWriter(JoinedCells.Behind(Columns.Genotypes(), Cells), output);
        var row = new Warehouse.Engine.Export.GenotypeRow();
        foreach (var (batch, at) in Rows(answer, cancellation))
        {
            RemoteRows.Fill(row, batch, at);
            _cells?.Take(batch, at);
            Columns.Write(writer, row, Cells);
        }
        foreach (var range in Unavailable) Columns.WriteUnavailable(writer, range);
        writer.Complete();
    }

    /// <inheritdoc/>
    public override Report Verify(StoreAddress store, string? backupPath, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        if (backupPath is not null) throw new InputException("repair-from", "--repair-from is for a store that lies here", InputPlace.None);
        return Reports.OfFindings([], Findings(progress, cancellation));
    }

    /// <inheritdoc/>
    public override Report Info(StoreAddress store, CancellationToken cancellation)
    {
        var told = _client.InfoAsync(null, cancellation).GetAwaiter().GetResult().ToLookup(f => f.Name == WarehouseClient.DamageFact);
        return Reports.Of(new StoreInfo([.. told[false].Select(f => (f.Name, f.Value))], [.. told[true].Select(f => f.Value)]));
    }

    /// <inheritdoc/>
    public override Report Snapshots(StoreAddress store, CancellationToken cancellation) =>
        Reports.OfSnapshots(_client.SnapshotsAsync(null, cancellation).GetAwaiter().GetResult().Select(s => (s.Version, s.Committed.ToDateTimeOffset(), s.Samples)));

    private AskOptions About(SampleChoice samples) => _ask with { Cohort = samples.Cohort, Samples = samples.Names is { } names ? [.. names] : null };

    private IEnumerable<FrequencyRow> Listed(FrequencyRequest request, AskOptions ask, CancellationToken cancellation)
    {
        var asked = new V1.FrequenciesRequest { By = request.By ?? "", Rules = RemoteRows.Of(request.Rules), Symbolic = request.Symbolic, MinAc = request.MinAc, Regions = { request.Regions.Select(RemoteRows.Of) } };
        var (row, columns) = (new FrequencyRow(), default(FrequencyColumns));
        foreach (var (batch, at) in Rows(_client.Frequencies(asked, ask), cancellation))
        {
            columns ??= new FrequencyColumns(batch.Schema);
            Released = columns.Fill(row, batch, at);
            _cells?.Take(batch, at);
            yield return row;
        }
    }

    private IEnumerable<FrequencyRow> Asked(FrequencyRequest request, AskOptions ask, CancellationToken cancellation)
    {
        var row = new FrequencyRow();
        foreach (var part in request.Variants!.Chunk(request.By is null ? AllelesAtOnce : GroupedAllelesAtOnce))
        {
            var asked = new V1.FrequenciesOfRequest { By = request.By ?? "", Rules = RemoteRows.Of(request.Rules), Queries = { part } };
            var reply = _client.FrequenciesOfAsync(asked, ask, cancellation).GetAwaiter().GetResult();
            if (reply.Context is { Detail: V1.Detail.Record } context) ask = ask with { Snapshot = context.Snapshot };
            foreach (var answer in reply.Rows)
            {
                RemoteRows.Fill(row, answer);
                _cells?.Take(answer.Annotations);
                Released = row.Damage is null ? RemoteRows.Released(answer.Figures, answer.Released, answer.Contig) : null;
                yield return row;
            }
        }
    }

    private IEnumerable<(string Kind, string File, string Problem)> Findings(IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        foreach (var reply in Wait.Each(_client.VerifyAsync(null, cancellation), cancellation))
        {
            progress?.Report(new WorkProgress("verifying", reply.BytesRead, reply.BytesTotal, "bytes"));
            if (reply.Finding is { } finding) yield return (finding.Kind, finding.File, finding.Problem);
        }
    }

    /// <summary>The rows of an answer in Arrow; at the end, what it could not judge.</summary>
    private IEnumerable<(ArrowBatch Batch, int Row)> Rows(ByteAnswer answer, CancellationToken cancellation)
    {
        using var pieces = new PieceStream(Wait.Each(answer, cancellation));
        var reader = new ArrowStreamReader(pieces);
        while (reader.Read() is { } batch)
            for (var row = 0; row < batch.RowCount; row++) yield return (batch, row);
        pieces.ReadToEnd();
        Take(answer.End!);
    }

    private void Take(V1.AnswerEnd end)
    {
        Unavailable = Ranges(end.Completeness?.Unavailable);
        if (Unavailable.Count == 0 && end.Completeness is not { IsWhole: true }) throw new IOException("the server says that the answer is not whole, and not what it lacks");
    }

    private static IReadOnlyList<UnavailableRange> Ranges(RepeatedField<V1.UnavailableRange>? ranges) => ranges is null ? [] : [.. ranges.Select(r => new UnavailableRange(r.File, r.Contig, r.Start, r.End, r.Damage))];
}
