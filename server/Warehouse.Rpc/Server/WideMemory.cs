using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Warehouse.Rpc.Server;

/// <summary>
/// Memory for Kestrel in pieces of 16 KiB in place of 4: a piece becomes a record of TLS, and each costs both sides microseconds whatever its length.
/// Frames of HTTP/2 and records of TLS have at most as many.
/// </summary>
internal sealed class WideMemory : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int PieceBytes = 16 << 10;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new WideMemory();

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(PieceBytes, minBufferSize));

    protected override void Dispose(bool disposing)
    {
        // What is lent is of the process.
    }
}
