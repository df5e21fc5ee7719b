using Warehouse.Engine.Access;

namespace Warehouse.Server.Identity;

/// <summary>An access token whose signature and claims were found good. Immutable but for its session.</summary>
internal sealed class ValidToken
{
    public required Caller Caller { get; init; }

    /// <summary>Issuer and <c>jti</c>.</summary>
    public required string Name { get; init; }

    public required DateTimeOffset Issued { get; init; }

    public required DateTimeOffset Expires { get; init; }

    /// <summary>SHA-256 of the certificate that has to be the connection's; null when it is not bound to one.</summary>
    public byte[]? CertificateThumbprint { get; init; }

    /// <summary>Thumbprint of the key whose possession each call has to prove; null when it is not bound to one.</summary>
    public byte[]? KeyThumbprint { get; init; }

    /// <summary>True while the key that signed it is one of its issuer's.</summary>
    public required Func<bool> HasKey { get; init; }

    /// <summary>The person's session; null for a machine.</summary>
    public Sessions.Session? Session { get; init; }

    public required RevokedTokens Revoked { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>True while it counts, without a use of its session.</summary>
    public bool HoldsUnused() => Clock.GetUtcNow() < Expires && HasKey() && !Revoked.Has(Name) && Session?.IsOver != true;

    /// <summary>True while it counts; uses its session.</summary>
    public bool Holds(bool isAdministrator) => Clock.GetUtcNow() < Expires && HasKey() && !Revoked.Has(Name) && Session?.Use(isAdministrator) != false;
}
