using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Server.Configuration;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>A server over TLS that takes the tokens of a <see cref="TokenMint"/>.</summary>
internal sealed class TokenHost : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    private TokenHost(FakeClock clock) => (Clock, Mint) = (clock, new(clock));

    public FakeClock Clock { get; }

    public TokenMint Mint { get; }

    public IdentityHost Host { get; private set; } = null!;

    public string RevokedFile => _folder["revoked"];

    public string Url => $"{Host.Address.GetLeftPart(UriPartial.Authority)}/warehouse.v1.Store/Info";

    public static async Task<TokenHost> StartAsync(FakeClock clock, Func<IssuerConfiguration, IssuerConfiguration>? issuer = null)
    {
        var made = new TokenHost(clock);
        made.WriteKeys();
        File.WriteAllText(made.RevokedFile, "");
        var rules = TokenMint.Rules(made._folder["keys"]);
        var configuration = new ServerConfiguration { Issuers = [issuer?.Invoke(rules) ?? rules], RevokedTokens = made.RevokedFile };
        made.Host = await IdentityHost.StartAsync(clock, parts => parts with { Tokens = new(configuration, parts.Sessions, null, clock) });
        return made;
    }

    public void WriteKeys(string curveId = "ec") => File.WriteAllText(_folder["keys"], Mint.Keys(curveId));

    public Task<string> AskAsync(string token, X509Certificate2? certificate = null, string? proof = null, string? scheme = null)
    {
        (string, string) authorization = ("authorization", $"{scheme ?? (proof is null ? "Bearer" : "DPoP")} {token}");
        return proof is null ? Host.AskAsync(certificate, authorization) : Host.AskAsync(certificate, authorization, ("dpop", proof));
    }

    /// <summary>The one answer, and the reason that only the operator learns.</summary>
    public async Task AssertRefusedAsync(string reason, string token, X509Certificate2? certificate = null, string? proof = null, string? scheme = null)
    {
        Host.Reasons.Clear();
        await AuthenticatorTests.AssertRefusedAsync(() => AskAsync(token, certificate, proof, scheme));
        Assert.Equal(reason, Assert.Single(Host.Reasons));
    }

    public static string ThumbprintOf(X509Certificate2 certificate) => System.Buffers.Text.Base64Url.EncodeToString(certificate.GetCertHash(HashAlgorithmName.SHA256));

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Mint.Dispose();
        _folder.Dispose();
    }
}
