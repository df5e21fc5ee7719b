namespace Warehouse.Engine.Doctor;

/// <summary>What <c>doctor</c> asks: is this machine fit, and is this store.</summary>
public static class Checkup
{
    /// <summary>Checks the machine, and a store when one is named. Never throws for what it finds; a store too damaged to open is one row.</summary>
    /// <param name="storePath">Folder of the store, or null for the machine alone.</param>
    /// <param name="keysPath">Its key folder; null = the store's path with <c>.keys</c> appended.</param>
    /// <param name="clock">Clock of the store; null = the system's.</param>
    /// <returns>Rows in a fixed order, the machine first.</returns>
    public static IReadOnlyList<DoctorRow> Run(string? storePath = null, string? keysPath = null, TimeProvider? clock = null)
    {
        var rows = MachineChecks.Run().ToList();
        if (storePath is null) rows.Add(MachineChecks.Space(Environment.CurrentDirectory));
        else rows.AddRange(new StoreChecks(storePath, VariantStore.KeysPathOf(storePath, keysPath), clock ?? TimeProvider.System).Run());
        return rows;
    }
}
