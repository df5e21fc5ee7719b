using Warehouse.Engine.Audit;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

/// <summary>
/// The audit log of a store: where it lies, its keys, and both ways into it. One thread; what it gives is valid until it is disposed of.
/// </summary>
public sealed class StoreAudit : IDisposable
{
    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly IStorage? _storage;
    private AuditLog? _log;

    private StoreAudit(string path, AuditKeys keys, TimeProvider clock, IStorage? storage = null) => (_path, Keys, _clock, _storage) = (path, keys, clock, storage);

    /// <summary>Where the log lies.</summary>
    public string Folder => _path;

    /// <summary>The keys of the log.</summary>
    public AuditKeys Keys { get; }

    /// <summary>The log, for appending; its folder is made when it is missing.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public AuditLog Log => _log ??= _storage is { } storage ? new AuditLog(storage, Keys, _clock) : AuditLog.Open(_path, Keys, _clock);

    /// <summary>Reads the keys; the log itself is opened when it is asked for.</summary>
    /// <param name="store">Folder of the store.</param>
    /// <param name="keysPath">Folder of the keys; null = beside the store.</param>
    /// <param name="auditPath">Folder of the log; null = the store's path with <c>.audit</c> appended.</param>
    /// <param name="clock">Time of the entries.</param>
    /// <exception cref="StoreException">The keys cannot be read, or the folder lies in the store, whose copies would roll it back.</exception>
    public static StoreAudit Open(string store, string? keysPath, string? auditPath, TimeProvider? clock = null)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(store));
        var path = Path.GetFullPath(auditPath ?? full + ".audit");
        if ((path + "/").StartsWith(full + "/", StringComparison.Ordinal)) throw new StoreRefusedException("the audit folder must lie outside the store: a copy of the store put back would take the log back too");
        DiskStorage.Open(store, "store folder"); // what is not there has no log; the message is that of every verb
        var keys = VariantStore.KeysPathOf(store, keysPath);
        // A new secret could not go on with the log of a lost one, and nobody should take its absence for a new log.
        if (Directory.Exists(Path.Combine(path, AuditFiles.EntriesFolder)) && DiskStorage.Open(keys, "key folder").Facts(Sealing.KeyFolder.AuditSecret) is null)
            throw new DamagedStoreException(Sealing.KeyFolder.AuditSecret, "is missing, and the audit log that it belongs to is there") { IsMissing = true };
        return new StoreAudit(path, AuditKeys.Open(keys), clock ?? TimeProvider.System);
    }

    /// <summary>The log in a storage of any kind, whose folder has no path.</summary>
    internal static StoreAudit Over(IStorage storage, IStorage keys, TimeProvider clock) => new("", AuditKeys.Open(keys), clock, storage);

    /// <summary>The log, for reading.</summary>
    /// <exception cref="StoreRefusedException">There is none.</exception>
    public AuditReader Reader() => _storage is { } storage ? new AuditReader(storage, Keys) : AuditReader.Open(_path, Keys);

    /// <summary>Reads all of the log and names what is wrong; see <see cref="AuditVerifier"/>.</summary>
    public (long Entries, IReadOnlyList<AuditFinding> Findings) Verify(byte[]? witness, CancellationToken stop = default) => AuditVerifier.Verify(_path, Keys, witness, stop);

    /// <inheritdoc/>
    public void Dispose()
    {
        _log?.Dispose();
        Keys.Dispose();
    }
}
