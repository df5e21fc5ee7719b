using Google.Protobuf.Reflection;
using Warehouse.Protocol.V1;
using Xunit;

namespace Warehouse.Server.Tests;

public sealed class ProtocolTests
{
    [Fact]
    public void Every_question_says_why_it_is_asked()
    {
        var silent = Services.SelectMany(s => s.Methods).Where(m => !m.IsClientStreaming && m.InputType.FindFieldByName("asking")?.MessageType != Asking.Descriptor).Select(m => m.FullName);
        Assert.Empty(silent);
    }

    [Fact]
    public void Every_method_has_a_rule_of_who_may_call_it()
    {
        var methods = Services.Append(Protocol.Flight.FlightService.Descriptor).SelectMany(s => s.Methods.Select(m => $"/{s.FullName}/{m.Name}")).ToList();
        Assert.DoesNotContain(methods, m => Server.Calls.MethodTable.Of(m) is null);
        Assert.Empty(Server.Calls.MethodTable.Methods.Where(m => !m.StartsWith("/grpc.", StringComparison.Ordinal)).Except(methods));
    }

    private static ServiceDescriptor[] Services => [Variants.Descriptor, Store.Descriptor, Cohorts.Descriptor, Ingest.Descriptor, Audit.Descriptor];
}
