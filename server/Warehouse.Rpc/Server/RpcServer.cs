using System.IO.Pipelines;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Server;

/// <summary>
/// A listener that speaks gRPC over HTTP/2 and nothing else, with limits of its own: what a client may cost is bounded per message, call,
/// connection and in all (I11). Other protocols belong to another listener.
/// </summary>
public sealed class RpcServer : IAsyncDisposable
{
    /// <summary>As many bytes as a record of TLS has at most.</summary>
    private const int RecordBytes = 16 << 10;

    private readonly RpcServerOptions _options;
    private readonly RpcCalls _calls;
    private readonly WebApplication _application;
    private readonly Strangers _strange;
    private int _connections;

    private RpcServer(RpcServices services, RpcServerOptions options)
    {
        (_options, _calls, _strange) = (options, new(services, options), new(options.ConnectionLimits.MaxConnections, options.ConnectionLimits.MaxConnections / 2));
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Configure);
        if (options.Log is { } log) builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log); // it says itself what it takes
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        _application = builder.Build();
        _application.Run(_calls.AnswerAsync);
    }

    /// <summary>The port that it listens on; 0 on a unix socket.</summary>
    public int Port { get; private set; }

    /// <summary>Calls that run now.</summary>
    public int RunningCalls => _calls.Running;

    /// <summary>Raised on the thread of a call when it begins to run, and when it has ended with its handler and all that this told of it; its places are given back a moment later. It throws nothing.</summary>
    public event Action? RunningChanged
    {
        add => _calls.RunningChanged += value;
        remove => _calls.RunningChanged -= value;
    }

    /// <summary>Connections now.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Calls that ran still when the grace of a stop was over, and were cut.</summary>
    public int CutCalls => _calls.Cut;

    /// <summary>Starts to listen. Throws <see cref="ArgumentException"/> for clear text on an address that others reach, <see cref="IOException"/> when the address is taken.</summary>
    public static async Task<RpcServer> StartAsync(RpcServices services, RpcServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Certificate is null && options.EndPoint is IPEndPoint { Address: var address } && !IPAddress.IsLoopback(address)) throw new ArgumentException("without a certificate a server listens on a loopback address only", nameof(options));
        if (options.RequestEncodings.Append(options.ReplyEncoding ?? Compression.Identity).FirstOrDefault(e => !Compression.IsKnown(e)) is { } unknown) throw new ArgumentException($"unknown encoding {unknown}", nameof(options));
        var server = new RpcServer(services, options);
        try
        {
            await server._application.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await server._application.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        var at = server._application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        server.Port = options.EndPoint is IPEndPoint ? BindingAddress.Parse(at).Port : 0;
        return server;
    }

    /// <summary>Takes no new connection and no new call, lets running calls end for the grace of the options, ends the rest with UNAVAILABLE, and closes.</summary>
    public async Task StopAsync()
    {
        // Connections go when their calls are answered, or soon after: a client need not read.
        using var closing = new CancellationTokenSource(_options.StopGrace + TimeSpan.FromSeconds(1));
        using var answering = _options.Clock.CreateTimer(static calls => ((RpcCalls)calls!).End(), _calls, _options.StopGrace, Timeout.InfiniteTimeSpan);
        await _application.StopAsync(closing.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        var limits = _options.ConnectionLimits;
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = limits.MaxConnections;
        kestrel.Limits.MaxRequestHeaderCount = limits.MaxHeaderFields;
        kestrel.Limits.MaxRequestHeadersTotalSize = limits.MaxHeaderBytes;
        kestrel.Limits.RequestHeadersTimeout = limits.HeaderTimeout;
        kestrel.Limits.KeepAliveTimeout = limits.KeepAlive;
        // A stream of requests has no size and may pause: messages, deadlines and the idle limit bound it.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = new(limits.MinReplyBytesPerSecond, limits.SlowReaderGrace);
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.MaxStreams;
        kestrel.Limits.Http2.MaxRequestHeaderFieldSize = limits.MaxHeaderBytes;
        kestrel.Limits.Http2.KeepAlivePingDelay = limits.PingDelay;
        kestrel.Limits.Http2.KeepAlivePingTimeout = limits.PingTimeout;
        kestrel.Listen(_options.EndPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => connection => HoldAsync(connection, next));
            if (_options.Certificate is { } certificate)
            {
                listen.UseHttps(Https(certificate));
                listen.Use(next => connection => InRecordsAsync(connection, next));
            }
            listen.Use(next => connection => WatchedAsync(connection, next));
        });
    }

    /// <summary>
    /// Gathers what goes into TLS in pieces as long as a record, which are those of a connection alone: each piece becomes a record, and each record
    /// costs both sides microseconds whatever its length.
    /// </summary>
    private static async Task InRecordsAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var transport = connection.Transport;
        var output = PipeWriter.Create(connection.Features.GetRequiredFeature<ISslStreamFeature>().SslStream, new(minimumBufferSize: RecordBytes, leaveOpen: true));
        connection.Transport = new Pipes(transport.Input, output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            await output.CompleteAsync().ConfigureAwait(false);
            connection.Transport = transport;
        }
    }

    /// <summary>Cuts off who floods it with frames that ask for nothing.</summary>
    private async Task WatchedAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var transport = connection.Transport;
        connection.Transport = new Pipes(new FrameWatch(transport.Input, _options.ConnectionLimits.MaxControlFrames, connection.Abort, _options.Clock), transport.Output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>
    /// Counts a connection while it lasts. Where callers have to be known, one on which none is has a place of strangers, of which an address has half: so
    /// nobody takes all connections by doing nothing on them.
    /// </summary>
    private async Task HoldAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var limits = _options.ConnectionLimits;
        Interlocked.Increment(ref _connections);
        StrangeConnection? strange = null;
        try
        {
            if (_options.Entrance is not null)
            {
                if (_strange.TryEnter((connection.RemoteEndPoint as IPEndPoint)?.Address) is not { } place)
                {
                    connection.Abort();
                    return;
                }
                strange = new StrangeConnection(place, connection.Abort, limits.UnknownFor, _options.Clock);
                connection.Features.Set(strange);
            }
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            strange?.Dispose();
            Interlocked.Decrement(ref _connections);
        }
    }

    private HttpsConnectionAdapterOptions Https(X509Certificate2 certificate) => new()
    {
        ServerCertificate = certificate,
        ServerCertificateChain = _options.CertificateChain,
        ServerCertificateSelector = _options.CertificateOfConnection is { } ofConnection ? (_, _) => ofConnection() : null,
        ClientCertificateMode = ClientCertificateMode.AllowCertificate,
        ClientCertificateValidation = _options.IsClientCertificateTaken,
        SslProtocols = _options.AllowTls12 ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
        HandshakeTimeout = _options.ConnectionLimits.HandshakeTimeout,
    };
}
