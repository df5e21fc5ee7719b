using System.Net;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Warehouse.Server.Telemetry;

/// <summary>Where metrics and traces are sent; nothing is sent unless somebody says where.</summary>
public sealed record CollectorOptions
{
    /// <summary>Address of the collector: https, or http on a loopback address.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>OTLP over gRPC; else over HTTP, at <c>v1/metrics</c> and <c>v1/traces</c> below the address.</summary>
    public bool UseGrpc { get; init; }

    /// <summary>Time between two sendings of metrics.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Part of the calls whose traces are sent, 0 to 1.</summary>
    public double TracedPart { get; init; } = 0.01;
}

/// <summary>Sends our meter and our traces, and no other, to a collector by OTLP until it is disposed, which sends what is left.</summary>
public sealed class Collector : IDisposable
{
    private const string Service = "variant-warehouse";

    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    /// <summary>Begins to send. Throws <see cref="ArgumentException"/> for an address that clear text would leave this machine to.</summary>
    public Collector(CollectorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!IsSafe(options.Endpoint)) throw new ArgumentException("a collector is reached by https, or by http on a loopback address", nameof(options));
        // Nothing of the environment: no host name, no variables.
        var resource = ResourceBuilder.CreateEmpty().AddService(Service, autoGenerateServiceInstanceId: true);
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(ServerMetrics.MeterName).AddOtlpExporter((exporter, reader) =>
        {
            Address(exporter, options, "v1/metrics");
            reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.Interval.TotalMilliseconds;
        }).Build();
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(ServerTraces.SourceName).SetSampler(new TraceIdRatioBasedSampler(options.TracedPart))
            .AddOtlpExporter(exporter => Address(exporter, options, "v1/traces")).Build();
    }

    /// <summary>Sends what there is now, and waits until it is sent.</summary>
    public void Flush()
    {
        _traces.ForceFlush();
        _metrics.ForceFlush();
    }

    /// <summary>Whether what is sent to an address can be read on its way by nobody else.</summary>
    public static bool IsSafe(Uri endpoint) => endpoint is { IsAbsoluteUri: true, UserInfo.Length: 0 }
        && (endpoint.Scheme == Uri.UriSchemeHttps || (endpoint.Scheme == Uri.UriSchemeHttp && (endpoint.Host == "localhost" || (IPAddress.TryParse(endpoint.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)))));

    /// <inheritdoc/>
    public void Dispose()
    {
        _traces.Dispose();
        _metrics.Dispose();
    }

    private static void Address(OtlpExporterOptions exporter, CollectorOptions options, string path)
    {
        exporter.Protocol = options.UseGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        // Straight to the address, whatever proxy the environment names, and no header of a call that runs now goes with it.
        exporter.HttpClientFactory = () => new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null }) { Timeout = TimeSpan.FromMilliseconds(exporter.TimeoutMilliseconds) };
        exporter.Endpoint = options.UseGrpc ? options.Endpoint : new Uri(options.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
    }
}
