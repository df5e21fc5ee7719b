using System.Globalization;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// The key folder: master key, key table, and what was last acknowledged. It lies outside the store, mode 0700, and serves one store.
/// Reading is thread-safe; changes are made by the holder of the writer lease only. When a change throws, the folder is as before or
/// as after it; open it again to know.
/// </summary>
internal sealed class KeyFolder : IDisposable
{
    /// <summary>The secret of the audit log, which outlives master keys; its owner is the folder Audit.</summary>
    internal const string AuditSecret = "audit-secret";

    /// <summary>How far the event log was promised; its owner is the folder Events.</summary>
    internal const string EventHead = "events-head";

    private const int Attempts = 100;

    private readonly IStorage _keys;
    private readonly MasterKey _master;
    private readonly IReadOnlyList<(KeyTable Table, MasterKey Master)> _further; // of a damaged folder alone
    private readonly Lock _gate = new();
    private KeyTable _table;
    private (Acknowledgement Record, string Name)? _prepared;

    private KeyFolder(IStorage keys, MasterKey master, KeyTable table, Acknowledgement promised, IReadOnlyList<(KeyTable Table, MasterKey Master)>? further = null)
    {
        _keys = keys;
        _further = further ?? [];
        _master = master;
        _table = table;
        Promised = promised;
    }

    /// <summary>What was last acknowledged.</summary>
    internal Acknowledgement Promised { get; private set; }

    /// <summary>Bytes at the end of the key table that no finished commit wrote.</summary>
    internal long TornBytes => _table.TornBytes;

    /// <summary>True when the key table goes on behind what is promised: with keys of a commit that was not acknowledged, or with a torn end.</summary>
    internal bool HasUnpromised => _table.LengthBytes + _table.TornBytes != Promised.TableBytes;

    /// <summary>True after a failed sync.</summary>
    internal bool IsPoisoned => _keys.IsPoisoned;

    internal uint NextKeyId => _table.NextKeyId;

    /// <summary>Makes the keys of a new store in memory and writes master key and table. Nothing is promised until <see cref="Acknowledge"/>.</summary>
    internal static KeyFolder Create(IStorage keys, FileId storeId, Digest identitySha256)
    {
        var master = MasterKey.Create(keys, 1);
        var table = KeyTable.Create(keys, master, storeId, before: null, _ => true);
        keys.SyncFolder("");
        return new KeyFolder(keys, master, table, new Acknowledgement
        {
            MasterKeyId = master.Id,
            StoreId = storeId,
            IdentitySha256 = identitySha256,
            TableGeneration = table.Generation,
            TableBytes = table.LengthBytes,
            TableChain = table.Chain,
            ManifestVersion = 0,
            ManifestSha256 = default,
        });
    }

    /// <summary>Reads and checks everything. A writer that rewrites the table meanwhile is waited out by reading again.</summary>
    internal static KeyFolder Open(IStorage keys)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (promised, master) = Acknowledgement.Read(keys);
            try
            {
                return new KeyFolder(keys, master, KeyTable.Load(keys, master, promised), promised);
            }
            catch (DurableException e) when (e.Errno == DurableException.Missing)
            {
                master.Dispose();
                var (now, again) = Acknowledgement.Read(keys);
                again.Dispose();
                if (now == promised || attempt == Attempts) throw new DamagedStoreException(KeyTable.NameOf(promised.TableGeneration), "is missing", e) { IsMissing = true };
            }
            catch
            {
                master.Dispose();
                throw;
            }
        }
    }

    /// <summary>
    /// Reads what of a damaged key folder can be proved; it finds keys and is not for writing. Without a master key nothing can be.
    /// </summary>
    /// <param name="keys">The folder.</param>
    /// <param name="storeId">The store, where nothing in the folder names it.</param>
    /// <param name="report">Gets file and problem of each damage.</param>
    /// <returns>The folder, and whether what it promises is what was acknowledged; else nothing is known to be the newest.</returns>
    /// <exception cref="DamagedStoreException">No master key can be read, or nothing names the store.</exception>
    internal static (KeyFolder Folder, bool IsPromised) Recover(IStorage keys, FileId? storeId, Action<string, string> report)
    {
        Acknowledgement? promised = null;
        MasterKey? master = null;
        try
        {
            (promised, master) = Acknowledgement.Read(keys);
            return (new KeyFolder(keys, master, KeyTable.Load(keys, master, promised), promised), true);
        }
        catch (IOException e) when (e is not (StoreRefusedException or DurableException { IsOfProcess: true }))
        {
            report(promised is null ? Acknowledgement.Name : KeyTable.NameOf(promised.TableGeneration), ProblemOf(e));
        }
        var masters = master is not null ? [master] : WholeMasters(keys, report);
        try
        {
            var names = keys.List("").Where(n => n.StartsWith("table-", StringComparison.Ordinal)).OrderDescending(StringComparer.Ordinal).ToList();
            var proved = masters.Select(m => (Master: m, Found: KeyTable.Recover(keys, names, m))).OrderByDescending(p => p.Found.Table.RecoveredCount).ThenByDescending(p => p.Master.Id).ToList();
            var (first, (table, _)) = proved[0];
            if (proved.Count > 1 && table.RecoveredCount == 0) throw new DamagedStoreException(MasterKey.NameOf(first.Id), "opens no key in the key folder, and neither does any other master key there");
            var stores = proved.Select(p => p.Found.StoreId).OfType<FileId>().Distinct().ToList();
            if (promised is null && stores.Count > 1) throw new DamagedStoreException(Acknowledgement.Name, "is lost, and master keys of several stores lie in the key folder: leave those of one store there");
            storeId = promised?.StoreId ?? (stores.Count > 0 ? stores[0] : storeId) ?? throw new DamagedStoreException(Acknowledgement.Name, "nothing whole names the store: acknowledgement, key table and identity are damaged");
            return (new KeyFolder(keys, first, table, promised ?? new Acknowledgement
            {
                MasterKeyId = first.Id, StoreId = storeId.Value, IdentitySha256 = default, TableGeneration = 0, TableBytes = 0, TableChain = default, ManifestVersion = 0, ManifestSha256 = default,
            }, [.. proved.Skip(1).Select(p => (p.Found.Table, p.Master))]), promised is not null);
        }
        catch
        {
            foreach (var one in masters) one.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The master keys that can be read: after a stop in the middle of a rotation there are two. A data key is proved together with the id of its
    /// file, so it is the right one whichever of them opens it.
    /// </summary>
    private static List<MasterKey> WholeMasters(IStorage keys, Action<string, string> report)
    {
        var (masters, damage) = (new List<MasterKey>(), (DamagedStoreException?)null);
        foreach (var name in keys.List("").Where(n => n.StartsWith("master-", StringComparison.Ordinal)))
        {
            if (!uint.TryParse(name.AsSpan("master-".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) continue;
            try
            {
                masters.Add(MasterKey.Load(keys, id));
            }
            catch (DamagedStoreException e)
            {
                report(e.File, e.Problem);
                damage ??= e;
            }
        }
        return masters.Count > 0 ? masters : throw damage ?? new DamagedStoreException(MasterKey.NameOf(1), "is missing") { IsMissing = true };
    }

    private static string ProblemOf(IOException e) => e is DamagedStoreException { File: not Acknowledgement.Name } damaged && !damaged.File.StartsWith("table-", StringComparison.Ordinal)
        ? $"{damaged.File}: {damaged.Problem}" : (e as DamagedStoreException)?.Problem ?? e.Message;

    /// <summary>The key of a file, or null when it was destroyed, never stored, or belongs to another file.</summary>
    internal FileKey? Find(uint keyId, FileId file)
    {
        lock (_gate) return _table.Find(keyId, file, _master) ?? _further.Select(f => f.Table.Find(keyId, file, f.Master)).FirstOrDefault(k => k is not null);
    }

    /// <summary>Stores keys; durable on return, promised by the next <see cref="Acknowledge"/>.</summary>
    internal void Append(IReadOnlyList<(uint KeyId, FileId File, FileKey Key)> added)
    {
        var wrapped = added.Select(a => (a.KeyId, a.File, _master.Wrap(a.Key, a.File))).ToList();
        lock (_gate) _table.Append(_keys, _master, wrapped);
    }

    /// <summary>Records that a version and the table as it stands are promised from now on; durable on return.</summary>
    internal void Acknowledge(long version, Digest manifestSha256)
    {
        Prepare(version, manifestSha256);
        AcknowledgePrepared();
    }

    /// <summary>Writes down what <see cref="AcknowledgePrepared"/> will promise; until then nothing has changed.</summary>
    internal void Prepare(long version, Digest manifestSha256)
    {
        var promised = Promised with
        {
            ManifestVersion = version,
            ManifestSha256 = manifestSha256,
            TableGeneration = _table.Generation,
            TableBytes = _table.LengthBytes,
            TableChain = _table.Chain,
        };
        _prepared = (promised, promised.Write(_keys, _master));
    }

    /// <summary>Promises what was prepared; durable on return. Needs no space on the disk.</summary>
    internal void AcknowledgePrepared()
    {
        var (record, name) = _prepared ?? throw new InvalidOperationException("nothing was prepared");
        Acknowledgement.Publish(_keys, name);
        (Promised, _prepared) = (record, null);
    }

    /// <summary>Removes what was prepared and never promised.</summary>
    internal void ForgetPrepared()
    {
        if (_prepared is not { } prepared) return;
        _prepared = null;
        if (_keys.Facts(prepared.Name) is not null) _keys.Delete(prepared.Name);
    }

    /// <summary>
    /// Destroys the keys of the files that are not kept, and a torn end, by writing the table anew, also when it only goes on behind what is promised. The old table is unlinked; until
    /// the disk reuses its blocks, and in backups of the key folder, it still exists.
    /// </summary>
    /// <returns>Number of keys destroyed.</returns>
    internal int Shred(Func<FileId, bool> isKept)
    {
        RemoveLeftovers();
        var destroyed = _table.CountOf(f => !isKept(f));
        if (destroyed == 0 && !HasUnpromised) return 0;
        lock (_gate)
        {
            var before = _table;
            _table = KeyTable.Create(_keys, _master, Promised.StoreId, before, isKept);
        }
        _keys.SyncFolder("");
        Acknowledge(Promised.ManifestVersion, Promised.ManifestSha256);
        RemoveLeftovers();
        return destroyed;
    }

    /// <summary>
    /// Puts a new master key in the place of the old one: a table with every data key wrapped anew is written beside the old one, read back
    /// and compared key by key, and only then promised; after that the old table and the old master key are unlinked. No sealed file changes.
    /// A stop before the promise leaves the old key in force, a later one the new key and leftovers. This object keeps what it has
    /// read: the data keys are the same.
    /// </summary>
    /// <returns>Id of the new master key, and the number of data keys under it.</returns>
    internal (uint MasterKeyId, int Keys) Rotate()
    {
        RemoveLeftovers();
        using var made = MasterKey.Create(_keys, checked(_master.Id + 1));
        KeyTable after;
        lock (_gate) after = KeyTable.Rewrap(_keys, (_master, made), Promised.StoreId, _table);
        _keys.SyncFolder("");
        using var next = MasterKey.Load(_keys, made.Id); // as the next process will read it
        var promised = Promised with { MasterKeyId = next.Id, TableGeneration = after.Generation, TableBytes = after.LengthBytes, TableChain = after.Chain };
        var written = KeyTable.Load(_keys, next, promised);
        lock (_gate)
            if (!written.HasKeysOf(_table, (_master, next))) throw new DamagedStoreException(KeyTable.NameOf(after.Generation), "is not what was written a moment ago; the old master key stays in force");
        Acknowledgement.Publish(_keys, promised.Write(_keys, next));
        using var now = Open(_keys);
        now.RemoveLeftovers();
        return (next.Id, written.CountOf(_ => true));
    }

    /// <summary>Names in the folder that nothing promises: leftovers of a stop in the middle.</summary>
    internal IEnumerable<string> Surplus() =>
        _keys.List("").Where(n => n != Acknowledgement.Name && n != WriterLease.Name && n is not (AuditSecret or EventHead) && n != MasterKey.NameOf(_master.Id) && n != KeyTable.NameOf(Promised.TableGeneration));

    public void Dispose()
    {
        _master.Dispose();
        foreach (var (_, master) in _further) master.Dispose();
    }

    private void RemoveLeftovers()
    {
        var removed = false;
        foreach (var name in Surplus().Where(n => n.StartsWith("table-", StringComparison.Ordinal) || n.StartsWith("master-", StringComparison.Ordinal) || n.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal)))
        {
            try
            {
                _keys.Delete(name);
            }
            catch (DurableException e) when (e.Errno == DurableException.Missing)
            {
                // An audit secret or a head of the event log that another process was making: it has its name by now, or its maker is gone with it.
            }
            removed = true;
        }
        if (removed) _keys.SyncFolder("");
    }
}
