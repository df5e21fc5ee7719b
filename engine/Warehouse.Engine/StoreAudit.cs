using Warehouse.Engine.Audit;
using Warehouse.Engine.Release;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

/// <summary>
/// The audit log of a store: where it lies, its keys, and both ways into it. One thread; what it gives is valid until it is disposed of.
/// </summary>
public sealed class StoreAudit : IDisposable
{
    private readonly string _path, _keysPath;
    private readonly TimeProvider _clock;
    private readonly IStorage? _storage;
    private Func<IStorage, IStorage>? _disk;
    private AuditLog? _log;

    private const string LedgerWord = "ledger ";

    private StoreAudit(string path, string keysPath, AuditKeys keys, TimeProvider clock, IStorage? storage = null) => (_path, _keysPath, Keys, _clock, _storage) = (path, keysPath, keys, clock, storage);

    /// <summary>Where the log lies.</summary>
    public string Folder => _path;

    /// <summary>The keys of the log.</summary>
    public AuditKeys Keys { get; }

    /// <summary>The log, for appending; its folder is made when it is missing.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public AuditLog Log => _log ??= _storage is { } storage ? new AuditLog(storage, Keys, _clock) : AuditLog.Open(_path, Keys, _clock, _disk);

    /// <summary>Reads the keys; the log itself is opened when it is asked for.</summary>
    /// <param name="store">Folder of the store.</param>
    /// <param name="keysPath">Folder of the keys; null = beside the store.</param>
    /// <param name="auditPath">Folder of the log; null = the store's path with <c>.audit</c> appended.</param>
    /// <param name="clock">Time of the entries.</param>
    /// <param name="disk">What stands between the log and its folder when it is written; null = nothing.</param>
    /// <exception cref="StoreException">The keys cannot be read, or the folder lies in the store, whose copies would roll it back.</exception>
    public static StoreAudit Open(string store, string? keysPath, string? auditPath, TimeProvider? clock = null, Func<IStorage, IStorage>? disk = null)
    {
        var path = FolderOf(store, auditPath);
        DiskStorage.Open(store, "store folder"); // what is not there has no log; the message is that of every verb
        var keys = VariantStore.KeysPathOf(store, keysPath);
        // A new secret could not go on with the log of a lost one, and nobody should take its absence for a new log.
        if (Directory.Exists(Path.Combine(path, AuditFiles.EntriesFolder)) && DiskStorage.Open(keys, "key folder").Facts(Sealing.KeyFolder.AuditSecret) is null)
            throw new DamagedStoreException(Sealing.KeyFolder.AuditSecret, "is missing, and the audit log that it belongs to is there") { IsMissing = true };
        return new StoreAudit(path, keys, AuditKeys.Open(keys), clock ?? TimeProvider.System) { _disk = disk };
    }

    /// <summary>The log in a storage of any kind, whose folder has no path.</summary>
    internal static StoreAudit Over(IStorage storage, IStorage keys, TimeProvider clock) => new("", "", AuditKeys.Open(keys), clock, storage);

    /// <summary>Before a store is made: its log can be begun, where one is to lie.</summary>
    /// <exception cref="StoreRefusedException">The folder holds the log of another store, which no new key could go on with, or lies where none may; nothing was made.</exception>
    public static void RequireNone(string store, string? auditPath)
    {
        var path = FolderOf(store, auditPath);
        if (File.Exists(path)) throw new StoreRefusedException("what is to be the audit folder is not a folder");
        if (Directory.Exists(Path.Combine(path, AuditFiles.EntriesFolder))) throw new StoreRefusedException("the audit folder holds the log of another store: move it away, or name another folder by --audit DIR or WAREHOUSE_AUDIT");
    }

    /// <summary>The remark that tells in the entry of an answer how far the release ledger goes.</summary>
    public static string NoteOf(LedgerHead? head) => LedgerWord + (head?.ToString() ?? "none");

    /// <summary>The word of the page that somebody has broken the glass.</summary>
    public const string TakenPage = "taken";

    /// <summary>The remark of an entry that says that a page about an entry of the policy is on its way, or was delivered.</summary>
    public static string PageNoteOf(int entry, string topic, bool isDelivered) => FormattableString.Invariant($"page {entry} {topic} {(isDelivered ? "delivered" : "queued")}");

    /// <summary>The number of the last entry that says so; null = none does.</summary>
    /// <exception cref="StoreException">The log is not there, or damaged.</exception>
    public long? PageOf(int entry, string topic, bool isDelivered) => Reader().LastNoted(PageNoteOf(entry, topic, isDelivered))?.Sequence;

    /// <summary>
    /// Opens the release ledger beside the log, held against the newest head in the log (I8), and puts into the log how far it goes now, so that the
    /// next time nothing before is read. One that is not whole opens too, and releases nothing: see <see cref="ReleaseLedger.Lost"/>.
    /// </summary>
    /// <param name="epoch">The release epoch that is open; 0 = none.</param>
    /// <param name="who">The process, as the log names it.</param>
    /// <param name="disk">What stands between the ledger and its folder; null = nothing.</param>
    /// <exception cref="StoreBusyException">Another process holds it.</exception>
    /// <exception cref="AuditRefusedException">The log cannot be written.</exception>
    public ReleaseLedger OpenLedger(long epoch, string who, Func<IStorage, IStorage>? disk = null)
    {
        var witness = Directory.Exists(_path) ? NewestHead(Reader()).Head : null;
        var ledger = ReleaseLedger.Open(_path, _keysPath, witness, epoch, disk);
        try
        {
            // Of one that is not whole the head that it lacks stays the newest.
            Log.Append([new AuditEntry { Kind = AuditKind.Call, Call = Sealing.FileId.New().ToString(), Who = who, Role = "server", Verb = "serve", Purpose = "operations", Outcome = "done", Note = NoteOf(ledger.Lost is null ? ledger.Head : witness) }]);
            return ledger;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ledger.Dispose();
            throw new AuditRefusedException(e);
        }
    }

    /// <summary>What is wrong with the release ledger beside the log, by the entry whose head it should have; null = nothing is. Only reads.</summary>
    /// <exception cref="DamagedStoreException">The log is damaged.</exception>
    public AuditFinding? CheckLedger()
    {
        var (head, entry) = NewestHead(Reader());
        return ReleaseLedger.ProblemOf(_path, _keysPath, head) is { } problem ? new AuditFinding(entry, problem + ". " + LedgerLostException.Advice, IsDamage: true) : null;
    }

    private static (LedgerHead? Head, long Entry) NewestHead(AuditReader reader) =>
        reader.LastNoted(LedgerWord) is { } noted ? (LedgerHead.TryParse(noted.Note![LedgerWord.Length..]), noted.Sequence) : (null, 0);

    /// <summary>The log, for reading.</summary>
    /// <exception cref="StoreRefusedException">There is none.</exception>
    public AuditReader Reader() => _storage is { } storage ? new AuditReader(storage, Keys) : AuditReader.Open(_path, Keys);

    /// <summary>Reads all of the log and names what is wrong; see <see cref="AuditVerifier"/>.</summary>
    public (long Entries, IReadOnlyList<AuditFinding> Findings) Verify(byte[]? witness, CancellationToken stop = default) => AuditVerifier.Verify(_path, Keys, witness, stop);

    private static string FolderOf(string store, string? auditPath)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(store));
        var path = Path.GetFullPath(auditPath ?? full + ".audit");
        return (path + "/").StartsWith(full + "/", StringComparison.Ordinal) ? throw new StoreRefusedException("the audit folder must lie outside the store: a copy of the store put back would take the log back too") : path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _log?.Dispose();
        Keys.Dispose();
    }
}
