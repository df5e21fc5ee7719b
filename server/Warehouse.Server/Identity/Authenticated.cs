using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>
/// A call whose caller is known. What was shown can end before the call does: a stream asks <see cref="IsValid"/> at least every
/// <see cref="CheckEvery"/> and ends with <see cref="Refusal"/> when it says no. Any thread.
/// </summary>
internal sealed class Authenticated
{
    /// <summary>How often what was shown is looked at again while it is used.</summary>
    public static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(5);

    private readonly Func<bool> _isValid;
    private readonly TimeProvider _clock;

    public Authenticated(Caller caller, DateTimeOffset expires, TimeProvider clock, Func<bool> isValid) =>
        (Caller, Expires, _clock, _isValid) = (caller, expires, clock, isValid);

    public Caller Caller { get; }

    /// <summary>When what was shown ends, whatever happens before; not a moment later is anything answered.</summary>
    public DateTimeOffset Expires { get; }

    /// <summary>
    /// Name of the token by its issuer, for what may be asked with a token once only (<see cref="Authenticator.TryUseOnce"/>); null for a certificate.
    /// </summary>
    public string? TokenName { get; init; }

    /// <summary>When that token was issued.</summary>
    public DateTimeOffset Issued { get; init; }

    /// <summary>The same as the session sees it without being used; null where there is no session.</summary>
    public Func<bool>? Unused { get; init; }

    /// <summary>The one answer to whoever shows nothing or something that is not taken: it says nothing of the reason.</summary>
    /// <param name="fault">Why, for the operator.</param>
    public static RpcException Refusal(CredentialFault fault = CredentialFault.Over) => new CredentialRefusal(fault);

    /// <summary>True while what was shown still holds: neither over nor revoked, and the session within its limits. Counts as a use of the session.</summary>
    public bool IsValid() => _clock.GetUtcNow() < Expires && _isValid();

    /// <summary>The same for a call that only waits: it is no use of the session, which ends when nothing else is asked for long enough.</summary>
    public bool HoldsStill() => _clock.GetUtcNow() < Expires && (Unused ?? _isValid)();
}

/// <summary>A credential that is not taken: to its client one constant text, to the operator why.</summary>
internal sealed class CredentialRefusal(CredentialFault fault) : RpcException(new Status(StatusCode.Unauthenticated, Authenticator.RefusalText))
{
    /// <summary>Why.</summary>
    public CredentialFault Fault => fault;
}
