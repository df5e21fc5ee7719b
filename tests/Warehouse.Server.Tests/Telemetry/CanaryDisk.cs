using System.Globalization;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Units;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>A disk that fails when it is told to, at whatever it is asked for, with data of persons in what it throws: as one whose paths name them would.</summary>
internal sealed class CanaryDisk(CanaryTokens tokens)
{
    // What changes something.
    private static readonly string[] Writes = [nameof(IStorage.Create), nameof(IStorage.CreateFolder), nameof(IStorage.TryRename), nameof(IStorage.Replace), nameof(IStorage.Delete), nameof(IStorage.SyncFolder), nameof(IStorageFile.Append), nameof(IStorageFile.Sync)];

    private int _thrown;

    /// <summary>Its failure.</summary>
    public CanaryFault Fault { get; } = new();

    /// <summary>Stands between a log or store and its folder.</summary>
    public IStorage Over(IStorage disk) => new WatchedStorage(disk, Fault.Meet);

    /// <summary>It fails behind so many things that it does.</summary>
    /// <param name="others">How many.</param>
    /// <param name="isWriting">Those alone count that change something.</param>
    public void FailAfter(int others, bool isWriting) => Fault.After(others, Thrown, isWriting ? Writes.Contains : null);

    private Exception Thrown()
    {
        string text, path;
        lock (tokens) (text, path) = (tokens.Next(CanaryKind.PatientName), tokens.Next(CanaryKind.FileName));
        Exception thrown = (_thrown++ % 4) switch
        {
            0 => new DurableException("pread of " + text, DurableException.DeviceError),
            1 => new IOException(string.Create(CultureInfo.InvariantCulture, $"Input/output error : '/{path}/{text}'"), new FileNotFoundException(text, path)),
            2 => new DurableException("openat of " + path, DurableException.NoSpace),
            _ => new FileNotFoundException(text, path),
        };
        thrown.Data[path] = text;
        return thrown;
    }
}
