using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Server.Telemetry;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

[Collection("Meters")]
public sealed partial class MetricsTests
{
    private static readonly MethodName Seen = MethodName.Of("/warehouse.v1.Variants/Seen");

    [Fact]
    public void The_page_has_every_figure_in_the_text_format()
    {
        using var metrics = Some();
        var page = metrics.Page();
        Assert.All(page.TrimEnd('\n').Split('\n'), l => Assert.Matches(Format(), l));
        Assert.EndsWith("\n", page, StringComparison.Ordinal);
        Assert.Contains("\n# TYPE warehouse_calls_running gauge\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_calls_total{method=\"warehouse.v1.Variants/Seen\",outcome=\"ok\",detail=\"record\"} 2\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_calls_total{method=\"other\",outcome=\"permission_denied\",detail=\"none\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_calls_running{method=\"warehouse.v1.Variants/Seen\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_reply_bytes_total{method=\"warehouse.v1.Variants/Seen\"} 30\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_calls_refused_total{reason=\"not_granted\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\nwarehouse_incidents_total 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\nwarehouse_connections 7\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("\nwarehouse_upload_bytes ", page, StringComparison.Ordinal); // nobody shows it
        Assert.Contains("warehouse_call_duration_seconds_bucket{method=\"warehouse.v1.Variants/Seen\",le=\"0.0025\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_call_duration_seconds_bucket{method=\"warehouse.v1.Variants/Seen\",le=\"60\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_call_duration_seconds_bucket{method=\"warehouse.v1.Variants/Seen\",le=\"+Inf\"} 2\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_call_duration_seconds_sum{method=\"warehouse.v1.Variants/Seen\"} 100.002\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_refusal_duration_seconds_bucket{outcome=\"resource_exhausted\",le=\"0.01\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_refusal_duration_seconds_count{outcome=\"ok\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_audit_append_seconds_count{log=\"audit\"} 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_family_stands_once_and_no_series_twice()
    {
        using var metrics = Some();
        var lines = metrics.Page().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var types = lines.Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2]).ToList();
        Assert.Equal(types.Distinct(), types);
        var series = lines.Where(l => l[0] != '#').Select(l => l[..l.LastIndexOf(' ')]).ToList();
        Assert.Equal(series.Distinct(), series);
        Assert.All(series, s => Assert.Contains(types, t => s.StartsWith(t, StringComparison.Ordinal)));
    }

    /// <summary>The client library of Prometheus reads every figure as it was counted, and a page that is none it does not read.</summary>
    [PeerFact("python3")]
    public void Another_implementation_reads_the_page()
    {
        using var metrics = Some();
        using var folder = new TempFolder();
        var page = metrics.Page();
        var (exit, output, error) = Read(page);
        Assert.True(exit == 0, error);
        var families = output.TrimEnd('\n').Split('\n').Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(page.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2..]).Select(t => (t[0].EndsWith("_total", StringComparison.Ordinal) ? t[0][..^6] : t[0], t[1])),
            families.Select(f => (f[0].GetString()!, f[1].GetString()!)));
        Assert.All(families, f => Assert.NotEqual("", f[2].GetString()));
        var figures = families.SelectMany(f => f[3].EnumerateArray()).ToDictionary(s => $"{s[0]} {string.Join(' ', s[1].EnumerateObject().Select(l => $"{l.Name}={l.Value}").Order(StringComparer.Ordinal))}".TrimEnd(), s => s[2].GetDouble());
        Assert.Equal(page.Split('\n').Count(l => l.Length > 0 && l[0] != '#'), figures.Count);
        foreach (var (figure, number) in (IEnumerable<(string, double)>)
            [
                ("warehouse_calls_total detail=record method=warehouse.v1.Variants/Seen outcome=ok", 2), ("warehouse_calls_total detail=none method=other outcome=permission_denied", 1), ("warehouse_incidents_total", 1), ("warehouse_connections", 7),
                ("warehouse_call_duration_seconds_bucket le=0.0025 method=warehouse.v1.Variants/Seen", 1), ("warehouse_call_duration_seconds_bucket le=+Inf method=warehouse.v1.Variants/Seen", 2), ("warehouse_call_duration_seconds_sum method=warehouse.v1.Variants/Seen", 100.002),
            ])
            Assert.Equal(number, figures[figure]);
        // What is none: half a line, a label without quotes, a figure that is no number.
        foreach (var none in (string[])[page[..(page.LastIndexOf('{') + 5)], page.Replace("method=\"other\"", "method=other", StringComparison.Ordinal), page.Replace("warehouse_connections 7", "warehouse_connections seven", StringComparison.Ordinal)])
        {
            Assert.NotEqual(page, none);
            Assert.Equal(1, Read(none).Exit);
        }

        (int Exit, string Output, string Error) Read(string text)
        {
            File.WriteAllText(folder["page"], text);
            return Peer.Run("/usr/bin/python3", Path.Combine(TestData.ProjectRoot, "tests", "interop", "prometheus.py"), folder["page"]);
        }
    }

    /// <summary>Every label is from a fixed set, whatever was counted: on the page and in the instruments.</summary>
    [Fact]
    public void Labels_are_members_of_fixed_sets()
    {
        using var metrics = new ServerMetrics();
        var seen = new HashSet<(string Key, string Value)>();
        using var listener = new MeterListener { InstrumentPublished = (i, l) => { if (i.Meter.Name == ServerMetrics.MeterName) l.EnableMeasurementEvents(i); } };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            foreach (var (key, value) in tags) seen.Add((key, (string)value!));
        });
        listener.Start();
        foreach (var method in MethodName.All)
            foreach (var outcome in Enum.GetValues<StatusCode>().Append((StatusCode)99))
                foreach (var detail in Enum.GetValues<Detail>().Select(d => (Detail?)d).Append(null))
                {
                    metrics.CallStarted(method);
                    metrics.CallEnded(method, outcome, detail, TimeSpan.FromMilliseconds(1), 1);
                }
        foreach (var reason in Enum.GetValues<RefusalReason>()) metrics.Refused(reason);
        foreach (var outcome in Enum.GetValues<StatusCode>().Append((StatusCode)99).Append((StatusCode)(-1))) metrics.RefusalSent(outcome, TimeSpan.Zero);
        metrics.AuditAppended(TimeSpan.Zero);
        listener.RecordObservableInstruments();
        foreach (Match label in Label().Matches(metrics.Page())) seen.Add((label.Groups[1].Value, label.Groups[2].Value));
        string[] methods = [.. MethodName.All.Select(m => m.ToString())];
        Assert.Equal(["audit"], ValuesOf("log"));
        Assert.Equal(methods.Order(StringComparer.Ordinal), ValuesOf("method"));
        Assert.Equal(17, ValuesOf("outcome").Count);
        Assert.Equal(["aggregate", "exists", "linkage", "none", "record"], ValuesOf("detail"));
        Assert.Equal(Enum.GetValues<RefusalReason>().Length, ValuesOf("reason").Count);
        Assert.All(ValuesOf("le"), v => Assert.True(v == "+Inf" || double.TryParse(v, CultureInfo.InvariantCulture, out _)));
        Assert.Equal(["detail", "le", "log", "method", "outcome", "reason"], seen.Select(l => l.Key).Distinct().Order(StringComparer.Ordinal));
        List<string> ValuesOf(string key) => [.. seen.Where(l => l.Key == key).Select(l => l.Value).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Counting_on_many_threads_loses_nothing()
    {
        using var metrics = new ServerMetrics();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                metrics.CallStarted(Seen);
                metrics.CallEnded(Seen, StatusCode.OK, Detail.Exists, TimeSpan.FromMilliseconds(i % 100), 3);
            }
        })));
        var page = metrics.Page();
        Assert.Contains("warehouse_calls_total{method=\"warehouse.v1.Variants/Seen\",outcome=\"ok\",detail=\"exists\"} 80000\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_calls_running{method=\"warehouse.v1.Variants/Seen\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_call_duration_seconds_count{method=\"warehouse.v1.Variants/Seen\"} 80000\n", page, StringComparison.Ordinal);
        Assert.Contains("warehouse_reply_bytes_total{method=\"warehouse.v1.Variants/Seen\"} 240000\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_operator_reads_figures_health_and_readiness()
    {
        using var metrics = Some();
        Readiness[] readiness = [Readiness.Starting];
        await using var listener = await OperatorListener.StartAsync(new(IPAddress.Loopback, 0), metrics, () => readiness);
        using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{listener.Port}") };
        using var page = await client.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", page.Content.Headers.ContentType!.ToString());
        Assert.Equal(metrics.Page(), await page.Content.ReadAsStringAsync());
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await Get("/healthz"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Starting\n"), await Get("/readyz"));
        readiness = [Readiness.Ready];
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await Get("/readyz"));
        // Somebody else should be asked where nobody, or nobody who shows a certificate, is answered here; what is said of the rest is for people to look at.
        foreach (var state in Enum.GetValues<Readiness>())
        {
            readiness = [state];
            var status = state is Readiness.Starting or Readiness.Draining or Readiness.NoAudit or Readiness.StaleRevocations ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK;
            Assert.Equal((status, state + "\n"), await Get("/readyz"));
            // Whatever is told below the gravest is no reason to ask somebody else.
            readiness = [state, Readiness.StaleRevocations, Readiness.AlertAlarm];
            Assert.Equal((status, state + "\nStaleRevocations\nAlertAlarm\n"), await Get("/readyz"));
        }
        Assert.Equal((HttpStatusCode.NotFound, "no such page\n"), await Get("/NA12878"));
        async Task<(HttpStatusCode, string)> Get(string path)
        {
            using var reply = await client.GetAsync(path);
            return (reply.StatusCode, await reply.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "421")]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n", "200")]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n", "200")]
    [InlineData("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "405")]
    [InlineData("NA12878", "400")]
    public async Task The_operators_listener_answers_this_machine_alone(string request, string status)
    {
        using var metrics = Some();
        await using var listener = await OperatorListener.StartAsync(new(IPAddress.Loopback, 0), metrics, () => [Readiness.Ready]);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream(), leaveOpen: true);
        if (status == "400") client.Client.Shutdown(SocketShutdown.Send); // half a line waits for the rest of it
        var reply = await reader.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 " + status, reply.Length == 0 ? "HTTP/1.1 400" : reply, StringComparison.Ordinal); // half a request line is closed without an answer
        Assert.DoesNotContain("NA12878", reply, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.0.2.1")]
    public async Task An_address_that_others_reach_is_refused(string address)
    {
        using var metrics = Some();
        await Assert.ThrowsAsync<ArgumentException>(() => OperatorListener.StartAsync(new(IPAddress.Parse(address), 0), metrics, () => [Readiness.Ready]));
    }

    private static ServerMetrics Some()
    {
        var metrics = new ServerMetrics();
        for (var i = 0; i < 3; i++) metrics.CallStarted(Seen);
        metrics.CallEnded(Seen, StatusCode.OK, Detail.Record, TimeSpan.FromMilliseconds(2), 10);
        metrics.CallEnded(Seen, StatusCode.OK, Detail.Record, TimeSpan.FromSeconds(100), 20);
        metrics.CallStarted(MethodName.Other);
        metrics.CallEnded(MethodName.Other, StatusCode.PermissionDenied, null, TimeSpan.Zero, 0);
        metrics.Refused(RefusalReason.NotGranted);
        metrics.RefusalSent(StatusCode.ResourceExhausted, TimeSpan.FromMilliseconds(7));
        metrics.AuditAppended(TimeSpan.FromMilliseconds(3));
        metrics.Failed();
        metrics.Observe(Gauge.Connections, () => 7);
        return metrics;
    }

    [GeneratedRegex("""^(# HELP [a-z_]+ [^\n]+|# TYPE [a-z_]+ (counter|gauge|histogram)|[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.E+-]+)$""")]
    private static partial Regex Format();

    [GeneratedRegex("([a-z]+)=\"([^\"]*)\"")]
    private static partial Regex Label();
}
