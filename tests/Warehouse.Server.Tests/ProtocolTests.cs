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

    private static ServiceDescriptor[] Services => [Variants.Descriptor, Store.Descriptor, Cohorts.Descriptor, Ingest.Descriptor, Access.Descriptor, Audit.Descriptor];
}
