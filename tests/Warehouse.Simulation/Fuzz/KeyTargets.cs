using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>
/// The files that stand in clear or are read first: identity, master key, key table, acknowledgement, sealed manifests and lists. A byte
/// that was changed behind the checksums must be refused; with checksums made anew over it, the parser behind them is met.
/// </summary>
internal sealed class KeyTargets
{
    private const int MacBytes = 32, RecordBytes = 112, Sealed = 8;

    private readonly SimDisk _store, _keys;
    private readonly string _table;
    private readonly byte[] _master, _tableBytes, _acknowledged, _identity, _sealed, _manifest, _list;
    private readonly byte[] _macKey;
    private readonly KeyFolder _folder;
    private readonly FileEntry _listEntry;
    private readonly SealedContent _asManifest, _asList;

    public KeyTargets()
    {
        var machine = new SimMachine();
        (_store, _keys) = (new SimDisk(machine), new SimDisk(machine, device: 2));
        Unpack();
        _table = _keys.AllFiles().Single(f => f.StartsWith("table-", StringComparison.Ordinal));
        (_master, _tableBytes, _acknowledged) = (_keys.Peek(MasterKey.NameOf(1)), _keys.Peek(_table), _keys.Peek(Acknowledgement.Name));
        (_identity, _sealed) = (_store.Peek(StoreIdentity.Name), _store.Peek(ManifestFormat.NameOf(2)));
        _macKey = HKDF.Expand(HashAlgorithmName.SHA256, _master[16..48], MacBytes, "warehouse key folder"u8.ToArray());
        _folder = KeyFolder.Open(_keys);
        var header = SealedFormat.ParseHeader(_sealed, "seed");
        _listEntry = ManifestFormat.LoadRoot(_store, _folder, 2).Lists[0];
        _asManifest = new SealedContent(header, _folder.Find(header.KeyId, header.Id)!);
        _asList = new SealedContent(new SealedHeader(_listEntry.Id, _listEntry.Kind, 2, _listEntry.KeyId), _folder.Find(_listEntry.KeyId, _listEntry.Id)!);
        (_manifest, _list) = (Content(ManifestFormat.NameOf(2)), Content(_listEntry.Name));
    }

    /// <summary>
    /// A store with one commit (a file, two parts) and its key folder, as this project wrote them once, in a zip: fresh keys would make other
    /// inputs of the same seed.
    /// </summary>
    private void Unpack()
    {
        using var zip = new ZipArchive(typeof(KeyTargets).Assembly.GetManifestResourceStream("store.zip")!);
        _store.CreateFolder("m");
        _store.CreateFolder("f");
        foreach (var entry in zip.Entries)
        {
            using var content = entry.Open();
            var bytes = new byte[entry.Length];
            content.ReadExactly(bytes);
            var name = entry.FullName[(entry.FullName.IndexOf('/', StringComparison.Ordinal) + 1)..];
            (entry.FullName.StartsWith("keys/", StringComparison.Ordinal) ? _keys : _store).Poke(name, bytes);
        }
    }

    /// <summary>All of them. They share the disks and run one after the other.</summary>
    public IEnumerable<FuzzTarget> All()
    {
        yield return Target("identity", _identity, ReadIdentity) with { Make = (random, mutator) => WithSha256(random, mutator.Change(random, _identity, [_identity], [])) };
        yield return Target("master", _master, b => Read(MasterKey.NameOf(1), _master, b)) with { Make = (random, mutator) => WithSha256(random, mutator.Change(random, _master, [_master], [])) };
        yield return Target("table", _tableBytes, b => Read(_table, _tableBytes, b)) with { Make = MakeTable };
        yield return Target("acknowledged", _acknowledged, b => Read(Acknowledgement.Name, _acknowledged, b)) with { Make = (random, mutator) => WithMac(random, mutator.Change(random, _acknowledged, [_acknowledged], [])) };
        yield return Target("sealed", _sealed, ReadSealed);
        yield return Target("manifest", _manifest, ReadManifest);
        yield return Target("list", _list, ReadList);
    }

    private static FuzzTarget Target(string name, byte[] seed, Action<byte[]> read) =>
        new(name, [seed], read) { Expects = e => e is DamagedStoreException or StoreRefusedException };

    private byte[] Content(string name)
    {
        using var reader = SealedReader.Open(_store, name, _folder, out _);
        var content = new byte[reader.LengthBytes];
        reader.Read(0, content);
        return content;
    }

    /// <summary>Mostly with the checksum that belongs to the changed bytes.</summary>
    private static byte[] WithSha256(Prng random, byte[] bytes)
    {
        if (bytes.Length > MacBytes && random.Below(4) > 0) SHA256.HashData(bytes.AsSpan(..^MacBytes), bytes.AsSpan(^MacBytes..));
        return bytes;
    }

    private byte[] WithMac(Prng random, byte[] bytes)
    {
        if (bytes.Length > MacBytes && random.Below(4) > 0) HMACSHA256.HashData(_macKey, bytes.AsSpan(..^MacBytes), bytes.AsSpan(^MacBytes..));
        return bytes;
    }

    /// <summary>The chain of values is made anew from the header on, as far as records are whole.</summary>
    private byte[] MakeTable(Prng random, Mutator mutator)
    {
        var bytes = mutator.Change(random, _tableBytes, [_tableBytes], []);
        if (random.Below(4) == 0 || bytes.Length < KeyTable.HeaderBytes) return bytes;
        var chain = HMACSHA256.HashData(_macKey, bytes.AsSpan(0, 48));
        chain.CopyTo(bytes, 48);
        for (var at = KeyTable.HeaderBytes; at + RecordBytes <= bytes.Length; at += RecordBytes)
        {
            chain = HMACSHA256.HashData(_macKey, (byte[])[.. chain, .. bytes[at..(at + 80)]]);
            chain.CopyTo(bytes, at + 80);
        }
        return bytes;
    }

    /// <summary>Opens the key folder with one file changed, and puts the file back. With a table, an acknowledgement that fits it is also tried.</summary>
    private void Read(string name, byte[] sound, byte[] changed)
    {
        _keys.Poke(name, changed);
        try
        {
            if (name == _table && Promise(changed) is { } promise) _keys.Poke(Acknowledgement.Name, promise);
            using var keys = KeyFolder.Open(_keys);
            for (var id = 0u; id < 8; id++) keys.Find(id, new FileId(1, id))?.Dispose();
        }
        finally
        {
            _keys.Poke(name, sound);
            _keys.Poke(Acknowledgement.Name, _acknowledged);
        }
    }

    /// <summary>An acknowledgement of a whole table; null for one that is cut.</summary>
    private byte[]? Promise(byte[] table)
    {
        if (table.Length < KeyTable.HeaderBytes || (table.Length - KeyTable.HeaderBytes) % RecordBytes != 0) return null;
        var promise = (byte[])_acknowledged.Clone();
        BinaryPrimitives.WriteInt64LittleEndian(promise.AsSpan(72), table.Length);
        table.AsSpan(^MacBytes..).CopyTo(promise.AsSpan(80));
        HMACSHA256.HashData(_macKey, promise.AsSpan(..^MacBytes), promise.AsSpan(^MacBytes..));
        return promise;
    }

    private void ReadIdentity(byte[] input)
    {
        _store.Poke(StoreIdentity.Name, input);
        StoreIdentity.Read(_store);
    }

    /// <summary>Nothing but what was written opens.</summary>
    private void ReadSealed(byte[] input)
    {
        _store.Poke(ManifestFormat.NameOf(2), input);
        ManifestFormat.LoadRoot(_store, _folder, 2);
        if (!input.AsSpan().SequenceEqual(_sealed)) throw new InvalidOperationException("a changed file was opened");
    }

    /// <summary>The parser alone; one input in <see cref="Sealed"/> lies in a sealed file as a store has it, whose keys are unwrapped anew for each.</summary>
    private void ReadManifest(byte[] input)
    {
        if (Crc32.Compute(input) % Sealed > 0 && input.Length is >= ManifestFormat.FixedBytes and <= ManifestFormat.MaxPartBytes)
        {
            ManifestFormat.Decode(input, 2, _folder.Promised.StoreId, default);
            return;
        }
        _store.Poke(ManifestFormat.NameOf(2), _asManifest.Of(input));
        ManifestFormat.LoadRoot(_store, _folder, 2);
    }

    /// <summary>A list file as the manifest would name it, with the digest of the changed content.</summary>
    private void ReadList(byte[] input)
    {
        if (Crc32.Compute(input) % Sealed > 0)
        {
            FileList.Decode(input, _listEntry.Name);
            return;
        }
        _store.Poke(_listEntry.Name, _asList.Of(input));
        FileList.Load(_store, _folder, [_listEntry with { ContentBytes = input.Length, LengthBytes = SealedFormat.SealedLength(input.Length), ContentSha256 = Digest.Of(input) }]);
    }
}
