using Warehouse.Rpc.Server;

namespace Warehouse.Server.Configuration;

/// <summary>
/// How much at a time and in a time. Nothing is without a limit: 0 is not taken for one, and what a client may cost (memory of messages, time of whom nobody
/// knows) has a largest value.
/// </summary>
internal sealed record LimitConfiguration
{
    /// <summary>Calls at a time, of everybody together. They are the queue too: so many wait for the cores of the machine, and a further one is refused at once.</summary>
    public int Calls { get; init; } = 256;

    /// <summary>Of one person.</summary>
    public PersonLimitConfiguration Person { get; init; } = new();

    /// <summary>Of one machine.</summary>
    public ServiceLimitConfiguration Service { get; init; } = new();

    /// <summary>Of one call.</summary>
    public CallLimitConfiguration Call { get; init; } = new();

    /// <summary>Of connections.</summary>
    public ConnectionLimitConfiguration Connection { get; init; } = new();

    /// <summary>Of whom nobody knows, or not yet.</summary>
    public StrangerLimitConfiguration Strangers { get; init; } = new();

    /// <summary>Streams of questions (<c>SeenStream</c>) at a time, of everybody together: each keeps up to 64 MiB of decoded blocks.</summary>
    public int SeenStreams { get; init; } = 16;

    /// <summary>Seconds that running calls have when the server stops; then they are cut.</summary>
    public int DrainSeconds { get; init; } = 5;
}

/// <summary>Limits of one person.</summary>
internal sealed record PersonLimitConfiguration
{
    /// <summary>Calls at a time.</summary>
    public int Calls { get; init; } = 8;

    /// <summary>Calls in a second, on average.</summary>
    public int CallsPerSecond { get; init; } = 20;

    /// <summary>How many of them may come at once.</summary>
    public int Burst { get; init; } = 100;

    /// <summary>Samples by variant rows that all calls of a minute may have scanned (<see cref="Engine.Access.ScanAllowance"/>).</summary>
    public long ScanUnitsPerMinute { get; init; } = 1_000_000_000;
}

/// <summary>Limits of one machine; it has no rate.</summary>
internal sealed record ServiceLimitConfiguration
{
    /// <inheritdoc cref="PersonLimitConfiguration.Calls"/>
    public int Calls { get; init; } = 256;

    /// <inheritdoc cref="PersonLimitConfiguration.ScanUnitsPerMinute"/>
    public long ScanUnitsPerMinute { get; init; } = 1_000_000_000_000;
}

/// <summary>Limits of one call.</summary>
internal sealed record CallLimitConfiguration
{
    /// <summary>Bytes of a request message.</summary>
    public int ReceiveBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of a reply message; clients take 4 MiB, unless they are told otherwise.</summary>
    public int SendBytes { get; init; } = 4 << 20;

    /// <summary>Seconds of a unary call whose client states none.</summary>
    public int Seconds { get; init; } = 10;

    /// <summary>Seconds of a unary call, whatever its client states.</summary>
    public int LongestSeconds { get; init; } = 60;

    /// <summary>Seconds that a stream may go without a message in either direction.</summary>
    public int StreamIdleSeconds { get; init; } = 60;

    /// <summary>As the listener takes them.</summary>
    internal RpcCallLimits Rpc => new()
    {
        MaxReceiveBytes = ReceiveBytes, MaxSendBytes = SendBytes, UnaryDeadline = TimeSpan.FromSeconds(Seconds), MaxUnaryDeadline = TimeSpan.FromSeconds(LongestSeconds), StreamIdle = TimeSpan.FromSeconds(StreamIdleSeconds),
    };
}

/// <summary>Limits of connections.</summary>
internal sealed record ConnectionLimitConfiguration
{
    /// <summary>Connections at a time.</summary>
    public int Connections { get; init; } = 512;

    /// <summary>Seconds after which one is closed on which nobody was known.</summary>
    public int UnknownSeconds { get; init; } = 30;

    /// <summary>Calls at a time on one.</summary>
    public int Streams { get; init; } = 64;

    /// <summary>Header fields of a call.</summary>
    public int HeaderFields { get; init; } = 64;

    /// <summary>Bytes of all header fields of a call: an access token is one of them.</summary>
    public int HeaderBytes { get; init; } = 16 << 10;

    /// <summary>Seconds in which the headers of a call have to come.</summary>
    public int HeaderSeconds { get; init; } = 10;

    /// <summary>Seconds of a TLS handshake.</summary>
    public int HandshakeSeconds { get; init; } = 5;

    /// <summary>Seconds without a call after which one is closed.</summary>
    public int KeepAliveSeconds { get; init; } = 60;

    /// <summary>Seconds without a frame after which the client is pinged.</summary>
    public int PingSeconds { get; init; } = 30;

    /// <summary>Seconds in which the client has to answer a ping.</summary>
    public int PingAnswerSeconds { get; init; } = 10;

    /// <summary>Pings that a client may send at once, half of them again each second; settings count a hundred times, frames that are empty or unknown ten times.</summary>
    public int ControlFrames { get; init; } = 20_000;

    /// <summary>Seconds that a client may leave a reply unread.</summary>
    public int SlowReaderSeconds { get; init; } = 60;

    /// <summary>Bytes a second that a client has to take of a reply after that.</summary>
    public int ReplyBytesPerSecond { get; init; } = 1024;

    /// <summary>As the listener takes them.</summary>
    internal RpcConnectionLimits Rpc => new()
    {
        MaxConnections = Connections, UnknownFor = TimeSpan.FromSeconds(UnknownSeconds), MaxStreams = Streams, MaxHeaderFields = HeaderFields, MaxHeaderBytes = HeaderBytes, HeaderTimeout = TimeSpan.FromSeconds(HeaderSeconds),
        HandshakeTimeout = TimeSpan.FromSeconds(HandshakeSeconds), KeepAlive = TimeSpan.FromSeconds(KeepAliveSeconds), PingDelay = TimeSpan.FromSeconds(PingSeconds), PingTimeout = TimeSpan.FromSeconds(PingAnswerSeconds),
        MaxControlFrames = ControlFrames, SlowReaderGrace = TimeSpan.FromSeconds(SlowReaderSeconds), MinReplyBytesPerSecond = ReplyBytesPerSecond,
    };
}

/// <summary>Limits of whom nobody knows, or not yet.</summary>
internal sealed record StrangerLimitConfiguration
{
    /// <summary>Calls at a time, of all of them.</summary>
    public int Calls { get; init; } = 32;

    /// <summary>Calls at a time of one address.</summary>
    public int CallsOfOne { get; init; } = 8;

    /// <summary>Seconds of such a call.</summary>
    public int Seconds { get; init; } = 5;
}
