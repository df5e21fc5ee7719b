using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>What <see cref="CallerChecks"/> asks of the rest of the server, and tells it.</summary>
internal sealed record CallerHooks
{
    /// <summary>The roles that a caller has, of his credential and of the policy; null = those of his credential.</summary>
    public Func<Caller, IReadOnlySet<Role>>? RolesOf { get; init; }

    /// <summary>Hears why somebody was refused.</summary>
    public Action<CredentialFault>? Refused { get; init; }

    /// <summary>Hears how many keys of an issuer were fetched, or why none were.</summary>
    public Action<int, Exception?>? IssuerKeys { get; init; }

    /// <summary>Stands around the making of the first certificate: <see cref="ServerIdentity.Changes"/>.</summary>
    public Action<CertificateChange, IReadOnlyList<IssuedCertificate>, Action>? Changes { get; init; }

    /// <summary>Hears once a day in how many days a certificate ends that nobody renews by himself: the administrator's, or else the configured one of the server.</summary>
    public Action<bool, int>? Ends { get; init; }
}

/// <summary>All of who the server is and who may call it, put together as configured. Any thread.</summary>
internal sealed class CallerChecks : IDisposable
{
    private static readonly TimeSpan RenewalEvery = TimeSpan.FromHours(1), EndIsNear = TimeSpan.FromDays(30), TellEvery = TimeSpan.FromDays(1);

    private readonly X509Certificate2? _configured;
    private readonly AccessTokens? _tokens;
    private readonly LdapDirectory? _directory;
    private readonly ITimer _renewing;
    private readonly CallerHooks _hooks;
    private readonly TimeProvider _clock;
    private DateTimeOffset _toldAt;

    private CallerChecks(ServerConfiguration configuration, ServerIdentity identity, TimeProvider clock, CallerHooks hooks)
    {
        (Identity, _hooks, _clock) = (identity, hooks, clock);
        var listen = configuration.Listen;
        if (listen is { Certificate: { } certificate, Key: { } key })
        {
            _configured = ConfigurationCheck.LoadPair(configuration.Resolve(certificate), configuration.Resolve(key));
            ServerChain.ImportFromPemFile(configuration.Resolve(certificate));
        }
        List<CertificateTrust> trusts = [CertificateTrust.Local(identity, clock)];
        var clients = configuration.Clients;
        if (clients.Authorities is { } authorities) trusts.Add(CertificateTrust.Configured(configuration.Resolve(authorities), configuration.Resolve(clients.RevocationLists!), clock));
        Certificates = new(trusts, clients, clock);
        var sessions = new Sessions(configuration.Sessions, clock);
        if (configuration.Directory is not null) _directory = new(configuration, clock);
        if (configuration.Issuers.Count > 0) _tokens = new(configuration, sessions, _directory, clock, hooks.IssuerKeys);
        Authenticator = new(new()
        {
            Certificates = Certificates,
            Tokens = _tokens,
            Sessions = sessions,
            Hosts = identity.Names.ToHashSet(StringComparer.OrdinalIgnoreCase),
            IsAdministrator = caller => AuthenticatorParts.Administers(hooks.RolesOf?.Invoke(caller) ?? caller.Roles),
            Refused = hooks.Refused,
            Clock = clock,
        });
        TellEnds();
        _renewing = clock.CreateTimer(static checks => ((CallerChecks)checks!).Renew(), this, RenewalEvery, RenewalEvery);
    }

    /// <summary>The state folder.</summary>
    public ServerIdentity Identity { get; }

    /// <summary>The certificate that the server shows: the configured one, or else that of the local authority, which is another one after a renewal.</summary>
    public X509Certificate2 ServerCertificate => _configured ?? Identity.ServerCertificate;

    /// <summary>What stands between the configured certificate and its authority; empty for the local one.</summary>
    public X509Certificate2Collection ServerChain { get; } = [];

    /// <summary>Decides handshakes.</summary>
    public ClientCertificates Certificates { get; }

    /// <summary>Decides calls.</summary>
    public Authenticator Authenticator { get; }

    /// <summary>A list of revoked certificates is too old: no certificate of its authority is taken.</summary>
    public bool HasStaleRevocations => Certificates.IsStale;

    /// <summary>The keys of an issuer cannot be had: its tokens are not taken.</summary>
    public bool HasLostKeys => _tokens?.HasLostKeys == true;

    /// <summary>Checks a configuration and opens what it names. Throws <see cref="InputException"/> for what is not safe or not understood.</summary>
    /// <param name="configuration">The configuration; a new one is safe.</param>
    /// <param name="store">The store's folder.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="hooks">What else it asks and tells.</param>
    public static CallerChecks Open(ServerConfiguration configuration, string store, TimeProvider clock, CallerHooks? hooks = null)
    {
        ConfigurationCheck.Check(configuration, store);
        var identity = ServerIdentity.Open(ConfigurationCheck.StateFolder(configuration, store), configuration.Listen.Names, clock, hooks?.Changes);
        try
        {
            return new(configuration, identity, clock, hooks ?? new());
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _renewing.Dispose();
        _tokens?.Dispose();
        _directory?.Dispose();
        Identity.Dispose();
    }

    /// <summary>Renews what is due, and tells what ends. What fails is tried again the next hour; what is never renewed ends, and then nobody is taken.</summary>
    internal void Renew()
    {
        try
        {
            Identity.RenewWhenDue();
            TellEnds();
        }
        catch (Exception e) when (e is IOException or InputException or UnauthorizedAccessException)
        {
            // As the summary says.
        }
    }

    private void TellEnds()
    {
        var now = _clock.GetUtcNow();
        if (now - _toldAt < TellEvery) return;
        _toldAt = now;
        foreach (var (isAdministrator, end) in (IEnumerable<(bool, DateTimeOffset?)>)[(true, Identity.AdministratorEnd), (false, _configured?.NotAfter.ToUniversalTime())])
            if (end is { } at && at - now <= EndIsNear) _hooks.Ends?.Invoke(isAdministrator, (int)Math.Floor((at - now).TotalDays));
    }
}
