using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Warehouse.Rpc.Server;

/// <summary>The services of a server.</summary>
public sealed class RpcServices
{
    private readonly List<(ServerServiceDefinition Definition, RpcCallLimits? Limits)> _services = [];
    private readonly List<ServiceDescriptor> _descriptors = [];

    /// <summary>What is known of the services that were added with a descriptor, in order.</summary>
    public IReadOnlyList<ServiceDescriptor> Descriptors => _descriptors;

    /// <summary>
    /// Adds a service: what <c>BindService</c> of its generated class makes, its <c>Descriptor</c> (without which reflection does not show it),
    /// and its limits when they are not those of the server.
    /// </summary>
    public RpcServices Add(ServerServiceDefinition definition, ServiceDescriptor? descriptor = null, RpcCallLimits? limits = null)
    {
        _services.Add((definition ?? throw new ArgumentNullException(nameof(definition)), limits));
        if (descriptor is not null) _descriptors.Add(descriptor);
        return this;
    }

    internal Dictionary<string, ServerMethod> Bind(RpcServerOptions options)
    {
        var methods = new Dictionary<string, ServerMethod>(StringComparer.Ordinal);
        foreach (var (definition, limits) in _services) definition.Intercept([.. options.Interceptors]).BindService(new ServerMethodBinder(methods, limits ?? options.CallLimits));
        return methods;
    }
}
