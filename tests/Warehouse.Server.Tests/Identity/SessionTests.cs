using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Warehouse.Engine.Access;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Each limit of a session, a second before it and a second after.</summary>
public sealed class SessionTests : IDisposable
{
    private readonly FakeClock _clock = new();
    private readonly TempFolder _folder = new();
    private readonly TokenMint _mint;
    private readonly Sessions _sessions;

    public SessionTests()
    {
        _mint = new(_clock);
        File.WriteAllText(_folder["keys"], _mint.Keys());
        _sessions = new(new(), _clock);
    }

    public void Dispose()
    {
        _mint.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_token_ends_when_it_says_and_a_stream_with_it()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        var token = host.Mint.Make();
        await host.AskAsync(token);
        var valid = await ReadAsync(token, host.Mint);
        _clock.Advance(899);
        await host.AskAsync(token);
        Assert.True(valid.Holds(false));
        _clock.Advance(2);
        await host.AssertRefusedAsync("expired", token);
        Assert.False(valid.Holds(false));
    }

    [Theory]
    [InlineData(30, false)]
    [InlineData(15, true)]
    public async Task A_session_without_a_call_is_over_and_stays_so(int minutes, bool isAdministrator)
    {
        var (idle, fresh) = (await OpenAsync("idle"), await OpenAsync("fresh"));
        Assert.True(idle.Session!.Use(isAdministrator) && fresh.Session!.Use(isAdministrator));
        _clock.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1));
        Assert.True(fresh.Session.Use(isAdministrator));
        _clock.Advance(2);
        Assert.False(idle.Session.Use(isAdministrator));
        Assert.True(fresh.Session.Use(isAdministrator));
        // A token that is got anew without a login is of the same session.
        Assert.False((await OpenAsync("idle")).Holds(isAdministrator));
        Assert.True((await OpenAsync("another")).Holds(isAdministrator));
    }

    [Fact]
    public async Task A_session_lasts_twelve_hours_however_much_is_asked()
    {
        var login = _mint.Now;
        for (var at = 0; at < 12 * 60 - 10; at += 10)
        {
            Assert.True((await OpenAsync("day", login)).Holds(false), $"minute {at}");
            _clock.Advance(TimeSpan.FromMinutes(10));
        }
        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.True((await OpenAsync("day", login)).Holds(false));
        _clock.Advance(2);
        Assert.False((await OpenAsync("day", login)).Holds(false));
        Assert.False((await OpenAsync(null, login)).Holds(false));
        Assert.True((await OpenAsync("new day", _mint.Now)).Holds(false));
    }

    [Fact]
    public async Task A_process_that_began_later_knows_from_the_login_when_a_session_ends()
    {
        var login = _mint.Now - 12 * 3600;
        Assert.True((await OpenAsync(null, login + 1)).Holds(false));
        Assert.False((await OpenAsync(null, login - 1)).Holds(false));
    }

    [Fact]
    public async Task Without_names_of_sessions_a_token_issued_after_the_end_begins_another()
    {
        var first = await OpenAsync(null);
        Assert.True(first.Holds(false));
        _clock.Advance(TimeSpan.FromMinutes(31));
        Assert.False(first.Session!.Use(false));
        Assert.True((await OpenAsync(null)).Holds(false));
        Assert.False(first.Session.Use(false));
    }

    [Fact]
    public async Task A_certificate_of_a_person_has_the_session_of_its_connection_and_a_service_has_none()
    {
        using var identity = ServerIdentity.Open(_folder["server"], [], _clock);
        var clients = new ClientCertificates([CertificateTrust.Local(identity, _clock)], new(), _clock);
        using X509Certificate2 person = X509Certificate2.CreateFromPem(identity.Issue("p", 2).Pem), again = X509CertificateLoader.LoadCertificate(person.RawData);
        var session = clients.Find(person)!.SessionIn(_sessions);
        Assert.Same(session, clients.Find(person)!.SessionIn(_sessions));
        for (var i = 0; i < 12 * 4 - 1; i++)
        {
            _clock.Advance(TimeSpan.FromMinutes(15));
            identity.RenewWhenDue();
            Assert.True(session.Use(false));
        }
        _clock.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromSeconds(1));
        Assert.True(session.Use(false));
        _clock.Advance(2);
        Assert.False(session.Use(false));
        Assert.True(clients.Find(again)!.SessionIn(_sessions).Use(false));
        Assert.Null((await OpenAsync("x", change: c => c["client_id"] = "pipeline")).Session);
    }

    [Fact]
    public async Task A_token_for_what_may_be_asked_once_is_used_up_by_it()
    {
        using var identity = ServerIdentity.Open(_folder["server"], [], _clock);
        var authenticator = new Authenticator(new() { Certificates = new([CertificateTrust.Local(identity, _clock)], new(), _clock), Sessions = _sessions, Clock = _clock });
        var caller = new Caller { Id = "oidc:a|b" };
        Authenticated Token(string name, double issued) => new(caller, _clock.GetUtcNow().AddMinutes(10), _clock, () => true) { TokenName = name, Issued = _clock.GetUtcNow().AddSeconds(issued) };
        Assert.True(authenticator.TryUseOnce(Token("a", 0)));
        Assert.False(authenticator.TryUseOnce(Token("a", 0)));
        Assert.True(authenticator.TryUseOnce(Token("b", 0)));
        Assert.False(authenticator.TryUseOnce(Token("c", -1)));
        var certificate = new Authenticated(caller, _clock.GetUtcNow().AddMinutes(10), _clock, () => true);
        Assert.True(authenticator.TryUseOnce(certificate) && authenticator.TryUseOnce(certificate));
        await Task.CompletedTask;
    }

    [Fact]
    public void What_is_used_once_is_refused_when_there_is_no_room_to_remember_it()
    {
        var cache = new ReplayCache(16, _clock);
        var until = _clock.GetUtcNow().AddSeconds(10);
        Assert.True(cache.TryUse("one", "a", until) && cache.TryUse("one", "b", until));
        Assert.False(cache.TryUse("one", "c", until));
        Assert.False(cache.TryUse("one", "a", until));
        _clock.Advance(11);
        Assert.True(cache.TryUse("one", "c", until.AddSeconds(20)));
        Assert.False(cache.TryUse("one", "c", until.AddSeconds(20)));
    }

    private async Task<ValidToken> OpenAsync(string? session, long? login = null, Action<JsonObject>? change = null) => await ReadAsync(_mint.Make(c =>
    {
        if (session is not null) c["sid"] = session;
        if (login is not null) c["auth_time"] = login;
        change?.Invoke(c);
    }), _mint);

    private async Task<ValidToken> ReadAsync(string token, TokenMint mint)
    {
        File.WriteAllText(_folder["keys"], mint.Keys());
        using var tokens = new AccessTokens(new() { Issuers = [TokenMint.Rules(_folder["keys"]) with { ServiceClients = ["pipeline"] }] }, _sessions, null, _clock);
        return await tokens.ReadAsync(token, TokenDigest.Of(token), default);
    }
}
