using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Telemetry;

/// <summary>A principal as logs show it: 64 bits of a keyed hash. Without the key nobody can try names; who it was stands in the audit log.</summary>
public readonly record struct PrincipalTag
{
    private readonly ulong _hash;

    private PrincipalTag(ulong hash) => _hash = hash;

    /// <summary>The tag of a caller under a key, which is the same as long as the key is.</summary>
    public static PrincipalTag Of(ReadOnlySpan<byte> key, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(caller.Id), hash);
        return new(BinaryPrimitives.ReadUInt64BigEndian(hash));
    }

    /// <summary>16 hexadecimal digits; all zero for nobody.</summary>
    public override string ToString() => _hash.ToString("x16", CultureInfo.InvariantCulture);
}
