using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// The pages of the operator, on a loopback port of their own, HTTP/1.1: <c>/metrics</c> (Prometheus 0.0.4), <c>/healthz</c> (the process
/// answers), <c>/readyz</c> (it takes calls, else 503; and why, and what somebody has to look at: a line for each, the gravest first). Every account of the machine can read them, and nobody else: so they say nothing
/// of data. A request that names another host than this machine is refused, so no page of a browser can read them.
/// </summary>
public sealed class OperatorListener : IAsyncDisposable
{
    private const int MostConnections = 16, MostHeaders = 32, MostHeaderBytes = 8 << 10;

    private readonly WebApplication _application;
    private readonly ServerMetrics _metrics;
    private readonly Func<IReadOnlyList<Readiness>> _readiness;

    private OperatorListener(IPEndPoint endPoint, ServerMetrics metrics, Func<IReadOnlyList<Readiness>> readiness, ILoggerProvider? log)
    {
        (_metrics, _readiness) = (metrics, readiness);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestHeaderCount = MostHeaders;
            kestrel.Limits.MaxRequestHeadersTotalSize = MostHeaderBytes;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
            kestrel.Listen(endPoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
        if (log is not null) builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log);
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    /// <summary>The port.</summary>
    public int Port { get; private set; }

    /// <summary>Starts to listen; what <paramref name="readiness"/> gives is one at least, the gravest first. Throws <see cref="ArgumentException"/> for an address that others reach, <see cref="IOException"/> when the address is taken.</summary>
    public static async Task<OperatorListener> StartAsync(IPEndPoint endPoint, ServerMetrics metrics, Func<IReadOnlyList<Readiness>> readiness, ILoggerProvider? log = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (!IPAddress.IsLoopback(endPoint.Address)) throw new ArgumentException("the operator's pages are on a loopback address only", nameof(endPoint));
        var listener = new OperatorListener(endPoint, metrics, readiness, log);
        try
        {
            await listener._application.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await listener.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        listener.Port = BindingAddress.Parse(listener._application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()).Port;
        return listener;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private Task AnswerAsync(HttpContext http)
    {
        if (!IsThisMachine(http.Request.Host.Host)) return Answer(http, StatusCodes.Status421MisdirectedRequest, "not this host\n");
        if (!HttpMethods.IsGet(http.Request.Method)) return Answer(http, StatusCodes.Status405MethodNotAllowed, "GET alone\n");
        switch (http.Request.Path.Value)
        {
            case "/metrics": return Answer(http, StatusCodes.Status200OK, _metrics.Page(), Exposition.ContentType);
            case "/healthz": return Answer(http, StatusCodes.Status200OK, "ok\n");
            case "/readyz":
                var readiness = _readiness();
                return Answer(http, TakesCalls(readiness[0]) ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, string.Concat(readiness.Select(r => r + "\n")));
            default: return Answer(http, StatusCodes.Status404NotFound, "no such page\n");
        }
    }

    /// <summary>Whether a server in this state takes calls, or whoever distributes them should send them elsewhere.</summary>
    public static bool TakesCalls(Readiness readiness) => readiness is not (Readiness.Starting or Readiness.Draining or Readiness.NoAudit or Readiness.StaleRevocations);

    private static bool IsThisMachine(string host) => host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static Task Answer(HttpContext http, int status, string text, string contentType = "text/plain; charset=utf-8")
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsync(text, http.RequestAborted);
    }
}
