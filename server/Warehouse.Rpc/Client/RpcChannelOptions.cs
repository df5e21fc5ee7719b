using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;

namespace Warehouse.Rpc.Client;

/// <summary>How a client reaches a server.</summary>
public sealed record RpcChannelOptions
{
    /// <summary>The client's certificate with its key, shown to servers that ask for one.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>
    /// Says whether the server's certificate is taken; null leaves that to the system's authorities and the name. An
    /// <see cref="System.Security.Authentication.AuthenticationException"/> refuses it with a reason of its own.
    /// </summary>
    public Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? IsServerCertificateTaken { get; init; }

    /// <summary>Bytes of a reply message, announced and decompressed.</summary>
    public int MaxReceiveBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of a request message before compression.</summary>
    public int MaxSendBytes { get; init; } = int.MaxValue;

    /// <summary>Encoding of requests: <c>gzip</c>, <c>deflate</c>; null for none. One message stays plain by <see cref="WriteFlags.NoCompress"/>.</summary>
    public string? RequestEncoding { get; init; }

    /// <summary>Encodings in which replies may be compressed.</summary>
    public IReadOnlyList<string> ReplyEncodings { get; init; } = ["gzip", "deflate"];

    /// <summary>Shows who calls, with every call; over TLS only.</summary>
    public CallCredentials? Credentials { get; init; }

    /// <summary>Sent as <c>user-agent</c>.</summary>
    public string UserAgent { get; init; } = "grpc-csharp-warehouse/0.1";

    /// <summary>Time in which a connection has to stand.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time without a frame after which the server is pinged while calls run; null for never. Foreign servers close a connection that pings within five minutes.</summary>
    public TimeSpan? PingDelay { get; init; }

    /// <summary>Measures deadlines.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
