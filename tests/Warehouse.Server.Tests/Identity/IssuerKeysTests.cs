using System.Diagnostics;
using Warehouse.Server.Identity;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>What an issuer is asked, beside its keys: nothing.</summary>
public sealed class IssuerKeysTests
{
    [Fact]
    public async Task Nothing_of_the_call_that_is_checked_goes_to_the_issuer()
    {
        var clock = new FakeClock();
        using var mint = new TokenMint(clock);
        await using var issuer = await IssuerSite.StartAsync(mint);
        using var keys = new IssuerKeys(new() { Issuer = issuer.Address, Audience = "a", IsTest = true }, new(), clock);
        using var around = new Activity("what a client sent");
        around.TraceStateString = "x=NA12878";
        around.AddBaggage("sample", "NA12878");
        around.Start();
        Assert.NotNull(await keys.FindAsync("ec", SignatureAlgorithm.Find("ES256")!, default));
        Assert.Equal(["/.well-known/openid-configuration", "/keys"], issuer.Asked.Select(a => a.Path));
        Assert.All(issuer.Asked, a => Assert.Equal(["Host"], a.Headers));
    }
}
