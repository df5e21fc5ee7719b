using System.Buffers.Text;
using System.Security.Cryptography;
using Warehouse.Client;
using Warehouse.Client.Login;
using Warehouse.Engine;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>Where and as what a person logs in; what is null is asked of the server.</summary>
/// <param name="Url">The server, as typed.</param>
/// <param name="CredentialsPath">PEM file of the authority of its certificate, or null.</param>
internal sealed record LoginRequest(string Url, string? CredentialsPath)
{
    /// <summary>The identity provider.</summary>
    public string? Issuer { get; init; }

    /// <summary>Name of this program there.</summary>
    public string? Client { get; init; }

    /// <summary>What the token is for.</summary>
    public string? Audience { get; init; }

    /// <summary>Scopes to ask for.</summary>
    public string? Scope { get; init; }

    /// <summary>The token is to be bound to the certificate among the credentials.</summary>
    public bool Binds { get; init; }
}

/// <summary>Logins of a person at servers: made by another device, kept in the person's own folder. One thread.</summary>
internal static class RemoteLogin
{
    /// <summary>Logs in, and keeps what that gives for verbs with --server.</summary>
    public static ExitCode Login(LoginRequest request, CliContext context)
    {
        var server = ConnectOptions.AddressOf(request.Url);
        var credentials = request.CredentialsPath is { } path ? Credentials.Read(path) : null;
        if (credentials?.Certificate is not null && !request.Binds)
            throw new InputException("credentials", "the file of credentials has a certificate of its own, which would be shown in place of the login: give the certificate of the server's authority alone (authority.crt), or have the token bound to it by --bind", InputPlace.None);
        if (credentials?.Certificate is null && request.Binds) throw new InputException("credentials", "--bind takes a file of credentials with a certificate and its key", InputPlace.None);
        var bound = request.Binds ? credentials!.Certificate : null;
        var file = FileOf(context);
        var connect = new ConnectOptions { Server = server, Credentials = credentials };
        var how = HowTo(request, connect, context.Cancellation) with { Clock = context.Clock };
        if (bound is not null) how = how with { NeedsProof = false, Certificate = Base64Url.EncodeToString(bound.GetCertHash(HashAlgorithmName.SHA256)) };
        using var http = DeviceLogin.NewHttp(bound);
        var token = new DeviceLogin(http, how).RunAsync(prompt => Show(prompt, context), context.Cancellation).GetAwaiter().GetResult();
        using (file.LockAsync(context.Cancellation).GetAwaiter().GetResult()) file.Keep(server, new StoredLogin { Login = how, Token = token, Authorities = credentials?.AuthoritiesPem, CertificateFile = bound is null ? null : Path.GetFullPath(request.CredentialsPath!) });
        Say(context, $"logged in at {how.Issuer.OriginalString}; kept in {file.FullPath}");
        using var client = new WarehouseClient(connect with { Token = _ => ValueTask.FromResult(token) });
        var who = client.WhoAmIAsync(stop: context.Cancellation).GetAwaiter().GetResult();
        Say(context, $"the server knows you as {who.Principal}{(who.Roles.Count == 0 ? ", without a role" : "")}");
        return ExitCode.Done;
    }

    /// <summary>Forgets a login, and tells the provider where it can be told.</summary>
    public static ExitCode Logout(string url, CliContext context)
    {
        var server = ConnectOptions.AddressOf(url);
        var file = FileOf(context);
        if (!file.Exists)
        {
            Say(context, "no login is kept");
            return ExitCode.Done;
        }
        StoredLogin? login;
        using (file.LockAsync(context.Cancellation).GetAwaiter().GetResult())
        {
            login = file.TryFind(server);
            file.Forget(server);
        }
        if (login is null)
        {
            Say(context, $"no login at {server.Authority} was kept");
            return ExitCode.Done;
        }
        Say(context, Tell(login, context) ? "logged out" : FormattableString.Invariant($"logged out here; the identity provider could not be told, and what was kept ends by itself at {login.Token.Until:u}"));
        return ExitCode.Done;
    }

    /// <summary>The file of logins.</summary>
    public static LoginFile FileOf(CliContext context) =>
        (context.LoginsPath ?? LoginFile.DefaultPath) is { } path ? new LoginFile(path) : throw new InputException("logins", "there is no home folder to keep logins in: name a file by WAREHOUSE_LOGINS", InputPlace.None);

    private static DeviceLoginOptions HowTo(LoginRequest request, ConnectOptions connect, CancellationToken cancellation)
    {
        if (request is { Issuer: { } issuer, Client: { } client, Audience: { } audience }) return Of(issuer, client, audience, request.Scope ?? "openid");
        IReadOnlyList<V1.Issuer> offered;
        using (var asking = new WarehouseClient(connect)) offered = asking.IssuersAsync(cancellation).GetAwaiter().GetResult();
        var chosen = offered.Where(i => request.Issuer is null || i.Issuer_ == request.Issuer).ToList();
        return chosen switch
        {
            [var one] => Of(one.Issuer_, request.Client ?? one.Client, request.Audience ?? one.Audience, request.Scope ?? one.Scope) with { NeedsProof = one.NeedsProof },
            [] when offered.Count == 0 => throw new InputException("no-login", "this server offers no login: ask its operator for a certificate, or name --issuer, --client and --audience", InputPlace.None),
            _ => throw new InputException("issuer", $"name one of the server's identity providers by --issuer: {string.Join(", ", offered.Select(i => i.Issuer_))}", InputPlace.None),
        };
    }

    private static DeviceLoginOptions Of(string issuer, string client, string audience, string scope) => new()
    {
        Issuer = Uri.TryCreate(issuer, UriKind.Absolute, out var uri) ? uri : throw new InputException("issuer", "an identity provider is named by its URL", InputPlace.None), Client = client, Audience = audience, Scope = scope,
    };

    private static void Show(DevicePrompt prompt, CliContext context)
    {
        Say(context, $"open {prompt.Page.OriginalString} in a browser, on any device, and enter the code {prompt.Code}");
        if (prompt.CompletePage is { } complete) Say(context, $"or open {complete.OriginalString}");
        Say(context, FormattableString.Invariant($"waiting until {prompt.Until.UtcDateTime:HH:mm:ss} UTC"));
    }

    private static bool Tell(StoredLogin login, CliContext context)
    {
        try
        {
            using var http = DeviceLogin.NewHttp(login.CertificateFile is { } file ? Credentials.Read(file).Certificate : null);
            return new DeviceLogin(http, login.Login).RevokeAsync(login.Token, context.Cancellation).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is LoginException or HttpRequestException or WarehouseException || (e is OperationCanceledException && !context.Cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    private static void Say(CliContext context, string text) => context.Error.WriteLine("warehouse: " + Output.SafeText.EscapeMessage(text));
}
