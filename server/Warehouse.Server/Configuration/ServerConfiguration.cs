using System.Text.Json;
using System.Text.Json.Serialization;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Linkage;

namespace Warehouse.Server.Configuration;

/// <summary>
/// The configuration file of a server: JSON, comments allowed, a member that is not known or stands twice refused with its place. Every member may be
/// missing; what is missing is safe. Paths are relative to the file. Secrets are files of their own, mode 0600. What is not safe,
/// <see cref="ConfigurationCheck"/> refuses.
/// </summary>
internal sealed record ServerConfiguration
{
    private const int MaxBytes = 1 << 20, MaxDepth = 16;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        MaxDepth = MaxDepth,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Where the file lies; the current folder for the configuration of nothing.</summary>
    [JsonIgnore]
    public string File { get; private init; } = "";

    /// <summary>Where and how the server listens.</summary>
    public ListenConfiguration Listen { get; init; } = new();

    /// <summary>Folder of the server's own keys and certificates; null is <c>STORE.server</c> beside the store.</summary>
    public string? State { get; init; }

    /// <summary>The audit log.</summary>
    public AuditConfiguration Audit { get; init; } = new();

    /// <summary>Tells clients why something failed inside. There is no such switch: it is known so that it is refused with a reason.</summary>
    public bool DebugErrors { get; init; }

    /// <summary>How long a session may last.</summary>
    public SessionConfiguration Sessions { get; init; } = new();

    /// <summary>Client certificates beside those of the local authority.</summary>
    public ClientConfiguration Clients { get; init; } = new();

    /// <summary>Whose access tokens are taken; none by default.</summary>
    public IReadOnlyList<IssuerConfiguration> Issuers { get; init; } = [];

    /// <summary>File of revoked tokens: a line each, issuer, space, <c>jti</c>; read again every few seconds. It has to be there, empty or not.</summary>
    public string? RevokedTokens { get; init; }

    /// <summary>The directory that knows the groups of people; null for none.</summary>
    public DirectoryConfiguration? Directory { get; init; }

    /// <summary>Where notes go: somebody who reviews is paged when a glass is broken.</summary>
    public NotifyConfiguration Notify { get; init; } = new();

    /// <summary>The vault that tells whom samples are of. A server that shall not tell gets no keys of it.</summary>
    public LinkageConfiguration Linkage { get; init; } = new();

    /// <summary>Where the vault lies.</summary>
    [JsonIgnore]
    internal VaultPlaces VaultPlaces => new(Linkage.Vault is { } vault ? Resolve(vault) : null, Linkage.Keys is { } keys ? Resolve(keys) : null);

    /// <summary>Where messages about alerts go, beside the inbox.</summary>
    public AlertConfiguration Alerts { get; init; } = new();

    /// <summary>How much may be received at a time.</summary>
    public UploadConfiguration Uploads { get; init; } = new();

    /// <summary>How much may be asked at a time and in a time.</summary>
    public LimitConfiguration Limits { get; init; } = new();

    /// <summary>Where figures and traces are sent; null for nowhere.</summary>
    public CollectorConfiguration? Collector { get; init; }

    /// <summary>Reads a file. Throws <see cref="InputException"/> with the place of what is not understood.</summary>
    public static ServerConfiguration Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes) throw new InputException("configuration-size", $"the file has more than {MaxBytes} bytes", new(path, 0, 0, ""));
            var read = JsonSerializer.Deserialize<ServerConfiguration>(System.IO.File.ReadAllBytes(path), Json) ?? throw new InputException("configuration", "the file says null", new(path, 1, 0, ""));
            return read with { File = Path.GetFullPath(path) };
        }
        catch (JsonException e)
        {
            throw new InputException("configuration", "no such setting, one that stands twice, or not what it takes", new(path, (e.LineNumber ?? 0) + 1, 0, e.Path is ['$', '.', ..] place ? place[2..] : e.Path ?? ""));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException("configuration", "the file cannot be read", new(path, 0, 0, ""));
        }
    }

    /// <summary>A path of the file, as the process sees it.</summary>
    public string Resolve(string path) => Path.GetFullPath(path, File.Length == 0 ? Environment.CurrentDirectory : Path.GetDirectoryName(File)!);
}

/// <summary>Where and how the server listens.</summary>
internal sealed record ListenConfiguration
{
    /// <summary>IP address.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>Port; 0 is any free one.</summary>
    public int Port { get; init; } = 7443;

    /// <summary>Host names and addresses by which clients reach the server, beside those of this machine: its certificate names them, and proofs of possession must.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Lowest version of TLS: <c>1.3</c>, <c>1.2</c>, or <c>off</c> for clear text on a loopback address.</summary>
    public string Tls { get; init; } = "1.3";

    /// <summary>Certificate of the server and what stands between it and an authority, PEM; null makes one of the local authority.</summary>
    public string? Certificate { get; init; }

    /// <summary>Its key, PEM, mode 0600.</summary>
    public string? Key { get; init; }
}

/// <summary>The audit log.</summary>
internal sealed record AuditConfiguration
{
    /// <summary>There is no server without one: known so that it is refused with a reason.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Its folder; null is <c>STORE.audit</c> beside the store.</summary>
    public string? Folder { get; init; }

    /// <summary>Days after which the log is to be looked through and signed off again (<c>audit review --sign-off</c>): then <c>/readyz</c> says <c>ReviewOverdue</c>.</summary>
    public int ReviewDays { get; init; } = 30;
}

/// <summary>How long what was shown counts. The values are the longest ones allowed.</summary>
internal sealed record SessionConfiguration
{
    /// <summary>Minutes for which an access token may be issued.</summary>
    public int TokenMinutes { get; init; } = 15;

    /// <summary>Minutes without a call after which a person has to log in again.</summary>
    public int IdleMinutes { get; init; } = 30;

    /// <summary>The same for whoever administers.</summary>
    public int AdministratorIdleMinutes { get; init; } = 15;

    /// <summary>Hours after which a person has to log in again.</summary>
    public int Hours { get; init; } = 12;
}

/// <summary>How much may be received at a time: what is announced counts from then on, until it is in the store or given up. A gibibyte is 1,073,741,824 bytes.</summary>
internal sealed record UploadConfiguration
{
    /// <summary>Gibibytes of all batches of one sender.</summary>
    public int GibibytesOfOne { get; init; } = 1024;

    /// <summary>Gibibytes of all batches.</summary>
    public int GibibytesOfAll { get; init; } = 4096;

    /// <summary>Gibibytes that stay free on the disk.</summary>
    public int KeepFreeGibibytes { get; init; } = 1;
}

/// <summary>Client certificates beside those of the local authority.</summary>
internal sealed record ClientConfiguration
{
    /// <summary>Authorities, PEM.</summary>
    public string? Authorities { get; init; }

    /// <summary>What they have revoked, PEM or DER; required with <see cref="Authorities"/>, and never older than seven days.</summary>
    public string? RevocationLists { get; init; }

    /// <summary>Ids of callers that are machines: <c>cert:</c> and the SHA-256 of the key.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>Ids of people whose certificate of these authorities counts as a second factor, since its key lies on hardware that they unlock.</summary>
    public IReadOnlyList<string> SecondFactor { get; init; } = [];

    /// <summary>Policies (object identifiers) under which these authorities issue such certificates: whoever shows one of them has shown a second factor.</summary>
    public IReadOnlyList<string> SecondFactorPolicies { get; init; } = [];
}

/// <summary>An identity provider whose access tokens are taken (RFC 9068).</summary>
internal sealed record IssuerConfiguration
{
    /// <summary>Its name, as its tokens spell it; also where it is found.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>What its tokens have to be meant for.</summary>
    public string Audience { get; init; } = "";

    /// <summary>Algorithms of signatures that are taken: RS, PS and ES, each with 256, 384 or 512.</summary>
    public IReadOnlyList<string> Algorithms { get; init; } = ["ES256", "RS256"];

    /// <summary>Its keys (JWKS) as a file, where it is not asked for them; read again when it changes.</summary>
    public string? Keys { get; init; }

    /// <summary>Authorities of its own certificate, PEM; null for those of the system.</summary>
    public string? Authorities { get; init; }

    /// <summary>It may speak clear text on a loopback address: for tests.</summary>
    public bool IsTest { get; init; }

    /// <summary>Clients whose tokens are taken; empty for all.</summary>
    public IReadOnlyList<string> Clients { get; init; } = [];

    /// <summary>Clients that machines use, and no person.</summary>
    public IReadOnlyList<string> ServiceClients { get; init; } = [];

    /// <summary>Its tokens must be bound to a certificate or to a key (RFC 8705, RFC 9449).</summary>
    public bool RequireBinding { get; init; }

    /// <summary>How people log in by the command line; null where they do not. Told to whoever asks.</summary>
    public LoginConfiguration? Login { get; init; }

    /// <summary>Claim that states roles: a list of texts, or one.</summary>
    public string RolesClaim { get; init; } = "roles";

    /// <summary>Claim that states groups.</summary>
    public string GroupsClaim { get; init; } = "groups";

    /// <summary>What it calls a role, in either claim, to the role. What is not here is no role.</summary>
    public IReadOnlyDictionary<string, Role> Roles { get; init; } = new Dictionary<string, Role>();

    /// <summary>Name of an attribute to the claim that states it.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>Values of <c>acr</c> that mean a second factor.</summary>
    public IReadOnlyList<string> SecondFactorAcr { get; init; } = [];

    /// <summary>Values of <c>amr</c> of which one means a second factor.</summary>
    public IReadOnlyList<string> SecondFactorAmr { get; init; } = [];

    /// <summary>Claim by which the directory finds a person; null when it is not asked for this issuer.</summary>
    public string? DirectoryClaim { get; init; }
}

/// <summary>How people log in by a program without a browser (device flow, RFC 8628).</summary>
internal sealed record LoginConfiguration
{
    /// <summary>Name of the program at the issuer (<c>client_id</c>); it has no secret.</summary>
    public string Client { get; init; } = "";

    /// <summary>Scopes that it asks for, by spaces.</summary>
    public string Scope { get; init; } = "openid";
}

/// <summary>A collector of figures and traces (OpenTelemetry, OTLP). It learns nothing that the operator's pages do not show, and of calls their times.</summary>
internal sealed record CollectorConfiguration
{
    /// <summary>Its address: https, or http on a loopback address.</summary>
    public string Address { get; init; } = "";

    /// <summary><c>http</c> (at <c>v1/metrics</c> and <c>v1/traces</c> below the address) or <c>grpc</c>.</summary>
    public string Protocol { get; init; } = "http";

    /// <summary>Seconds between two sendings of figures.</summary>
    public int IntervalSeconds { get; init; } = 30;

    /// <summary>Part of the calls whose traces are sent, 0 to 1.</summary>
    public double TracedPart { get; init; } = 0.01;
}

/// <summary>A directory (LDAP over TLS) that knows the groups of people.</summary>
internal sealed record DirectoryConfiguration
{
    /// <summary>Host.</summary>
    public string Host { get; init; } = "";

    /// <summary>Port.</summary>
    public int Port { get; init; } = 636;

    /// <summary>Folder of the authorities of its certificate, one a file, named by hash (<c>openssl rehash</c>); null for those of the system.</summary>
    public string? Authorities { get; init; }

    /// <summary>It may be asked in clear text on a loopback address: for tests.</summary>
    public bool IsTest { get; init; }

    /// <summary>Distinguished name by which the server logs in.</summary>
    public string BindName { get; init; } = "";

    /// <summary>File of its password, mode 0600.</summary>
    public string PasswordFile { get; init; } = "";

    /// <summary>Below which entry people are searched.</summary>
    public string PeopleBase { get; init; } = "";

    /// <summary>Attribute of people that the claim is compared with; null when the claim is a distinguished name.</summary>
    public string? PeopleAttribute { get; init; } = "uid";

    /// <summary>Below which entry groups are searched.</summary>
    public string GroupsBase { get; init; } = "";

    /// <summary>Attribute of groups that names their members.</summary>
    public string MemberAttribute { get; init; } = "member";

    /// <summary>
    /// Attribute of groups that is their name here; null names them by their distinguished names, in lower case and without spaces around commas and equals
    /// signs. Who may make a group anywhere below <see cref="GroupsBase"/> may call it as another one is called: name one (<c>cn</c>) only where nobody else may.
    /// </summary>
    public string? GroupAttribute { get; init; }

    /// <summary>The directory finds the groups of groups itself (Active Directory); otherwise they are asked for, level by level.</summary>
    public bool IsActiveDirectory { get; init; }

    /// <summary>Name of a group to the role of its members; distinguished names are compared as such.</summary>
    public IReadOnlyDictionary<string, Role> Roles { get; init; } = new Dictionary<string, Role>();

    /// <summary>Seconds for which an answer is used again.</summary>
    public int CacheSeconds { get; init; } = 300;

    /// <summary>Seconds in which an answer has to come.</summary>
    public int TimeoutSeconds { get; init; } = 5;
}

/// <summary>The vault that tells whom samples are of.</summary>
internal sealed record LinkageConfiguration
{
    /// <summary>Its folder; null is <c>STORE.linkage</c>. Where none is, nobody is told.</summary>
    public string? Vault { get; init; }

    /// <summary>Folder of its keys; null is the folder of the vault with <c>.keys</c> behind it.</summary>
    public string? Keys { get; init; }
}

/// <summary>Where notes go. Each goes every way that is configured; with none, notes wait and the operator's page says so. Notes have no data of persons.</summary>
internal sealed record NotifyConfiguration
{
    /// <summary>A program that is told by HTTPS.</summary>
    public WebhookConfiguration? Webhook { get; init; }

    /// <summary>People who are told by mail.</summary>
    public MailConfiguration? Mail { get; init; }

    /// <summary>A folder into which each note is put as a file.</summary>
    public string? Drop { get; init; }
}

/// <summary>
/// Where messages about alerts go, beside the inbox of each recipient. Each goes every way that is configured, and is tried again until it was taken; with none, who does not
/// look into his inbox hears nothing. Messages have an id that means nothing, the id of the recipient, a grade and a number.
/// </summary>
internal sealed record AlertConfiguration
{
    /// <summary>A program that is told by HTTPS.</summary>
    public WebhookConfiguration? Webhook { get; init; }

    /// <summary>A mail relay; its receivers get what is for recipients who have no address of their own.</summary>
    public MailConfiguration? Mail { get; init; }

    /// <summary>Mail addresses of recipients, by their ids as callers.</summary>
    public IReadOnlyDictionary<string, string> Addresses { get; init; } = new Dictionary<string, string>();

    /// <summary>A folder into which each message is put as a FHIR Task.</summary>
    public string? FhirTasks { get; init; }

    /// <summary>A folder into which each message is put as a FHIR Communication.</summary>
    public string? FhirCommunications { get; init; }
}

/// <summary>A program that is told by HTTPS; what it gets is signed.</summary>
internal sealed record WebhookConfiguration
{
    /// <summary>Address: https, or http on a loopback address where <see cref="IsTest"/> says so.</summary>
    public string Url { get; init; } = "";

    /// <summary>File of the secret that both know, mode 0600, 32 bytes or more, without the line end behind them.</summary>
    public string SecretFile { get; init; } = "";

    /// <summary>Authorities of its certificate, PEM; null for those of the system.</summary>
    public string? Authorities { get; init; }

    /// <summary>It may be told in clear text on a loopback address.</summary>
    public bool IsTest { get; init; }
}

/// <summary>A mail relay, and to whom it delivers.</summary>
internal sealed record MailConfiguration
{
    /// <summary>Host.</summary>
    public string Host { get; init; } = "";

    /// <summary>Port.</summary>
    public int Port { get; init; } = 587;

    /// <summary>Without TLS: to a loopback address alone.</summary>
    public bool IsClear { get; init; }

    /// <summary>TLS from the first byte; false: by STARTTLS, without which nothing is told; null: the former on port 465, the latter on others.</summary>
    public bool? IsTlsFirst { get; init; }

    /// <summary>Authorities of its certificate, PEM; null for those of the system.</summary>
    public string? Authorities { get; init; }

    /// <summary>Account at the relay; null for none.</summary>
    public string? Account { get; init; }

    /// <summary>File of its password, mode 0600.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Sender.</summary>
    public string From { get; init; } = "";

    /// <summary>Receivers.</summary>
    public IReadOnlyList<string> To { get; init; } = [];
}
