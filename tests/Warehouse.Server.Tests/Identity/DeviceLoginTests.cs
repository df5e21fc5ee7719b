using System.Net;
using System.Text;
using Warehouse.Client.Login;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>How a login by another device asks, against a provider that answers by script.</summary>
public sealed class DeviceLoginTests
{
    private const string Issuer = "https://issuer.test";
    private const string Discovery = """{"issuer":"https://issuer.test","device_authorization_endpoint":"https://issuer.test/device","token_endpoint":"https://issuer.test/token"}""";
    private const string Begun = """{"device_code":"d","user_code":"ABCD","verification_uri":"https://issuer.test/go","expires_in":100,"interval":7}""";
    private const string Done = """{"access_token":"t","token_type":"Bearer","expires_in":600}""";

    private readonly WaitingClock _clock = new();

    [Fact]
    public async Task It_waits_as_long_as_it_is_told_and_longer_when_it_is_told_to_slow_down()
    {
        var token = await RunAsync(Error("authorization_pending"), Error("slow_down"), Error("authorization_pending"), (200, Done));
        Assert.Equal([7, 7, 12, 12], _clock.Waits.Select(w => w.TotalSeconds));
        Assert.Equal(("t", _clock.GetUtcNow().AddSeconds(600)), (token.Token, token.Until));
    }

    [Theory]
    [InlineData("access_denied", "access_denied")]
    [InlineData("expired_token", "expired_token")]
    [InlineData("<script>", "answer")]
    public async Task It_ends_when_the_provider_says_so(string error, string code) => Assert.Equal(code, (await Assert.ThrowsAsync<LoginException>(() => RunAsync(Error(error)))).Code);

    [Fact]
    public async Task It_ends_when_the_code_does() =>
        Assert.Equal("expired_token", (await Assert.ThrowsAsync<LoginException>(() => RunAsync([.. Enumerable.Repeat(Error("authorization_pending"), 50)]))).Code);

    [Theory]
    [InlineData("""{"issuer":"https://other.test","device_authorization_endpoint":"https://issuer.test/device","token_endpoint":"https://issuer.test/token"}""", "issuer")]
    [InlineData("""{"issuer":"https://issuer.test","device_authorization_endpoint":"http://issuer.test/device","token_endpoint":"https://issuer.test/token"}""", "https")]
    [InlineData("""{"issuer":"https://issuer.test"}""", "answer")]
    [InlineData("[]", "answer")]
    public async Task Another_issuer_and_clear_text_are_refused(string discovery, string code)
    {
        using var http = new HttpClient(new Scripted([(200, discovery)]));
        Assert.Equal(code, (await Assert.ThrowsAsync<LoginException>(() => new DeviceLogin(http, Options).RunAsync(_ => { }))).Code);
    }

    [Fact]
    public async Task It_asks_more_slowly_while_the_provider_does_not_answer()
    {
        await RunAsync((503, ""), (500, "<html>"), Error("authorization_pending"), (200, Done));
        Assert.Equal([7, 14, 28, 28], _clock.Waits.Select(w => w.TotalSeconds));
    }

    [Theory]
    [InlineData("""{"access_token":"a b","token_type":"Bearer","expires_in":600}""", "answer")]
    [InlineData("""{"access_token":"a\nb","token_type":"Bearer","expires_in":600}""", "answer")]
    [InlineData("""{"access_token":"t","token_type":"mac","expires_in":600}""", "answer")]
    [InlineData("""{"access_token":"t","expires_in":600}""", "answer")]
    [InlineData("""{"access_token":"t","token_type":"DPoP","expires_in":600}""", "unbound")]
    [InlineData("""{"token_type":"Bearer"}""", "answer")]
    [InlineData("", "answer")]
    public async Task An_answer_that_is_not_a_token_as_it_was_asked_for_is_refused(string answer, string code) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<LoginException>(() => RunAsync((200, answer)))).Code);

    [Theory]
    [InlineData("""{"device_code":"d","user_code":"ABCD","verification_uri":"javascript:alert(1)","expires_in":100}""")]
    [InlineData("""{"device_code":"d","user_code":"ABCD","verification_uri":"go","expires_in":100}""")]
    [InlineData("""{"device_code":"d","verification_uri":"https://issuer.test/go","expires_in":100}""")]
    [InlineData("""{"device_code":"d","user_code":"ABCD","verification_uri":"https://issuer.test/go","verification_uri_complete":7,"expires_in":100}""")]
    public async Task A_page_that_is_none_is_not_shown(string begun)
    {
        using var http = new HttpClient(new Scripted([(200, Discovery), (200, begun)]));
        Assert.Equal("answer", (await Assert.ThrowsAsync<LoginException>(() => new DeviceLogin(http, Options).RunAsync(_ => Assert.Fail("shown")))).Code);
    }

    /// <summary>RFC 8705: asked where the provider takes certificates, and taken only when it says that it is bound to this one.</summary>
    [Theory]
    [InlineData("""{"cnf":{"x5t#S256":"own"}}""", null)]
    [InlineData("""{"cnf":{"x5t#S256":"another"}}""", "unbound")]
    [InlineData("""{"cnf":{"jkt":"own"}}""", "unbound")]
    [InlineData("{}", "unbound")]
    [InlineData("[", "unbound")]
    [InlineData(null, "unbound")]
    public async Task A_token_is_bound_to_a_certificate(string? claims, string? code)
    {
        var token = claims is null ? "opaque" : $"e30.{System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.x";
        var discovery = Discovery.Replace("}", ""","mtls_endpoint_aliases":{"token_endpoint":"https://mtls.issuer.test/token"}}""", StringComparison.Ordinal);
        var script = new Scripted([(200, discovery), (200, Begun), (200, Done.Replace("\"t\"", $"\"{token}\"", StringComparison.Ordinal))]);
        using var http = new HttpClient(script);
        var login = new DeviceLogin(http, Options with { Certificate = "own" });
        if (code is null) Assert.Equal(token, (await login.RunAsync(_ => { })).Token);
        else Assert.Equal(code, (await Assert.ThrowsAsync<LoginException>(() => login.RunAsync(_ => { }))).Code);
        Assert.Equal("https://mtls.issuer.test/token", script.Asked[^1]);
    }

    [Fact]
    public async Task A_token_is_bound_to_a_key_with_the_word_that_the_provider_wants()
    {
        var script = new Scripted([(200, Discovery), (200, Begun), Error("use_dpop_nonce"), (200, Done.Replace("Bearer", "DPoP", StringComparison.Ordinal))]) { Nonce = "n-1" };
        using var http = new HttpClient(script);
        var token = await new DeviceLogin(http, Options with { NeedsProof = true }).RunAsync(_ => { });
        var proofs = script.Proofs.OfType<string>().Select(p => System.Text.Json.JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(p.Split('.')[1])).RootElement).ToList();
        Assert.Equal(2, proofs.Count);
        Assert.False(proofs[0].TryGetProperty("nonce", out _));
        Assert.Equal("n-1", proofs[1].GetProperty("nonce").GetString());
        Assert.All(proofs, p => Assert.Equal(("https://issuer.test/token", "POST"), (p.GetProperty("htu").GetString(), p.GetProperty("htm").GetString())));
        Assert.NotEqual(proofs[0].GetProperty("jti").GetString(), proofs[1].GetProperty("jti").GetString());
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----", token.Key, StringComparison.Ordinal);
        Assert.Equal("a token until 1970-01-01 00:10:07Z", token.ToString());

        // One that names another word each time is not followed for ever.
        using var again = new HttpClient(new Scripted([(200, Discovery), (200, Begun), Error("use_dpop_nonce"), Error("use_dpop_nonce")]) { Nonce = "n-2" });
        Assert.Equal("use_dpop_nonce", (await Assert.ThrowsAsync<LoginException>(() => new DeviceLogin(again, Options with { NeedsProof = true }).RunAsync(_ => { }))).Code);
    }

    [Fact]
    public async Task Renewal_is_asked_for_where_the_provider_has_it()
    {
        var script = new Scripted([(200, Discovery[..^1] + ""","scopes_supported":["openid","offline_access"]}"""), (200, Begun), (200, Done)]);
        using var http = new HttpClient(script);
        await new DeviceLogin(http, Options with { Scope = "openid ask" }).RunAsync(_ => { });
        Assert.Contains("scope=openid+ask+offline_access", script.Bodies[1], StringComparison.Ordinal);
        Assert.Contains("prompt=consent", script.Bodies[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_several_that_renew_a_login_at_once_one_asks_the_provider()
    {
        using var folder = new Units.TempFolder();
        var (file, server) = (new LoginFile(folder["home/logins.json"]), new Uri("https://localhost:7443"));
        using (await file.LockAsync()) file.Keep(server, new StoredLogin { Login = Options, Token = new("old", _clock.GetUtcNow()) { Refresh = "r1" } });
        var script = new Scripted([(200, Discovery), (200, """{"access_token":"new","token_type":"Bearer","expires_in":600}""")]);
        using var http = new HttpClient(script);
        PersonLogin[] people = [.. Enumerable.Range(0, 6).Select(_ => new PersonLogin(new LoginFile(file.FullPath), server, http, _clock))];
        var tokens = await Task.WhenAll(people.SelectMany(p => new[] { p.TokenAsync(default).AsTask(), p.TokenAsync(default).AsTask() }));
        Assert.All(tokens, t => Assert.Equal(("new", "r1"), (t.Token, t.Refresh)));
        Assert.Contains("refresh_token=r1", script.Bodies[1], StringComparison.Ordinal);
        foreach (var person in people) person.Dispose();
    }

    private DeviceLoginOptions Options => new() { Issuer = new(Issuer), Client = "cli", Audience = "a", Clock = _clock };

    private async Task<AccessToken> RunAsync(params (int Status, string Body)[] answers)
    {
        using var http = new HttpClient(new Scripted([(200, Discovery), (200, Begun), .. answers]));
        DevicePrompt? shown = null;
        try
        {
            return await new DeviceLogin(http, Options).RunAsync(p => shown = p);
        }
        finally
        {
            Assert.Equal("ABCD", shown?.Code);
        }
    }

    private static (int, string) Error(string code) => (400, $$"""{"error":"{{code}}"}""");

    private sealed class Scripted(IEnumerable<(int Status, string Body)> answers) : HttpMessageHandler
    {
        private readonly Queue<(int Status, string Body)> _left = new(answers);

        public string? Nonce { get; init; }

        public List<string?> Proofs { get; } = [];

        public List<string> Bodies { get; } = [];

        public List<string> Asked { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Proofs.Add(request.Headers.TryGetValues("DPoP", out var proofs) ? proofs.Single() : null);
            Asked.Add(request.RequestUri!.OriginalString);
            Bodies.Add(request.Content is { } content ? await content.ReadAsStringAsync(cancellationToken) : "");
            var (status, body) = _left.Dequeue();
            var answer = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            if (Nonce is { } nonce) answer.Headers.Add("DPoP-Nonce", nonce);
            return answer;
        }
    }

    /// <summary>A clock that moves by what it is asked to wait.</summary>
    private sealed class WaitingClock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

        public List<TimeSpan> Waits { get; } = [];

        public override DateTimeOffset GetUtcNow() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime);
            _now += dueTime;
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
