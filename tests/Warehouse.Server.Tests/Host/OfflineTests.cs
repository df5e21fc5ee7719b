using System.Net.NetworkInformation;
using Xunit;

namespace Warehouse.Server.Tests.Host;

public sealed class OfflineTests
{
    /// <summary>What test.sh says of a run without a network is so in the process that runs the tests, and not in its parents alone (C28).</summary>
    [Fact]
    public void A_run_that_is_to_have_no_network_has_none()
    {
        if (Environment.GetEnvironmentVariable("WAREHOUSE_OFFLINE") != "1") return;
        Assert.Equal([NetworkInterfaceType.Loopback], NetworkInterface.GetAllNetworkInterfaces().Select(i => i.NetworkInterfaceType));
        Assert.ThrowsAny<System.Net.Sockets.SocketException>(() => System.Net.Dns.GetHostAddresses("example.org"));
    }
}
