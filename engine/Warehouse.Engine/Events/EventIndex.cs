using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Events;

/// <summary>By what an index finds events; whoever writes a kind of events knows it.</summary>
/// <param name="Name">1 to 20 of a-z.</param>
/// <param name="Version">Raised whenever <paramref name="SubjectsOf"/> says something else of an event than before: an index of another version is made anew.</param>
/// <param name="SubjectsOf">Subjects of an event; none for events of other kinds.</param>
public sealed record EventIndexRule(string Name, int Version, Func<LoggedEvent, IEnumerable<string>> SubjectsOf);

/// <summary>
/// Where in the log events of a subject are. It is made of the log alone and may be deleted at any time: then it is made again. A sealed file of kind 0xF5 in
/// the folder of the log, <c>index-</c> and its name, whose hash is its epoch, replaced as a whole; integers little-endian:
/// <code>
///  0  8  magic "WHEVIDX1"
///  8  4  version of the rule
/// 12  4  zero
/// 16  8  number of the last event that it covers; what is behind is looked through when it is asked
/// 24 32  chain behind that event
/// 56  8  number of pairs, n
/// 64     n pairs, ascending: the first 8 bytes of SHA-256 of the subject, number of the event
/// </code>
/// A subject may be found where another one of an equal hash is: whoever reads the events sees that.
/// </summary>
internal sealed class EventIndex
{
    internal const string Prefix = "index-";

    internal const int HeaderBytes = 64, PairBytes = 16;

    private readonly (ulong Subject, long Number)[] _pairs;

    private EventIndex((ulong, long)[] pairs, long covered, Digest chain) => (_pairs, Covered, Chain) = (pairs, covered, chain);

    internal static EventIndex Empty { get; } = new([], 0, default);

    /// <summary>Number of the last event that it covers.</summary>
    internal long Covered { get; }

    /// <summary>The chain behind it.</summary>
    internal Digest Chain { get; }

    private static ReadOnlySpan<byte> Magic => "WHEVIDX1"u8;

    internal static string NameOf(string index) => $"{SealedFormat.EventFolder}/{Prefix}{index}";

    internal static ulong HashOf(string subject)
    {
        Span<byte> hash = stackalloc byte[Digest.SizeBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(subject), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    /// <summary>This with the events behind it.</summary>
    internal EventIndex With(IEnumerable<LoggedEvent> further, EventIndexRule rule, EventEnd end)
    {
        var pairs = new List<(ulong, long)>(_pairs);
        foreach (var one in further)
            foreach (var subject in rule.SubjectsOf(one)) pairs.Add((HashOf(subject), one.Number));
        pairs.Sort();
        return new EventIndex([.. pairs], end.Number, end.Chain);
    }

    /// <summary>Numbers of the events of a subject, rising.</summary>
    internal IEnumerable<long> Find(string subject)
    {
        var hash = HashOf(subject);
        var (low, high) = (0, _pairs.Length);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (_pairs[middle].Subject < hash) low = middle + 1;
            else high = middle;
        }
        for (; low < _pairs.Length && _pairs[low].Subject == hash; low++) yield return _pairs[low].Number;
    }

    internal byte[] Encode(int version)
    {
        var bytes = new byte[HeaderBytes + _pairs.Length * PairBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Covered);
        Chain.Write(bytes.AsSpan(24));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(56), _pairs.Length);
        var words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan(HeaderBytes));
        for (var i = 0; i < _pairs.Length; i++) (words[2 * i], words[2 * i + 1]) = (_pairs[i].Subject, (ulong)_pairs[i].Number);
        return bytes;
    }

    /// <summary>Reads the content of a file; null when it is of another version of the rule.</summary>
    internal static EventIndex? Decode(ReadOnlySpan<byte> bytes, int? version, string name)
    {
        if (bytes.Length < HeaderBytes || !bytes.StartsWith(Magic) || (bytes.Length - HeaderBytes) % PairBytes != 0 || BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]) != (bytes.Length - HeaderBytes) / PairBytes) throw EventFile.Damaged(name, "is no index");
        if (version is not null && BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) != version) return null;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes[HeaderBytes..]);
        var covered = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]);
        var pairs = new (ulong Subject, long Number)[words.Length / 2];
        for (var i = 0; i < pairs.Length; i++)
        {
            pairs[i] = (words[2 * i], (long)words[2 * i + 1]);
            if (pairs[i].Number < 1 || pairs[i].Number > covered) throw EventFile.Damaged(name, "names an event that it does not cover");
            if (i > 0 && pairs[i - 1].CompareTo(pairs[i]) >= 0) throw EventFile.Damaged(name, "is not in order");
        }
        return new EventIndex(pairs, covered, Digest.Read(bytes[24..]));
    }
}
