using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

/// <summary>Tells damage of the store from other failures: I3, what is not as it was written is said, and never read as nothing.</summary>
internal static class Damage
{
    /// <summary>What is damaged, naming the file where it is known; null when the failure is another.</summary>
    public static string? TextOf(Exception failure) => failure switch
    {
        DamagedStoreException => failure.Message,
        InvalidDataException => "damaged store: " + failure.Message,
        _ => null,
    };

    /// <summary>The damaged file, by its name in the store, where it is known; else null.</summary>
    public static string? FileOf(Exception failure) => (failure as DamagedStoreException)?.File;
}
