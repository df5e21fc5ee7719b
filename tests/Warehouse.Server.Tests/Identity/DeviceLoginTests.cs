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
        var login = new DeviceLogin(http, new() { Issuer = new(Issuer), Client = "cli", Audience = "a", Clock = _clock });
        Assert.Equal(code, (await Assert.ThrowsAsync<LoginException>(() => login.RunAsync(_ => { }))).Code);
    }

    private async Task<AccessToken> RunAsync(params (int Status, string Body)[] answers)
    {
        using var http = new HttpClient(new Scripted([(200, Discovery), (200, Begun), .. answers]));
        DevicePrompt? shown = null;
        try
        {
            return await new DeviceLogin(http, new() { Issuer = new(Issuer), Client = "cli", Audience = "a", Clock = _clock }).RunAsync(p => shown = p);
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

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var (status, body) = _left.Dequeue();
            return Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") });
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
