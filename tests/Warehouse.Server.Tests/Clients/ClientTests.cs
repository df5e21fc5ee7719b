using Grpc.Core;
using Warehouse.Client;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Server;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Clients;

/// <summary>The typed client: what it makes of answers, of failures, and of a server that misbehaves.</summary>
public sealed class ClientTests
{
    [Fact]
    public async Task The_three_answers_are_three_types()
    {
        await using var served = await ServedStore.StartAsync(samples: 12, variants: 60);
        var (pem, issued) = served.Server.Identity.Issue("lab", 1, isService: true, roles: [Role.Analyst]);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        using var client = new WarehouseClient(new ConnectOptions { Server = new Uri($"https://localhost:{served.Server.Port}"), Credentials = Credentials.FromPem(pem) });
        using var bytes = new MemoryStream();
        var end = await client.Frequencies(new V1.FrequenciesRequest()).CopyToAsync(bytes);
        Assert.True(end.Completeness.IsWhole);
        bytes.Position = 0;
        var batch = new Engine.Arrow.ArrowStreamReader(bytes).Read()!;
        var stored = $"{batch.Columns[0].Text(0)}-{batch.Columns[1].Int64(0)}-{batch.Columns[2].Text(0)}-{batch.Columns[3].Text(0)}";
        var answers = await client.SeenAsync([stored, "22-2-A-C", "nonsense"]);
        Assert.Equal(batch.Columns[4].Int64(0), Assert.IsType<SeenAnswer.Seen>(answers[0]).Figures!.Ac);
        Assert.NotNull(answers[0].Context);
        Assert.NotEmpty(Assert.IsType<SeenAnswer.NotAssessable>(answers[2]).Reason);
        Assert.Equal(["22-2-A-C", "nonsense"], answers.Skip(1).Select(a => a.Query));
        var carriers = new List<CarriersAnswer>();
        await foreach (var answer in client.CarriersAsync(Feed(stored))) carriers.Add(answer);
        Assert.Equal(batch.Columns[4].Int64(0) > 0, carriers.Single().Carriers.Count > 0);
        var refused = await Assert.ThrowsAsync<WarehouseException>(() => client.InfoAsync());
        Assert.Equal((StatusCode.PermissionDenied, "not-granted"), (refused.Code, refused.Rule));
        var unknown = await Assert.ThrowsAsync<WarehouseException>(() => client.CohortMembersAsync("nobody"));
        Assert.Equal("unknown-cohort", unknown.Rule);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.InfoAsync(stop: new CancellationToken(true)));
    }

    [Fact]
    public async Task A_question_is_asked_again_only_while_nothing_was_answered()
    {
        var service = new Unsteady();
        await using var server = await RpcServer.StartAsync(new RpcServices().Add(V1.Variants.BindService(service)).Add(V1.Store.BindService(new UnsteadyStore(service))), new RpcServerOptions { EndPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0) });
        using var client = new WarehouseClient(new ConnectOptions { Server = new Uri($"http://localhost:{server.Port}") });
        service.Refusals = 2;
        Assert.Empty(await client.InfoAsync());
        Assert.Equal(3, service.Calls);

        (service.Calls, service.Refusals) = (0, 9);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<WarehouseException>(() => client.InfoAsync())).Code);
        Assert.Equal(4, service.Calls);

        (service.Calls, service.Refusals) = (0, 1);
        Assert.Equal(3, await LengthAsync(client.CaseControl("a", "b")));
        Assert.Equal(2, service.Calls);

        (service.Calls, service.Refusals, service.BreaksAfterFirst) = (0, 0, true);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<WarehouseException>(() => LengthAsync(client.CaseControl("a", "b")))).Code);
        Assert.Equal(1, service.Calls);

        (service.BreaksAfterFirst, service.HasNoEnd) = (false, true);
        Assert.Equal("cut-answer", (await Assert.ThrowsAsync<WarehouseException>(() => LengthAsync(client.CaseControl("a", "b")))).Rule);

        (service.HasNoEnd, service.LacksPart) = (false, true);
        Assert.Equal("incomplete", (await Assert.ThrowsAsync<WarehouseException>(() => LengthAsync(client.CaseControl("a", "b")))).Rule);
        Assert.Equal(3, await LengthAsync(client.CaseControl("a", "b", new AskOptions { AcceptsIncomplete = true })));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_ends_the_call_and_a_silent_one_does_not_hold_it()
    {
        var service = new Unsteady();
        await using var server = await RpcServer.StartAsync(new RpcServices().Add(V1.Variants.BindService(service)), new RpcServerOptions { EndPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0) });
        using var client = new WarehouseClient(new ConnectOptions { Server = new Uri($"http://localhost:{server.Port}") });
        Assert.Equal(1, (await client.AnnotateAsync(new Source(null), Stream.Null)).Seen);
        Assert.Equal("torn", (await Assert.ThrowsAsync<IOException>(() => client.AnnotateAsync(new Source(Task.FromException<int>(new IOException("torn"))), Stream.Null))).Message);
        var silence = new TaskCompletionSource<int>();
        service.Refusals = 1;
        Assert.Equal("not now", (await Assert.ThrowsAsync<WarehouseException>(() => client.AnnotateAsync(new Source(silence.Task), Stream.Null))).Message);
        using var stop = new CancellationTokenSource();
        var waiting = client.AnnotateAsync(new Source(silence.Task), Stream.Null, stop: stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private static async Task<long> LengthAsync(ByteAnswer answer)
    {
        var length = 0L;
        await foreach (var piece in answer) length += piece.Length;
        return length;
    }

    private static async IAsyncEnumerable<string> Feed(params string[] items)
    {
        await Task.Yield();
        foreach (var item in items) yield return item;
    }

    private sealed class Unsteady : V1.Variants.VariantsBase
    {
        public int Calls { get; set; }

        public int Refusals { get; set; }

        public bool BreaksAfterFirst { get; set; }

        public bool HasNoEnd { get; set; }

        public bool LacksPart { get; set; }

        public void Enter()
        {
            Calls++;
            if (Refusals-- > 0) throw new RpcException(new Status(StatusCode.Unavailable, "not now"));
        }

        public override async Task CaseControl(V1.CaseControlRequest request, IServerStreamWriter<V1.Chunk> responseStream, ServerCallContext context)
        {
            Enter();
            await responseStream.WriteAsync(new V1.Chunk { Data = Google.Protobuf.ByteString.CopyFrom(1, 2, 3) });
            if (BreaksAfterFirst) throw new RpcException(new Status(StatusCode.Unavailable, "gone"));
            if (!HasNoEnd) await responseStream.WriteAsync(new V1.Chunk { End = new V1.AnswerEnd { Completeness = new V1.Completeness { IsWhole = !LacksPart } } });
        }

        public override async Task SeenStream(IAsyncStreamReader<V1.SeenStreamRequest> requestStream, IServerStreamWriter<V1.SeenStreamReply> responseStream, ServerCallContext context)
        {
            Enter();
            while (await requestStream.MoveNext(context.CancellationToken))
            {
            }
            await responseStream.WriteAsync(new V1.SeenStreamReply { End = new V1.SeenStreamEnd { Seen = 1 } });
        }
    }

    /// <summary>A piece of a file, and then what is said; null = its end.</summary>
    private sealed class Source(Task<int>? then) : MemoryStream([1, 2, 3])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : then is null ? 0 : await then;
    }

    private sealed class UnsteadyStore(Unsteady unsteady) : V1.Store.StoreBase
    {
        public override Task<V1.InfoReply> Info(V1.InfoRequest request, ServerCallContext context)
        {
            unsteady.Enter();
            return Task.FromResult(new V1.InfoReply());
        }
    }
}
