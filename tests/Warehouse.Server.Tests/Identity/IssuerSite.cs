using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Warehouse.Server.Tests.Identity;

/// <summary>The site of an issuer, on a loopback port: its description and its keys.</summary>
internal sealed class IssuerSite : IAsyncDisposable
{
    private readonly WebApplication _application;
    private volatile bool _isDown;

    private IssuerSite(TokenMint mint)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(http =>
        {
            Asked.Enqueue((http.Request.Path, [.. http.Request.Headers.Keys]));
            http.Response.StatusCode = _isDown ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return http.Response.WriteAsync(http.Request.Path == "/keys" ? mint.Keys() : $$"""{"issuer": "{{Address}}", "jwks_uri": "{{Address}}/keys"}""");
        });
    }

    public string Address { get; private set; } = "";

    /// <summary>What it was asked: the path, and the names of the headers.</summary>
    public ConcurrentQueue<(string Path, string[] Headers)> Asked { get; } = [];

    /// <summary>It answers nothing.</summary>
    public bool IsDown
    {
        get => _isDown;
        set => _isDown = value;
    }

    /// <summary>Starts one. It has answered once before whoever has only a few seconds for it asks.</summary>
    public static async Task<IssuerSite> StartAsync(TokenMint mint)
    {
        var site = new IssuerSite(mint);
        await site._application.StartAsync();
        site.Address = site._application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        using var http = new HttpClient();
        await http.GetStringAsync(new Uri(site.Address));
        site.Asked.Clear();
        return site;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();
}
