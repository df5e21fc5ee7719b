using Warehouse.Engine.Audit;
using Warehouse.Simulation;

namespace Warehouse.Tests.Audit;

/// <summary>A log on a simulated disk, with the keys of a simulated store.</summary>
internal sealed class SimLog : IDisposable
{
    private static readonly SimStore Store = SimStore.WithVersions(0);

    internal SimLog(SimMachine? machine = null)
    {
        Machine = machine ?? new SimMachine();
        Disk = Machine.Disks.Count > 0 ? Machine.Disks[0] : new SimDisk(Machine);
        lock (Store) Keys = AuditKeys.Open(Store.Keys);
    }

    internal SimMachine Machine { get; }

    internal SimDisk Disk { get; }

    internal AuditKeys Keys { get; }

    /// <summary>A log with so many entries, appended in batches of a size by one process.</summary>
    internal static SimLog With(int entries, int batch = 1)
    {
        var sim = new SimLog();
        using var log = sim.Open();
        for (var done = 0; done < entries; done += batch) log.Append([.. Enumerable.Range(done, Math.Min(batch, entries - done)).Select(Entry)]);
        return sim;
    }

    internal static AuditEntry Entry(int number) => new() { Kind = AuditKind.Begin, Call = $"call {number}", Who = "somebody", Role = "owner", Verb = "seen", Purpose = "operations" };

    internal AuditLog Open() => new(Disk, Keys, Machine.Clock);

    internal AuditReader Read() => new(Disk, Keys);

    /// <summary>Calls of the entries, in their order; the log is verified first.</summary>
    internal List<string> Calls() => [.. Read().Entries().Where(e => e.Entry.Kind != AuditKind.Recovered).Select(e => e.Entry.Call)];

    internal IReadOnlyList<AuditFinding> Verify(byte[]? witness = null) => AuditVerifier.Verify(Disk, Keys.Signer, witness, CancellationToken.None).Findings;

    public void Dispose() => Keys.Dispose();
}
