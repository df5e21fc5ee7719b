using System.Globalization;
using System.Text;
using Warehouse.Engine.Events;
using Warehouse.Engine.Manifests;
using Warehouse.Simulation;
using Warehouse.Units.Manifests;
using Xunit;

namespace Warehouse.Units.Events;

/// <summary>An event log on simulated disks, whose events tell their own number.</summary>
internal sealed class SimEvents
{
    private SimEvents(SimMachine machine) => Machine = machine;

    internal SimMachine Machine { get; }

    internal SimDisk Store => Machine.Disks[0];

    internal SimDisk Keys => Machine.Disks[1];

    /// <summary>A log of an empty store, with so many batches of one to three events.</summary>
    internal static SimEvents With(int batches)
    {
        var sim = new SimEvents(SimStore.WithVersions(0).Machine);
        using var log = sim.Open();
        for (var i = 0; i < batches; i++) AppendNext(log, 1 + i % 3);
        return sim;
    }

    internal SimEvents Copy() => new(Machine.Copy());

    internal SimEvents Cut(int seed) => new(Machine.Cut(new Random(seed)));

    internal EventLog Open(TimeProvider? clock = null) => new(Store, Keys, clock ?? Machine.Clock);

    internal static EventBatch Batch(long first, int count, long? expected = null) => new()
    {
        Actor = "local:somebody",
        ManifestVersion = 1 + first / 10,
        Events = [.. Enumerable.Range(0, count).Select(i => new NewEvent("test/number", 1, Payload(first + i)))],
        ExpectedHead = expected,
    };

    internal static byte[] Payload(long number) => Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture) + new string('x', (int)(number * 7 % 90)));

    internal static long AppendNext(EventLog log, int count)
    {
        var head = log.Refresh();
        return log.Append(Batch(head + 1, count, head));
    }

    /// <summary>Reads all of it, and compares it with what the numbers say; the head is returned.</summary>
    internal static long CheckWhole(EventLog log)
    {
        var head = log.Refresh();
        var read = log.Read().ToList();
        Assert.Equal(head, read.Count);
        for (var i = 0; i < read.Count; i++)
        {
            Assert.Equal(i + 1, read[i].Number);
            Assert.Equal(Payload(i + 1), read[i].Payload.ToArray());
        }
        return head;
    }

    internal List<VerifyFinding> Verify() => [.. EventVerifier.Verify(Store, Keys, CancellationToken.None)];

    internal List<string> Files() => [.. Store.AllFiles().Where(f => f.StartsWith("e/", StringComparison.Ordinal) && f != "e/lock")];
}
