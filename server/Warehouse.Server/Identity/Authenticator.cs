using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Warehouse.Engine.Access;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>
/// Finds out who calls: by the access token of the call, or else by the certificate of its connection; never by anything that a request
/// says. A token that is not taken refuses the call, whatever certificate came with it. Any thread.
/// </summary>
internal sealed class Authenticator
{
    /// <summary>The text of every refusal.</summary>
    public const string RefusalText = "not authenticated";

    private const int MaxOnce = 100_000;

    private readonly AuthenticatorParts _parts;
    private readonly PossessionProofs _proofs;
    private readonly ReplayCache _once;
    private readonly DateTimeOffset _began;

    public Authenticator(AuthenticatorParts parts)
    {
        _parts = parts;
        _proofs = new(parts.Hosts, parts.Clock);
        (_once, _began) = (new(MaxOnce, parts.Clock), parts.Clock.GetUtcNow());
    }

    /// <summary>Who makes a call. Throws <see cref="Authenticated.Refusal"/> when nothing that is taken was shown; UNAVAILABLE when the directory does not answer.</summary>
    public ValueTask<Authenticated> AuthenticateAsync(ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var request = http.Request;
        try
        {
            ClientCertificates.Shown? shown = null;
            if (http.Connection.ClientCertificate is { } certificate && (shown = _parts.Certificates.Find(certificate)) is null) throw new TokenRefusedException(CredentialFault.Certificate);
            if (request.Headers.Authorization.Count > 0) return OfToken(request, shown, context.CancellationToken);
            if (shown is null || request.Headers.ContainsKey(DpopHeader)) throw new TokenRefusedException(CredentialFault.Nothing);
            return new(OfCertificate(shown));
        }
        catch (TokenRefusedException e)
        {
            throw Refused(e);
        }
    }

    /// <summary>
    /// Uses up the token of a call, for what may be asked once with it (elevation, break-glass). False when it was used so before, or issued before this process
    /// began, which does not know what was used then. A certificate proves its key with each connection, and can always be used.
    /// </summary>
    public bool TryUseOnce(Authenticated authenticated) =>
        authenticated.TokenName is not { } name || authenticated.Issued >= _began && _once.TryUse(authenticated.Caller.Id, name, authenticated.Expires);

    private const string DpopHeader = "dpop";

    private Authenticated OfCertificate(ClientCertificates.Shown shown)
    {
        var session = shown.Caller.IsService ? null : shown.SessionIn(_parts.Sessions);
        var isAdministrator = session is not null && _parts.IsAdministrator(shown.Caller);
        if (session?.Use(isAdministrator) == false) throw new TokenRefusedException(CredentialFault.Session);
        var end = session?.End < shown.NotAfter ? session.End : shown.NotAfter;
        return new(shown.Caller, end, _parts.Clock, () => shown.Holds() && session?.Use(isAdministrator) != false) { Unused = () => shown.Holds() && session?.IsOver != true };
    }

    private ValueTask<Authenticated> OfToken(HttpRequest request, ClientCertificates.Shown? shown, CancellationToken cancellationToken)
    {
        if (_parts.Tokens is not { } tokens || request.Headers.Authorization is not [{ } header]) throw new TokenRefusedException(CredentialFault.Header);
        var space = header.IndexOf(' ', StringComparison.Ordinal);
        var isProven = header.AsSpan(0, Math.Max(space, 0)).Equals("DPoP", StringComparison.OrdinalIgnoreCase);
        if (!isProven && !header.AsSpan(0, Math.Max(space, 0)).Equals("Bearer", StringComparison.OrdinalIgnoreCase)) throw new TokenRefusedException(CredentialFault.Scheme);
        var text = header[(space + 1)..];
        if (text.Length > SignedToken.MaxLength) throw new TokenRefusedException(CredentialFault.Size);
        var digest = TokenDigest.Of(text);
        if (tokens.Recall(digest) is { } token) return new(Take(token, digest, request, shown, isProven));
        return ReadAsync();

        async ValueTask<Authenticated> ReadAsync()
        {
            try
            {
                return Take(await tokens.ReadAsync(text, digest, cancellationToken).ConfigureAwait(false), digest, request, shown, isProven);
            }
            catch (TokenRefusedException e)
            {
                throw Refused(e);
            }
            catch (DirectoryUnavailableException)
            {
                _parts.Refused?.Invoke(CredentialFault.DirectoryUnavailable);
                throw new RpcException(new(StatusCode.Unavailable, "the directory does not answer"));
            }
        }
    }

    private Authenticated Take(ValidToken token, TokenDigest digest, HttpRequest request, ClientCertificates.Shown? shown, bool isProven)
    {
        if (token.CertificateThumbprint is { } bound && (shown is null || !CryptographicOperations.FixedTimeEquals(bound, shown.Thumbprint))) throw new TokenRefusedException(CredentialFault.OtherCertificate);
        var proofs = request.Headers[DpopHeader];
        if (isProven != token.KeyThumbprint is not null || isProven != proofs.Count > 0) throw new TokenRefusedException(CredentialFault.ProofMissing);
        if (isProven) _proofs.Use(proofs is [{ } proof] ? proof : throw new TokenRefusedException(CredentialFault.ProofMissing), (token.Caller.Id, token.KeyThumbprint), digest, request.Host.Value ?? "", request.Path.Value ?? "");
        var isAdministrator = token.Session is not null && _parts.IsAdministrator(token.Caller);
        if (!token.Holds(isAdministrator)) throw new TokenRefusedException(CredentialFault.Over);
        var end = token.Session?.End < token.Expires ? token.Session.End : token.Expires;
        return new(token.Caller, end, _parts.Clock, () => token.Holds(isAdministrator) && shown?.Holds() != false) { TokenName = token.Name, Issued = token.Issued, Unused = () => token.HoldsUnused() && shown?.Holds() != false };
    }

    private RpcException Refused(TokenRefusedException e)
    {
        _parts.Refused?.Invoke(e.Fault);
        return Authenticated.Refusal(e.Fault);
    }
}

/// <summary>What an <see cref="Authenticator"/> asks.</summary>
internal sealed record AuthenticatorParts
{
    /// <summary>Client certificates.</summary>
    public required ClientCertificates Certificates { get; init; }

    /// <summary>Access tokens; null when no issuer is configured.</summary>
    public AccessTokens? Tokens { get; init; }

    /// <summary>Sessions of people.</summary>
    public required Sessions Sessions { get; init; }

    /// <summary>Names by which the server is reached.</summary>
    public IReadOnlySet<string> Hosts { get; init; } = new HashSet<string>();

    /// <summary>Whose sessions end sooner when nothing is asked.</summary>
    public Func<Caller, bool> IsAdministrator { get; init; } = caller => Administers(caller.Roles);

    /// <summary>Whether one of the roles is an administrator's.</summary>
    public static bool Administers(IReadOnlySet<Role> roles) => roles.Contains(Role.Operator) || roles.Contains(Role.DataSteward);

    /// <summary>Hears why somebody was refused.</summary>
    public Action<CredentialFault>? Refused { get; init; }

    /// <summary>Tells the time.</summary>
    public required TimeProvider Clock { get; init; }
}
