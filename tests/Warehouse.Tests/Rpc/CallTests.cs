using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Health.V1;
using Grpc.Testing;
using Warehouse.Rpc.Client;
using Warehouse.Rpc.Server;
using Xunit;
using TestClient = Grpc.Testing.TestService.TestServiceClient;
using Empty = Grpc.Testing.Empty;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Warehouse.Tests.Rpc;

/// <summary>What our client and server promise each other beyond the cases of the interoperability tests.</summary>
public sealed class CallTests
{
    [Fact]
    public async Task A_message_may_have_as_many_bytes_as_the_limit_says_and_no_more_in_both_directions()
    {
        await using var host = await RpcHost.StartAsync(options => options with { CallLimits = options.CallLimits with { MaxReceiveBytes = 1000, MaxSendBytes = 2000 } });
        using RpcChannel channel = host.Open(), narrow = host.Open(new() { MaxReceiveBytes = 1000, MaxSendBytes = 500, ReplyEncodings = [] }), packing = host.Open(new() { RequestEncoding = "gzip" });
        // Tags and lengths around the bytes take 6.
        foreach (var (client, request, reply, expected) in new[]
        {
            (channel, 994, 0, StatusCode.OK), (channel, 995, 0, StatusCode.ResourceExhausted), (packing, 994, 0, StatusCode.OK), (packing, 995, 0, StatusCode.ResourceExhausted),
            (channel, 0, 1994, StatusCode.OK), (channel, 0, 1995, StatusCode.ResourceExhausted), (narrow, 0, 994, StatusCode.OK), (narrow, 0, 995, StatusCode.ResourceExhausted),
            (narrow, 494, 0, StatusCode.OK), (narrow, 495, 0, StatusCode.ResourceExhausted),
        })
        {
            var call = new SimpleRequest { ResponseSize = reply, Payload = request > 0 ? new() { Body = ByteString.CopyFrom(new byte[request]) } : null };
            Assert.Equal((request, reply, expected), (request, reply, await CodeAsync(new TestClient(client).UnaryCallAsync(call).ResponseAsync)));
        }
    }

    [Fact]
    public async Task A_client_learns_why_a_server_took_no_more_of_its_request()
    {
        await using var host = await RpcHost.StartAsync();
        using var channel = host.Open();
        var large = new Payload { Body = ByteString.CopyFrom(new byte[8 << 20]) };
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(StatusCode.ResourceExhausted, await CodeAsync(new TestClient(channel).UnaryCallAsync(new() { Payload = large }).ResponseAsync));
            using var call = new TestClient(channel).StreamingInputCall();
            await CodeAsync(call.RequestStream.WriteAsync(new() { Payload = large }));
            Assert.Equal(StatusCode.ResourceExhausted, await CodeAsync(call.ResponseAsync));
            using var duplex = new TestClient(channel).FullDuplexCall();
            await CodeAsync(duplex.RequestStream.WriteAsync(new() { ResponseStatus = new() { Code = 9, Message = "no" } }));
            Assert.Equal(StatusCode.FailedPrecondition, await CodeAsync(duplex.ResponseStream.MoveNext(default)));
        }
    }

    [Fact]
    public async Task A_server_cancels_its_handler_when_the_client_gives_up_in_every_way()
    {
        await using var host = await RpcHost.StartAsync();
        using var channel = host.Open();
        using (var call = new TestClient(channel).FullDuplexCall())
        {
            await StartAsync(call);
        }
        Assert.True(await host.Service.WasCancelledAsync());
        using var token = new CancellationTokenSource();
        using (var call = new TestClient(channel).FullDuplexCall(cancellationToken: token.Token))
        {
            await StartAsync(call);
            await token.CancelAsync();
            Assert.True(await host.Service.WasCancelledAsync());
        }
        var clock = new ManualClock();
        using var timed = host.Open(new() { Clock = clock });
        using (var call = new TestClient(timed).FullDuplexCall(deadline: clock.GetUtcNow().UtcDateTime.AddHours(1)))
        {
            await StartAsync(call);
            clock.Advance(TimeSpan.FromHours(1));
            Assert.Equal(StatusCode.DeadlineExceeded, await CodeAsync(call.ResponseStream.MoveNext(default)));
            Assert.True(await host.Service.WasCancelledAsync());
        }
        using var lost = host.Open();
        var left = new TestClient(lost).FullDuplexCall();
        await StartAsync(left);
        lost.Dispose();
        Assert.True(await host.Service.WasCancelledAsync());
        await host.RunningAsync(0);
    }

    /// <summary>A handler that takes the requests so far for all of them would act on half of what its client meant to say.</summary>
    [Fact]
    public async Task Requests_of_a_call_that_is_given_up_do_not_look_complete()
    {
        await using var host = await RpcHost.StartAsync();
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        var body = new RequestStream();
        body.Headers.ContentType = new("application/grpc");
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{host.Port}/grpc.testing.TestService/FullDuplexCall") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body };
        var answering = http.SendAsync(request, default);
        var message = new StreamingOutputCallRequest { ResponseParameters = { new ResponseParameters { Size = 1 } } }.ToByteArray();
        var stream = await body.Opened;
        await stream.WriteAsync((byte[])[0, 0, 0, 0, (byte)message.Length, .. message]);
        await stream.FlushAsync();
        using var response = await answering;
        // What our client does before it lets go of the response, which would reset the stream too, in time or not.
        body.Abandon();
        Assert.True(await host.Service.WasCancelledAsync());
    }

    [Fact]
    public async Task A_deadline_ends_a_call_whose_handler_does_not_listen()
    {
        var late = new TaskCompletionSource();
        var refused = new TaskCompletionSource<Exception?>();
        await using var host = await RpcHost.StartAsync(options => options with
        {
            Interceptors = [new Around { Duplex = async (_, context) =>
            {
                await late.Task;
                refused.SetResult(await Record.ExceptionAsync(() => context.WriteResponseHeadersAsync([])));
            } }],
        });
        using var raw = new RawConnection(host.Port);
        raw.Call(1, "FullDuplexCall", [], isWhole: false, ("grpc-timeout", "50m"));
        Assert.Equal("4", raw.End(1));
        Assert.Equal(1, host.Server.RunningCalls);
        late.SetResult();
        Assert.Equal(StatusCode.DeadlineExceeded, Assert.IsType<RpcException>(await refused.Task).StatusCode);
        await host.RunningAsync(0);
    }

    [Fact]
    public async Task A_stream_without_a_message_ends_and_one_with_messages_goes_on()
    {
        var clock = new ManualClock();
        await using var host = await RpcHost.StartAsync(options => options with { Clock = clock });
        using var channel = host.Open();
        using var call = new TestClient(channel).FullDuplexCall();
        for (var i = 1; i <= 12; i++)
        {
            await StartAsync(call);
            await host.Service.AnsweredAsync(i);
            clock.Advance(TimeSpan.FromSeconds(59));
        }
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StatusCode.DeadlineExceeded, await CodeAsync(call.ResponseStream.MoveNext(default)));
    }

    [Fact]
    public async Task A_handler_that_throws_tells_the_client_nothing_and_the_server_everything()
    {
        var failures = new List<(string Method, Exception Exception)>();
        await using var host = await RpcHost.StartAsync(options => options with
        {
            HandlerFailed = (method, e) => failures.Add((method, e)),
            Interceptors = [new Around { Unary = _ => throw new InvalidOperationException("the secret") }],
        });
        using var channel = host.Open();
        var e = await Assert.ThrowsAsync<RpcException>(async () => await new TestClient(channel).EmptyCallAsync(new()));
        Assert.Equal((StatusCode.Unknown, "the handler failed"), (e.StatusCode, e.Status.Detail));
        var (method, thrown) = Assert.Single(failures);
        Assert.Equal(("/grpc.testing.TestService/EmptyCall", "the secret"), (method, thrown.Message));
    }

    [Fact]
    public async Task Details_of_an_error_arrive()
    {
        var sent = new Google.Rpc.Status { Code = (int)StatusCode.FailedPrecondition, Message = "žluť %41", Details = { Any.Pack(new Duration { Seconds = 5 }) } };
        await using var host = await RpcHost.StartAsync(options => options with { Interceptors = [new Around { Unary = _ => throw sent.ToRpcException() }] });
        using var channel = host.Open();
        var e = await Assert.ThrowsAsync<RpcException>(async () => await new TestClient(channel).EmptyCallAsync(new()));
        Assert.Equal(sent, e.GetRpcStatus());
        Assert.Equal((StatusCode.FailedPrecondition, "žluť %41"), (e.StatusCode, e.Status.Detail));
        Assert.Null(new RpcException(new(StatusCode.Internal, ""), new Metadata { { "grpc-status-details-bin", [255] } }).GetRpcStatus());
    }

    [Fact]
    public async Task Metadata_arrive_as_they_were_sent_and_names_of_the_protocol_cannot_be_sent()
    {
        Metadata? received = null;
        await using var host = await RpcHost.StartAsync(options => options with { Interceptors = [new Around { Unary = context => received = context.RequestHeaders }] });
        using var channel = host.Open();
        byte[][] binary = [[], [0], [0, 255], [0, 255, 16], [1, 2, 3, 4]];
        var sent = new Metadata { { "X-Text", " ~a,b" }, { "x.y_z-0", "" } };
        foreach (var value in binary) sent.Add("x-bin", value);
        await new TestClient(channel).EmptyCallAsync(new(), sent);
        Assert.Equal("~a,b", received!.GetValue("x-text")?.Trim());
        Assert.Equal(binary, received.GetAll("x-bin").Select(entry => entry.ValueBytes));
        Assert.DoesNotContain(received, entry => entry.Key is "te" or "content-type" || entry.Key.StartsWith("grpc-", StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => new Metadata { { "a b", "" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "a", "b\r\nc" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "a-bin", "b" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "a", [1] } });
        foreach (var name in new[] { "grpc-status", "GRPC-Timeout", "te", "content-type" }) Assert.Throws<ArgumentException>(() => new Metadata { { name, "0" } });
    }

    [Fact]
    public async Task Interceptors_stand_around_calls_of_all_kinds_on_both_sides_in_order()
    {
        var seen = new List<string>();
        await using var host = await RpcHost.StartAsync(options => options with { Interceptors = [new Naming("server 1", seen), new Naming("server 2", seen)] });
        using var channel = host.Open();
        var client = new TestClient(channel.Intercept(new Naming("client 1", seen), new Naming("client 2", seen)));
        await client.EmptyCallAsync(new());
        Assert.Equal(["client 1", "client 2", "server 1", "server 2"], seen);
        client.EmptyCall(new());
        await foreach (var _ in client.StreamingOutputCall(new()).ResponseStream.ReadAllAsync()) Assert.Fail("no reply was asked for");
        using var collecting = client.StreamingInputCall();
        await collecting.RequestStream.CompleteAsync();
        await collecting;
        using var duplex = client.FullDuplexCall();
        await duplex.RequestStream.CompleteAsync();
        Assert.False(await duplex.ResponseStream.MoveNext(default));
        Assert.Equal(Enumerable.Repeat<string[]>(["client 1", "client 2", "server 1", "server 2"], 5).SelectMany(names => names), seen);
    }

    [Fact]
    public async Task A_server_that_stops_ends_calls_with_unavailable_and_one_that_is_not_there_is_unavailable()
    {
        var host = await RpcHost.StartAsync();
        using var channel = host.Open();
        using var call = new TestClient(channel).FullDuplexCall();
        await StartAsync(call);
        await host.DisposeAsync();
        foreach (var failing in new Func<Task>[] { () => call.ResponseStream.MoveNext(default), () => new TestClient(channel).EmptyCallAsync(new()).ResponseAsync })
        {
            var e = await Assert.ThrowsAsync<RpcException>(failing);
            Assert.True(e.StatusCode == StatusCode.Unavailable, e.ToString());
        }
    }

    /// <summary>Nothing of it was sent, so it may be tried again: the client has not given up.</summary>
    [Fact]
    public async Task A_connection_that_is_not_made_in_time_is_unavailable()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0); // takes connections, and says nothing of TLS
        silent.Start();
        using var channel = new RpcChannel(new Uri($"https://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}"), new() { ConnectTimeout = TimeSpan.FromMilliseconds(100) });
        var late = await Assert.ThrowsAsync<RpcException>(async () => await new TestClient(channel).EmptyCallAsync(new()));
        Assert.Equal((StatusCode.Unavailable, "the connection was not made in time"), (late.StatusCode, late.Status.Detail));
    }

    [Fact]
    public async Task A_call_that_runs_may_end_within_the_grace()
    {
        var entered = new TaskCompletionSource();
        var leave = new TaskCompletionSource();
        var host = await RpcHost.StartAsync(options => options with
        {
            StopGrace = TimeSpan.FromSeconds(30),
            Interceptors = [new Around { UnaryAsync = async () => { entered.SetResult(); await leave.Task; } }],
        });
        using var channel = host.Open();
        var call = new TestClient(channel).EmptyCallAsync(new());
        await entered.Task;
        var stopping = host.DisposeAsync();
        leave.SetResult();
        Assert.Equal(new Empty(), await call);
        await stopping;
    }

    [Fact]
    public async Task Health_is_told_and_watched()
    {
        await using var host = await RpcHost.StartAsync();
        using var channel = host.Open();
        var client = new Health.HealthClient(channel);
        using var watch = client.Watch(new() { Service = "a" });
        Assert.Equal(Serving.ServiceUnknown, await NextAsync());
        host.Health.Set("b", Serving.Serving);
        host.Health.Set("a", Serving.Serving);
        Assert.Equal(Serving.Serving, await NextAsync());
        host.Health.Set("a", Serving.Serving);
        host.Health.SetAll(Serving.NotServing);
        Assert.Equal(Serving.NotServing, await NextAsync());
        Assert.Equal(Serving.NotServing, (await client.CheckAsync(new() { Service = "b" })).Status);
        Assert.Equal(["", "a", "b"], (await client.ListAsync(new())).Statuses.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(StatusCode.NotFound, await CodeAsync(client.CheckAsync(new() { Service = "c" }).ResponseAsync));

        async Task<Serving> NextAsync()
        {
            Assert.True(await watch.ResponseStream.MoveNext(default));
            return watch.ResponseStream.Current.Status;
        }
    }

    [Fact]
    public async Task A_writer_is_told_how_the_call_ended_and_one_message_is_written_at_a_time()
    {
        await using var host = await RpcHost.StartAsync();
        using var channel = host.Open();
        using var call = new TestClient(channel).FullDuplexCall();
        await CodeAsync(call.RequestStream.WriteAsync(new() { ResponseStatus = new() { Code = 9, Message = "no" } }));
        Assert.Equal(StatusCode.FailedPrecondition, await CodeAsync(call.ResponseStream.MoveNext(default)));
        Assert.Equal(StatusCode.FailedPrecondition, await CodeAsync(call.RequestStream.WriteAsync(new())));
        Assert.Equal(StatusCode.FailedPrecondition, await CodeAsync(call.ResponseHeadersAsync.ContinueWith(_ => call.ResponseStream.MoveNext(default), TaskScheduler.Default).Unwrap()));
        using var running = new TestClient(channel).FullDuplexCall();
        Assert.Throws<InvalidOperationException>(() => running.GetStatus());
        await Assert.ThrowsAsync<ArgumentNullException>(() => running.RequestStream.WriteAsync(null!));
        await StartAsync(running);
        await running.RequestStream.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => running.RequestStream.WriteAsync(new()));
    }

    [Fact]
    public async Task Many_calls_run_at_a_time_over_one_channel()
    {
        await using var host = await RpcHost.StartAsync(options => options with { MaxCalls = 1000 });
        using var channel = host.Open();
        var client = new TestClient(channel);
        var calls = Enumerable.Range(0, 300).Select(async i => (i, (await client.UnaryCallAsync(new() { ResponseSize = i })).Payload.Body.Length));
        Assert.All(await Task.WhenAll(calls), pair => Assert.Equal(pair.i, pair.Length));
    }

    [Fact]
    public async Task Of_more_calls_than_the_server_takes_the_rest_is_refused_at_once()
    {
        const int Calls = 1000, Limit = 16;
        var (open, told) = (new TaskCompletionSource(), 0);
        await using var host = await RpcHost.StartAsync(options => options with { MaxCalls = Limit, NoPlace = _ => Interlocked.Increment(ref told), Interceptors = [new Around { UnaryAsync = () => open.Task }] });
        using var channel = host.Open();
        var client = new TestClient(channel);
        var calls = Enumerable.Range(0, Calls).Select(_ => CodeAsync(client.EmptyCallAsync(new()).ResponseAsync)).ToList();
        var refused = 0;
        await foreach (var call in Task.WhenEach(calls))
        {
            if (await call == StatusCode.ResourceExhausted && ++refused == Calls - Limit) open.SetResult();
        }
        Assert.Equal((Calls - Limit, Calls - Limit, Limit), (refused, told, calls.Count(call => call.Result == StatusCode.OK)));
        await host.RunningAsync(0);
    }

    [Fact]
    public async Task Calls_that_are_given_up_at_any_time_leave_nothing_behind()
    {
        const int Seed = 20261129, Calls = 600;
        var random = new Random(Seed);
        await using var host = await RpcHost.StartAsync();
        using var channel = host.Open();
        var client = new TestClient(channel);
        var ends = new Dictionary<StatusCode, int>();
        for (var i = 0; i < Calls; i++)
        {
            using var token = new CancellationTokenSource(TimeSpan.FromMicroseconds(random.Next(3000)));
            DateTime? deadline = random.Next(3) == 0 ? DateTime.UtcNow.AddMicroseconds(random.Next(3000)) : null;
            var options = new CallOptions(deadline: deadline, cancellationToken: token.Token);
            var code = random.Next(2) == 0 ? await CodeAsync(client.UnaryCallAsync(new() { ResponseSize = 100_000 }, options).ResponseAsync) : await CodeAsync(PingAsync(client.FullDuplexCall(options)));
            ends[code] = ends.GetValueOrDefault(code) + 1;
        }
        Assert.True(ends.Keys.All(code => code is StatusCode.OK or StatusCode.Cancelled or StatusCode.DeadlineExceeded), $"seed {Seed}: {string.Join(' ', ends)}");
        await host.RunningAsync(0);
        await host.AssertAnswersAsync();

        static async Task PingAsync(AsyncDuplexStreamingCall<StreamingOutputCallRequest, StreamingOutputCallResponse> call)
        {
            using var _ = call;
            for (var i = 0; i < 5; i++) await StartAsync(call);
        }
    }

    [Fact]
    public async Task Clear_text_is_for_the_loopback_only()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => RpcServer.StartAsync(new(), new() { EndPoint = new IPEndPoint(IPAddress.Any, 0) }));
        await using var host = await RpcHost.StartAsync();
        using var channel = host.Open(new() { Credentials = CallCredentials.FromInterceptor((_, metadata) => { metadata.Add("authorization", "Bearer secret"); return Task.CompletedTask; }) });
        Assert.Equal(StatusCode.Internal, await CodeAsync(new TestClient(channel).EmptyCallAsync(new()).ResponseAsync));
    }

    private static async Task StartAsync(AsyncDuplexStreamingCall<StreamingOutputCallRequest, StreamingOutputCallResponse> call)
    {
        await call.RequestStream.WriteAsync(new() { ResponseParameters = { new ResponseParameters { Size = 1 } } });
        Assert.True(await call.ResponseStream.MoveNext(default));
    }

    private static async Task<StatusCode> CodeAsync(Task call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    /// <summary>Runs something in place of, or before, the handlers of a server.</summary>
    private sealed class Around : Interceptor
    {
        public Action<ServerCallContext>? Unary { get; init; }

        public Func<Task>? UnaryAsync { get; init; }

        public Func<object, ServerCallContext, Task>? Duplex { get; init; }

        public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            Unary?.Invoke(context);
            if (UnaryAsync is not null) await UnaryAsync();
            return await continuation(request, context);
        }

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
            Duplex?.Invoke(requestStream, context) ?? continuation(requestStream, responseStream, context);
    }

    /// <summary>Notes its name at each call.</summary>
    private sealed class Naming(string name, List<string> seen) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation) => continuation(Note(request), context);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) => continuation(Note(request), context);

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) => continuation(Note(request), context);

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(ClientInterceptorContext<TRequest, TResponse> context, AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation) => continuation(Note(context));

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) => continuation(Note(context));

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) => continuation(Note(request), context);

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) => continuation(requestStream, Note(context));

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) => continuation(request, responseStream, Note(context));

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) => continuation(requestStream, responseStream, Note(context));

        private T Note<T>(T value)
        {
            lock (seen) seen.Add(name);
            return value;
        }
    }
}
