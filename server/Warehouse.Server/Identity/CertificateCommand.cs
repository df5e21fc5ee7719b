using System.Globalization;
using System.Text;
using System.Text.Json;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Storage;

namespace Warehouse.Server.Identity;

/// <summary>
/// <c>warehouse-server certificate</c>: who has a client certificate of the local authority. For whoever has the state folder and the keys of the store, in
/// whose audit log each change stands before it holds; a server that runs takes notice within seconds.
/// </summary>
internal static class CertificateCommand
{
    public const string Usage = """
        warehouse-server certificate issue --state FOLDER --name NAME --out FILE [--days N] [--service | --second-factor] [--role ROLE]...
        warehouse-server certificate revoke --state FOLDER NAME|ID
        warehouse-server certificate renew --state FOLDER
        warehouse-server certificate list --state FOLDER
        renew makes administrator.pem anew. Changes are entries of the audit log of --store STORE (default: FOLDER without .server; --keys, --audit as for serve).
        """;

    private const int DefaultDays = 90;

    /// <summary>Runs the words behind <c>certificate</c>.</summary>
    /// <returns>Exit code: 0 done, 1 nothing to revoke, 2 bad usage, 3 a damaged store, 5 the audit log cannot be written.</returns>
    public static int Run(IReadOnlyList<string> words, TextWriter output, TextWriter error, TimeProvider clock)
    {
        try
        {
            var options = Parse(words);
            if (options is not { Verb: not "", State: { } state } || !Directory.Exists(state))
            {
                error.WriteLine(Usage);
                return 2;
            }
            if (options.Verb == "list")
            {
                using var listed = ServerIdentity.OpenExisting(state, clock);
                return List(listed, output);
            }
            using var audit = OpenAudit(options, state, clock);
            using var identity = ServerIdentity.OpenExisting(state, clock, new CertificateLog(audit, Environment.UserName is { Length: > 0 } user ? user : "unknown").Around);
            return options switch
            {
                { Verb: "issue", Name: { } name, Out: { } file } => Issue(identity, options, name, file, output),
                { Verb: "revoke", Name: { } name } => Revoke(identity, name, output, error),
                { Verb: "renew", Name: null } => Renew(identity, output),
                _ => throw new InputException("usage", Usage, InputPlace.None),
            };
        }
        catch (InputException e)
        {
            error.WriteLine(e.Message);
            return 2;
        }
        catch (DamagedStoreException e)
        {
            error.WriteLine(e.Message);
            return 3;
        }
        catch (IOException e)
        {
            error.WriteLine((e is AuditRefusedException { InnerException: { } why } ? why : e).Message);
            return 5;
        }
    }

    /// <summary>The audit log of the store whose server has the state folder.</summary>
    private static StoreAudit OpenAudit(Options options, string state, TimeProvider clock)
    {
        const string Suffix = ".server";
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(state));
        var store = options.Store ?? (folder.EndsWith(Suffix, StringComparison.Ordinal) ? folder[..^Suffix.Length] : null);
        if (store is null || !Directory.Exists(store)) throw new InputException("certificate-store", "name the store in whose audit log the change is to stand: --store STORE", InputPlace.None);
        return StoreAudit.Open(store, options.Keys, options.Audit ?? Environment.GetEnvironmentVariable("WAREHOUSE_AUDIT"), clock);
    }

    private static int Renew(ServerIdentity identity, TextWriter output)
    {
        output.WriteLine(identity.RenewAdministrator().NotAfter.ToString("u", CultureInfo.InvariantCulture));
        return 0;
    }

    private static int Issue(ServerIdentity identity, Options options, string name, string file, TextWriter output)
    {
        if (Path.Exists(file)) throw new InputException("file-exists", "the file is there already", new(file, 0, 0, ""));
        var (pem, issued) = identity.Issue(name, options.Days, options.IsService, options.Roles, options.HasSecondFactor);
        PrivateFolder.WriteFile(file, Encoding.ASCII.GetBytes(pem));
        output.WriteLine(issued.Id);
        return 0;
    }

    private static int Revoke(ServerIdentity identity, string name, TextWriter output, TextWriter error)
    {
        var revoked = identity.Revoke(name);
        if (revoked == 0) error.WriteLine("nothing of that name holds");
        else output.WriteLine(revoked.ToString(CultureInfo.InvariantCulture));
        return revoked == 0 ? 1 : 0;
    }

    private static int List(ServerIdentity identity, TextWriter output)
    {
        output.WriteLine("name\tid\tends\trevoked\tservice\tsecond factor\troles");
        foreach (var i in identity.Issued)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{i.Name}\t{i.Id}\t{i.NotAfter:u}\t{i.Revoked:u}\t{(i.IsService ? "yes" : "no")}\t{(i.HasSecondFactor ? "yes" : "no")}\t{string.Join(',', i.Roles.Select(RoleName))}"));
        return 0;
    }

    private static string RoleName(Role role) => JsonNamingPolicy.KebabCaseLower.ConvertName(role.ToString());

    private static Options Parse(IReadOnlyList<string> words)
    {
        var options = new Options { Verb = words.Count > 0 ? words[0] : "" };
        for (var i = 1; i < words.Count; i++)
        {
            var word = words[i];
            options = word switch
            {
                "--service" => options with { IsService = true },
                "--second-factor" => options with { HasSecondFactor = true },
                "--state" => options with { State = Value() },
                "--store" => options with { Store = Value() },
                "--keys" => options with { Keys = Value() },
                "--audit" => options with { Audit = Value() },
                "--name" => options with { Name = Value() },
                "--out" => options with { Out = Value() },
                "--days" => options with { Days = int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var days) ? days : 0 },
                "--role" => options with { Roles = [.. options.Roles, RoleOf(Value())] },
                _ when !word.StartsWith('-') && options.Name is null => options with { Name = word },
                _ => throw new InputException("usage", Usage, InputPlace.None),
            };

            string Value() => ++i < words.Count ? words[i] : throw new InputException("usage", Usage, InputPlace.None);
        }
        return options;
    }

    private static Role RoleOf(string name)
    {
        foreach (var role in Enum.GetValues<Role>())
            if (RoleName(role) == name) return role;
        throw new InputException("role", $"a role is one of {string.Join(", ", Enum.GetValues<Role>().Select(RoleName))}", InputPlace.None);
    }

    private sealed record Options
    {
        public required string Verb { get; init; }

        public string? State { get; init; }

        public string? Store { get; init; }

        public string? Keys { get; init; }

        public string? Audit { get; init; }

        public string? Name { get; init; }

        public string? Out { get; init; }

        public int Days { get; init; } = DefaultDays;

        public bool IsService { get; init; }

        public bool HasSecondFactor { get; init; }

        public IReadOnlyList<Role> Roles { get; init; } = [];
    }
}
