using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Events;

/// <summary>
/// A sealed file of the event log, of kind 0xF4: one batch, or many that were merged. Its name is the number of its first event in 20 digits; when it was
/// merged, a dash and the number of its last behind it. Its content, integers little-endian:
/// <code>
///   0  8  magic "WHEVENT1"
///   8  8  number of the first event
///  16  4  number of events, n
///  20  4  zero
///  24 32  chain before the first: zeros before event 1, else the chain after the event before
///  56 32  chain after the last
///  88  8  manifest version that the last event follows
///  96  8  time of the last event, UTC, in units of 100 ns since 0001-01-01
/// 104     n events, each with its length as LEB128 before it: time, manifest version (LEB128 both), actor and kind (length and UTF-8), schema (LEB128), payload (length and bytes)
/// </code>
/// Chain after an event = SHA-256 of the chain before it and its bytes as above, without their length. I7: files follow each other by it, and the
/// head in the key folder names its last value.
/// </summary>
internal static class EventFile
{
    internal const int HeaderBytes = 104;

    /// <summary>More than this no file holds.</summary>
    internal const int MaxBytes = 1 << 26;

    private const int NumberDigits = 20;

    private static ReadOnlySpan<byte> Magic => "WHEVENT1"u8;

    internal static string NameOf(long first) => string.Create(CultureInfo.InvariantCulture, $"{SealedFormat.EventFolder}/{first:d20}");

    internal static string NameOf(long first, long last) => string.Create(CultureInfo.InvariantCulture, $"{SealedFormat.EventFolder}/{first:d20}-{last:d20}");

    /// <summary>First event and, of a merged file, last one, of a name in the folder; false for any other name.</summary>
    internal static bool TryParse(string name, out long first, out long? last)
    {
        (first, last) = (0, null);
        if (name.Length is not (NumberDigits or (2 * NumberDigits + 1)) || !TryNumber(name.AsSpan(0, NumberDigits), out first)) return false;
        if (name.Length == NumberDigits) return true;
        if (name[NumberDigits] != '-' || !TryNumber(name.AsSpan(NumberDigits + 1), out var end) || end < first) return false;
        last = end;
        return true;
    }

    internal static byte[] Encode(LoggedEvent logged)
    {
        var to = new ByteWriter(64 + logged.Actor.Length + logged.Payload.Length);
        to.Var((ulong)logged.TimeUtc.UtcTicks);
        to.Var((ulong)logged.ManifestVersion);
        to.Text(logged.Actor);
        to.Text(logged.Kind);
        to.Var(logged.Schema);
        to.Bytes(logged.Payload.Span);
        return to.ToArray();
    }

    internal static Digest ChainAfter(Digest before, ReadOnlySpan<byte> encoded)
    {
        Span<byte> chain = stackalloc byte[Digest.SizeBytes];
        before.Write(chain);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(chain);
        hash.AppendData(encoded);
        hash.GetHashAndReset(chain);
        return Digest.Read(chain);
    }

    /// <summary>The header of a file to be written.</summary>
    internal static byte[] Header(EventRange range, int count)
    {
        var bytes = new byte[HeaderBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), range.First);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), count);
        range.Before.Write(bytes.AsSpan(24));
        range.End.Chain.Write(bytes.AsSpan(56));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(88), range.End.ManifestVersion);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(96), range.End.TimeTicks);
        return bytes;
    }

    /// <summary>Reads and checks the header of a file whose name says where it begins and, when it was merged, where it ends.</summary>
    internal static EventRange Range(ReadOnlySpan<byte> bytes, string name)
    {
        if (!TryParse(name, out var first, out var last) || bytes.Length < HeaderBytes || !bytes.StartsWith(Magic)) throw Damaged(name, "is no file of the event log");
        var count = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        if (BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]) != first || count < 1 || first > long.MaxValue - count || (last is { } end && end - first + 1 != count)) throw Damaged(name, "holds other events than its name says");
        var ticks = BinaryPrimitives.ReadInt64LittleEndian(bytes[96..]);
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) throw Damaged(name, "its time cannot be");
        return new EventRange(name, first, Digest.Read(bytes[24..]), new EventEnd(first + count - 1, Digest.Read(bytes[56..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[88..]), ticks));
    }

    /// <summary>The events of a file's whole content.</summary>
    /// <exception cref="DamagedStoreException">They cannot be read.</exception>
    internal static List<(LoggedEvent Event, ReadOnlyMemory<byte> Encoded)> Events(ReadOnlyMemory<byte> content, EventRange range)
    {
        var events = new List<(LoggedEvent, ReadOnlyMemory<byte>)>();
        try
        {
            var from = new ByteReader(content.Span[HeaderBytes..]);
            for (var number = range.First; number <= range.Last; number++)
            {
                var length = from.Bytes().Length;
                var encoded = content.Slice(HeaderBytes + from.Position - length, length);
                events.Add((Decode(encoded, number), encoded));
            }
            from.End();
        }
        catch (Exception bad) when (bad is InvalidDataException or ArgumentException)
        {
            throw Damaged(range.Name, bad.Message);
        }
        return events;
    }

    /// <summary>Some events of a file's whole content; the others are passed over.</summary>
    internal static List<LoggedEvent> Pick(ReadOnlyMemory<byte> content, EventRange range, IEnumerable<long> rising)
    {
        var picked = new List<LoggedEvent>();
        var (at, number) = (HeaderBytes, range.First);
        try
        {
            foreach (var wanted in rising)
            {
                for (; ; number++)
                {
                    var from = new ByteReader(content.Span[at..]);
                    var length = from.Bytes().Length;
                    at += from.Position;
                    if (number != wanted) continue;
                    picked.Add(Decode(content.Slice(at - length, length), number++));
                    break;
                }
            }
        }
        catch (Exception bad) when (bad is InvalidDataException or ArgumentException)
        {
            throw Damaged(range.Name, bad.Message);
        }
        return picked;
    }

    internal static DamagedStoreException Damaged(string name, string problem) => new($"{SealedFormat.EventFolder}/{name}", problem);

    private static LoggedEvent Decode(ReadOnlyMemory<byte> encoded, long number)
    {
        var from = new ByteReader(encoded.Span);
        var ticks = from.Var();
        if (ticks > (ulong)DateTime.MaxValue.Ticks) throw new InvalidDataException("a stored time cannot be");
        var (version, actor, kind, schema) = ((long)from.Var(), from.Text(), from.Text(), from.Count());
        var length = from.Bytes().Length;
        var payload = encoded.Slice(from.Position - length, length);
        from.End();
        return new LoggedEvent { Number = number, TimeUtc = new DateTimeOffset((long)ticks, TimeSpan.Zero), ManifestVersion = version, Actor = actor, Kind = kind, Schema = schema, Payload = payload };
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out long number) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;

    /// <summary>Refuses what no log holds.</summary>
    internal static void Check(EventBatch batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch.ManifestVersion, 1);
        ArgumentOutOfRangeException.ThrowIfZero(batch.Events.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batch.Events.Count, EventLog.MaxBatchEvents);
        if (batch.Actor.Length == 0 || Encoding.UTF8.GetByteCount(batch.Actor) > EventLog.MaxActorBytes) throw new ArgumentException("an actor has 1 to 512 bytes", nameof(batch));
        foreach (var one in batch.Events)
        {
            if (one.Kind.Length is 0 or > 64 || !one.Kind.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '.' or '-' or '/')) throw new ArgumentException("the kind of an event is 1 to 64 of a-z, 0-9, dot, dash and slash", nameof(batch));
            ArgumentOutOfRangeException.ThrowIfLessThan(one.Schema, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(one.Payload.Length, EventLog.MaxPayloadBytes);
        }
    }
}

/// <summary>Where the log stands behind an event.</summary>
/// <param name="Number">The event's number; 0 = nothing is there.</param>
/// <param name="Chain">The chain behind it.</param>
/// <param name="ManifestVersion">The manifest version that it follows.</param>
/// <param name="TimeTicks">When it was appended.</param>
internal readonly record struct EventEnd(long Number, Digest Chain, long ManifestVersion, long TimeTicks);

/// <summary>What a file of the log holds.</summary>
/// <param name="Name">Its name in the folder.</param>
/// <param name="First">Number of its first event.</param>
/// <param name="Before">The chain before that.</param>
/// <param name="End">Where the log stands behind its last event.</param>
internal sealed record EventRange(string Name, long First, Digest Before, EventEnd End)
{
    internal long Last => End.Number;
}
