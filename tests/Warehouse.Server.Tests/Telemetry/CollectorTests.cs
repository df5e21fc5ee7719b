using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Server;
using Warehouse.Server.Configuration;
using Warehouse.Server.Telemetry;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;
using V1 = Warehouse.Protocol.V1;

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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Metrics_and_traces_arrive_and_hold_our_own_words_only(bool isGrpc)
    {
        var (received, page) = await SendAsync(isGrpc);
        Assert.Equal(["/v1/metrics", "/v1/traces"], received.Select(r => r.Path).Distinct().Order(StringComparer.Ordinal));
        Check(received, page);
    }

    /// <summary>The messages of OpenTelemetry's own JavaScript exporter take what is sent for what was done, and one that is cut or damaged they do not take.</summary>
    [NodeTheory("@opentelemetry/otlp-transformer")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_implementation_reads_what_is_sent(bool isGrpc)
    {
        var (received, _) = await SendAsync(isGrpc);
        using var folder = new TempFolder();
        var (exit, output, error) = Read(received);
        Assert.True(exit == 0, error);
        var lines = output.TrimEnd('\n').Split('\n').Select(l => JsonDocument.Parse(l).RootElement).ToLookup(l => l[0].GetString());
        Assert.All(lines.SelectMany(l => l), l => Assert.Equal("variant-warehouse", l[1].GetProperty("service.name").GetString()));
        // As our own reader has them, which other tests rest on.
        Assert.Equal(OtlpReceiver.SpansOf(received).Select(s => (s.Trace, s.Id, s.Parent, s.Name, Words(s.Attributes))),
            lines["span"].Select(s => (s[2].GetString()!, s[3].GetString()!, s[4].GetString()!, s[5].GetString()!, Words(s[8].EnumerateObject().ToDictionary(a => a.Name, a => a.Value.GetString()!)))));
        var call = Assert.Single(lines["span"], s => s[4].GetString()!.Length == 0);
        Assert.Equal(Enum.GetValues<CallStep>().Length, lines["span"].Count() - 1);
        Assert.Equal("rpc.grpc.status_code=7 rpc.system=grpc warehouse.detail=Record warehouse.reason=NotGranted", Words(call[8].EnumerateObject().ToDictionary(a => a.Name, a => a.Value.GetString()!)));
        var points = lines["point"].Select(p => (Name: p[2].GetString(), Unit: p[3].GetString(), Type: p[4].GetString(), Labels: Words(p[5].EnumerateObject().ToDictionary(a => a.Name, a => a.Value.GetString()!)), Value: p[6])).ToList();
        Assert.Equal(1, Assert.Single(points, p => p is { Name: "warehouse.calls", Type: "sum", Labels: "detail=record method=warehouse.v1.Variants/Seen outcome=permission_denied" }).Value.GetDouble());
        Assert.Equal(0, Assert.Single(points, p => p is { Name: "warehouse.calls.running", Type: "gauge", Labels: "method=warehouse.v1.Variants/Seen" }).Value.GetDouble());
        var time = Assert.Single(points, p => p is { Name: "warehouse.call.duration", Unit: "s", Type: "histogram", Labels: "method=warehouse.v1.Variants/Seen" }).Value;
        Assert.Equal((1, 0.001), (time[0].GetInt32(), time[1].GetDouble()));
        // What is none: one that is cut, and one whose first length goes beyond its end.
        var (path, body) = received[0];
        byte[] longer = [body[0], 0xFF, 0xFF, 0x7F, .. body[2..]];
        foreach (var none in (byte[][])[body[..^1], longer]) Assert.Equal(1, Read([(path, none)]).Exit);

        (int Exit, string Output, string Error) Read(IEnumerable<(string Path, byte[] Body)> received)
        {
            List<string> words = ["otlp.mjs"];
            foreach (var (i, (kind, bytes)) in received.Index())
            {
                File.WriteAllBytes(folder[$"request{i}"], bytes);
                words.AddRange([kind["/v1/".Length..], folder[$"request{i}"]]);
            }
            return Peer.RunIn(Path.Combine(TestData.ProjectRoot, "tests", "interop"), "node", [.. words]);
        }

        static string Words(IEnumerable<KeyValuePair<string, string>> attributes) => string.Join(' ', attributes.Select(a => $"{a.Key}={a.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nobody_listens_unless_told_where_and_a_span_costs_nothing_then() => Assert.Null(ServerTraces.Start(MethodName.Other));

    [Fact]
    public void A_call_that_is_not_sent_has_no_span_and_what_runs_around_it_stays_current()
    {
        using var collector = new Collector(new CollectorOptions { Endpoint = new("http://127.0.0.1:9"), TracedPart = 0 });
        using var around = new Activity("around").Start();
        Assert.Null(ServerTraces.Start(MethodName.Other));
        Assert.Same(around, Activity.Current);
    }

    /// <summary>End to end: a server that is told of a collector, and each call as it arrives there.</summary>
    [Fact]
    public async Task Every_call_of_a_server_is_one_span_with_its_method_outcome_and_level()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var served = await ServedStore.StartAsync((folder, options) =>
        {
            File.WriteAllText(folder["server.json"], $$$"""{"collector": {"address": "{{{receiver.Address}}}", "tracedPart": 1, "intervalSeconds": 3600}}""");
            return options with { Configuration = ServerConfiguration.Read(folder["server.json"]) };
        });
        var (channel, id) = served.Client("analyst", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var variants = new V1.Variants.VariantsClient(channel);
        var headers = new Metadata { { "traceparent", "00-4e4131323837384e4131323837384e41-4e41313238373821-01" }, { "tracestate", "x=" + Secret }, { "baggage", "sample=" + Secret } };
        await variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } }, headers);
        await variants.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment }, headers).ResponseStream.ReadAllAsync().LastAsync();
        await Assert.ThrowsAsync<RpcException>(async () => await variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" }, Samples = new() { Names = { Secret } } }, headers));
        await Assert.ThrowsAsync<RpcException>(async () => await new V1.Store.StoreClient(channel).InfoAsync(new V1.InfoRequest { Asking = ServedStore.Treatment }, headers));
        await Assert.ThrowsAsync<RpcException>(async () => await new V1.Variants.VariantsClient(served.Channel(null)).ResolveAsync(new V1.ResolveRequest { Asking = ServedStore.Treatment, Queries = { Secret } }, headers));
        await new Grpc.Health.V1.Health.HealthClient(channel).CheckAsync(new(), headers);
        served.Server.Collector!.Flush();

        var calls = receiver.Spans.Where(s => s.Parent.Length == 0).ToList();
        Assert.Equal(
        [
            ("warehouse.v1.Variants/Seen", "0", "Record", ""), ("warehouse.v1.Variants/Frequencies", "0", "Record", ""), ("warehouse.v1.Variants/Seen", "5", "Record", "BadRequest"),
            ("warehouse.v1.Store/Info", "7", "", "NotGranted"), ("warehouse.v1.Variants/Resolve", "16", "", "NoCredential"), ("grpc.health.v1.Health/Check", "0", "", ""),
        ], calls.Select(c => (c.Name, c.Attributes["rpc.grpc.status_code"], c.Attributes.GetValueOrDefault("warehouse.detail", ""), c.Attributes.GetValueOrDefault("warehouse.reason", ""))));
        Assert.Equal(calls.Count, calls.Select(c => c.Trace).Distinct().Count());
        Assert.Equal(["Access", "Answer", "Audit"], receiver.Spans.Where(s => s.Trace == calls[0].Trace && s.Parent == calls[0].Id).Select(s => s.Name));
        Assert.Equal(["Access", "Answer"], receiver.Spans.Where(s => s.Trace == calls[1].Trace && s.Parent == calls[1].Id).Select(s => s.Name));
        // Nothing of what the client sent, and nothing of the machine.
        foreach (var (_, body) in receiver.Received)
            foreach (var text in (string[])[Secret, id, Environment.MachineName, "22-5-A-C"])
                Assert.True(body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) < 0, text);
        Assert.DoesNotContain(receiver.Spans, s => s.Trace.StartsWith("4e4131", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://collector.example:4318")]
    [InlineData("http://192.0.2.1:4318")]
    [InlineData("http://user:word@127.0.0.1:4318")]
    [InlineData("ftp://127.0.0.1")]
    public void A_collector_that_clear_text_would_travel_to_is_refused(string address) =>
        Assert.Throws<ArgumentException>(() => new Collector(new CollectorOptions { Endpoint = new(address) }));

    /// <summary>What a collector is sent of some work, by OTLP over HTTP or over gRPC, each with the path of HTTP; and what the operator's page says of it.</summary>
    private static async Task<(List<(string Path, byte[] Body)> Received, string Page)> SendAsync(bool isGrpc)
    {
        var received = new ConcurrentQueue<(string Path, byte[] Body)>();
        var services = new RpcServices();
        foreach (var (kind, name) in new[] { ("metrics", "metrics.v1.MetricsService"), ("traces", "trace.v1.TraceService") })
        {
            var bytes = Marshallers.Create<byte[]>(b => b, b => b);
            var method = new Method<byte[], byte[]>(MethodType.Unary, "opentelemetry.proto.collector." + name, "Export", bytes, bytes);
            services.Add(ServerServiceDefinition.CreateBuilder().AddMethod(method, (request, _) =>
            {
                received.Enqueue(("/v1/" + kind, request));
                return Task.FromResult<byte[]>([]);
            }).Build());
        }
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var server = await RpcServer.StartAsync(services, new RpcServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
        var collector = new Collector(new CollectorOptions { Endpoint = new(isGrpc ? $"http://127.0.0.1:{server.Port}" : receiver.Address), UseGrpc = isGrpc, TracedPart = 1, Interval = TimeSpan.FromHours(1) });
        using var metrics = Work();
        collector.Dispose(); // sends what there is
        Assert.Equal(isGrpc, receiver.Received.Count == 0);
        return (isGrpc ? [.. received] : [.. receiver.Received], metrics.Page());
    }

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

    private static void Check(List<(string Path, byte[] Body)> received, string page)
    {
        // Ids of spans are random bytes, of which one in some thousands is a text by chance.
        var spans = OtlpReceiver.SpansOf(received).ToList();
        Assert.NotEmpty(spans);
        var ids = spans.SelectMany(s => (string[])[s.Trace, s.Id, s.Parent]).ToHashSet();
        var texts = received.SelectMany(r => Texts(r.Body, ids)).ToHashSet();
        Assert.Contains("warehouse.v1.Variants/Seen", texts);
        Assert.Contains("rpc.grpc.status_code", texts);
        Assert.Contains("Access", texts);
        Assert.Contains("warehouse.calls", texts);
        // What the page shows the operator (its help, labels) may leave too.
        var foreign = texts.Where(t => t.Length > 1 && !Allowed.Contains(t) && !page.Contains(t, StringComparison.Ordinal) && !page.Contains(t.Replace('.', '_'), StringComparison.Ordinal) && !Guid.TryParse(t, out _) && !Version.TryParse(t, out _));
        Assert.Empty(foreign);
        foreach (var (_, body) in received)
        {
            Assert.True(body.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Secret)) < 0, "what a client sent has left");
            Assert.True(body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Environment.MachineName)) < 0, "the name of the machine has left");
        }
    }

    /// <summary>Whatever stands in a message as text: what is printable is one, all else is looked into, but for these ids.</summary>
    private static IEnumerable<string> Texts(byte[] message, HashSet<string> ids)
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
                if (bytes.Length == 0 || ids.Contains(Convert.ToHexStringLower(bytes))) continue;
                if (bytes.All(b => b is >= 0x20 and < 0x7F)) found.Add(Encoding.ASCII.GetString(bytes));
                else found.AddRange(Texts(bytes, ids));
            }
        }
        catch (InvalidProtocolBufferException)
        {
            return [];
        }
        return found;
    }
}
