using System.Runtime.CompilerServices;
using Grpc.Core;
using Warehouse.Client.Login;
using Warehouse.Protocol.V1;
using Warehouse.Rpc.Client;

namespace Warehouse.Client;

/// <summary>
/// A server of a store. Connects when it is first asked. Safe for many threads; disposing it ends what runs. Every method throws
/// <see cref="WarehouseException"/> for a refusal, a failure or an answer that is cut, and <see cref="OperationCanceledException"/> when its token
/// says so.
/// </summary>
public sealed partial class WarehouseClient : IDisposable
{
    /// <summary>Queries in one message of <c>Seen</c>, <c>Carriers</c> and <c>Resolve</c>, and alleles in one of <c>FrequenciesOf</c>.</summary>
    public const int MaxQueries = 1000, MaxAlleles = 10_000;

    /// <summary>Name of the facts of a store that say what of it is damaged.</summary>
    public const string DamageFact = "damage";

    // A request stays under what servers take in one message (1 MiB); a reply with long alleles may be longer than that.
    private const int MaxQueryBytes = 1 << 19, MaxReplyBytes = 64 << 20, VcfPieceBytes = 1 << 16;

    /// <summary>Queries in one message where annotations are joined: a reply has a cell of each column for each.</summary>
    private const int MaxAnnotated = 200;

    private readonly ConnectOptions _options;
    private readonly Caller _caller;
    private readonly RpcChannel _channel;
    private readonly Variants.VariantsClient _variants;
    private readonly Store.StoreClient _store;
    private readonly Cohorts.CohortsClient _cohorts;
    private readonly Linkage.LinkageClient _linkage;
    private readonly Access.AccessClient _access;
    private readonly Audit.AuditClient _audit;
    private readonly Issuers.IssuersClient _issuers;
    private readonly Alerts.AlertsClient _alerts;
    private readonly Watches.WatchesClient _watches;
    private readonly Care.CareClient _care;
    private readonly ClinVar.ClinVarClient _clinVar;

    /// <summary>To a server; nothing is sent yet.</summary>
    /// <exception cref="WarehouseException">The address is one in clear text of another machine.</exception>
    public WarehouseClient(ConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Server.Scheme != Uri.UriSchemeHttps && !(options.Server.Scheme == Uri.UriSchemeHttp && options.Server.IsLoopback))
            throw WarehouseException.Usage("clear-text", "a server is asked over TLS, and in clear text on this machine alone: https://HOST:PORT");
        (_options, _caller) = (options, new Caller(options));
        _channel = new RpcChannel(options.Server, new RpcChannelOptions
        {
            ClientCertificate = options.Credentials?.Certificate, IsServerCertificateTaken = options.Credentials?.Check, MaxReceiveBytes = MaxReplyBytes, Clock = options.Clock,
            Credentials = options.Token is not null ? CallCredentials.FromInterceptor(ShowTokenAsync) : null,
        });
        (_variants, _store, _cohorts, _linkage, _access, _issuers) = (new(_channel), new(_channel), new(_channel), new(_channel), new(_channel), new(_channel));
        (_alerts, _watches, _care, _clinVar, _audit) = (new(_channel), new(_channel), new(_channel), new(_channel), new(_channel));
    }

    /// <summary>What a question says unless it says otherwise.</summary>
    public AskOptions Ask => _options.Ask;

    /// <summary>To the server that the environment names; see <see cref="ConnectOptions.FromEnvironment"/>.</summary>
    public static WarehouseClient FromEnvironment() => new(ConnectOptions.FromEnvironment());

    /// <summary>Where people log in for this server; the one question that nobody has to show anything for.</summary>
    public async Task<IReadOnlyList<Issuer>> IssuersAsync(CancellationToken stop = default) =>
        (await _caller.AskAsync(how => _issuers.ListAsync(new ListIssuersRequest(), how), _options.Ask, stop).ConfigureAwait(false)).Issuers;

    /// <summary>Who the server takes the caller for, and what he may do.</summary>
    public Task<WhoAmIReply> WhoAmIAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new WhoAmIRequest { Asking = ask.ToWire() };
        return _caller.AskAsync(how => _access.WhoAmIAsync(request, how), ask, stop);
    }

    /// <summary>Have we seen these variants? One answer per query, in their order.</summary>
    /// <param name="queries">Spellings; at most <see cref="MaxQueries"/>.</param>
    /// <param name="ask">What the question says beside; null = as the client says.</param>
    /// <param name="identify">Whether answers name the variant in other systems.</param>
    /// <param name="stop">Gives the question up.</param>
    public async Task<IReadOnlyList<SeenAnswer>> SeenAsync(IReadOnlyCollection<string> queries, AskOptions? ask = null, bool identify = false, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new SeenRequest { Asking = ask.ToWire(), Samples = ask.SamplesToWire(), Identify = identify, Queries = { queries }, Annotate = { ask.Annotate } };
        var reply = await _caller.AskAsync(how => _variants.SeenAsync(request, how), ask, stop).ConfigureAwait(false);
        if (reply.Answers.Count != queries.Count) throw WarehouseException.Cut();
        return [.. reply.Answers.Select(a => SeenAnswer.Of(a, a.Contig.Length > 0 ? reply.Context : null))];
    }

    /// <summary>The same for any number, a message's worth at a time. At the level record all answers are of the snapshot of the first.</summary>
    public async IAsyncEnumerable<SeenAnswer> SeenAsync(IAsyncEnumerable<string> queries, AskOptions? ask = null, bool identify = false, [EnumeratorCancellation] CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        await foreach (var part in PartsAsync(queries, ask.Annotate.Count > 0 ? MaxAnnotated : MaxQueries, stop).ConfigureAwait(false))
        {
            foreach (var answer in await SeenAsync(part, ask, identify, stop).ConfigureAwait(false))
            {
                ask = Pinned(ask, answer.Context);
                yield return answer;
            }
        }
    }

    /// <summary>
    /// Adds INFO fields to a VCF: what was seen of each of its alleles. Asked once, whatever happens. When it ends before the file does, a read of
    /// the file may still be waiting.
    /// </summary>
    /// <param name="vcf">Text, gzip or BGZF.</param>
    /// <param name="output">Where the annotated VCF goes, as text.</param>
    /// <param name="ask">What the question says beside; null = as the client says.</param>
    /// <param name="stop">Gives the question up.</param>
    /// <returns>How many alleles were seen, not seen and not assessable.</returns>
    public async Task<SeenStreamEnd> AnnotateAsync(Stream vcf, Stream output, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var call = _variants.SeenStream(_caller.How(ask.Deadline, ending.Token));
        var sending = SendAsync(call.RequestStream, new SeenRequest { Asking = ask.ToWire(), Samples = ask.SamplesToWire(), Annotate = { ask.Annotate } }, vcf, ending);
        try
        {
            SeenStreamEnd? end = null;
            while (await Caller.NextAsync(call.ResponseStream, stop).ConfigureAwait(false))
            {
                var reply = call.ResponseStream.Current;
                if (reply.Vcf.Length > 0) await output.WriteAsync(reply.Vcf.Memory, stop).ConfigureAwait(false);
                end = reply.End ?? end;
            }
            await sending.ConfigureAwait(false);
            return end ?? throw WarehouseException.Cut();
        }
        catch (WarehouseException) when (ending.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // The file could not be read to its end, and the call was given up for that, by the sender, who is about to say why.
            await sending.ConfigureAwait(false);
            throw;
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Counts and frequencies per listed variant, as one Arrow IPC stream.</summary>
    /// <param name="request">What is listed; its purpose, level and samples are those of <paramref name="ask"/> unless it has its own.</param>
    /// <param name="ask">What the question says beside; null = as the client says.</param>
    public ByteAnswer Frequencies(FrequenciesRequest request, AskOptions? ask = null)
    {
        ask ??= _options.Ask;
        var asked = request.Clone();
        asked.Asking ??= ask.ToWire();
        asked.Samples ??= ask.SamplesToWire();
        if (asked.Annotate.Count == 0) asked.Annotate.AddRange(ask.Annotate);
        return new ByteAnswer(ask, stop => _caller.ReadAsync(how => _variants.Frequencies(asked, how), ask, stop));
    }

    /// <summary>
    /// Figures of alleles asked for, stored or not, in the order of queries and groups. Where the answer would be too long for one message (many groups, or
    /// more than <see cref="MaxAlleles"/>), they are asked for in parts, the later ones of the snapshot of the first where that may be named.
    /// </summary>
    public async Task<FrequenciesOfReply> FrequenciesOfAsync(FrequenciesOfRequest request, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var asked = request.Clone();
        asked.Asking ??= ask.ToWire();
        asked.Samples ??= ask.SamplesToWire();
        if (asked.Annotate.Count == 0) asked.Annotate.AddRange(ask.Annotate);
        FrequenciesOfReply? all = null;
        var (at, most) = (0, MaxAlleles);
        do
        {
            var part = asked.Clone();
            part.Queries.Clear();
            part.Queries.AddRange(asked.Queries.Skip(at).Take(most));
            if (all?.Context is { Detail: Detail.Record } first) part.Asking.Snapshot = first.Snapshot;
            try
            {
                var reply = await _caller.AskAsync(how => _variants.FrequenciesOfAsync(part, how), ask, stop).ConfigureAwait(false);
                if (all is null) all = reply;
                else
                {
                    all.Rows.AddRange(reply.Rows);
                    foreach (var (contig, accession) in reply.Context.RefgetAccessions) all.Context.RefgetAccessions[contig] = accession;
                }
                at += part.Queries.Count;
            }
            catch (WarehouseException e) when (e.Rule == TooLongRule && part.Queries.Count > 1)
            {
                most = part.Queries.Count / 2;
            }
        }
        while (at < asked.Queries.Count);
        return all!;
    }

    /// <summary>Rule by which a server refuses a question whose answer would be too long.</summary>
    private const string TooLongRule = "answer-size";

    /// <summary>Allelic Fisher exact test of two cohorts per variant, as one Arrow IPC stream; level record.</summary>
    public ByteAnswer CaseControl(string cases, string controls, AskOptions? ask = null)
    {
        ask ??= _options.Ask;
        var asked = new CaseControlRequest { Asking = ask.ToWire(), Cases = cases, Controls = controls };
        return new ByteAnswer(ask, stop => _caller.ReadAsync(how => _variants.CaseControl(asked, how), ask, stop));
    }

    /// <summary>Who carries these variants; any number of queries, answers in their order. Level record.</summary>
    public async IAsyncEnumerable<CarriersAnswer> CarriersAsync(IAsyncEnumerable<string> queries, AskOptions? ask = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        await foreach (var part in PartsAsync(queries, MaxQueries, stop).ConfigureAwait(false))
        {
            var request = new CarriersRequest { Asking = ask.ToWire(), Queries = { part }, Annotate = { ask.Annotate } };
            var (answers, end) = (0, default(AnswerEnd));
            CarriersReply? first = null;
            var carriers = new List<Carrier>();
            await foreach (var reply in _caller.ReadAsync(how => _variants.Carriers(request, how), ask, stop).ConfigureAwait(false))
            {
                end = reply.End ?? end;
                if (reply.End is not null) continue;
                first ??= reply;
                carriers.AddRange(reply.Carriers);
                if (reply.GoesOn) continue;
                answers++;
                yield return new CarriersAnswer(SeenAnswer.Of(first.Seen ?? throw WarehouseException.Cut(), null), carriers);
                (first, carriers) = (null, []);
            }
            if (end is null || first is not null || answers != part.Count) throw WarehouseException.Cut();
            ask = Pinned(ask, end.Context);
        }
    }

    /// <summary>What spellings mean in the store; no sample is asked.</summary>
    public async Task<IReadOnlyList<Resolution>> ResolveAsync(IReadOnlyCollection<string> queries, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new ResolveRequest { Asking = ask.ToWire(), Queries = { queries } };
        return (await _caller.AskAsync(how => _variants.ResolveAsync(request, how), ask, stop).ConfigureAwait(false)).Resolutions;
    }

    /// <summary>Genotypes as VCF, BCF or one Arrow IPC stream; level record, and a second factor.</summary>
    public ByteAnswer Export(ExportFormat format, IEnumerable<Region>? regions = null, AskOptions? ask = null)
    {
        ask ??= _options.Ask;
        var asked = new ExportRequest { Asking = ask.ToWire(), Samples = ask.SamplesToWire(), Format = format, Regions = { regions ?? [] }, Annotate = { ask.Annotate } };
        return new ByteAnswer(ask, stop => _caller.ReadAsync(how => _variants.Export(asked, how), ask, stop));
    }

    /// <summary>Facts of the store; behind them what was met damaged, each as a fact named <see cref="DamageFact"/>.</summary>
    public async Task<IReadOnlyList<Fact>> InfoAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new InfoRequest { Asking = ask.ToWire() };
        var reply = await _caller.AskAsync(how => _store.InfoAsync(request, how), ask, stop).ConfigureAwait(false);
        return [.. reply.Facts, .. reply.Damage.Select(d => new Fact { Name = DamageFact, Value = d })];
    }

    /// <summary>Versions that can be asked, oldest first.</summary>
    public async Task<IReadOnlyList<Snapshot>> SnapshotsAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new SnapshotsRequest { Asking = ask.ToWire() };
        return (await _caller.AskAsync(how => _store.SnapshotsAsync(request, how), ask, stop).ConfigureAwait(false)).Snapshots;
    }

    /// <summary>Lets the server read every byte of its store: findings, and progress between them.</summary>
    public async IAsyncEnumerable<VerifyReply> VerifyAsync(AskOptions? ask = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var (request, isDone) = (new VerifyRequest { Asking = ask.ToWire() }, false);
        await foreach (var reply in _caller.ReadAsync(how => _store.Verify(request, how), ask, stop).ConfigureAwait(false))
        {
            isDone |= reply.IsDone;
            yield return reply;
        }
        if (!isDone) throw WarehouseException.Cut();
    }

    /// <summary>Cohorts of which the caller sees a member, by name.</summary>
    public async Task<IReadOnlyList<Cohort>> CohortsAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new ListCohortsRequest { Asking = ask.ToWire() };
        return (await _caller.AskAsync(how => _cohorts.ListAsync(request, how), ask, stop).ConfigureAwait(false)).Cohorts;
    }

    /// <summary>Names of the members of a cohort that the caller sees; level record.</summary>
    public async Task<IReadOnlyList<string>> CohortMembersAsync(string name, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new ShowCohortRequest { Asking = ask.ToWire(), Name = name };
        return (await _caller.AskAsync(how => _cohorts.ShowAsync(request, how), ask, stop).ConfigureAwait(false)).Samples;
    }

    /// <summary>Whom samples are of, and which samples are of persons: at most 1000 of both together. Of what the caller does not see at the level linkage nothing is told.</summary>
    /// <exception cref="WarehouseException">Refused, or the server has no linkage vault (<c>no-linkage</c>).</exception>
    public async Task<ResolvePersonsReply> LinkAsync(IEnumerable<string> samples, IEnumerable<string> persons, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask = (ask ?? _options.Ask) with { Detail = Detail.Linkage };
        var request = new ResolvePersonsRequest { Asking = ask.ToWire(), Samples = { samples }, Persons = { persons } };
        return await _caller.AskAsync(how => _linkage.ResolveAsync(request, how), ask, stop).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    /// <summary>Later messages of one question ask the snapshot of the first, where a snapshot can be asked.</summary>
    private static AskOptions Pinned(AskOptions ask, AnswerContext? context) =>
        ask.Snapshot is null && context is { Detail: Detail.Record } ? ask with { Snapshot = context.Snapshot, Detail = Detail.Record } : ask;

    /// <summary>Shows the token with a call; one that is bound to a key, with a proof for this call.</summary>
    private async Task ShowTokenAsync(AuthInterceptorContext call, Metadata metadata)
    {
        AccessToken token;
        try
        {
            token = await _options.Token!(call.CancellationToken).ConfigureAwait(false);
        }
        catch (LoginException e)
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, e.Message, e));
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !call.CancellationToken.IsCancellationRequested))
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the identity provider cannot be reached", e));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or WarehouseException)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, e.Message, e));
        }
        metadata.Add("authorization", $"{(token.Key is null ? "Bearer" : "DPoP")} {token.Token}");
        if (token.Key is not { } pem) return;
        using var key = ProofKey.FromPem(pem);
        metadata.Add("dpop", key.Prove($"{call.ServiceUrl}/{call.MethodName}", _options.Clock.GetUtcNow(), token.Token));
    }

    private static async IAsyncEnumerable<IReadOnlyList<string>> PartsAsync(IAsyncEnumerable<string> queries, int most, [EnumeratorCancellation] CancellationToken stop)
    {
        var (part, bytes) = (new List<string>(), 0);
        await foreach (var query in queries.WithCancellation(stop).ConfigureAwait(false))
        {
            var length = System.Text.Encoding.UTF8.GetByteCount(query);
            if (part.Count == most || (part.Count > 0 && bytes + length > MaxQueryBytes))
            {
                yield return part;
                (part, bytes) = ([], 0);
            }
            part.Add(query);
            bytes += length;
        }
        if (part.Count > 0) yield return part;
    }

    private static async Task SendAsync(IClientStreamWriter<SeenStreamRequest> requests, SeenRequest first, Stream vcf, CancellationTokenSource ending)
    {
        try
        {
            await requests.WriteAsync(new SeenStreamRequest { Request = first }, ending.Token).ConfigureAwait(false);
            var piece = new byte[VcfPieceBytes];
            // Not every stream hears the token while its sender is silent. A read that is left behind takes its bytes with it: nobody waits for them then.
            while (await vcf.ReadAsync(piece, ending.Token).AsTask().WaitAsync(ending.Token).ConfigureAwait(false) is > 0 and var read)
                await requests.WriteAsync(new SeenStreamRequest { Vcf = Google.Protobuf.ByteString.CopyFrom(piece, 0, read) }, ending.Token).ConfigureAwait(false);
            await requests.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            // The server waits for the rest of a file that cannot be read.
            await ending.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}
