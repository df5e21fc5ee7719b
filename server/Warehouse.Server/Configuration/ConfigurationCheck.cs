using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;
using Warehouse.Primitives;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Configuration;

/// <summary>
/// Refuses to start a server that would not be safe (C37). Each rule has a code of its own and says what to change. Nothing is opened or made: that is
/// left to what uses it, which checks again.
/// </summary>
internal static partial class ConfigurationCheck
{
    private const string DevelopmentCertificate = "1.3.6.1.4.1.311.84.1.1", AnyPolicy = "2.5.29.32.0";
    private const int MinPasswordLength = 8;

    // Methods and classes that a password, or something that is no secret, reaches by itself (RFC 8176, OpenID Connect Core, SAML).
    private static readonly string[] SingleFactors =
    [
        "", "0", "1", "pwd", "pin", "kba", "geo", "rba", "user", "wia", "https://refeds.org/profile/sfa",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
    ];

    private static readonly string[] SamplePasswords = ["password", "changeme", "changeit", "secret123", "12345678", "admin123", "adminadmin", "administrator"];

    /// <summary>Throws <see cref="InputException"/> for the first thing that is not safe.</summary>
    /// <param name="configuration">What was read.</param>
    /// <param name="store">The store's folder.</param>
    public static void Check(ServerConfiguration configuration, string store)
    {
        var rules = new Rules(configuration);
        rules.Require(!configuration.DebugErrors, "debug-errors", "debugErrors", "errors are never shown to clients: remove it");
        rules.Require(configuration.Audit.Enabled, "audit-disabled", "audit.enabled", "there is no server without an audit log: remove it");
        rules.Require(configuration.Audit.ReviewDays is >= 1 and <= 366, "audit-review-days", "audit.reviewDays", "somebody looks through the audit log every 1 to 366 days");
        rules.Require(WritesOut(Environment.GetEnvironmentVariable) is null, "dumps-on", "", "the environment makes the runtime write out what the process has in its memory: unset DOTNET_DbgEnableMiniDump and DOTNET_EnableEventPipe");
        if (configuration.File.Length > 0) CheckWritable(rules, configuration.File, "");
        CheckFolders(rules, configuration, store);
        CheckListen(rules, configuration);
        CheckSessions(rules, configuration.Sessions);
        CheckClients(rules, configuration.Clients);
        for (var i = 0; i < configuration.Issuers.Count; i++) CheckIssuer(rules, configuration, i);
        if (configuration.Directory is { } directory) CheckDirectory(rules, directory);
        CheckNotify(rules, configuration, store);
        CheckAlerts(rules, configuration.Alerts, store);
        CheckLimits(rules, configuration.Limits);
        var uploads = configuration.Uploads;
        rules.Require(uploads is { GibibytesOfOne: >= 1, KeepFreeGibibytes: >= 0 } && uploads.GibibytesOfAll >= uploads.GibibytesOfOne, "uploads", "uploads", "a sender may send 1 gibibyte or more, all together no less than one of them, and what stays free is not less than nothing");
        if (configuration.RevokedTokens is { } revoked)
        {
            rules.Require(System.IO.File.Exists(configuration.Resolve(revoked)), "revoked-tokens-missing", "revokedTokens", "the file of revoked tokens is not there: make it, empty, or leave the setting out");
            CheckWritable(rules, revoked, "revokedTokens");
        }
        if (configuration.Collector is { } collector) CheckCollector(rules, collector);
    }

    /// <summary>A variable by which the runtime writes dumps or traces of its own to a file, with data of persons and keys in them; null for none.</summary>
    public static string? WritesOut(Func<string, string?> variable) =>
        Array.Find(["DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump", "DOTNET_EnableEventPipe", "COMPlus_EnableEventPipe"], name => variable(name) is { } value && value.Trim() is not ("" or "0"));

    /// <summary>Folder of the server's own keys and certificates.</summary>
    public static string StateFolder(ServerConfiguration configuration, string store) => configuration.State is { } state ? configuration.Resolve(state) : Root(store) + ".server";

    /// <summary>Folder of the audit log.</summary>
    public static string AuditFolder(ServerConfiguration configuration, string store) => configuration.Audit.Folder is { } audit ? configuration.Resolve(audit) : Root(store) + ".audit";

    private static string Root(string store) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(store));

    private static void CheckFolders(Rules rules, ServerConfiguration configuration, string store)
    {
        var root = Root(store);
        string state = StateFolder(configuration, store), audit = AuditFolder(configuration, store);
        rules.Require(!IsWithin(state, root), "state-in-store", "state", "the server's keys do not lie in the store, which is copied and put back");
        rules.Require(!IsWithin(audit, root), "audit-in-store", "audit.folder", "the audit log does not lie in the store, which is copied and put back");
        rules.Require(state != audit, "folder-shared", "audit.folder", "the audit log and the server's keys have a folder each");
        foreach (var (folder, name) in new[] { (state, "state"), (audit, "audit.folder") })
        {
            var facts = Durable.Facts(folder);
            rules.Require(facts is null or { IsFolder: true }, "not-a-folder", name, "it is not a folder");
            rules.Require(facts is null or { IsPrivate: true }, name == "state" ? "state-folder-open" : "audit-folder-open", name, $"the {name} folder is open to others: its mode must be 0700{(facts is { } found ? PrivateFolder.Mending(folder, found) : "")}");
            // The newest folder is made by the start, those above it are not.
            rules.Require(facts is not null || Directory.Exists(Path.GetDirectoryName(folder)), "no-folder", name, "the folder that it would be made in is not there");
        }
    }

    private static void CheckListen(Rules rules, ServerConfiguration configuration)
    {
        var listen = configuration.Listen;
        rules.Require(IPAddress.TryParse(listen.Address, out var address), "listen-address", "listen.address", "it is not an IP address");
        rules.Require(listen.Port is >= 0 and <= 65535, "listen-port", "listen.port", "it is not a port");
        rules.Require(listen.Tls is "1.3" or "1.2" or "off", "tls-version", "listen.tls", "TLS below 1.2 is not spoken: 1.3, 1.2, or off on a loopback address");
        rules.Require(listen.Tls != "off" || IPAddress.IsLoopback(address!), "tls-off", "listen.tls", "without TLS a server listens on a loopback address only");
        rules.Require(listen.Names.All(n => Uri.CheckHostName(n) is not UriHostNameType.Unknown), "listen-names", "listen.names", "a name is a host name or an address");
        if (listen.Certificate is null && listen.Key is null) return;
        rules.Require(listen is { Certificate: not null, Key: not null }, "certificate-pair", "listen", "certificate and key belong together");
        CheckWritable(rules, listen.Certificate!, "listen.certificate");
        using var certificate = LoadPair(rules, configuration.Resolve(listen.Certificate!), configuration.Resolve(listen.Key!));
        CheckCertificate(rules, certificate);
    }

    /// <summary>The configured certificate of the server with its key. Throws <see cref="InputException"/> when they are not such a pair, or open.</summary>
    public static X509Certificate2 LoadPair(string certificateFile, string keyFile) => LoadPair(new(new()), certificateFile, keyFile);

    private static X509Certificate2 LoadPair(Rules rules, string certificateFile, string keyFile)
    {
        PrivateFolder.Check(keyFile, isFolder: false, "key-open", "the key is open to others: its mode must be 0600");
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(System.IO.File.ReadAllText(certificateFile));
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw rules.Broken("certificate-file", "listen.certificate", "it is not a certificate, PEM");
        }
        try
        {
            return X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw rules.Broken("certificate-key", "listen.key", "it is not the key of the certificate");
        }
        finally
        {
            certificate.Dispose();
        }
    }

    private static void CheckCertificate(Rules rules, X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var ec = certificate.GetECDsaPublicKey();
        rules.Require(rsa?.KeySize >= 2048 || ec?.KeySize >= 256, "certificate-weak", "listen.certificate", "its key is too short: RSA from 2048 bits, elliptic curves from 256");
        var isSample = certificate.Extensions.Any(e => e.Oid?.Value == DevelopmentCertificate) || certificate.Subject.Contains("snakeoil", StringComparison.OrdinalIgnoreCase);
        rules.Require(!isSample, "certificate-sample", "listen.certificate", "it is a certificate for development, whose key others may have");
        var purposes = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(e => e.EnhancedKeyUsages.Cast<Oid>()).ToList();
        rules.Require(purposes.Count == 0 || purposes.Any(o => o.Value == CertificateFactory.ServerAuthentication), "certificate-purpose", "listen.certificate", "it is not for a server");
        rules.Require(certificate.NotAfter > TimeProvider.System.GetUtcNow().LocalDateTime, "certificate-over", "listen.certificate", "it has ended");
    }

    private static void CheckSessions(Rules rules, SessionConfiguration sessions)
    {
        var longest = new SessionConfiguration();
        rules.Require(sessions.TokenMinutes >= 1 && sessions.TokenMinutes <= longest.TokenMinutes, "token-life", "sessions.tokenMinutes", "an access token holds for 1 to 15 minutes");
        rules.Require(sessions.IdleMinutes >= 1 && sessions.IdleMinutes <= longest.IdleMinutes, "session-idle", "sessions.idleMinutes", "a session may be idle for 1 to 30 minutes");
        rules.Require(sessions.AdministratorIdleMinutes >= 1 && sessions.AdministratorIdleMinutes <= longest.AdministratorIdleMinutes, "session-idle", "sessions.administratorIdleMinutes", "an administrator's session may be idle for 1 to 15 minutes");
        rules.Require(sessions.Hours >= 1 && sessions.Hours <= longest.Hours, "session-life", "sessions.hours", "a session lasts for 1 to 12 hours");
    }

    private static void CheckClients(Rules rules, ClientConfiguration clients)
    {
        rules.Require(clients.Authorities is null || clients.RevocationLists is not null, "revocation-list-missing", "clients.revocationLists", "without a list of revoked certificates none could be revoked: name its file");
        rules.Require(clients.Authorities is null || System.IO.File.Exists(rules.Configuration.Resolve(clients.RevocationLists!)), "revocation-list-missing", "clients.revocationLists", "the file is not there");
        rules.Require(clients.Authorities is not null || clients.RevocationLists is null, "clients-authorities", "clients.authorities", "a list of revoked certificates needs its authorities");
        if (clients.Authorities is not null) CheckWritable(rules, clients.Authorities, "clients.authorities");
        if (clients.RevocationLists is not null) CheckWritable(rules, clients.RevocationLists, "clients.revocationLists");
        rules.Require(clients.Services.All(IsCertificateId), "clients-services", "clients.services", "an id is cert: and 64 lower-case hexadecimal digits");
        rules.Require(clients.SecondFactor.All(IsCertificateId), "clients-second-factor", "clients.secondFactor", "an id is cert: and 64 lower-case hexadecimal digits");
        rules.Require(!clients.SecondFactor.Intersect(clients.Services, StringComparer.Ordinal).Any(), "clients-second-factor", "clients.secondFactor", "a machine has no second factor: it stands in services too");
        rules.Require(clients.SecondFactorPolicies.All(p => p.Contains('.', StringComparison.Ordinal) && p.AsSpan().IndexOfAnyExcept("0123456789.") < 0 && p != AnyPolicy), "clients-second-factor", "clients.secondFactorPolicies", "a policy is an object identifier, and not that of any policy");
        rules.Require(clients.Authorities is not null || (clients.SecondFactor.Count == 0 && clients.SecondFactorPolicies.Count == 0), "clients-authorities", "clients.authorities", "what counts as a second factor needs its authorities; certificates of the local one are issued with --second-factor");
    }

    private static bool IsCertificateId(string id) => id.Length == 69 && id.StartsWith("cert:", StringComparison.Ordinal) && id.AsSpan(5).IndexOfAnyExcept("0123456789abcdef") < 0;

    private static void CheckIssuer(Rules rules, ServerConfiguration configuration, int index)
    {
        var (issuer, at) = (configuration.Issuers[index], $"issuers[{index}]");
        rules.Require(Uri.TryCreate(issuer.Issuer, UriKind.Absolute, out var uri) && uri is { Query: "", Fragment: "", UserInfo: "" } && !issuer.Issuer.AsSpan().ContainsAny("| \t"), "issuer", $"{at}.issuer", "an issuer is a URL without query and fragment");
        rules.Require(uri!.Scheme == Uri.UriSchemeHttps || issuer.IsTest && uri.Scheme == Uri.UriSchemeHttp, "issuer-http", $"{at}.issuer", "an issuer is reached over https");
        rules.Require(uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback, "issuer-http", $"{at}.issuer", "an issuer of tests speaks http on a loopback address only");
        rules.Require(configuration.Issuers.Take(index).All(i => i.Issuer != issuer.Issuer), "issuer-twice", $"{at}.issuer", "the issuer stands here twice");
        rules.Require(issuer.Audience.Length > 0, "audience", $"{at}.audience", "without an audience tokens for others would be taken");
        rules.Require(issuer.Algorithms.Count > 0, "algorithm", $"{at}.algorithms", "no algorithm is taken");
        foreach (var algorithm in issuer.Algorithms)
        {
            rules.Require(!algorithm.Equals("none", StringComparison.OrdinalIgnoreCase), "algorithm-none", $"{at}.algorithms", "a token without a signature is never taken");
            rules.Require(!algorithm.StartsWith("HS", StringComparison.OrdinalIgnoreCase), "algorithm-secret", $"{at}.algorithms", "a signature by a shared secret is never taken");
            rules.Require(SignatureAlgorithm.Find(algorithm) is not null, "algorithm", $"{at}.algorithms", "this algorithm is not known");
        }
        if (issuer.Login is { } login)
        {
            rules.Require(login.Client.Length > 0, "login-client", $"{at}.login.client", "the name of the command line at the issuer is required");
            rules.Require(issuer.Clients.Count == 0 || issuer.Clients.Contains(login.Client, StringComparer.Ordinal), "login-client", $"{at}.login.client", "tokens of this client are not taken: it stands not in clients");
            rules.Require(!issuer.ServiceClients.Contains(login.Client, StringComparer.Ordinal), "login-client", $"{at}.login.client", "people log in by it: it is no service client");
        }
        rules.Require(!issuer.SecondFactorAcr.Concat(issuer.SecondFactorAmr).Intersect(SingleFactors, StringComparer.OrdinalIgnoreCase).Any(), "second-factor", at, "secondFactorAcr and secondFactorAmr name what a password alone reaches");
        if (issuer.Keys is not null) CheckWritable(rules, issuer.Keys, $"{at}.keys");
        if (issuer.Authorities is not null) CheckAuthorities(rules, issuer.Authorities, $"{at}.authorities");
        rules.Require(issuer.DirectoryClaim is null || configuration.Directory is not null, "directory", $"{at}.directoryClaim", "no directory is configured");
    }

    private static void CheckDirectory(Rules rules, DirectoryConfiguration directory)
    {
        rules.Require(Uri.CheckHostName(directory.Host) is not UriHostNameType.Unknown && directory.Port is > 0 and <= 65535, "directory", "directory.host", "host and port of the directory are required");
        rules.Require(!directory.IsTest || IPAddress.TryParse(directory.Host, out var address) && IPAddress.IsLoopback(address), "directory-clear", "directory.isTest", "a directory is asked in clear text on a loopback address only");
        rules.Require(directory.BindName.Length > 0 && directory.PeopleBase.Length > 0 && directory.GroupsBase.Length > 0, "directory", "directory", "bindName, peopleBase and groupsBase are required");
        rules.Require(directory.Authorities is null || System.IO.Directory.Exists(rules.Configuration.Resolve(directory.Authorities)), "directory-authorities", "directory.authorities", "the folder of its authorities is not there");
        rules.Require(directory.GroupAttribute is not null || directory.Roles.Keys.All(n => DistinguishedName.TryParse(n) is not null), "directory-group", "directory.roles", "a group is named by its distinguished name: set groupAttribute to name it otherwise");
        rules.Require(directory.CacheSeconds is >= 0 and <= 900, "directory-cache", "directory.cacheSeconds", "an answer is used again for at most 900 seconds");
        rules.Require(directory.TimeoutSeconds is >= 1 and <= 30, "directory-timeout", "directory.timeoutSeconds", "an answer is waited for 1 to 30 seconds");
        var file = rules.Configuration.Resolve(directory.PasswordFile);
        PrivateFolder.Check(file, isFolder: false, "key-open", "the password is open to others: its mode must be 0600");
        var password = System.IO.File.ReadAllText(file).TrimEnd('\r', '\n');
        rules.Require(password.Length >= MinPasswordLength && !SamplePasswords.Contains(password, StringComparer.OrdinalIgnoreCase), "password-sample", "directory.passwordFile", "the password is one that anybody tries: choose another");
    }

    private static void CheckNotify(Rules rules, ServerConfiguration configuration, string store)
    {
        if (configuration.Notify.Webhook is { } webhook) CheckWebhook(rules, webhook, "notify.webhook");
        if (configuration.Notify.Mail is { } mail) CheckMail(rules, mail, "notify.mail");
        if (configuration.Notify.Drop is { } drop) CheckDrop(rules, drop, "notify.drop", store);
    }

    private static void CheckAlerts(Rules rules, AlertConfiguration alerts, string store)
    {
        if (alerts.Webhook is { } webhook) CheckWebhook(rules, webhook, "alerts.webhook");
        if (alerts.Mail is { } mail) CheckMail(rules, mail, "alerts.mail");
        rules.Require(alerts.Addresses.Count == 0 || alerts.Mail is not null, "mail", "alerts.addresses", "addresses need a relay: alerts.mail");
        rules.Require(alerts.Addresses.Values.All(IsAddress), "mail", "alerts.addresses", "an id of a caller to one mail address");
        if (alerts.FhirTasks is { } tasks) CheckDrop(rules, tasks, "alerts.fhirTasks", store);
        if (alerts.FhirCommunications is { } communications) CheckDrop(rules, communications, "alerts.fhirCommunications", store);
    }

    private static void CheckWebhook(Rules rules, WebhookConfiguration webhook, string place)
    {
        rules.Require(Uri.TryCreate(webhook.Url, UriKind.Absolute, out var url) && url.UserInfo.Length == 0, "webhook", place + ".url", "an address as https://host/path is required");
        rules.Require(url.Scheme == Uri.UriSchemeHttps || (webhook.IsTest && url.Scheme == Uri.UriSchemeHttp && IsLoopback(url.Host)), "webhook-clear", place + ".url", "a webhook is told by https");
        var file = rules.Configuration.Resolve(webhook.SecretFile);
        PrivateFolder.Check(file, isFolder: false, "key-open", "the secret of the webhook is open to others: its mode must be 0600");
        rules.Require(Clinic.Alerts.SignedPost.IsSecret(System.IO.File.ReadAllBytes(file)), "webhook-secret", place + ".secretFile", $"the secret has at least {Clinic.Alerts.SignedPost.MinSecretBytes} bytes");
        if (webhook.Authorities is { } authorities) CheckAuthorities(rules, authorities, place + ".authorities");
    }

    private static void CheckMail(Rules rules, MailConfiguration mail, string place)
    {
        rules.Require(Uri.CheckHostName(mail.Host) is not UriHostNameType.Unknown && mail.Port is > 0 and <= 65535, "mail", place + ".host", "host and port of the relay are required");
        rules.Require(!mail.IsClear || IsLoopback(mail.Host), "mail-clear", place + ".isClear", "a relay is told in clear text on a loopback address only");
        rules.Require(!mail.IsClear || mail.IsTlsFirst is not true, "mail", place + ".isTlsFirst", "clear text and TLS exclude each other");
        rules.Require(IsAddress(mail.From) && mail.To.Count is > 0 and <= 100 && mail.To.All(IsAddress), "mail", place, "from and to are mail addresses, and somebody is to get it");
        if (mail.Authorities is { } authorities) CheckAuthorities(rules, authorities, place + ".authorities");
        rules.Require((mail.Account is null) == (mail.PasswordFile is null), "mail", place + ".account", "account and passwordFile go together");
        if (mail.PasswordFile is { } password) PrivateFolder.Check(rules.Configuration.Resolve(password), isFolder: false, "key-open", "the password of the mail relay is open to others: its mode must be 0600");
    }

    private static void CheckDrop(Rules rules, string drop, string place, string store)
    {
        var folder = rules.Configuration.Resolve(drop);
        rules.Require(Directory.Exists(folder), "no-folder", place, "the folder is not there");
        rules.Require(!IsWithin(folder, Root(store)), "drop-in-store", place, "what leaves does not lie in the store, which is copied and put back");
    }

    private static bool IsLoopback(string host) => host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static bool IsAddress(string text) => System.Net.Mail.MailAddress.TryCreate(text, out var address) && address.Address == text && text.All(c => c is > ' ' and < '\x7f' and not ('<' or '>'));

    /// <summary>Who may change what the server believes, may let anybody in.</summary>
    private static void CheckWritable(Rules rules, string file, string place)
    {
        var path = rules.Configuration.Resolve(file);
        // A link is looked at where it leads to; its own mode means nothing.
        var facts = Durable.Facts(path) is null ? null : Durable.Facts(System.IO.File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        rules.Require(facts is not { } there || (there.Mode & UnixFileMode.OtherWrite) == 0, "file-open", place, "everybody can change the file: its mode must not let others write");
    }

    private static void CheckAuthorities(Rules rules, string file, string place)
    {
        CheckWritable(rules, file, place);
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(rules.Configuration.Resolve(file));
            rules.Require(authorities.Count > 0, "authorities", place, "the file holds no certificate");
            foreach (var authority in authorities) authority.Dispose();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw rules.Broken("authorities", place, "it is not a file of certificates, PEM");
        }
    }

    private static void CheckCollector(Rules rules, CollectorConfiguration collector)
    {
        rules.Require(Uri.TryCreate(collector.Address, UriKind.Absolute, out var address) && address is { Query: "", Fragment: "" } && Telemetry.Collector.IsSafe(address), "collector-clear", "collector.address", "a collector is reached by https, or by http on a loopback address");
        rules.Require(collector.Protocol is "http" or "grpc", "collector-protocol", "collector.protocol", "a collector speaks http or grpc");
        rules.Require(collector.IntervalSeconds is >= 1 and <= 3600, "collector-interval", "collector.intervalSeconds", "figures are sent every 1 to 3600 seconds");
        rules.Require(collector.TracedPart is >= 0 and <= 1, "collector-part", "collector.tracedPart", "the part of the calls that is traced is 0 to 1");
    }

    private static bool IsWithin(string path, string root) => path == root || path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private sealed record Rules(ServerConfiguration Configuration)
    {
        public void Require([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool isKept, string code, string place, string expected)
        {
            if (!isKept) throw Broken(code, place, expected);
        }

        public InputException Broken(string code, string place, string expected) => new(code, expected, new(Configuration.File.Length > 0 ? Configuration.File : "configuration", 0, 0, place));
    }
}
