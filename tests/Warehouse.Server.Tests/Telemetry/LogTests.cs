using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Warehouse.Engine.Access;
using Warehouse.Engine.Sealing;
using Warehouse.Primitives;
using Warehouse.Rpc.Server;
using Warehouse.Server.Telemetry;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

public sealed class LogTests
{
    private const string Secret = "NA12878";

    private static readonly byte[] Key = new byte[32];

    private static IEnumerable<(MethodInfo Method, LoggerMessageAttribute Message)> Templates =>
        typeof(ServerLog).GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static).Select(m => (m, m.GetCustomAttribute<LoggerMessageAttribute>()!)).Where(m => m.Item2 is not null);

    [Fact]
    public void An_event_is_one_line_of_fields()
    {
        var (lines, log) = Log();
        log.Server.CallRefused(MethodName.Of("/warehouse.v1.Variants/Seen"), RefusalReason.NotGranted, PrincipalTag.Of(Key, new Caller { Id = "oidc:x|y" }));
        log.Server.BatchLoaded(2, 1L << 40, TimeSpan.FromMilliseconds(1.5));
        log.Server.StoreDamaged(new FileId(1, 2), Incident.Of(new InvalidDataException(Secret)));
        Assert.Collection(lines(),
            l => Assert.Matches("""^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"info","id":1101,"event":"CallRefused","method":"warehouse.v1.Variants/Seen","reason":"NotGranted","principal":"[0-9a-f]{16}"\}$""", l),
            l => Assert.EndsWith("""
                "event":"BatchLoaded","files":2,"bytes":1099511627776,"elapsed_ms":1.5}
                """.Trim(), l, StringComparison.Ordinal),
            l => Assert.Matches("\"file\":\"00000000000000010000000000000002\",\"incident\":\"[0-9a-f]{16}\",\"incident_kinds\":\\[\"System.IO.InvalidDataException\"\\],\"incident_frames\":\\[\\]\\}$", l));
    }

    [Fact]
    public void Every_template_has_an_id_of_its_own_and_allowed_fields_only()
    {
        Assert.True(Templates.Count() > 10);
        Assert.Equal(Templates.Count(), Templates.Select(t => t.Message.EventId).Distinct().Count());
        foreach (var (method, message) in Templates)
        {
            Assert.True(message.EventId is >= 1000 and < 1500, method.Name);
            Assert.Equal(typeof(ILogger), method.GetParameters()[0].ParameterType);
            Assert.All(method.GetParameters().Skip(1), p => Assert.True(LogTypes.IsAllowed(p.ParameterType), $"{method.Name}: {p.ParameterType} {p.Name}"));
        }
    }

    [Fact]
    public void Every_template_writes_a_line_that_is_whole()
    {
        var (lines, log) = Log(LogLevel.Trace);
        foreach (var (method, _) in Templates) method.Invoke(null, [log.Server, .. method.GetParameters().Skip(1).Select(p => Some(p.ParameterType))]);
        Assert.Equal(Templates.Count(), lines().Count);
        foreach (var (line, (method, message)) in lines().Zip(Templates))
        {
            var json = JsonDocument.Parse(line).RootElement;
            Assert.Equal((method.Name, message.EventId), (json.GetProperty("event").GetString(), json.GetProperty("id").GetInt32()));
            Assert.All(method.GetParameters().Skip(1), p => Assert.True(json.TryGetProperty(p.Name!, out _) || json.TryGetProperty(p.Name + "_ms", out _), line));
        }
    }

    [Fact]
    public void What_goes_past_the_templates_leaves_no_text()
    {
        var (lines, log) = Log(LogLevel.Trace);
        log.Server.LogError(new InvalidOperationException(Secret), "a sample {Name} " + Secret, Secret);
        log.Server.LogError(1102, "with an id of a template {method} {Name}", Secret, Secret);
        log.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").Log(LogLevel.Error, new EventId(13), Secret, new IOException(Secret), (s, _) => s);
        log.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").Log(LogLevel.Error, new EventId(999), Secret, null, (s, _) => s);
        log.CreateLogger("Some.Other").LogCritical("{Name}", Secret);
        Assert.Collection(lines(),
            l => Assert.Contains("\"id\":0,\"event\":\"Unlisted\",\"exception\":\"", l, StringComparison.Ordinal),
            l => Assert.EndsWith("\"event\":\"CallFailed\",\"method\":\"***\"}", l, StringComparison.Ordinal),
            l => Assert.Contains("\"event\":\"ApplicationError\",\"exception\":\"", l, StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, string.Concat(lines()), StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_is_told_by_kind_incident_and_our_own_frames()
    {
        var incident = Incident.Of(Assert.Throws<InvalidOperationException>(() => Outer(Secret)));
        Assert.Matches("^[0-9a-f]{16}$", incident.Id);
        Assert.Equal(["System.InvalidOperationException", "System.FormatException"], incident.Kinds);
        Assert.StartsWith("Warehouse.Server.Tests.Telemetry.LogTests.Inner", incident.Frames[0], StringComparison.Ordinal);
        Assert.All(incident.Frames, f => Assert.StartsWith("Warehouse.", f, StringComparison.Ordinal));
        Assert.NotEqual(incident.Id, Incident.Of(new FormatException()).Id);
    }

    [Fact]
    public void A_chain_of_causes_and_a_deep_stack_are_cut()
    {
        Exception chain = new FormatException();
        for (var i = 0; i < 100; i++) chain = new IOException("x", chain);
        Assert.Equal(8, Incident.Of(chain).Kinds.Count);
        Assert.Empty(Incident.Of(chain).Frames);
    }

    [Fact]
    public void Names_are_scrubbed_even_where_only_code_is_named()
    {
        var scrubber = new Scrubber();
        scrubber.Learn([Phi.Of("FormatException")]);
        var (lines, log) = Log(LogLevel.Information, scrubber);
        log.Server.AuditFailed(Incident.Of(new FormatException()));
        Assert.Contains("\"incident_kinds\":[\"System.***\"]", lines()[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Methods_are_those_of_the_protos_and_nothing_that_a_client_called()
    {
        Assert.Equal("warehouse.v1.Variants/Seen", MethodName.Of("/warehouse.v1.Variants/Seen").ToString());
        Assert.Equal("grpc.health.v1.Health/Check", MethodName.Of("/grpc.health.v1.Health/Check").ToString());
        Assert.Equal("other", MethodName.Of("/warehouse.v1.Variants/" + Secret).ToString());
        Assert.Equal(MethodName.Other, MethodName.Of(""));
        Assert.Equal(MethodName.Count, MethodName.All.Select(m => m.ToString()).Distinct().Count());
    }

    [Fact]
    public void A_principal_is_the_same_under_one_key_and_nobody_elses_under_another()
    {
        var caller = new Caller { Id = "oidc:https://idp|" + Secret };
        Assert.Equal(PrincipalTag.Of(Key, caller), PrincipalTag.Of(Key, caller with { HasSecondFactor = true }));
        Assert.NotEqual(PrincipalTag.Of(Key, caller), PrincipalTag.Of([1, .. Key], caller));
        Assert.NotEqual(PrincipalTag.Of(Key, caller), PrincipalTag.Of(Key, caller with { Id = "x" }));
        Assert.Equal("0000000000000000", default(PrincipalTag).ToString());
    }

    /// <summary>The names in the table are those under which the framework has these ids.</summary>
    [Fact]
    public void Events_of_the_framework_are_called_as_the_framework_calls_them()
    {
        var core = typeof(Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServer).Assembly;
        var known = core.GetTypes().SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(m => (Method: m, Message: m.GetCustomAttribute<LoggerMessageAttribute>())).Where(m => m.Message is not null)
            .Select(m => (m.Method.DeclaringType!.Name, m.Message!.EventId, m.Message.EventName ?? m.Method.Name)).ToHashSet();
        foreach (var (category, events) in FrameworkEvents.Table)
        {
            var part = category.Split('.')[^1] switch { "Kestrel" => "GeneralLog", "HttpsConnectionMiddleware" => "HttpsConnectionMiddlewareLoggerExtensions", var last => last + "Log" };
            Assert.All(events, e => Assert.Contains((part, e.Key, e.Value), known));
        }
    }

    [Fact]
    public async Task A_listener_tells_of_bad_clients_without_what_they_sent()
    {
        var (lines, log) = Log(LogLevel.Trace);
        await using (var server = await RpcServer.StartAsync(new RpcServices(), new RpcServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), Log = log }))
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, server.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /{Secret} HTTP/1.1\r\nHost: {Secret}\r\n\r\n"));
            while (await client.GetStream().ReadAsync(new byte[1000]) > 0) { }
        }
        Assert.Contains(lines(), l => l.Contains("\"event\":\"PossibleInvalidHttpVersionDetected\"", StringComparison.Ordinal) || l.Contains("\"event\":\"Http2ConnectionError\"", StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, string.Concat(lines()), StringComparison.Ordinal);
        Assert.All(lines(), l => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(l).RootElement.ValueKind));
    }

    [Fact]
    public void A_stream_that_takes_nothing_costs_a_line_and_no_more()
    {
        using var log = new LineLog(new Refusing(), LogLevel.Information, new Scrubber(), TimeProvider.System);
        log.Server.PolicyInForce(1);
        log.Server.PolicyInForce(2);
        Assert.True(log.Flush(Timeout.InfiniteTimeSpan));
        Assert.Equal(2, log.Lost);
    }

    /// <summary>Whoever reads the log and stops holds up no call; how much he has not read, he is told.</summary>
    [Fact]
    public void A_stream_that_nobody_reads_holds_up_nobody_and_what_was_lost_is_said()
    {
        const int Lines = 60_000;
        using var sink = new Stalled();
        using var log = new LineLog(sink, LogLevel.Information, new Scrubber(), TimeProvider.System);
        for (var i = 0; i < Lines; i++) log.Server.PolicyInForce(i);
        Assert.False(log.Flush(TimeSpan.Zero));
        var lost = log.Lost;
        Assert.True(lost > 0);
        sink.GoOn.Set();
        log.Flush(Timeout.InfiniteTimeSpan);
        var lines = Encoding.UTF8.GetString(sink.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var said = lines.Where(l => l.Contains("\"event\":\"LinesLost\"", StringComparison.Ordinal)).Sum(l => JsonDocument.Parse(l).RootElement.GetProperty("lines").GetInt64());
        Assert.Equal((lost, Lines - lost), (said, lines.LongCount(l => l.Contains("\"event\":\"PolicyInForce\"", StringComparison.Ordinal))));
    }

    internal static (Func<List<string>> Lines, LineLog Log) Log(LogLevel least = LogLevel.Information, Scrubber? scrubber = null)
    {
        var sink = new MemoryStream();
        var log = new LineLog(sink, least, scrubber ?? new(), TimeProvider.System);
        return (Lines, log);

        List<string> Lines()
        {
            log.Flush(Timeout.InfiniteTimeSpan);
            return [.. Encoding.UTF8.GetString(sink.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        }
    }

    private static object Some(Type type) =>
        type == typeof(Incident) ? Incident.Of(new FormatException(Secret)) : type == typeof(MethodName) ? MethodName.All.Last() : Activator.CreateInstance(type)!;

    private static void Outer(string text)
    {
        try
        {
            Inner(text);
        }
        catch (FormatException e)
        {
            throw new InvalidOperationException(text, e);
        }
    }

    private static void Inner(string text) => throw new FormatException(text);

    private sealed class Stalled : MemoryStream
    {
        public ManualResetEventSlim GoOn { get; } = new();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            GoOn.Wait();
            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            GoOn.Set();
            base.Dispose(disposing);
        }
    }

    private sealed class Refusing : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("no space");
    }
}
