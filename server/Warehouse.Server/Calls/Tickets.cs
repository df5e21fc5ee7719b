using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Calls;

/// <summary>
/// What a client gets now and shows later to have the rest: a question, fixed to its caller and for a time. Forged, another's, over, or of
/// another process of the server, it is refused with one text (F64). Any thread.
/// <code>
/// 32 bytes HMAC-SHA256 over the caller's id, a zero, and what follows | int64 ms since 1970, the last moment | the question
/// </code>
/// </summary>
internal sealed class Tickets(TimeProvider clock)
{
    /// <summary>How long one is taken.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private const int MacBytes = 32, HeadBytes = MacBytes + 8;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <summary>Makes one.</summary>
    public byte[] Seal(Caller caller, ReadOnlySpan<byte> question)
    {
        var ticket = new byte[HeadBytes + question.Length];
        BinaryPrimitives.WriteInt64LittleEndian(ticket.AsSpan(MacBytes), (clock.GetUtcNow() + Life).ToUnixTimeMilliseconds());
        question.CopyTo(ticket.AsSpan(HeadBytes));
        Mac(caller, ticket.AsSpan(MacBytes)).CopyTo(ticket, 0);
        return ticket;
    }

    /// <summary>The question of a ticket that nobody has checked yet: good for nothing before <see cref="IsGood"/>.</summary>
    public static ReadOnlySpan<byte> Unchecked(ReadOnlySpan<byte> ticket) => ticket.Length < HeadBytes ? [] : ticket[HeadBytes..];

    /// <summary>Whether a ticket is of this server, this caller and this time.</summary>
    public bool IsGood(Caller caller, ReadOnlySpan<byte> ticket) => ticket.Length >= HeadBytes && CryptographicOperations.FixedTimeEquals(Mac(caller, ticket[MacBytes..]), ticket[..MacBytes]) &&
        clock.GetUtcNow().ToUnixTimeMilliseconds() <= BinaryPrimitives.ReadInt64LittleEndian(ticket[MacBytes..]);

    private byte[] Mac(Caller caller, ReadOnlySpan<byte> sealedBytes) => HMACSHA256.HashData(_key, (byte[])[.. Encoding.UTF8.GetBytes(caller.Id), 0, .. sealedBytes]);
}
