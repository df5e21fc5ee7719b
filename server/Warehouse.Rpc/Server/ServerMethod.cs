using Grpc.Core;

namespace Warehouse.Rpc.Server;

/// <summary>A method that the server answers: its limits, and its handler behind a call whose types are not known outside.</summary>
internal sealed record ServerMethod(IMethod Method, RpcCallLimits Limits, Func<ServerCall, Task> HandleAsync);

/// <summary>Makes the table of methods.</summary>
internal sealed class ServerMethodBinder(Dictionary<string, ServerMethod> methods, RpcCallLimits limits) : ServiceBinderBase
{
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) => Add(method, async call =>
    {
        var request = await call.ReadOnlyAsync(method.RequestMarshaller).ConfigureAwait(false);
        await call.WriteOnlyAsync(await handler!(request, call).ConfigureAwait(false), method.ResponseMarshaller).ConfigureAwait(false);
    });

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) => Add(method, async call =>
        await call.WriteOnlyAsync(await handler!(new RequestReader<TRequest>(call, method.RequestMarshaller), call).ConfigureAwait(false), method.ResponseMarshaller).ConfigureAwait(false));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) => Add(method, async call =>
    {
        var request = await call.ReadOnlyAsync(method.RequestMarshaller).ConfigureAwait(false);
        await handler!(request, new ReplyWriter<TResponse>(call, method.ResponseMarshaller), call).ConfigureAwait(false);
    });

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        Add(method, call => handler!(new RequestReader<TRequest>(call, method.RequestMarshaller), new ReplyWriter<TResponse>(call, method.ResponseMarshaller), call));

    private void Add(IMethod method, Func<ServerCall, Task> handleAsync) => methods.Add(method.FullName, new(method, limits, handleAsync));

    private sealed class RequestReader<T>(ServerCall call, Marshaller<T> marshaller) : IAsyncStreamReader<T>
    {
        private T? _current;

        public T Current => _current ?? throw new InvalidOperationException("no request was read, or there is no further one");

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            (var isThere, _current) = await call.ReadAsync(marshaller, cancellationToken).ConfigureAwait(false);
            return isThere;
        }
    }

    private sealed class ReplyWriter<T>(ServerCall call, Marshaller<T> marshaller) : IServerStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(T message) => WriteAsync(message, default);

        public Task WriteAsync(T message, CancellationToken cancellationToken) => call.WriteAsync(message, marshaller, WriteOptions, cancellationToken);
    }
}
