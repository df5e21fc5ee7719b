using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// What a store is, written once at its creation in the file <c>store</c>, in clear: it holds nothing about a person.
/// <code>
///  0   8  magic "WHSTORE1"
///  8   4  format version, 1
/// 12   4  zero
/// 16   8  feature flags: an unknown one forbids opening
/// 24  16  store id (big-endian)
/// 40   8  time of creation, UTC, in units of 100 ns since 0001-01-01
/// 48   4  length a of the assembly name, at most 256
/// 52   4  length r of the reference digests, at most 16,777,216
/// 56   a  assembly name, UTF-8
///      r  reference digests, as given
///     32  SHA-256 of all bytes before
/// </code>
/// Integers are little-endian. The acknowledgement in the key folder names the SHA-256 of the whole file (I7).
/// </summary>
public sealed record StoreIdentity
{
    internal const string Name = "store";

    private const int FixedBytes = 56, MaxAssemblyBytes = 256, MaxReferenceBytes = 1 << 24;
    private const uint CurrentFormat = 1;
    private const ulong KnownFeatures = 0;

    private StoreIdentity()
    {
    }

    /// <summary>Random id of the store.</summary>
    public required FileId StoreId { get; init; }

    /// <summary>Name of the assembly whose coordinates the store uses, at most 256 bytes of UTF-8.</summary>
    public required string Assembly { get; init; }

    /// <summary>Digests of the reference, opaque here; at most 16 MiB.</summary>
    public required ReadOnlyMemory<byte> ReferenceDigests { get; init; }

    /// <summary>When the store was created.</summary>
    public required DateTimeOffset CreatedUtc { get; init; }

    /// <summary>Format version of the store.</summary>
    public uint FormatVersion { get; private init; } = CurrentFormat;

    /// <summary>Features that a reader must know.</summary>
    public ulong FeatureFlags { get; private init; }

    private static ReadOnlySpan<byte> Magic => "WHSTORE1"u8;

    /// <summary>Identity of a store to be created, with a fresh random id.</summary>
    public static StoreIdentity New(string assembly, ReadOnlyMemory<byte> referenceDigests, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Encoding.UTF8.GetByteCount(assembly), MaxAssemblyBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(referenceDigests.Length, MaxReferenceBytes);
        return new StoreIdentity { StoreId = FileId.New(), Assembly = assembly, ReferenceDigests = referenceDigests, CreatedUtc = clock.GetUtcNow() };
    }

    /// <summary>Writes the file, content synced; returns the digest of it.</summary>
    internal Digest Write(IStorage storage)
    {
        var assembly = Encoding.UTF8.GetBytes(Assembly);
        var bytes = new byte[FixedBytes + assembly.Length + ReferenceDigests.Length + Digest.SizeBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), FormatVersion);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), FeatureFlags);
        StoreId.Write(bytes.AsSpan(24));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(40), CreatedUtc.UtcTicks);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(48), assembly.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(52), ReferenceDigests.Length);
        assembly.CopyTo(bytes, FixedBytes);
        ReferenceDigests.Span.CopyTo(bytes.AsSpan(FixedBytes + assembly.Length));
        SHA256.HashData(bytes.AsSpan(..^Digest.SizeBytes), bytes.AsSpan(^Digest.SizeBytes..));
        using var file = storage.Create(Name);
        file.Append(bytes);
        file.Sync();
        return Digest.Of(bytes);
    }

    /// <summary>Reads and checks the file; the caller compares the digest with the acknowledged one.</summary>
    /// <exception cref="DamagedStoreException">It is missing or not what was written.</exception>
    /// <exception cref="StoreRefusedException">Its format or a feature is unknown to this program.</exception>
    internal static (StoreIdentity Identity, Digest Sha256) Read(IStorage storage)
    {
        if (storage.Facts(Name) is null) throw new DamagedStoreException(Name, "is missing: the folder holds no store") { IsMissing = true };
        byte[] bytes;
        using (var file = storage.Open(Name))
        {
            if (file.LengthBytes is < FixedBytes + Digest.SizeBytes or > FixedBytes + Digest.SizeBytes + MaxAssemblyBytes + MaxReferenceBytes) throw new DamagedStoreException(Name, "has a wrong length");
            bytes = new byte[file.LengthBytes];
            file.Read(0, bytes);
        }
        if (!bytes.AsSpan().StartsWith(Magic) || Digest.Of(bytes.AsSpan(..^Digest.SizeBytes)) != Digest.Read(bytes.AsSpan(^Digest.SizeBytes..))) throw new DamagedStoreException(Name, "is not what was written");
        return (Parse(bytes), Digest.Of(bytes));
    }

    private static StoreIdentity Parse(byte[] bytes)
    {
        var format = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (format != CurrentFormat) throw new StoreRefusedException($"the store has format {format}; this program knows format {CurrentFormat}");
        var features = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
        if ((features & ~KnownFeatures) != 0) throw new StoreRefusedException($"the store uses features that this program does not know: {features & ~KnownFeatures:x}");
        long assemblyBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(48)), referenceBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(52));
        var ticks = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(40));
        if (FixedBytes + assemblyBytes + referenceBytes + Digest.SizeBytes != bytes.Length || ticks < 0 || ticks > DateTime.MaxValue.Ticks) throw new DamagedStoreException(Name, "its lengths do not fit");
        return new StoreIdentity
        {
            StoreId = FileId.Read(bytes.AsSpan(24)),
            Assembly = Encoding.UTF8.GetString(bytes, FixedBytes, (int)assemblyBytes),
            ReferenceDigests = bytes.AsMemory(FixedBytes + (int)assemblyBytes, (int)referenceBytes),
            CreatedUtc = new DateTimeOffset(ticks, TimeSpan.Zero),
            FeatureFlags = features,
        };
    }
}
