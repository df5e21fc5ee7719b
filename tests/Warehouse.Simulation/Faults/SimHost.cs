using Warehouse.Engine;
using Warehouse.Engine.Manifests;

namespace Warehouse.Simulation.Faults;

/// <summary>A machine with a store on one disk and its keys on another.</summary>
internal sealed class SimHost(SimMachine machine)
{
    internal SimMachine Machine => machine;

    internal SimDisk Disk => machine.Disks[0];

    internal SimDisk Keys => machine.Disks[1];

    /// <summary>A new machine with an empty store.</summary>
    internal static SimHost Create()
    {
        var machine = new SimMachine();
        var (disk, keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
        StoreFolder.Create(disk, keys, StoreIdentity.New("toy1", ReadOnlyMemory<byte>.Empty, machine.Clock), machine.Clock).Dispose();
        return new SimHost(machine);
    }

    internal VariantStore Open() => VariantStore.Over(StoreFolder.Open(Disk, Keys, machine.Clock));

    internal long Do(Change change, VariantStore store, SampleFiles files) => change.Do(store, Disk, Keys, files);
}
