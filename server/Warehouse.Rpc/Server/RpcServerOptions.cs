using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Server;

/// <summary>Limits of calls: of all of a server, or of one of its services.</summary>
public sealed record RpcCallLimits
{
    /// <summary>Bytes of a request message, announced and decompressed.</summary>
    public int MaxReceiveBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of a reply message before compression.</summary>
    public int MaxSendBytes { get; init; } = 4 << 20;

    /// <summary>Time of a unary call whose client states none.</summary>
    public TimeSpan UnaryDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time of a unary call, whatever its client states. A stream has the time that its client states, or no end.</summary>
    public TimeSpan MaxUnaryDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time that a stream may go without a message in either direction; null when for ever.</summary>
    public TimeSpan? StreamIdle { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>Limits of connections. All calls of a client that breaks one end with its connection.</summary>
public sealed record RpcConnectionLimits
{
    /// <summary>Connections at a time; a further one is closed.</summary>
    public int MaxConnections { get; init; } = 512;

    /// <summary>Time after which a connection is closed on which no caller was known; half of the connections at most are such ones of one address. Only where there is an <see cref="RpcServerOptions.Entrance"/>.</summary>
    public TimeSpan UnknownFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Calls at a time on one connection.</summary>
    public int MaxStreams { get; init; } = 64;

    /// <summary>Header fields of a call.</summary>
    public int MaxHeaderFields { get; init; } = 64;

    /// <summary>Bytes of all header fields of a call.</summary>
    public int MaxHeaderBytes { get; init; } = 16 << 10;

    /// <summary>Time in which the headers of a call have to come.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time of a TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time without a call after which a connection is closed.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time without a frame after which the client is pinged.</summary>
    public TimeSpan PingDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time in which the client has to answer a ping.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// What frames that ask for nothing may cost at once, half of which comes back each second: a ping 1, a frame that is empty, of priority or unknown 10, settings 100. Who
    /// sends more is cut off.
    /// </summary>
    public int MaxControlFrames { get; init; } = 20_000;

    /// <summary>Time that a client may leave a reply unread; after it, it has to take <see cref="MinReplyBytesPerSecond"/>.</summary>
    public TimeSpan SlowReaderGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Slowest rate at which a client may take replies.</summary>
    public double MinReplyBytesPerSecond { get; init; } = 1024;
}

/// <summary>What the headers of a call came to.</summary>
/// <param name="IsKnown">Who calls is known, and the call takes one of <see cref="RpcServerOptions.MaxCalls"/>; else it has one of the few places of strangers, for a short time.</param>
/// <param name="RefuseAsync">Makes the refusal, in that place; null = the call goes on.</param>
/// <param name="Room">Disposed when the call has ended; null = nothing.</param>
public readonly record struct RpcEntrance(bool IsKnown, Func<Task<Exception>>? RefuseAsync = null, IDisposable? Room = null);

/// <summary>How a server listens and answers.</summary>
public sealed record RpcServerOptions
{
    /// <summary>Trailer that says after how many milliseconds to try again.</summary>
    public const string RetryPushback = Headers.RetryPushback;

    /// <summary>When whoever found no place is told to try again.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Where it listens; port 0 is any free one.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>The server's certificate with its key. Without one the server speaks clear text, on a loopback address or a unix socket only.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>What stands between <see cref="Certificate"/> and its authority; sent with it.</summary>
    public X509Certificate2Collection? CertificateChain { get; init; }

    /// <summary>Gives the certificate of each new connection, where it is renewed while the server runs; null for <see cref="Certificate"/> always.</summary>
    public Func<X509Certificate2>? CertificateOfConnection { get; init; }

    /// <summary>
    /// Says whether the certificate that a client shows is taken; null leaves that to the system's authorities. Each client is asked for one and
    /// may show none: what is required of a call, an interceptor decides.
    /// </summary>
    public Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? IsClientCertificateTaken { get; init; }

    /// <summary>TLS 1.2 is spoken too, not 1.3 alone.</summary>
    public bool AllowTls12 { get; init; }

    /// <summary>Stand around every call; the first one is outermost.</summary>
    public IReadOnlyList<Interceptor> Interceptors { get; init; } = [];

    /// <summary>
    /// Says who makes a call, by its headers and its connection alone: it is asked before anything of the request is read and before the call has a
    /// place. It throws nothing. Null = every caller is known.
    /// </summary>
    public Func<ServerCallContext, ValueTask<RpcEntrance>>? Entrance { get; init; }

    /// <summary>Limits of calls to services that have none of their own.</summary>
    public RpcCallLimits CallLimits { get; init; } = new();

    /// <summary>Limits of connections.</summary>
    public RpcConnectionLimits ConnectionLimits { get; init; } = new();

    /// <summary>Calls at a time, over all connections; a further one is refused at once.</summary>
    public int MaxCalls { get; init; } = 256;

    /// <summary>Hears of each call that is refused for that, or because strangers have no place left. It throws nothing.</summary>
    public Action<ServerCallContext>? NoPlace { get; init; }

    /// <summary>
    /// Hears, once its answer was handed to the connection, of each call that was refused before anything of its request was read (<see cref="NoPlace"/>,
    /// <see cref="RpcEntrance.RefuseAsync"/>): the status, and the time since its headers were read. It throws nothing.
    /// </summary>
    public Action<StatusCode, TimeSpan>? RefusalSent { get; init; }

    /// <summary>
    /// Hears of each call that its handler did not end well, or that never came to one: its request is none, or was not there in time. Those that
    /// <see cref="RpcEntrance.RefuseAsync"/> refuses are not among them. It may be awaited for as long as a handler, and throws nothing. What it gives is told in the
    /// place of that end; null = that end is told.
    /// </summary>
    public Func<ServerCallContext, Status, Task<RpcException?>>? Failed { get; init; }

    /// <summary>Hears of what was asked for that is no call: there is no such method, or its headers cannot be read. It throws nothing.</summary>
    public Action<Status>? NoCall { get; init; }

    /// <summary>Calls at a time of those whom <see cref="Entrance"/> does not know, or not yet: of all, and of one address (of IPv6, one network of 64 bits).</summary>
    public int MaxStrangers { get; init; } = 32;

    /// <inheritdoc cref="MaxStrangers"/>
    public int MaxStrangersOfOne { get; init; } = 8;

    /// <summary>Time that such a call has.</summary>
    public TimeSpan StrangerDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Encodings in which requests may be compressed: <c>gzip</c>, <c>deflate</c>. None by default: a compressed request can be a bomb.</summary>
    public IReadOnlyList<string> RequestEncodings { get; init; } = [];

    /// <summary>Encoding of replies to clients that take it; null for none. Not for replies that hold secrets: <see cref="Grpc.Core.WriteFlags.NoCompress"/>.</summary>
    public string? ReplyEncoding { get; init; }

    /// <summary>Time that running calls have when the server stops; then they end with UNAVAILABLE.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Learns of each handler that threw something else than an RpcException, by path of the method. The client learns nothing of it.</summary>
    public Action<string, Exception>? HandlerFailed { get; init; }

    /// <summary>Takes the events of Kestrel; null drops them. They quote what clients send: it must not write them out as they are.</summary>
    public ILoggerProvider? Log { get; init; }

    /// <summary>Measures deadlines.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
