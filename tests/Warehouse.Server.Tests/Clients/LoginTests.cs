using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Warehouse.Cli;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Identity;
using Warehouse.Tests;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Clients;

/// <summary><c>warehouse login</c> and <c>logout</c>, against a foreign identity provider: from the code on the terminal to the message that a login is over.</summary>
public sealed partial class LoginTests
{
    private const string Package = "oidc-provider";
    private const ExitCode Answered = ExitCode.Incomplete; // the variant asked about is one at which nobody was looked at
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [NodeFact(Package)]
    public async Task A_person_logs_in_asks_learns_that_the_login_is_over_and_logs_out()
    {
        if (OperatingSystem.IsWindows()) return;
        using var provider = await IdentityProvider.StartAsync();
        await using var served = await StartAsync(provider, "cli");
        var person = new Person(served, provider);
        Assert.Contains("log in: warehouse login --server https://localhost:", person.Ask(ExitCode.CouldNot, "--credentials", person.Authority), StringComparison.Ordinal);

        var said = await person.LoginAsync(ExitCode.Done);
        Assert.Contains($"logged in at {provider.Issuer}", said, StringComparison.Ordinal);
        Assert.Contains($"knows you as oidc:{provider.Issuer}|alice\n", said, StringComparison.Ordinal);
        Assert.Equal(Private, File.GetUnixFileMode(person.Logins));
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(person.Logins)!));
        var token = JsonNode.Parse(File.ReadAllText(person.Logins))![served.Url]!["Token"]!.GetValue<string>();
        Assert.DoesNotContain(token, said, StringComparison.Ordinal);

        // The authority is kept with the login; another server has none.
        Assert.Contains("seen", person.Ask(Answered), StringComparison.Ordinal);
        Assert.Contains("show a certificate by --credentials, or log in", person.Ask(ExitCode.CouldNot, "--server", $"https://127.0.0.1:{served.Server.Port}", "--credentials", person.Authority), StringComparison.Ordinal);

        // The provider renews nothing here.
        person.Clock = new HurriedClock(TimeSpan.FromMinutes(11));
        Assert.Contains("there is no login that holds (over); log in again: warehouse login --server", person.Ask(ExitCode.CouldNot), StringComparison.Ordinal);
        person.Clock = new HurriedClock();

        // The server's refusal says the same.
        File.WriteAllText(person.Logins, File.ReadAllText(person.Logins).Replace(token, token[..^4] + "AAAA", StringComparison.Ordinal));
        Assert.Contains("not authenticated; log in again: warehouse login --server", person.Ask(ExitCode.CouldNot), StringComparison.Ordinal);

        Assert.Contains("logged out", person.Run(ExitCode.Done, "logout", "--server", served.Url), StringComparison.Ordinal);
        Assert.DoesNotContain("Token", File.ReadAllText(person.Logins), StringComparison.Ordinal);
        Assert.Contains("or log in", person.Ask(ExitCode.CouldNot, "--credentials", person.Authority), StringComparison.Ordinal);
        Assert.Contains("no login at localhost", person.Run(ExitCode.Done, "logout", "--server", served.Url), StringComparison.Ordinal);
    }

    [NodeFact(Package)]
    public async Task The_lines_of_the_readme_log_in_ask_and_log_out()
    {
        using var provider = await IdentityProvider.StartAsync();
        await using var served = await StartAsync(provider, "cli-long");
        var person = new Person(served, provider);
        var said = "";
        foreach (var line in ReadmeTests.Blocks[7].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = [.. Warehouse.Tests.Cli.Cli.Words(line).Select(w => w == ReadmeTests.Address ? served.Url : w == "lab.wh.server/authority.crt" ? person.Authority : w)];
            said += words[0] == "login" ? await person.LoginAsync(ExitCode.Done, words: words) : person.Run(words[0] == "seen" ? Answered : ExitCode.Done, words);
        }
        Assert.Matches("(?s)logged in at .*22-1029-G-A.*logged out", said);
    }

    [NodeFact(Package)]
    public async Task A_login_is_renewed_until_it_is_taken_back()
    {
        using var provider = await IdentityProvider.StartAsync();
        await using var served = await StartAsync(provider, "cli-long");
        var person = new Person(served, provider);
        await person.LoginAsync(ExitCode.Done);
        var first = File.ReadAllText(person.Logins);
        person.Ask(Answered);
        Assert.Equal(first, File.ReadAllText(person.Logins));

        person.Clock = new HurriedClock(TimeSpan.FromMinutes(11));
        person.Ask(Answered);
        var second = File.ReadAllText(person.Logins);
        Assert.NotEqual(first, second);
        Assert.NotEqual(JsonNode.Parse(first)![served.Url]!["Token"]!.GetValue<string>(), JsonNode.Parse(second)![served.Url]!["Token"]!.GetValue<string>());

        // After the logout what was kept gets nothing more from the provider.
        Assert.EndsWith("logged out", person.Run(ExitCode.Done, "logout", "--server", served.Url).Trim(), StringComparison.Ordinal);
        File.WriteAllText(person.Logins, second);
        person.Clock = new HurriedClock(TimeSpan.FromMinutes(22));
        Assert.Contains("(invalid_grant); log in again", person.Ask(ExitCode.CouldNot), StringComparison.Ordinal);
    }

    [NodeFact(Package)]
    public async Task A_server_that_wants_bound_tokens_gets_them_with_a_proof_for_each_call()
    {
        using var provider = await IdentityProvider.StartAsync();
        await using var served = await StartAsync(provider, "cli-proof", isBound: true);
        var person = new Person(served, provider);
        await person.LoginAsync(ExitCode.Done);
        person.Ask(Answered);
        person.Clock = new HurriedClock(TimeSpan.FromMinutes(11));
        person.Ask(Answered);

        // The token alone, and with another key, is worth nothing.
        var kept = JsonNode.Parse(File.ReadAllText(person.Logins))!;
        kept[served.Url]!["Key"] = null;
        File.WriteAllText(person.Logins, kept.ToJsonString());
        Assert.Contains("not authenticated", person.Ask(ExitCode.CouldNot), StringComparison.Ordinal);
        using var other = Warehouse.Client.Login.ProofKey.Create();
        kept[served.Url]!["Key"] = other.ToPem();
        File.WriteAllText(person.Logins, kept.ToJsonString());
        Assert.Contains("not authenticated", person.Ask(ExitCode.CouldNot), StringComparison.Ordinal);
    }

    /// <summary>A token that is bound to a certificate is shown on connections of that certificate, by the command line as by the server's rule.</summary>
    [Fact]
    public async Task A_login_that_is_bound_to_a_certificate_is_shown_with_it()
    {
        using var mint = new TokenMint(TimeProvider.System);
        await using var served = await ServedStore.StartAsync(samples: 8, variants: 60, configure: made =>
        {
            File.WriteAllText(made["keys"], mint.Keys());
            return new() { Issuers = [TokenMint.Rules(made["keys"]) with { Roles = new Dictionary<string, Role> { ["wh-analyst"] = Role.Analyst } }] };
        });
        var (pem, _) = served.Server.Identity.Issue("own", 1);
        PrivateFolder.WriteFile(served["own.pem"], System.Text.Encoding.ASCII.GetBytes(pem));
        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(pem);
        var token = mint.Make(claims => (claims["cnf"], claims["roles"]) = (new JsonObject { ["x5t#S256"] = TokenHost.ThumbprintOf(certificate) }, new JsonArray("wh-analyst")));
        served.Grant(new Subject(SubjectKind.Role, Subject.WordOf(Role.Analyst)), null, Detail.Record);
        var file = new Warehouse.Client.Login.LoginFile(served["home/logins.json"]);
        using (await file.LockAsync()) file.Keep(new Uri(served.Url), new()
        {
            Login = new() { Issuer = new("https://issuer.test"), Client = "cli", Audience = "warehouse" }, Token = new(token, DateTimeOffset.UtcNow.AddMinutes(5)), CertificateFile = served["own.pem"],
        });
        Assert.Equal(Answered, Ask("seen", "--server", served.Url, "22-1-A-C").Exit);
        File.WriteAllText(served["own.pem"], served.Server.Identity.Issue("thief", 1).Pem);
        var (exit, error) = Ask("seen", "--server", served.Url, "22-1-A-C");
        Assert.Equal(ExitCode.CouldNot, exit);
        Assert.Contains("not authenticated", error, StringComparison.Ordinal);
        (exit, error) = Ask("login", "--server", served.Url, "--bind");
        Assert.Equal(ExitCode.BadInput, exit);
        Assert.Contains("--bind takes a file of credentials", error, StringComparison.Ordinal);

        (ExitCode Exit, string Error) Ask(params string[] words)
        {
            var cli = new Warehouse.Tests.Cli.Cli { LoginsPath = served["home/logins.json"] };
            return (cli.Run(words), cli.Error);
        }
    }

    /// <summary>RFC 8705, with a provider over TLS: what a person logs in for is bound to his certificate, is renewed so, and is worth nothing to another.</summary>
    [NodeFact(Package)]
    public async Task A_person_has_the_token_bound_to_his_certificate()
    {
        using var folder = new Units.TempFolder();
        using (var authority = CertificateFactory.NewAuthority("identity", DateTimeOffset.UtcNow, TimeSpan.FromDays(10)))
        using (var certificate = CertificateFactory.NewServer(authority, ["127.0.0.1"], DateTimeOffset.UtcNow, TimeSpan.FromDays(5)))
        using (var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(certificate)!)
        {
            File.WriteAllText(folder["identity.pem"], authority.ExportCertificatePem());
            File.WriteAllText(folder["provider.pem"], certificate.ExportCertificatePem());
            File.WriteAllText(folder["provider.key"], key.ExportPkcs8PrivateKeyPem());
        }
        using var provider = await IdentityProvider.StartAsync((folder["provider.pem"], folder["provider.key"], folder["identity.pem"]));
        await using var served = await StartAsync(provider, new LoginConfiguration { Client = "cli-bound", Scope = "openid ask" }, isBound: true, folder["identity.pem"]);
        foreach (var name in (string[])["own", "thief"]) PrivateFolder.WriteFile(folder[name + ".pem"], System.Text.Encoding.ASCII.GetBytes(served.Server.Identity.Issue(name, 1).Pem));
        // The provider's certificate is of the system's authorities, which a process is told when it starts.
        var home = new TerminalProcess(provider, folder["identity.pem"], folder["home/logins.json"]);

        var (exit, said) = await home.RunAsync("login", "--server", served.Url, "--credentials", folder["own.pem"], "--bind");
        Assert.Contains($"logged in at {provider.Issuer}", said, StringComparison.Ordinal);
        Assert.Contains($"knows you as oidc:{provider.Issuer}|alice\n", said, StringComparison.Ordinal);
        Assert.Equal((ExitCode)0, exit);
        using var own = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(File.ReadAllText(folder["own.pem"]));
        var kept = JsonNode.Parse(File.ReadAllText(folder["home/logins.json"]))!;
        var token = kept[served.Url]!["Token"]!.GetValue<string>();
        Assert.Equal(TokenHost.ThumbprintOf(own), JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]))!["cnf"]!["x5t#S256"]!.GetValue<string>());
        Assert.Equal(Answered, (await home.RunAsync("seen", "--server", served.Url, "22-1-A-C")).Exit);

        // What has ended is renewed, by the same certificate, and bound to it again.
        kept[served.Url]!["Until"] = "2026-01-01T00:00:00.1234567+00:00";
        File.WriteAllText(folder["home/logins.json"], kept.ToJsonString());
        Assert.Equal(Answered, (await home.RunAsync("seen", "--server", served.Url, "22-1-A-C")).Exit);
        kept = JsonNode.Parse(File.ReadAllText(folder["home/logins.json"]))!;
        Assert.NotEqual(token, kept[served.Url]!["Token"]!.GetValue<string>());

        // The whole file in the hands of another, who has a certificate of the same authority: the server takes neither the token nor, without it, him.
        kept[served.Url]!["CertificateFile"] = folder["thief.pem"];
        File.WriteAllText(folder["home/logins.json"], kept.ToJsonString());
        (exit, said) = await home.RunAsync("seen", "--server", served.Url, "22-1-A-C");
        Assert.Equal((ExitCode.CouldNot, true), (exit, said.Contains("not authenticated", StringComparison.Ordinal)));
        await served.Log.WaitAsync("\"CredentialNotTaken\"", "OtherCertificate");
        // And the provider renews nothing for him that he could use: what it gives is bound to him, or it gives nothing.
        kept[served.Url]!["Until"] = "2026-01-01T00:00:00.1234567+00:00";
        File.WriteAllText(folder["home/logins.json"], kept.ToJsonString());
        Assert.Equal(ExitCode.CouldNot, (await home.RunAsync("seen", "--server", served.Url, "22-1-A-C")).Exit);
    }

    /// <summary>The client for Python shows what the command line keeps, renews it in the same file, and proves its key where that is wanted.</summary>
    [NodeFact(Package)]
    public async Task A_program_in_python_goes_by_the_login_that_is_kept()
    {
        if (OperatingSystem.IsWindows()) return;
        using var provider = await IdentityProvider.StartAsync();
        foreach (var (client, isBound) in (IEnumerable<(string, bool)>)[("cli-long", false), ("cli-proof", true)])
        {
            await using var served = await StartAsync(provider, client, isBound);
            var person = new Person(served, provider);
            Assert.Contains("not authenticated", Python(served, person), StringComparison.Ordinal);
            await person.LoginAsync(ExitCode.Done);
            Assert.Equal("22-1-A-C\n", Python(served, person));
            // What has ended is renewed, and the command line goes on with that.
            var kept = JsonNode.Parse(File.ReadAllText(person.Logins))!;
            var token = kept[served.Url]!["Token"]!.GetValue<string>();
            kept[served.Url]!["Until"] = "2026-01-01T00:00:00.1234567+00:00";
            File.WriteAllText(person.Logins, kept.ToJsonString());
            Assert.Equal("22-1-A-C\n", Python(served, person));
            Assert.NotEqual(token, JsonNode.Parse(File.ReadAllText(person.Logins))![served.Url]!["Token"]!.GetValue<string>());
            Assert.Equal(Private, File.GetUnixFileMode(person.Logins));
            person.Ask(Answered);
            File.SetUnixFileMode(person.Logins, Private | UnixFileMode.GroupRead);
            Assert.Contains("(logins-open)", Python(served, person), StringComparison.Ordinal);
        }
    }

    private static string Python(ServedStore served, Person person)
    {
        const string Script = """
            import sys, warehouse
            try:
                with warehouse.connect(sys.argv[1], sys.argv[2]) as lab:
                    for answer in lab.seen(["22-1-A-C"]):
                        print(answer.query)
            except warehouse.WarehouseError as failure:
                print(failure)
            """;
        return Peer.Output("env", $"PYTHONPATH={Path.Combine(TestData.ProjectRoot, "clients", "python")}", $"WAREHOUSE_LOGINS={person.Logins}", "timeout", "60", "/usr/bin/python3", "-B", "-c", Script, served.Url, person.Authority);
    }

    [NodeFact(Package)]
    public async Task What_keeps_a_person_from_logging_in_is_said()
    {
        if (OperatingSystem.IsWindows()) return;
        using var provider = await IdentityProvider.StartAsync();
        await using var served = await StartAsync(provider, "cli");
        var person = new Person(served, provider);
        Assert.Contains("the login was denied (access_denied)", await person.LoginAsync(ExitCode.CouldNot, isDenied: true), StringComparison.Ordinal);
        Assert.False(File.Exists(person.Logins));
        Assert.Contains("(invalid_client)", person.Run(ExitCode.CouldNot, "login", "--server", served.Url, "--credentials", person.Authority, "--client", "nobody"), StringComparison.Ordinal);
        Assert.Contains($"by --issuer: {provider.Issuer}", person.Run(ExitCode.BadInput, "login", "--server", served.Url, "--credentials", person.Authority, "--issuer", "https://other.test"), StringComparison.Ordinal);
        Assert.Contains("https", person.Run(ExitCode.CouldNot, "login", "--server", served.Url, "--issuer", "http://issuer.test", "--client", "c", "--audience", "a"), StringComparison.Ordinal);
        Assert.Contains("identity provider cannot be reached", person.Run(ExitCode.CouldNot, "login", "--server", served.Url, "--issuer", "http://127.0.0.1:1", "--client", "c", "--audience", "a"), StringComparison.Ordinal);
        Assert.Contains("in place of the login", person.Run(ExitCode.BadInput, "login", "--server", served.Url, "--credentials", Path.Combine(served.Server.Identity.Folder, ServerIdentity.AdministratorFile)), StringComparison.Ordinal);
        Assert.Contains("certificate", person.Run(ExitCode.CouldNot, "login", "--server", served.Url), StringComparison.Ordinal);

        // A file that others can read is told, not used; a new login replaces it.
        await person.LoginAsync(ExitCode.Done);
        File.SetUnixFileMode(person.Logins, Private | UnixFileMode.GroupRead);
        Assert.Contains("open to others", person.Ask(ExitCode.BadInput), StringComparison.Ordinal);
        await person.LoginAsync(ExitCode.Done);
        Assert.Equal(Private, File.GetUnixFileMode(person.Logins));
        person.Ask(Answered);
        File.SetUnixFileMode(person.Logins, Private | UnixFileMode.OtherRead);
        person.Run(ExitCode.Done, "logout", "--server", served.Url);
        Assert.False(File.Exists(person.Logins));
        Assert.Contains("no login is kept", person.Run(ExitCode.Done, "logout", "--server", served.Url), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_people_log_in_is_told_to_everybody_and_is_nothing_unless_configured()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        Assert.Empty((await new V1.Issuers.IssuersClient(served.Channel(null)).ListAsync(new())).Issuers);
        using var folder = new Units.TempFolder();
        var cli = new Warehouse.Tests.Cli.Cli { LoginsPath = folder["logins"] };
        Assert.Equal(ExitCode.BadInput, cli.Run("login", "--server", served.Url, "--credentials", Path.Combine(served.Server.Identity.Folder, ServerIdentity.AuthorityFile)));
        Assert.Contains("this server offers no login", cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.BadInput, cli.Run("login"));
    }

    internal static Task<ServedStore> StartAsync(IdentityProvider provider, string client, bool isBound = false) => StartAsync(provider, new LoginConfiguration { Client = client, Scope = "openid ask" }, isBound);

    private static async Task<ServedStore> StartAsync(IdentityProvider provider, LoginConfiguration login, bool isBound, string? authorities = null)
    {
        var issuer = new IssuerConfiguration
        {
            Issuer = provider.Issuer, Audience = IdentityProvider.Audience, IsTest = true, Authorities = authorities, Login = login, RequireBinding = isBound, SecondFactorAmr = ["otp"], Roles = new Dictionary<string, Role> { ["wh-analyst"] = Role.Analyst },
        };
        var served = await ServedStore.StartAsync(samples: 8, variants: 60, configure: _ => new() { Issuers = [issuer] });
        served.Grant(new Subject(SubjectKind.Principal, $"oidc:{provider.Issuer}|alice"), null, Detail.Record);
        return served;
    }

    /// <summary>The command line as a process, whose system has one authority, with a browser beside it.</summary>
    private sealed class TerminalProcess(IdentityProvider provider, string authorities, string logins)
    {
        public async Task<(ExitCode Exit, string Said)> RunAsync(params string[] words)
        {
            var start = new System.Diagnostics.ProcessStartInfo("timeout", ["60", "dotnet", Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), .. words]) { RedirectStandardError = true, RedirectStandardOutput = true };
            (start.Environment["SSL_CERT_FILE"], start.Environment["WAREHOUSE_LOGINS"]) = (authorities, logins);
            using var process = System.Diagnostics.Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var said = new System.Text.StringBuilder();
            while (await process.StandardError.ReadLineAsync() is { } line)
            {
                said.Append(line).Append('\n');
                if (CodePattern().Match(line) is { Success: true } code) await provider.DoAsync(new() { ["do"] = "approve", ["code"] = code.Groups[1].Value });
            }
            await process.WaitForExitAsync();
            return ((ExitCode)process.ExitCode, said.Append(await output).ToString());
        }
    }

    [GeneratedRegex("enter the code ([A-Z0-9-]+)")]
    private static partial Regex CodePattern();

    /// <summary>Somebody at a terminal, with a browser beside it.</summary>
    internal sealed class Person(ServedStore served, IdentityProvider provider)
    {
        public string Logins { get; } = served["home/warehouse/logins.json"];

        public string Authority { get; } = Path.Combine(served.Server.Identity.Folder, ServerIdentity.AuthorityFile);

        public TimeProvider Clock { get; set; } = new HurriedClock();

        public async Task<string> LoginAsync(ExitCode expected, bool isDenied = false, string[]? words = null)
        {
            Task? browser = null;
            var terminal = new Terminal(line =>
            {
                if (CodePattern().Match(line) is { Success: true } code) browser = provider.DoAsync(new() { ["do"] = "approve", ["code"] = code.Groups[1].Value, ["deny"] = isDenied });
            });
            var said = await Task.Run(() => Run(expected, terminal, words ?? ["login", "--server", served.Url, "--credentials", Authority]));
            await browser!;
            return said;
        }

        /// <summary>Asks whether a variant was seen.</summary>
        public string Ask(ExitCode expected, params string[] more) => Run(expected, more.Contains("--server") ? ["seen", .. more, "22-1-A-C"] : ["seen", "--server", served.Url, .. more, "22-1-A-C"]);

        public string Run(ExitCode expected, params string[] words) => Run(expected, new Terminal(_ => { }), words);

        private string Run(ExitCode expected, Terminal terminal, string[] words)
        {
            var output = new MemoryStream();
            var context = new CliContext { Engine = new(), OpenOutput = () => output, OpenInput = () => Stream.Null, Error = terminal, LoginsPath = Logins, Clock = Clock };
            var exit = CommandLine.Run(words, context);
            var said = $"{System.Text.Encoding.UTF8.GetString(output.ToArray())}{terminal}".ReplaceLineEndings("\n");
            Assert.True(exit == expected, $"{exit}: {said}");
            Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
            return said;
        }
    }

    private sealed class Terminal(Action<string> told) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            told(value ?? "");
        }
    }
}
