using System.Formats.Asn1;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Identity;

/// <summary>
/// Who a client certificate names. It is checked when the connection is made, and again when it is used and the last look is
/// <see cref="Authenticated.CheckEvery"/> old; in between, a look-up by the connection's certificate answers. Any thread.
/// </summary>
/// <param name="trusts">Whose certificates are taken.</param>
/// <param name="rules">Whose are machines', and which of other authorities count as a second factor.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class ClientCertificates(IReadOnlyList<CertificateTrust> trusts, ClientConfiguration rules, TimeProvider clock)
{
    private const string PoliciesExtension = "2.5.29.32";

    private readonly HashSet<string> _services = new(rules.Services, StringComparer.Ordinal), _secondFactor = new(rules.SecondFactor, StringComparer.Ordinal);
    private readonly TimeProvider _clock = clock;

    /// <summary>Kestrel gives each connection one object for its certificate, which lives as long as the connection.</summary>
    private readonly ConditionalWeakTable<X509Certificate2, Shown> _shown = [];

    /// <summary>A list of revoked certificates is too old.</summary>
    public bool IsStale => trusts.Any(t => t.IsStale);

    /// <summary>Decides a TLS handshake.</summary>
    public bool IsTaken(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors) => Check(certificate) is not null;

    /// <summary>What the certificate of a connection names; null when it is not, or no longer, taken.</summary>
    public Shown? Find(X509Certificate2 certificate)
    {
        if (!_shown.TryGetValue(certificate, out var shown))
        {
            if (Check(certificate) is not { } caller) return null;
            shown = _shown.GetValue(certificate, c => new Shown(c, caller, this));
        }
        return shown.Holds() ? shown : null;
    }

    private Caller? Check(X509Certificate2 certificate)
    {
        foreach (var trust in trusts)
        {
            if (!trust.Takes(certificate, out var issued)) continue;
            var id = CertificateFactory.IdOf(certificate);
            var isService = issued?.IsService == true || _services.Contains(id);
            // C16: a key in a file is one factor. That there is a second one, whoever issued the certificate says, or whoever configured its authority.
            var hasSecond = !isService && (issued?.HasSecondFactor ?? (_secondFactor.Contains(id) || PoliciesOf(certificate).Intersect(rules.SecondFactorPolicies, StringComparer.Ordinal).Any()));
            return new() { Id = id, Roles = new HashSet<Role>(issued?.Roles ?? []), HasSecondFactor = hasSecond, IsService = isService };
        }
        return null;
    }

    /// <summary>Policies under which an authority has issued a certificate (RFC 5280, 4.2.1.4); none when they are not understood.</summary>
    private static List<string> PoliciesOf(X509Certificate2 certificate)
    {
        var policies = new List<string>();
        if (certificate.Extensions[PoliciesExtension] is not { } extension) return policies;
        try
        {
            var all = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (all.HasData) policies.Add(all.ReadSequence().ReadObjectIdentifier());
            return policies;
        }
        catch (AsnContentException)
        {
            return [];
        }
    }

    /// <summary>The certificate of one connection, found good.</summary>
    internal sealed class Shown
    {
        private readonly ClientCertificates _owner;
        private readonly X509Certificate2 _certificate;
        private long _checkedAt;
        private volatile bool _isRefused;
        private Sessions.Session? _session;

        public Shown(X509Certificate2 certificate, Caller caller, ClientCertificates owner)
        {
            (_certificate, Caller, _owner) = (certificate, caller, owner);
            (NotAfter, Since) = (certificate.NotAfter.ToUniversalTime(), owner._clock.GetUtcNow());
            _checkedAt = owner._clock.GetTimestamp();
            Thumbprint = certificate.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        }

        public Caller Caller { get; }

        public DateTimeOffset NotAfter { get; }

        /// <summary>When the connection first used it.</summary>
        public DateTimeOffset Since { get; }

        /// <summary>SHA-256 of the certificate: what a token may be bound to.</summary>
        public byte[] Thumbprint { get; }

        /// <summary>The session of whoever shows it on this connection.</summary>
        public Sessions.Session SessionIn(Sessions sessions) => _session ?? Interlocked.CompareExchange(ref _session, sessions.OfConnection(Since), null) ?? _session;

        /// <summary>True while the certificate is taken: not over, and not found revoked by a check of the last seconds.</summary>
        public bool Holds()
        {
            if (_isRefused || _owner._clock.GetUtcNow() > NotAfter) return false;
            var at = Volatile.Read(ref _checkedAt);
            if (_owner._clock.GetElapsedTime(at) < Authenticated.CheckEvery) return true;
            // One of the calls that find it due checks; the others go by the last look.
            if (Interlocked.CompareExchange(ref _checkedAt, _owner._clock.GetTimestamp(), at) != at) return true;
            if (_owner.Check(_certificate) is null) _isRefused = true;
            return !_isRefused;
        }
    }
}
