using Grpc.Core;
using Warehouse.Protocol.V1;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Services;

/// <summary>
/// Where people log in. Like health it is answered to everybody and goes through no gate: the reply is made once, of the configuration alone, and
/// is the same for all. Any thread.
/// </summary>
internal sealed class IssuersService : Issuers.IssuersBase
{
    private readonly ListIssuersReply _reply = new();

    public IssuersService(ServerConfiguration configuration)
    {
        foreach (var issuer in configuration.Issuers)
            if (issuer.Login is { } login)
                _reply.Issuers.Add(new Issuer { Issuer_ = issuer.Issuer, Client = login.Client, Audience = issuer.Audience, Scope = login.Scope, NeedsProof = issuer.RequireBinding });
    }

    /// <inheritdoc/>
    public override Task<ListIssuersReply> List(ListIssuersRequest request, ServerCallContext context) => Task.FromResult(_reply);
}
