using Warehouse.Units.Clinic;
using Xunit;

namespace Warehouse.Tests.Clinic;

/// <summary>F80: the units stop at some operations of the disks, this at every one, about a thousand.</summary>
public sealed class AlertSweepTests
{
    [Fact]
    public void A_stop_at_every_operation_loses_no_alert_raises_none_twice_and_acknowledges_none_that_was_not_shown()
    {
        var (runs, failures) = AlertCrashes.Run(seed: 20261129, every: 1);
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(runs > 900, $"{runs} operations");
    }
}
