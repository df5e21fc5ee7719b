using Warehouse.Engine.Sealing;

namespace Warehouse.Simulation.Fuzz;

/// <summary>Seals content of one chunk under one header and key, again and again: what <see cref="SealedWriter"/> writes, without deriving keys and header anew.</summary>
internal sealed class SealedContent(SealedHeader header, FileKey key)
{
    private readonly byte[] _header = SealedFormat.BuildHeader(header, key);
    private readonly ChunkCipher _cipher = new(key, SealedFormat.BuildHeader(header, key));

    /// <summary>The sealed file.</summary>
    public byte[] Of(ReadOnlySpan<byte> content)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, SealedFormat.ChunkBytes);
        var file = new byte[SealedFormat.SealedLength(content.Length)];
        _header.CopyTo(file, 0);
        _cipher.Seal(0, isLast: true, content, file.AsSpan(_header.Length));
        return file;
    }
}
