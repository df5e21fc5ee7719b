using System.Reflection;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Every method of every service that the server has stands in the table of rules, and is refused to who has none of its roles (F68).</summary>
public sealed class MethodTableTests
{
    [Fact]
    public void Every_method_has_a_rule_and_every_rule_a_method()
    {
        var methods = Services().SelectMany(s => s.Methods).Select(MethodCall.PathOf).Distinct().ToList();
        Assert.True(methods.Count > 40);
        Assert.Equal(methods.Order(StringComparer.Ordinal), MethodTable.Methods.Order(StringComparer.Ordinal));
        Assert.Null(MethodTable.Of("/warehouse.v1.Variants/Nothing"));
    }

    [Fact]
    public void Who_runs_grants_or_audits_has_no_method_that_shows_samples()
    {
        foreach (var method in MethodTable.Methods)
        {
            var rule = MethodTable.Of(method)!;
            if (rule.Reach is not (Reach.Samples or Reach.Records or Reach.Writing)) continue;
            Assert.NotNull(rule.Roles);
            Assert.False(rule.Roles.Intersect([Role.Operator, Role.DataSteward, Role.Auditor]).Any(), method);
        }
        Assert.All(MethodTable.Methods.Where(m => m.StartsWith("/warehouse.v1.Audit/", StringComparison.Ordinal) && !m.EndsWith("/Checkpoint", StringComparison.Ordinal)), m => Assert.Equal([Role.Auditor], MethodTable.Of(m)!.Roles));
    }

    /// <summary>Over the wire: a caller without any role gets nothing of the store from any method, and one text for all.</summary>
    [Fact]
    public async Task A_caller_without_a_role_is_refused_by_every_method_that_names_roles()
    {
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        var (channel, _) = served.Client("nobody");
        foreach (var method in Services().SelectMany(s => s.Methods).Where(m => MethodTable.Of(MethodCall.PathOf(m)) is { Roles: not null }))
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(channel, method));
            Assert.True((StatusCode.PermissionDenied, "not granted") == (refused.StatusCode, refused.Status.Detail), $"{method.FullName}: {refused.Status}");
        }
    }

    internal static IEnumerable<ServiceDescriptor> Services() => new[] { typeof(V1.Asking).Assembly, typeof(Grpc.Health.V1.Health).Assembly }.SelectMany(a => a.GetTypes())
        .Where(t => t.GetCustomAttribute<BindServiceMethodAttribute>() is null && t.IsAbstract && t.IsSealed)
        .Select(t => t.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null)).OfType<ServiceDescriptor>().Where(s => s.File.Package != "grpc.testing");

    /// <summary>Calls a method with a request, or with one that states a purpose and is empty else.</summary>
    internal static Task CallAsync(RpcChannel channel, MethodDescriptor method, double seconds = 20, byte[]? request = null) =>
        new MethodCall(method, [request ?? MethodCall.Asked(method)]).RunAsync(channel, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(seconds)));
}
