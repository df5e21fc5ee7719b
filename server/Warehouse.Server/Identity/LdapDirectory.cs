using System.Collections.Concurrent;
using System.DirectoryServices.Protocols;
using System.Net;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Identity;

/// <summary>What the directory knows of a person.</summary>
/// <param name="Groups">Names of the groups, and of those that these are members of.</param>
/// <param name="Roles">Roles that configured groups mean.</param>
internal sealed record DirectoryAnswer(IReadOnlySet<string> Groups, IReadOnlySet<Role> Roles);

/// <summary>The directory does not answer: nobody can be told apart now.</summary>
internal sealed class DirectoryUnavailableException(Exception inner) : Exception("the directory does not answer", inner);

/// <summary>
/// Groups of people in a directory, by LDAP over TLS. The server searches with an account of its own: the person first, exactly one, then the groups
/// that name the person, then those that name these groups. An answer is used again for some minutes; who has left a group is in it that much longer. Any
/// thread; at most four searches run at a time.
/// </summary>
internal sealed class LdapDirectory : IDisposable
{
    private const int MaxConnections = 4, MaxRemembered = 10_000, MaxGroups = 1_000, MaxLevels = 10, NamesPerSearch = 50, PageEntries = 500;
    private const string InChain = ":1.2.840.113556.1.4.1941:", NotDisabled = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))";

    private readonly DirectoryConfiguration _rules;
    private readonly NetworkCredential _account;
    private readonly Dictionary<string, Role> _roles = new(StringComparer.Ordinal);
    private readonly string? _authorities;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _room = new(MaxConnections);
    private readonly ConcurrentBag<LdapConnection> _idle = [];
    private readonly ConcurrentDictionary<string, (DirectoryAnswer? Answer, DateTimeOffset Until)> _remembered = new(StringComparer.Ordinal);

    public LdapDirectory(ServerConfiguration configuration, TimeProvider clock)
    {
        (_rules, _clock) = (configuration.Directory!, clock);
        foreach (var (group, role) in _rules.Roles)
        {
            var name = _rules.GroupAttribute is null ? DistinguishedName.TryNormalize(group) : group;
            if (name is null || !_roles.TryAdd(name, role)) throw new InputException("directory-group", "a group is named by its distinguished name, and once: set groupAttribute to name it otherwise", InputPlace.None);
        }
        var file = configuration.Resolve(_rules.PasswordFile);
        PrivateFolder.Check(file, isFolder: false, "key-open", "the password is open to others: its mode must be 0600");
        var password = File.ReadAllText(file).TrimEnd('\r', '\n');
        // An empty password logs in as nobody, and some servers call that success (RFC 4513, 5.1.2).
        if (password.Length == 0 || _rules.BindName.Length == 0) throw new InputException("directory-password", "account and password of the directory may not be empty", new(file, 0, 0, ""));
        if (WeakenedBy(Environment.GetEnvironmentVariable, ["/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf", "ldaprc", ..Homes()]) is { } weak) throw new InputException("directory-environment", $"{weak} would weaken the check of the directory's certificate: unset it", InputPlace.None);
        _account = new(_rules.BindName, password);
        _authorities = _rules.Authorities is { } folder ? configuration.Resolve(folder) : null;
    }

    /// <summary>What the directory knows of a person; null when it has not exactly one entry of that name. Throws <see cref="DirectoryUnavailableException"/>.</summary>
    public async ValueTask<DirectoryAnswer?> FindAsync(string person, CancellationToken cancellationToken)
    {
        if (_remembered.TryGetValue(person, out var known) && _clock.GetUtcNow() < known.Until) return known.Answer;
        await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The library waits for its answers, so this does on another thread; its own time-out ends it.
            var answer = await Task.Run(() => Search(person), cancellationToken).ConfigureAwait(false);
            if (_remembered.Count >= MaxRemembered) _remembered.Clear();
            _remembered[person] = (answer, _clock.GetUtcNow().AddSeconds(_rules.CacheSeconds));
            return answer;
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>
    /// What of the environment or the settings of the system's library would let it take another's certificate for the directory's; null for nothing. That
    /// library reads them before it does what it is told, and does not say so.
    /// </summary>
    internal static string? WeakenedBy(Func<string, string?> variable, IEnumerable<string> files)
    {
        foreach (var name in (string[])["LDAPTLS_REQCERT", "LDAPTLS_REQSAN", "LDAPCONF", "LDAPRC"])
            if (variable(name) is not null) return name;
        foreach (var file in files)
            if (File.Exists(file) && File.ReadLines(file).Select(l => l.Trim().Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Any(IsWeak)) return "TLS_REQCERT or TLS_REQSAN in " + Path.GetFileName(file);
        return null;

        static bool IsWeak(string[] words) => words is [var option, var value, ..] && (option.Equals("TLS_REQCERT", StringComparison.OrdinalIgnoreCase) || option.Equals("TLS_REQSAN", StringComparison.OrdinalIgnoreCase))
            && !value.Equals("demand", StringComparison.OrdinalIgnoreCase) && !value.Equals("hard", StringComparison.OrdinalIgnoreCase);
    }

    private static string[] Homes() => Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? [Path.Combine(home, "ldaprc"), Path.Combine(home, ".ldaprc")] : [];

    /// <summary>Escapes a value of a filter (RFC 4515).</summary>
    public static string EscapeFilter(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (var c in value)
            text.Append(c switch { '\\' => @"\5c", '*' => @"\2a", '(' => @"\28", ')' => @"\29", '\0' => @"\00", _ => c.ToString() });
        return text.ToString();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryTake(out var connection)) connection.Dispose();
        _room.Dispose();
    }

    private DirectoryAnswer? Search(string person)
    {
        // A connection that has been idle may have been closed by the directory: it is tried again with a new one.
        if (_idle.TryTake(out var used) && TrySearch(used, person, out var answer, out _)) return answer;
        LdapConnection? fresh = null;
        try
        {
            fresh = Connect();
        }
        catch (Exception e) when (e is LdapException or DirectoryOperationException)
        {
            fresh?.Dispose();
            throw new DirectoryUnavailableException(e);
        }
        return TrySearch(fresh, person, out answer, out var failure) ? answer : throw new DirectoryUnavailableException(failure!);
    }

    private bool TrySearch(LdapConnection connection, string person, out DirectoryAnswer? answer, out Exception? failure)
    {
        try
        {
            answer = FindPerson(connection, person) is { } name ? Answer(FindGroups(connection, name)) : null;
            failure = null;
            _idle.Add(connection);
            return true;
        }
        catch (Exception e) when (e is LdapException or DirectoryException or ObjectDisposedException)
        {
            connection.Dispose();
            (answer, failure) = (null, e);
            return false;
        }
    }

    private LdapConnection Connect()
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException();
        var connection = new LdapConnection(new LdapDirectoryIdentifier(_rules.Host, _rules.Port), _account, AuthType.Basic) { Timeout = TimeSpan.FromSeconds(_rules.TimeoutSeconds), AutoBind = false };
        try
        {
            var options = connection.SessionOptions;
            options.ProtocolVersion = 3;
            options.ReferralChasing = ReferralChasingOptions.None;
            if (!_rules.IsTest)
            {
                if (_authorities is not null)
                {
                    options.TrustedCertificatesDirectory = _authorities;
                    options.StartNewTlsSessionContext();
                }
                options.SecureSocketLayer = true;
            }
            connection.Bind();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Distinguished name of the one entry of a person.</summary>
    private string? FindPerson(LdapConnection connection, string person)
    {
        var condition = _rules.PeopleAttribute is { } attribute ? $"({attribute}={EscapeFilter(person)})" : "(objectClass=*)";
        var filter = _rules.IsActiveDirectory ? $"(&{condition}{NotDisabled})" : condition;
        var request = _rules.PeopleAttribute is null ? new SearchRequest(person, filter, SearchScope.Base, "1.1") : new SearchRequest(_rules.PeopleBase, filter, SearchScope.Subtree, "1.1") { SizeLimit = 2 };
        request.TimeLimit = TimeSpan.FromSeconds(_rules.TimeoutSeconds);
        try
        {
            var answer = (SearchResponse)connection.SendRequest(request);
            return answer.Entries.Count == 1 && DistinguishedName.IsBelow(answer.Entries[0].DistinguishedName, _rules.PeopleBase) ? answer.Entries[0].DistinguishedName : null;
        }
        catch (DirectoryOperationException e) when (e.Response?.ResultCode is ResultCode.NoSuchObject or ResultCode.InvalidDNSyntax or ResultCode.SizeLimitExceeded)
        {
            // Nobody of that name, what is no name, or more than one.
            return null;
        }
    }

    /// <summary>Names of all groups of an entry, level by level; a circle ends where it meets itself.</summary>
    private HashSet<string> FindGroups(LdapConnection connection, string member)
    {
        var (names, seen) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        List<string> level = [member];
        for (var depth = 0; level.Count > 0 && depth < MaxLevels; depth++)
        {
            var next = new List<string>();
            foreach (var part in level.Chunk(NamesPerSearch))
            {
                var match = _rules.IsActiveDirectory ? InChain : "";
                var filter = $"(|{string.Concat(part.Select(p => $"({_rules.MemberAttribute}{match}={EscapeFilter(p)})"))})";
                foreach (var entry in Pages(connection, filter))
                {
                    var normal = DistinguishedName.TryNormalize(entry.DistinguishedName) ?? throw new DirectoryException("a group has a name that is not understood");
                    if (!seen.Add(normal)) continue;
                    if (seen.Count > MaxGroups) throw new DirectoryException("somebody is in too many groups");
                    if (_rules.GroupAttribute is not { } attribute) names.Add(normal);
                    else if (entry.Attributes[attribute]?.GetValues(typeof(string)) is [string name, ..]) names.Add(name);
                    next.Add(entry.DistinguishedName);
                }
            }
            level = _rules.IsActiveDirectory ? [] : next;
        }
        return names;
    }

    private IEnumerable<SearchResultEntry> Pages(LdapConnection connection, string filter)
    {
        var page = new PageResultRequestControl(PageEntries);
        do
        {
            var request = new SearchRequest(_rules.GroupsBase, filter, SearchScope.Subtree, _rules.GroupAttribute ?? "1.1") { TimeLimit = TimeSpan.FromSeconds(_rules.TimeoutSeconds) };
            request.Controls.Add(page);
            var answer = (SearchResponse)connection.SendRequest(request);
            foreach (SearchResultEntry entry in answer.Entries) yield return entry;
            page.Cookie = answer.Controls.OfType<PageResultResponseControl>().FirstOrDefault()?.Cookie ?? [];
        }
        while (page.Cookie.Length > 0);
    }

    private DirectoryAnswer Answer(HashSet<string> groups) => new(groups, groups.Where(_roles.ContainsKey).Select(g => _roles[g]).ToHashSet());
}
