namespace Warehouse.Units;

/// <summary>A folder that is deleted with its contents on Dispose.</summary>
/// <param name="inMemory">In memory, where the machine has a place for that: for many small files that no test of a disk looks at.</param>
public sealed class TempFolder(bool inMemory = false) : IDisposable
{
    private const string Prefix = "warehouse-test-", Memory = "/dev/shm";

    /// <summary>Its path.</summary>
    public string Path { get; } = inMemory && Directory.Exists(Memory)
        ? Directory.CreateDirectory(System.IO.Path.Combine(Memory, Prefix + System.IO.Path.GetRandomFileName())).FullName
        : Directory.CreateTempSubdirectory(Prefix).FullName;

    /// <summary>A path inside.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
