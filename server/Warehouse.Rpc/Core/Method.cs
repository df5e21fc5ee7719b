namespace Grpc.Core;

/// <summary>On which sides a call has many messages.</summary>
public enum MethodType
{
    /// <summary>One request, one reply.</summary>
    Unary,

    /// <summary>Many requests, one reply.</summary>
    ClientStreaming,

    /// <summary>One request, many replies.</summary>
    ServerStreaming,

    /// <summary>Many of both, in any order.</summary>
    DuplexStreaming,
}

/// <summary>What can be said of a method without its messages.</summary>
public interface IMethod
{
    /// <summary>On which sides it has many messages.</summary>
    MethodType Type { get; }

    /// <summary>Name of its service with the package.</summary>
    string ServiceName { get; }

    /// <summary>Its name inside the service.</summary>
    string Name { get; }

    /// <summary>The path that calls it: <c>/package.Service/Method</c>.</summary>
    string FullName { get; }
}

/// <summary>A method that can be called and answered.</summary>
public class Method<TRequest, TResponse> : IMethod
{
    /// <summary>Of its parts.</summary>
    public Method(MethodType type, string serviceName, string name, Marshaller<TRequest> requestMarshaller, Marshaller<TResponse> responseMarshaller)
    {
        Type = type;
        ServiceName = serviceName ?? throw new ArgumentNullException(nameof(serviceName));
        Name = name ?? throw new ArgumentNullException(nameof(name));
        RequestMarshaller = requestMarshaller ?? throw new ArgumentNullException(nameof(requestMarshaller));
        ResponseMarshaller = responseMarshaller ?? throw new ArgumentNullException(nameof(responseMarshaller));
        FullName = $"/{serviceName}/{name}";
    }

    /// <inheritdoc/>
    public MethodType Type { get; }

    /// <inheritdoc/>
    public string ServiceName { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string FullName { get; }

    /// <summary>How requests travel.</summary>
    public Marshaller<TRequest> RequestMarshaller { get; }

    /// <summary>How replies travel.</summary>
    public Marshaller<TResponse> ResponseMarshaller { get; }
}
