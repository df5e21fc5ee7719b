using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Warehouse.Server.Identity;

/// <summary>
/// Finds out who calls: by the access token of the call, or else by the certificate of its connection; never by anything that a request
/// says. A token that is not taken refuses the call, whatever certificate came with it. Any thread.
/// </summary>
internal sealed class Authenticator
{
    /// <summary>The text of every refusal.</summary>
    public const string RefusalText = "not authenticated";

    private readonly ClientCertificates _certificates;
    private readonly TimeProvider _clock;

    public Authenticator(ClientCertificates certificates, TimeProvider clock) => (_certificates, _clock) = (certificates, clock);

    /// <summary>Who makes a call. Throws <see cref="Authenticated.Refusal"/> when nothing that is taken was shown.</summary>
    public ValueTask<Authenticated> AuthenticateAsync(ServerCallContext context)
    {
        var http = context.GetHttpContext();
        return AuthenticateAsync(http.Connection.ClientCertificate, http.Request);
    }

    private ValueTask<Authenticated> AuthenticateAsync(X509Certificate2? certificate, HttpRequest request)
    {
        if (request.Headers.Authorization.Count > 0) throw Authenticated.Refusal();
        if (certificate is null || _certificates.Find(certificate) is not { } shown) throw Authenticated.Refusal();
        return new(new Authenticated(shown.Caller, shown.NotAfter, _clock, shown.Holds));
    }
}
