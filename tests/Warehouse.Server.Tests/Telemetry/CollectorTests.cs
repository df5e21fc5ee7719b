using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Server;
using Warehouse.Server.Telemetry;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>Meters and sources are known to the whole process by name, so tests that listen to them take turns.</summary>
[Collection("Meters")]
public sealed class CollectorTests
{
    private const string Secret = "NA12878";

    /// <summary>Every text that may leave by OTLP, beside names of methods.</summary>
    private static readonly HashSet<string> Allowed =
    [
        "service.name", "variant-warehouse", "service.instance.id", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version", "opentelemetry", "dotnet", "https://opentelemetry.io/schemas/1.44.0", "Warehouse.Server", "s",
        "method", "outcome", "detail", "reason", "log", "audit", "rpc.system", "grpc", "rpc.grpc.status_code", "warehouse.detail", "warehouse.reason", "none",
        .. Enum.GetNames<CallStep>(), .. Enum.GetNames<Detail>(), .. Enum.GetNames<RefusalReason>(), .. MethodName.All.Select(m => m.ToString()),
        // Servers of other tests have the same meter, and calls that end in any way.
        .. Enum.GetNames<StatusCode>().Select(name => string.Concat(name.Select((c, i) => (i > 0 && char.IsUpper(c) && !char.IsUpper(name[i - 1]) ? "_" : "") + char.ToLowerInvariant(c)))),
    ];

    [Fact]
    public async Task Metrics_and_traces_arrive_by_http_and_hold_our_own_words_only()
    {
        var received = new ConcurrentQueue<(string Path, byte[] Body)>();
        await using var receiver = await ListenAsync(received);
        var collector = new Collector(Options(receiver) with { Interval = TimeSpan.FromHours(1) });
        using var metrics = Work();
        collector.Dispose(); // sends what there is
        Assert.Equal(["/v1/metrics", "/v1/traces"], received.Select(r => r.Path).Distinct().Order(StringComparer.Ordinal));
        Check([.. received.Select(r => r.Body)], metrics.Page());
    }

    [Fact]
    public async Task Metrics_and_traces_arrive_by_grpc()
    {
        var received = new ConcurrentQueue<(string Path, byte[] Body)>();
        var services = new RpcServices();
        foreach (var name in (string[])["metrics.v1.MetricsService", "trace.v1.TraceService"])
        {
            var bytes = Marshallers.Create<byte[]>(b => b, b => b);
            var method = new Method<byte[], byte[]>(MethodType.Unary, "opentelemetry.proto.collector." + name, "Export", bytes, bytes);
            services.Add(ServerServiceDefinition.CreateBuilder().AddMethod(method, (request, context) =>
            {
                received.Enqueue((context.Method, request));
                return Task.FromResult<byte[]>([]);
            }).Build());
        }
        await using var server = await RpcServer.StartAsync(services, new RpcServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
        var collector = new Collector(new CollectorOptions { Endpoint = new($"http://127.0.0.1:{server.Port}"), UseGrpc = true, TracedPart = 1 });
        using var metrics = Work();
        collector.Dispose();
        Assert.Equal(2, received.Select(r => r.Path).Distinct().Count());
        Check([.. received.Select(r => r.Body)], metrics.Page());
    }

    [Fact]
    public void Nobody_listens_unless_told_where_and_a_span_costs_nothing_then() => Assert.Null(ServerTraces.Start(MethodName.Other));

    [Theory]
    [InlineData("http://collector.example:4318")]
    [InlineData("http://192.0.2.1:4318")]
    [InlineData("http://user:word@127.0.0.1:4318")]
    [InlineData("ftp://127.0.0.1")]
    public void A_collector_that_clear_text_would_travel_to_is_refused(string address) =>
        Assert.Throws<ArgumentException>(() => new Collector(new CollectorOptions { Endpoint = new(address) }));

    private static CollectorOptions Options(WebApplication receiver) =>
        new() { Endpoint = new(receiver.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()), TracedPart = 1 };

    /// <summary>A call, as the listener of a server would run it: around it a span with all that a client can put in.</summary>
    private static ServerMetrics Work()
    {
        var metrics = new ServerMetrics();
        using var around = new Activity("Microsoft.AspNetCore.Hosting.HttpRequestIn");
        around.SetParentId(ActivityTraceId.CreateFromBytes(Encoding.ASCII.GetBytes((Secret + Secret + Secret)[..16])), ActivitySpanId.CreateFromBytes(Encoding.ASCII.GetBytes((Secret + Secret)[..8])), ActivityTraceFlags.Recorded);
        around.TraceStateString = "x=" + Secret;
        around.AddBaggage("sample", Secret);
        around.Start();
        var method = MethodName.Of("/warehouse.v1.Variants/Seen");
        metrics.CallStarted(method);
        var span = ServerTraces.Start(method)!;
        Assert.NotNull(span);
        foreach (var step in Enum.GetValues<CallStep>()) span.Step(step)!.Dispose();
        span.End(StatusCode.PermissionDenied, Detail.Record, RefusalReason.NotGranted);
        Assert.Same(around, Activity.Current);
        metrics.CallEnded(method, StatusCode.PermissionDenied, Detail.Record, TimeSpan.FromMilliseconds(1), 10);
        metrics.Refused(RefusalReason.NotGranted);
        return metrics;
    }

    private static void Check(List<byte[]> bodies, string page)
    {
        var texts = bodies.SelectMany(Texts).ToHashSet();
        Assert.Contains("warehouse.v1.Variants/Seen", texts);
        Assert.Contains("rpc.grpc.status_code", texts);
        Assert.Contains("Admission", texts);
        Assert.Contains("warehouse.calls", texts);
        // What the page shows the operator (its help, labels) may leave too.
        var foreign = texts.Where(t => t.Length > 1 && !Allowed.Contains(t) && !page.Contains(t, StringComparison.Ordinal) && !page.Contains(t.Replace('.', '_'), StringComparison.Ordinal) && !Guid.TryParse(t, out _) && !Version.TryParse(t, out _));
        Assert.Empty(foreign);
        foreach (var body in bodies)
        {
            Assert.True(body.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Secret)) < 0, "what a client sent has left");
            Assert.True(body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Environment.MachineName)) < 0, "the name of the machine has left");
        }
    }

    /// <summary>Whatever stands in a message as text: what is printable is one, all else is looked into.</summary>
    private static IEnumerable<string> Texts(byte[] message)
    {
        var found = new List<string>();
        try
        {
            var input = new CodedInputStream(message);
            while (input.ReadTag() is > 0 and var tag)
            {
                if (WireFormat.GetTagWireType(tag) != WireFormat.WireType.LengthDelimited)
                {
                    input.SkipLastField();
                    continue;
                }
                var bytes = input.ReadBytes().ToByteArray();
                if (bytes.Length == 0) continue;
                if (bytes.All(b => b is >= 0x20 and < 0x7F)) found.Add(Encoding.ASCII.GetString(bytes));
                else if (bytes.Length is not (8 or 16)) found.AddRange(Texts(bytes)); // ids
            }
        }
        catch (InvalidProtocolBufferException)
        {
            return [];
        }
        return found;
    }

    private static async Task<WebApplication> ListenAsync(ConcurrentQueue<(string Path, byte[] Body)> received)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var application = builder.Build();
        application.Run(async http =>
        {
            var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            received.Enqueue((http.Request.Path, body.ToArray()));
        });
        await application.StartAsync();
        return application;
    }
}
