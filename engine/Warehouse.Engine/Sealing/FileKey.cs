using System.Security.Cryptography;

namespace Warehouse.Engine.Sealing;

/// <summary>The data key of one file and the two keys derived from it. Dispose wipes them.</summary>
internal sealed class FileKey : IDisposable
{
    internal const int SizeBytes = 32;

    private readonly byte[] _data;

    internal FileKey(ReadOnlySpan<byte> data)
    {
        _data = data.ToArray();
        Sealing = HKDF.Expand(HashAlgorithmName.SHA256, _data, SizeBytes, "warehouse seal"u8.ToArray());
        Commitment = HKDF.Expand(HashAlgorithmName.SHA256, _data, SizeBytes, "warehouse commit"u8.ToArray());
    }

    internal byte[] Sealing { get; }

    internal byte[] Commitment { get; }

    internal ReadOnlySpan<byte> Data => _data;

    internal static FileKey New()
    {
        Span<byte> data = stackalloc byte[SizeBytes];
        RandomNumberGenerator.Fill(data);
        var key = new FileKey(data);
        CryptographicOperations.ZeroMemory(data);
        return key;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_data);
        CryptographicOperations.ZeroMemory(Sealing);
        CryptographicOperations.ZeroMemory(Commitment);
    }
}
