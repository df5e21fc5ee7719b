using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
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
        var asked = new ConcurrentQueue<(string Path, string[] Headers)>();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        await using var issuer = builder.Build();
        var address = "";
        issuer.Run(http =>
        {
            asked.Enqueue((http.Request.Path, [.. http.Request.Headers.Keys]));
            return http.Response.WriteAsync(http.Request.Path == "/keys" ? mint.Keys() : $$"""{"issuer": "{{address}}", "jwks_uri": "{{address}}/keys"}""");
        });
        await issuer.StartAsync();
        address = issuer.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        using var keys = new IssuerKeys(new() { Issuer = address, Audience = "a", IsTest = true }, new(), clock);
        using var around = new Activity("what a client sent");
        around.TraceStateString = "x=NA12878";
        around.AddBaggage("sample", "NA12878");
        around.Start();
        Assert.NotNull(await keys.FindAsync("ec", SignatureAlgorithm.Find("ES256")!, default));
        Assert.Equal(["/.well-known/openid-configuration", "/keys"], asked.Select(a => a.Path));
        Assert.All(asked, a => Assert.Equal(["Host"], a.Headers));
    }
}
