using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Identity;

/// <summary>
/// What the server is known by, and the authority that makes its clients known: a folder of its own, <c>STORE.server</c> unless configured.
/// The first start makes all of it, so that a server with nothing configured speaks TLS and answers its administrator alone.
/// <code>
/// authority.pem      certificate and key of the local authority
/// authority.crt      the certificate alone: what a client has to trust
/// server.pem         certificate and key of the server, renewed 30 days before it ends
/// administrator.pem  certificate and key of whoever started the server first, and the authority's certificate; it ends, unless somebody renews it
/// clients.json       every client certificate issued; written last: without it, the next start is a first start
/// revoked.crl        list of the revoked ones, signed anew each day
/// </code>
/// A failure leaves each file old or new. Any thread; several processes may share the folder.
/// </summary>
internal sealed class ServerIdentity : IDisposable
{
    public const string AuthorityFile = "authority.crt", AdministratorFile = "administrator.pem", RevokedFile = "revoked.crl";
    private const string AuthorityKeyFile = "authority.pem", ServerFile = "server.pem", ClientsFile = "clients.json";

    private const int MaxNameLength = 64, MaxDays = 825;

    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650), ServerLife = TimeSpan.FromDays(90), RenewBefore = TimeSpan.FromDays(30);
    private static readonly TimeSpan AdministratorLife = TimeSpan.FromDays(90), ListLife = TimeSpan.FromDays(7), ListRenewal = TimeSpan.FromDays(1);

    private readonly PrivateFolder _folder;
    private readonly IReadOnlyList<string> _names;
    private readonly TimeProvider _clock;
    private readonly X509Certificate2 _authority;
    private volatile X509Certificate2? _server;

    private ServerIdentity(PrivateFolder folder, IEnumerable<string> names, TimeProvider clock, X509Certificate2 authority)
    {
        (_folder, _clock, _authority) = (folder, clock, authority);
        _names = [.. names.Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>Where it lies.</summary>
    public string Folder => _folder.Path;

    /// <summary>True when this start made the authority's first client certificate.</summary>
    public bool IsFirstStart { get; private set; }

    /// <summary>Host names and addresses that the server's certificate names.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Stands around each change of client certificates: it says what changes before that holds, and what it throws prevents it; null = nobody is told.</summary>
    public Action<CertificateChange, IReadOnlyList<IssuedCertificate>, Action>? Changes { get; init; }

    /// <summary>When the certificate in <see cref="AdministratorFile"/> ends; null when there is none, or another one.</summary>
    public DateTimeOffset? AdministratorEnd
    {
        get
        {
            if (!_folder.Has(AdministratorFile) || Issued is not [{ Revoked: null } first, ..]) return null;
            using var administrator = Load(_folder, AdministratorFile);
            return CertificateFactory.IdOf(administrator) == first.Id ? administrator.NotAfter.ToUniversalTime() : null;
        }
    }

    /// <summary>The local authority, with its key.</summary>
    public X509Certificate2 Authority => _authority;

    /// <summary>The server's certificate with its key; another one after <see cref="RenewWhenDue"/>.</summary>
    public X509Certificate2 ServerCertificate => _server!;

    /// <summary>Every client certificate that was issued, oldest first.</summary>
    public IReadOnlyList<IssuedCertificate> Issued => IssuedCertificate.ReadAll(_folder, ClientsFile);

    /// <summary>Whoever has a certificate of the local authority that holds, with what it states.</summary>
    public IEnumerable<Caller> CallersIssued() => Issued.Where(i => i.Revoked is null && i.NotAfter > _clock.GetUtcNow())
        .Select(i => new Caller { Id = i.Id, Roles = i.Roles.ToHashSet(), HasSecondFactor = i.HasSecondFactor, IsService = i.IsService });

    /// <summary>Id of the caller who started the server first.</summary>
    public string AdministratorId => Issued[0].Id;

    /// <summary>Opens the folder, and makes what is missing in it.</summary>
    /// <param name="path">The folder; what is above it must be there.</param>
    /// <param name="names">Host names and addresses of the server beside those of this machine.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="changes">See <see cref="Changes"/>: for the first certificate.</param>
    /// <exception cref="InputException">The folder or a file in it is open to others, or not understood.</exception>
    public static ServerIdentity Open(string path, IEnumerable<string> names, TimeProvider clock, Action<CertificateChange, IReadOnlyList<IssuedCertificate>, Action>? changes = null)
    {
        var folder = PrivateFolder.Open(path);
        using var held = folder.Lock();
        return Open(folder, names, clock, (IsFirst: !folder.Has(ClientsFile), changes));
    }

    /// <summary>Opens the folder of a server that has started before, perhaps runs; its own certificate is left alone. For changes of its clients.</summary>
    public static ServerIdentity OpenExisting(string path, TimeProvider clock, Action<CertificateChange, IReadOnlyList<IssuedCertificate>, Action>? changes = null)
    {
        var folder = PrivateFolder.Open(path);
        if (!folder.Has(ClientsFile)) throw new InputException("state-folder", "no server has started with this folder yet", new(path, 0, 0, ""));
        return new(folder, [], clock, Load(folder, AuthorityKeyFile)) { Changes = changes };
    }

    private static ServerIdentity Open(PrivateFolder folder, IEnumerable<string> names, TimeProvider clock, (bool IsFirst, Action<CertificateChange, IReadOnlyList<IssuedCertificate>, Action>? Changes) start)
    {
        if (!folder.Has(AuthorityKeyFile))
        {
            if (!start.IsFirst) throw new InputException("authority-missing", "the authority's key is gone: put it back, or remove the folder and issue every certificate anew", new(folder[AuthorityKeyFile], 0, 0, ""));
            using var made = CertificateFactory.NewAuthority($"Variant Warehouse {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}", clock.GetUtcNow(), AuthorityLife);
            folder.Write(AuthorityKeyFile, Encoding.ASCII.GetBytes(PemWithKey(made)));
        }
        var identity = new ServerIdentity(folder, ["localhost", .. HostNames(), .. names, "127.0.0.1", "::1"], clock, Load(folder, AuthorityKeyFile)) { Changes = start.Changes };
        try
        {
            if (!folder.Has(AuthorityFile)) folder.Write(AuthorityFile, Encoding.ASCII.GetBytes(identity._authority.ExportCertificatePem()));
            if (folder.Has(ServerFile)) identity._server = Load(folder, ServerFile);
            if (start.IsFirst) identity.MakeAdministrator();
            else _ = identity.Issued; // a list that others can read, or that is not understood, is known before anybody calls
            identity.RenewHeld();
            return identity;
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Renews what ends soon: the server's certificate, and the list of revoked certificates. To be called each hour. Nobody's client certificate is renewed
    /// without somebody who wants it (C18).
    /// </summary>
    /// <returns>True when the server has another certificate now.</returns>
    public bool RenewWhenDue()
    {
        using var held = _folder.Lock();
        return RenewHeld();
    }

    /// <summary>Issues a client certificate with a new key.</summary>
    /// <param name="name">What people call it.</param>
    /// <param name="days">How long it holds.</param>
    /// <param name="isService">A machine's.</param>
    /// <param name="roles">Roles of its owner.</param>
    /// <param name="hasSecondFactor">It counts as a second factor (C16): a person's alone.</param>
    /// <returns>PEM of the certificate, its key, and the authority's certificate; and its entry in the list.</returns>
    public (string Pem, IssuedCertificate Issued) Issue(string name, int days, bool isService = false, IReadOnlyList<Role>? roles = null, bool hasSecondFactor = false)
    {
        CheckName(name);
        if (hasSecondFactor && (isService || roles?.Contains(Role.Spoke) == true)) throw new InputException("second-factor", "a machine has no second factor: a person's certificate alone counts as one", InputPlace.None);
        if (days is < 1 or > MaxDays) throw new InputException("certificate-days", $"a certificate holds for 1 to {MaxDays} days", InputPlace.None);
        using var held = _folder.Lock();
        if (Issued.Any(i => i.Name == name && i.Revoked is null && i.NotAfter > _clock.GetUtcNow()))
            throw new InputException("certificate-name", "this name has a certificate that holds; revoke it, or choose another name", InputPlace.None);
        using var key = CertificateFactory.NewKey();
        var (pem, issued) = Sign(name, key, TimeSpan.FromDays(days));
        issued = issued with { IsService = isService, HasSecondFactor = hasSecondFactor, Roles = roles ?? [] };
        Change(CertificateChange.Issue, [issued], () => IssuedCertificate.WriteAll(_folder, ClientsFile, [.. Issued, issued]));
        return (pem, issued);
    }

    /// <summary>Revokes every certificate of a name, or of a caller's id; running servers refuse them within seconds.</summary>
    /// <returns>How many were revoked now.</returns>
    public int Revoke(string nameOrId)
    {
        using var held = _folder.Lock();
        var all = Issued;
        var now = _clock.GetUtcNow();
        var revoked = all.Where(i => i.Revoked is null && (i.Name == nameOrId || i.Id == nameOrId)).ToHashSet();
        if (revoked.Count == 0) return 0;
        List<IssuedCertificate> after = [.. all.Select(i => revoked.Contains(i) ? i with { Revoked = now } : i)];
        // The list that refuses comes first: whatever fails then, nothing revoked is taken.
        Change(CertificateChange.Revoke, [.. revoked], () =>
        {
            WriteRevoked(after);
            IssuedCertificate.WriteAll(_folder, ClientsFile, after);
        });
        return revoked.Count;
    }

    /// <summary>Makes the administrator's certificate anew, where it lies in the folder still; its key stays, so it names the same caller.</summary>
    /// <returns>Its entry in the list.</returns>
    public IssuedCertificate RenewAdministrator()
    {
        using var held = _folder.Lock();
        var all = Issued;
        if (!_folder.Has(AdministratorFile)) throw new InputException("file-missing", "the administrator's certificate and key do not lie in the folder any more: issue another one", new(_folder[AdministratorFile], 0, 0, ""));
        if (all.Any(i => i.Id == all[0].Id && i.Revoked is not null)) throw new InputException("certificate-revoked", "the administrator's certificate was revoked: issue another one", new(_folder[AdministratorFile], 0, 0, ""));
        using var old = Load(_folder, AdministratorFile);
        if (CertificateFactory.IdOf(old) != all[0].Id) throw new InputException("certificate-file", "the file holds another certificate", new(_folder[AdministratorFile], 0, 0, ""));
        using var key = old.GetECDsaPrivateKey()!;
        var (pem, issued) = Sign(all[0].Name, key, AdministratorLife);
        issued = issued with { IsService = all[0].IsService, HasSecondFactor = all[0].HasSecondFactor, Roles = all[0].Roles };
        Change(CertificateChange.Renew, [issued], () =>
        {
            // Entered first, so that what is issued is always in the list.
            IssuedCertificate.WriteAll(_folder, ClientsFile, [.. all, issued]);
            _folder.Write(AdministratorFile, Encoding.ASCII.GetBytes(pem));
        });
        return issued;
    }

    /// <summary>The two lines that connect the administrator.</summary>
    public IReadOnlyList<string> ConnectLines(Uri server) =>
    [
        $"export WAREHOUSE_SERVER={server.GetLeftPart(UriPartial.Authority)} WAREHOUSE_CREDENTIALS='{Path.GetFullPath(_folder[AdministratorFile])}'",
        "warehouse info --server \"$WAREHOUSE_SERVER\"",
    ];

    /// <inheritdoc/>
    public void Dispose()
    {
        // The server's own stays: connections may still be made with it.
        _authority.Dispose();
    }

    private bool RenewHeld()
    {
        var now = _clock.GetUtcNow();
        if (!_folder.Has(RevokedFile) || RevocationList.ReadFile(_folder[RevokedFile]) is not [var list] || now - list.ThisUpdate > ListRenewal) WriteRevoked(Issued);
        if (_server is { } server && server.NotAfter - now >= RenewBefore && _names.All(n => server.MatchesHostname(n, allowWildcards: false, allowCommonName: false))) return false;
        using var made = CertificateFactory.NewServer(_authority, _names, now, ServerLife);
        _folder.Write(ServerFile, Encoding.ASCII.GetBytes(PemWithKey(made)));
        _server = Load(_folder, ServerFile);
        return true;
    }

    private void MakeAdministrator()
    {
        using var key = CertificateFactory.NewKey();
        var (pem, issued) = Sign("administrator", key, AdministratorLife);
        issued = issued with { HasSecondFactor = true, Roles = [Role.DataSteward, Role.Operator] };
        Change(CertificateChange.Issue, [issued], () =>
        {
            _folder.Write(AdministratorFile, Encoding.ASCII.GetBytes(pem));
            IssuedCertificate.WriteAll(_folder, ClientsFile, [issued]);
        });
        IsFirstStart = true;
    }

    private void Change(CertificateChange change, IReadOnlyList<IssuedCertificate> certificates, Action apply)
    {
        if (Changes is { } around) around(change, certificates, apply);
        else apply();
    }

    private (string Pem, IssuedCertificate Issued) Sign(string name, ECDsa key, TimeSpan life)
    {
        using var certificate = CertificateFactory.NewClient(_authority, name, key, _clock.GetUtcNow(), life);
        using var withKey = certificate.CopyWithPrivateKey(key);
        return ($"{PemWithKey(withKey)}{_authority.ExportCertificatePem()}\n", new(name, CertificateFactory.IdOf(certificate), certificate.SerialNumber, certificate.NotAfter.ToUniversalTime()));
    }

    private void WriteRevoked(IReadOnlyList<IssuedCertificate> all)
    {
        var now = _clock.GetUtcNow();
        var list = new CertificateRevocationListBuilder();
        foreach (var issued in all.Where(i => i.Revoked is not null)) list.AddEntry(Convert.FromHexString(issued.Serial), issued.Revoked);
        var der = list.Build(_authority, now.ToUnixTimeMilliseconds(), now + ListLife, HashAlgorithmName.SHA256, thisUpdate: now);
        _folder.Write(RevokedFile, Encoding.ASCII.GetBytes(PemEncoding.WriteString(RevocationList.PemLabel, der)));
    }

    private static X509Certificate2 Load(PrivateFolder folder, string name)
    {
        try
        {
            var pem = folder.Read(name);
            return X509Certificate2.CreateFromPem(pem, pem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InputException("certificate-file", "the file does not hold a certificate and its key", new(folder[name], 0, 0, ""));
        }
    }

    private static string PemWithKey(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }

    private static void CheckName(string name)
    {
        if (name.Length is 0 or > MaxNameLength || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '@'))
            throw new InputException("certificate-name", $"a name has 1 to {MaxNameLength} letters, digits and .-_@", InputPlace.None);
    }

    private static IEnumerable<string> HostNames()
    {
        var name = Environment.MachineName;
        return Uri.CheckHostName(name) == UriHostNameType.Dns ? [name] : [];
    }
}
