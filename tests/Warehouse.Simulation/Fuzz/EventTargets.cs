using System.Security.Cryptography;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Events;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>The files of the event log behind their seal, batch and index, and its head, whose checksum is made anew over most changes.</summary>
internal sealed class EventTargets
{
    private const int Events = 3, MacBytes = 32;

    private static readonly byte[][] Numbers = FuzzTarget.WordsOf("\0", "\u0001", "\u0080\u0001", "\u00ff\u00ff\u00ff\u00ff\u0007", "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u0001", "alerts/raised", "assess/draft");

    private readonly SimDisk _keys = new(new SimMachine());
    private readonly EventKeys _secret;
    private readonly byte[] _head;

    public EventTargets()
    {
        // A secret that is always the same: fresh ones would make other inputs of the same seed.
        var secret = new byte[80];
        "WHAUDIT1"u8.CopyTo(secret);
        secret[8] = 1;
        SHA256.HashData(secret.AsSpan(0, 48), secret.AsSpan(48));
        _keys.Poke(KeyFolder.AuditSecret, secret);
        _secret = new EventKeys(_keys);
        new EventHead(Events, Digest.Of([1])).Write(_keys, _secret);
        _head = _keys.Peek(KeyFolder.EventHead);
    }

    /// <summary>All of them.</summary>
    public IEnumerable<FuzzTarget> All()
    {
        yield return new FuzzTarget("event-file", [Batch()], ReadBatch) { Words = Numbers, Expects = e => e is DamagedStoreException };
        yield return new FuzzTarget("event-index", [Index()], ReadIndex) { Words = Numbers, Expects = e => e is DamagedStoreException };
        yield return new FuzzTarget("event-head", [_head], ReadHead) { Expects = e => e is DamagedStoreException or StoreRefusedException, Make = (random, mutator) => WithMac(random, mutator.Change(random, _head, [_head], [])) };
    }

    private static LoggedEvent Event(long number) => new()
    {
        Number = number, TimeUtc = new DateTimeOffset(2026, 1, 1, 0, 0, (int)number, TimeSpan.Zero), ManifestVersion = number, Actor = "local:lab", Kind = number == 1 ? "alerts/salt" : "assess/draft", Schema = 1,
        Payload = new byte[(int)number * 40],
    };

    private static byte[] Batch()
    {
        var (body, end) = (new ByteWriter(), default(EventEnd));
        for (var number = 1L; number <= Events; number++)
        {
            var encoded = EventFile.Encode(Event(number));
            body.Bytes(encoded);
            end = new EventEnd(number, EventFile.ChainAfter(end.Chain, encoded), number, Event(number).TimeUtc.UtcTicks);
        }
        return [.. EventFile.Header(new EventRange("", 1, default, end), Events), .. body.Written];
    }

    private static byte[] Index() => EventIndex.Empty.With(Enumerable.Range(1, Events).Select(n => Event(n)), new EventIndexRule("fuzz", 1, e => ["all", e.Kind, $"{e.Number}"]), new EventEnd(Events, Digest.Of([1]), 1, 1)).Encode(1);

    /// <summary>The input chooses under which name it lies: of a batch, or of a merged file.</summary>
    private static void ReadBatch(byte[] input)
    {
        var name = Path.GetFileName((Crc32.Compute(input) & 1) == 0 ? EventFile.NameOf(1) : EventFile.NameOf(1, Events));
        var range = EventFile.Range(input, name);
        var events = EventFile.Events(input, range);
        if (events.Count != range.Last - range.First + 1 || events.Where((e, i) => e.Event.Number != range.First + i).Any()) throw new InvalidOperationException("other events than the header says");
        var picked = EventFile.Pick(input, range, [range.First, .. range.Last > range.First ? [range.Last] : Array.Empty<long>()]);
        if (picked[0].Number != range.First || picked[^1].Number != range.Last || !picked[^1].Payload.Span.SequenceEqual(events[^1].Event.Payload.Span)) throw new InvalidOperationException("another event is picked");
    }

    private static void ReadIndex(byte[] input)
    {
        var index = EventIndex.Decode(input, (Crc32.Compute(input) & 1) == 0 ? 1 : null, "index-fuzz");
        if (index is null) return;
        foreach (var subject in (string[])["all", "alerts/salt", "1", "nobody"])
            foreach (var number in index.Find(subject))
                if (number < 1 || number > index.Covered) throw new InvalidOperationException("an event is found that is not covered");
    }

    private void ReadHead(byte[] input)
    {
        _keys.Poke(KeyFolder.EventHead, input);
        if (EventHead.Read(_keys, _secret) is null) throw new InvalidOperationException("the head is not seen");
    }

    private byte[] WithMac(Prng random, byte[] bytes)
    {
        if (bytes.Length > MacBytes && random.Below(4) > 0) HMACSHA256.HashData(_secret.Mac, bytes.AsSpan(..^MacBytes), bytes.AsSpan(^MacBytes..));
        return bytes;
    }
}
