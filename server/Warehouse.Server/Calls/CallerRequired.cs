using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Warehouse.Server.Calls;

/// <summary>
/// Stands before the methods that do not go through <see cref="CallGate"/> by themselves, those of the library (health, reflection) and those that
/// nobody answers: each is counted. Who shows no credential was turned away before (<see cref="CallGate.EntranceAsync"/>). Any thread.
/// </summary>
internal sealed class CallerRequired(CallGate gate) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        IsOfLibrary(context) ? gate.PassAsync(context, () => continuation(request, context)) : continuation(request, context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        IsOfLibrary(context) ? gate.PassAsync(context, () => continuation(requestStream, context), isStreamed: true) : continuation(requestStream, context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        IsOfLibrary(context) ? PassAsync(context, () => continuation(request, responseStream, context)) : continuation(request, responseStream, context);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        IsOfLibrary(context) ? PassAsync(context, () => continuation(requestStream, responseStream, context)) : continuation(requestStream, responseStream, context);

    /// <summary>A method that does not go through the gate by itself.</summary>
    public static bool IsOfLibrary(ServerCallContext context) => MethodTable.Of(context.Method) is null or { Reach: Reach.Nothing, Roles: null, IsForEverybody: false };

    private Task PassAsync(ServerCallContext context, Func<Task> answer) => gate.PassAsync(context, async () =>
    {
        await answer().ConfigureAwait(false);
        return true;
    }, isStreamed: true);
}
