using Microsoft.AspNetCore.Http;
using Warehouse.Rpc.Server;

namespace Grpc.Core;

/// <summary>The transport behind a call.</summary>
public static class ServerCallContextExtensions
{
    /// <summary>The HTTP request that carries the call: its connection with the client's certificate, its identifiers. Throws <see cref="InvalidOperationException"/> for a test double.</summary>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext) =>
        Of(serverCallContext).Http;

    /// <summary>
    /// Ends a call that runs: its client is answered at once, by the status and the trailers of a refusal, and its token is cancelled. One that ends already ends
    /// as it does; one that writes a reply that is not taken is reset. Throws <see cref="InvalidOperationException"/> for a test double.
    /// </summary>
    public static void End(this ServerCallContext serverCallContext, RpcException refusal) => Of(serverCallContext).Cut(refusal.Status, refusal.Trailers);

    private static ServerCall Of(ServerCallContext context) => context as ServerCall ?? throw new InvalidOperationException("this call did not come over HTTP");
}
