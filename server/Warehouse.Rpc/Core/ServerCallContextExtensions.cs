using Microsoft.AspNetCore.Http;
using Warehouse.Rpc.Server;

namespace Grpc.Core;

/// <summary>The transport behind a call.</summary>
public static class ServerCallContextExtensions
{
    /// <summary>The HTTP request that carries the call: its connection with the client's certificate, its identifiers. Throws <see cref="InvalidOperationException"/> for a test double.</summary>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext) =>
        serverCallContext is ServerCall call ? call.Http : throw new InvalidOperationException("this call did not come over HTTP");
}
