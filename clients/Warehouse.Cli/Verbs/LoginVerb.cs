using System.CommandLine;
using Warehouse.Cli.Options;
using Warehouse.Cli.Remote;

namespace Warehouse.Cli.Verbs;

/// <summary><c>login</c>: a person, at a server, by another device.</summary>
internal sealed class LoginVerb : Verb
{
    private readonly ServerSymbols _server = new();
    private readonly Option<string?> _issuer = new("--issuer") { HelpName = "URL", Description = "The identity provider, where the server takes several, or does not tell. Its certificate is of an authority of the system." };
    private readonly Option<string?> _client = new("--client") { HelpName = "ID", Description = "Name of this program at the provider (default: what the server tells)." };
    private readonly Option<string?> _audience = new("--audience") { HelpName = "TEXT", Description = "What the token is for (default: what the server tells)." };
    private readonly Option<string?> _scope = new("--scope") { HelpName = "TEXT", Description = "Scopes to ask for, by spaces (default: what the server tells)." };

    private readonly Option<bool> _bind = new("--bind") { Description = "Have the token bound to the certificate among the credentials (RFC 8705): it is worth nothing without it." };

    /// <inheritdoc/>
    protected override void AddSymbols(Command command)
    {
        _server.AddAddressTo(command, withCredentials: true);
        foreach (var option in (Option[])[_issuer, _client, _audience, _scope, _bind]) command.Options.Add(option);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context)
    {
        var server = _server.Read(parsed);
        return RemoteLogin.Login(new LoginRequest(server.Url, server.CredentialsPath) { Issuer = parsed.GetValue(_issuer), Client = parsed.GetValue(_client), Audience = parsed.GetValue(_audience), Scope = parsed.GetValue(_scope), Binds = parsed.GetValue(_bind) }, context);
    }
}

/// <summary><c>logout</c>.</summary>
internal sealed class LogoutVerb : Verb
{
    private readonly ServerSymbols _server = new();

    /// <inheritdoc/>
    protected override void AddSymbols(Command command) => _server.AddAddressTo(command, withCredentials: false);

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context) => RemoteLogin.Logout(_server.Read(parsed).Url, context);
}
