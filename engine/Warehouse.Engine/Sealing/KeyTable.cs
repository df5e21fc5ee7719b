using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// The wrapped data keys, an append-only log in the key folder. A file is linked only after its record is synced. Destroying a
/// record (a new generation without it) shreds the file and every copy of it.
/// <code>
/// header                                record, 112 bytes
///  0   8  magic "WHKEYTAB"               0   4  key id, rising
///  8   4  format version, 1              4   4  zero
/// 12   4  master key id                  8  16  file id (big-endian)
/// 16  16  store id (big-endian)         24  56  wrapped data key, see MasterKey
/// 32   8  generation                    80  32  chain value
/// 40   4  least key id still free
/// 44   4  zero
/// 48  32  chain value
/// </code>
/// Integers are little-endian. Chain value of the header = HMAC-SHA256 of its bytes 0 to 47; of a record = HMAC-SHA256 of the
/// chain value before it and its bytes 0 to 79; the key is "warehouse key folder" of the master key. The acknowledgement names length
/// and chain value up to which every record must fit. What follows and does not fit is the torn end of an unfinished commit.
/// </summary>
internal sealed class KeyTable
{
    internal const int HeaderBytes = 80;
    internal const int RecordBytes = 112;

    /// <summary>Key ids are never used twice: before they run out the store takes no more files, which leaves room for what its upkeep writes.</summary>
    internal const uint MaxKeyId = (uint)(uint.MaxValue * 0.9);

    private const int HeaderChainAt = 48, WrappedAt = 24, ChainAt = 80, RecoverPieceBytes = 4096;

    private readonly Dictionary<uint, (FileId File, byte[] Wrapped)> _records = [];
    private Dictionary<FileId, byte[]>? _recovered;

    private KeyTable(ulong generation) => Generation = generation;

    internal ulong Generation { get; }

    /// <summary>Length of the part whose records all fit.</summary>
    internal long LengthBytes { get; private set; }

    internal Digest Chain { get; private set; }

    /// <summary>Bytes behind the last record that fits: an append that never finished.</summary>
    internal long TornBytes { get; private set; }

    /// <summary>Least key id never used.</summary>
    internal uint NextKeyId { get; private set; } = 1;

    internal static string NameOf(ulong generation) => $"table-{generation:d8}";

    private static ReadOnlySpan<byte> Magic => "WHKEYTAB"u8;

    private IEnumerable<(uint KeyId, FileId File, byte[] Wrapped)> Sorted => _records.OrderBy(r => r.Key).Select(r => (r.Key, r.Value.File, r.Value.Wrapped));

    /// <summary>Writes a new generation with the records of another that are kept; content synced, the caller syncs the folder.</summary>
    internal static KeyTable Create(IStorage keys, MasterKey master, FileId storeId, KeyTable? before, Func<FileId, bool> isKept) =>
        Write(keys, master, (storeId, before), before is null ? [] : [.. before.Sorted.Where(r => isKept(r.File))]);

    /// <summary>Writes a new generation with all records of another, wrapped under another master key; content synced, the caller syncs the folder.</summary>
    internal static KeyTable Rewrap(IStorage keys, (MasterKey Old, MasterKey New) masters, FileId storeId, KeyTable before)
    {
        var wrapped = new List<(uint KeyId, FileId File, byte[] Wrapped)>();
        foreach (var (keyId, file, old) in before.Sorted)
        {
            using var key = masters.Old.Unwrap(old, file) ?? throw new DamagedStoreException(NameOf(before.Generation), FormattableString.Invariant($"key {keyId} does not open: nothing was changed"));
            wrapped.Add((keyId, file, masters.New.Wrap(key, file)));
        }
        return Write(keys, masters.New, (storeId, before), wrapped);
    }

    private static KeyTable Write(IStorage keys, MasterKey master, (FileId StoreId, KeyTable? Before) of, IReadOnlyList<(uint KeyId, FileId File, byte[] Wrapped)> records)
    {
        var (storeId, before) = of;
        var table = new KeyTable((before?.Generation ?? 0) + 1) { NextKeyId = before?.NextKeyId ?? 1 };
        var bytes = new byte[HeaderBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), master.Id);
        storeId.Write(bytes.AsSpan(16));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), table.Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(40), table.NextKeyId);
        HMACSHA256.HashData(master.MacKey, bytes.AsSpan(0, HeaderChainAt), bytes.AsSpan(HeaderChainAt));
        table.Chain = Digest.Read(bytes.AsSpan(HeaderChainAt));
        table.LengthBytes = HeaderBytes;

        using var file = keys.Create(NameOf(table.Generation));
        file.Append(bytes);
        table.AppendTo(file, master, records);
        return table;
    }

    /// <summary>Reads and checks a generation; the acknowledged part must fit.</summary>
    internal static KeyTable Load(IStorage keys, MasterKey master, Acknowledgement promised)
    {
        var name = NameOf(promised.TableGeneration);
        using var file = keys.Open(name);
        var length = file.LengthBytes;
        if (length < promised.TableBytes || length > int.MaxValue) throw new DamagedStoreException(name, "is shorter than was acknowledged, or too long");
        var bytes = new byte[length];
        file.Read(0, bytes);
        var table = new KeyTable(promised.TableGeneration);
        table.ReadHeader(bytes, master, promised);
        var isPromiseMet = table.IsAt(promised);
        while (table.TryReadRecord(bytes, master)) isPromiseMet |= table.IsAt(promised);
        if (!isPromiseMet) throw new DamagedStoreException(name, "is not what was written");
        table.TornBytes = length - table.LengthBytes;
        return table;
    }

    /// <summary>
    /// What can be proved of damaged generations: each record by itself, because its key was wrapped together with the id of its file under
    /// the master key. Records are looked for at their places, behind a damage too. The result is for finding keys only.
    /// </summary>
    /// <param name="keys">The key folder.</param>
    /// <param name="names">Generations to read.</param>
    /// <param name="master">The master key.</param>
    /// <returns>The keys, and the store id if a header that fits names one.</returns>
    internal static (KeyTable Table, FileId? StoreId) Recover(IStorage keys, IEnumerable<string> names, MasterKey master)
    {
        var (table, storeId) = (new KeyTable(0) { _recovered = [] }, (FileId?)null);
        Span<byte> mac = stackalloc byte[32];
        foreach (var name in names)
        {
            var bytes = ReadPieces(keys, name);
            if (bytes.Length < HeaderBytes) continue;
            HMACSHA256.HashData(master.MacKey, bytes.AsSpan(0, HeaderChainAt), mac);
            if (bytes.AsSpan().StartsWith(Magic) && CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(HeaderChainAt, 32))) storeId ??= FileId.Read(bytes.AsSpan(16));
            for (var at = HeaderBytes; at <= bytes.Length - RecordBytes; at += RecordBytes) table.TakeIfProved(bytes.AsSpan(at, RecordBytes), master);
        }
        return (table, storeId);
    }

    /// <summary>Appends keys; durable on return. The table is unchanged when it throws.</summary>
    internal void Append(IStorage keys, MasterKey master, IReadOnlyList<(uint KeyId, FileId File, byte[] Wrapped)> added)
    {
        using var file = keys.Open(NameOf(Generation), append: true);
        if (file.LengthBytes != LengthBytes) throw new DamagedStoreException(NameOf(Generation), "grew or shrank while it was in use");
        AppendTo(file, master, added);
    }

    internal FileKey? Find(uint keyId, FileId file, MasterKey master) =>
        _recovered is not null ? _recovered.TryGetValue(file, out var wrapped) ? master.Unwrap(wrapped, file) : null
        : _records.TryGetValue(keyId, out var record) && record.File == file ? master.Unwrap(record.Wrapped, file) : null;

    /// <summary>Number of keys that were proved one by one.</summary>
    internal int RecoveredCount => _recovered?.Count ?? 0;

    /// <summary>True when this table has, under the new master key, exactly the data keys that another has under the old one.</summary>
    internal bool HasKeysOf(KeyTable other, (MasterKey Old, MasterKey New) masters)
    {
        foreach (var (keyId, record) in other._records)
        {
            using var old = masters.Old.Unwrap(record.Wrapped, record.File);
            using var same = Find(keyId, record.File, masters.New);
            if (old is null || same is null || !CryptographicOperations.FixedTimeEquals(old.Data, same.Data)) return false;
        }
        return _records.Count == other._records.Count;
    }

    internal int CountOf(Func<FileId, bool> wanted) => _records.Values.Count(r => wanted(r.File));

    private void AppendTo(IStorageFile file, MasterKey master, IReadOnlyList<(uint KeyId, FileId File, byte[] Wrapped)> added)
    {
        var bytes = new byte[(long)added.Count * RecordBytes];
        var chain = Chain;
        for (var i = 0; i < added.Count; i++)
        {
            var record = bytes.AsSpan(i * RecordBytes, RecordBytes);
            Debug.Assert(added[i].Wrapped.Length == MasterKey.WrappedBytes, "I7: a record has a fixed size");
#if PLANTED_WRONG_ENDIAN_KEY
            BinaryPrimitives.WriteUInt32BigEndian(record, added[i].KeyId);
#else
            BinaryPrimitives.WriteUInt32LittleEndian(record, added[i].KeyId);
#endif
            added[i].File.Write(record[8..]);
            added[i].Wrapped.CopyTo(record[WrappedAt..]);
            chain = ChainOf(chain, record, master);
            chain.Write(record[ChainAt..]);
        }
        file.Append(bytes);
#if !PLANTED_SKIPPED_KEY_SYNC
        file.Sync();
#endif
        foreach (var (keyId, id, wrapped) in added)
        {
            _records.Add(keyId, (id, wrapped));
            NextKeyId = Math.Max(NextKeyId, keyId + 1);
        }
        Chain = chain;
        LengthBytes += bytes.Length;
    }

    private void ReadHeader(byte[] bytes, MasterKey master, Acknowledgement promised)
    {
        var name = NameOf(Generation);
        if (bytes.Length < HeaderBytes || !bytes.AsSpan().StartsWith(Magic)) throw new DamagedStoreException(name, "is not a key table");
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(master.MacKey, bytes.AsSpan(0, HeaderChainAt), mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(HeaderChainAt, 32))) throw new DamagedStoreException(name, "is not what was written");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8)) != 1) throw new StoreRefusedException($"{name} has a format that this program does not know");
        if (FileId.Read(bytes.AsSpan(16)) != promised.StoreId || BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(32)) != Generation) throw new DamagedStoreException(name, "is another key table");
        NextKeyId = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(40));
        Chain = Digest.Read(bytes.AsSpan(HeaderChainAt));
        LengthBytes = HeaderBytes;
    }

    private bool TryReadRecord(byte[] bytes, MasterKey master)
    {
        if (bytes.Length - LengthBytes < RecordBytes) return false;
        var record = bytes.AsSpan((int)LengthBytes, RecordBytes);
        var chain = ChainOf(Chain, record, master);
        if (chain != Digest.Read(record[ChainAt..])) return false;
#if PLANTED_WRONG_ENDIAN_KEY
        var keyId = BinaryPrimitives.ReadUInt32BigEndian(record);
#else
        var keyId = BinaryPrimitives.ReadUInt32LittleEndian(record);
#endif
        if (!_records.TryAdd(keyId, (FileId.Read(record[8..]), record[WrappedAt..ChainAt].ToArray()))) return false;
        NextKeyId = Math.Max(NextKeyId, keyId + 1);
        Chain = chain;
        LengthBytes += RecordBytes;
        return true;
    }

    /// <summary>The bytes of a file, zeros where the disk cannot read them.</summary>
    private static byte[] ReadPieces(IStorage keys, string name)
    {
        try
        {
            using var file = keys.Open(name);
            var bytes = new byte[Math.Min(file.LengthBytes, int.MaxValue / 2)];
            for (var at = 0; at < bytes.Length; at += RecoverPieceBytes)
            {
                var piece = bytes.AsSpan(at, Math.Min(RecoverPieceBytes, bytes.Length - at));
                try
                {
                    file.Read(at, piece);
                }
                catch (DurableException e) when (!e.IsOfProcess)
                {
                    piece.Clear();
                }
            }
            return bytes;
        }
        catch (DurableException e) when (!e.IsOfProcess)
        {
            return [];
        }
    }

    private void TakeIfProved(ReadOnlySpan<byte> record, MasterKey master)
    {
        var (file, wrapped) = (FileId.Read(record[8..]), record[WrappedAt..ChainAt].ToArray());
        if (master.Unwrap(wrapped, file) is not { } key) return;
        key.Dispose();
        _recovered![file] = wrapped; // the key id beside it is not proved by itself; the header of the file, sealed with its key, says it again
    }

    private bool IsAt(Acknowledgement promised) => LengthBytes == promised.TableBytes && Chain == promised.TableChain;

    private static Digest ChainOf(Digest before, ReadOnlySpan<byte> record, MasterKey master)
    {
        Span<byte> linked = stackalloc byte[Digest.SizeBytes + ChainAt];
        before.Write(linked);
        record[..ChainAt].CopyTo(linked[Digest.SizeBytes..]);
        Span<byte> mac = stackalloc byte[Digest.SizeBytes];
        HMACSHA256.HashData(master.MacKey, linked, mac);
        return Digest.Read(mac);
    }
}
