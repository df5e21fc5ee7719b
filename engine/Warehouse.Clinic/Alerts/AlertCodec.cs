using System.Globalization;
using System.IO.Compression;
using System.Text;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Events;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Events of watches and alerts as the log's payloads: the moment (unix milliseconds, signed), then the members in their order; texts and lists
/// with their lengths, numbers as LEB128. Schema 1. Alerts of more than <see cref="LargestPlainBytes"/>, which is one with an allele of hundreds of thousands of bases, are
/// deflated, since the log takes no payload above its limit; members that came later stand at the end and are left out where they say nothing.
/// </summary>
internal static class AlertCodec
{
    /// <summary>What all kinds begin with.</summary>
    internal const string Prefix = "alerts/";

    /// <summary>Largest payload of alerts that stands as it is, and what events over several alerts are kept below.</summary>
    internal const int LargestPlainBytes = EventLog.MaxPayloadBytes / 2;

    private const string Raised = "raised", RaisedPacked = "raised-packed";

    private const int Schema = 1, MostItems = 1 << 20, LargestUnpackedBytes = 1 << 24;

    internal static NewEvent Encode(AlertEvent one, DateTimeOffset at)
    {
        var to = new ByteWriter();
        to.Signed(at.ToUnixTimeMilliseconds());
        var kind = one switch
        {
            WatchSet or WatchRemoved or CareSet or GradesSet or SettingsSet or ReleaseAccepted or Salted => EncodeSetting(to, one),
            AlertsRaised or DerivedThrough or AlertsRouted or AlertsDelivered or DeliveryFailed or AlertsShown or AccessLooked => EncodeCourse(to, one),
            _ => EncodeAct(to, one),
        };
        return kind == Raised && to.Length > LargestPlainBytes ? new NewEvent(Prefix + RaisedPacked, Schema, Packed(to.Written)) : new NewEvent(Prefix + kind, Schema, to.ToArray());
    }

    /// <summary>At most so many bytes an alert takes of a payload.</summary>
    internal static int BytesOf(AlertDraft draft) => 40 + BytesOf([draft.Person, draft.Allele, draft.Change, draft.Genes, draft.Ids]) + BytesOf(draft.Samples) + BytesOf(draft.Watches);

    /// <summary>At most so many bytes texts take of a payload.</summary>
    internal static int BytesOf(IReadOnlyList<string> texts) => 5 + texts.Sum(t => 5 + Encoding.UTF8.GetByteCount(t));

    /// <exception cref="InvalidDataException">It is none, or of a schema that this program does not know.</exception>
    internal static (AlertEvent Event, DateTimeOffset At) Decode(LoggedEvent logged)
    {
        if (logged.Schema != Schema) throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"event {logged.Number} has a schema that this program does not know"));
        var (kind, payload) = (logged.Kind[Prefix.Length..], logged.Payload);
        if (kind == RaisedPacked) (kind, payload) = (Raised, Unpacked(payload));
        var from = new ByteReader(payload.Span);
        var at = Moment(ref from);
        var one = DecodeSetting(kind, ref from) ?? DecodeCourse(kind, ref from) ?? DecodeAct(kind, ref from) ?? throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"event {logged.Number} has a kind that this program does not know"));
        from.End();
        return (one, at);
    }

    private static byte[] Packed(ReadOnlySpan<byte> payload)
    {
        var to = new ByteWriter();
        to.Var(payload.Length);
        using var bytes = new MemoryStream();
        using (var deflate = new DeflateStream(bytes, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(payload);
        to.Raw(bytes.ToArray());
        return to.ToArray();
    }

    private static byte[] Unpacked(ReadOnlyMemory<byte> packed)
    {
        var from = new ByteReader(packed.Span);
        var length = from.Count(LargestUnpackedBytes);
        if (length <= LargestPlainBytes) throw new InvalidDataException("alerts are packed that need not be");
        using var inflate = new DeflateStream(new MemoryStream(from.Rest.ToArray()), CompressionMode.Decompress);
        var payload = new byte[length];
        if (inflate.ReadAtLeast(payload, length, throwOnEndOfStream: false) != length || inflate.ReadByte() >= 0) throw new InvalidDataException("packed alerts have another length than they say");
        return payload;
    }

    private static string EncodeSetting(ByteWriter to, AlertEvent one)
    {
        switch (one)
        {
            case Salted salted: to.Bytes(salted.Salt); return "salt";
            case WatchSet set:
                var watch = set.Watch;
                to.Text(watch.Name);
                to.Var((int)watch.Scope);
                Texts(to, watch.Items);
                to.Var((int)watch.Triggers);
                to.Var((int)watch.Least);
                Texts(to, watch.Hears);
                to.Int64(BitConverter.DoubleToInt64Bits(watch.FrequencyLine));
                return "watch";
            case WatchRemoved removed: to.Text(removed.Name); return "unwatch";
            case CareSet care:
                to.Var(care.Rows.Count);
                foreach (var row in care.Rows)
                {
                    to.Text(row.Person);
                    to.Text(row.Responsible);
                    Texts(to, row.Deputies);
                }
                return "care";
            case GradesSet grades: to.Text(grades.Text); return "grades";
            case SettingsSet { Settings: var settings }:
                foreach (var number in (ReadOnlySpan<int>)[settings.CriticalHours, settings.MajorHours, settings.MinorHours, settings.MessagesAnHour]) to.Var(number);
                Texts(to, settings.Directors);
                return "settings";
            case ReleaseAccepted release:
                to.Text(release.Release);
                to.Text(release.Digest);
                to.Var((ulong)release.Alleles);
                to.Var((ulong)release.Unrecognised);
                return "release";
            default: throw new ArgumentException("no setting", nameof(one));
        }
    }

    private static AlertEvent? DecodeSetting(string kind, ref ByteReader from)
    {
        switch (kind)
        {
            case "salt": return new Salted(from.Bytes().ToArray());
            case "watch":
                return new WatchSet(new Watch
                {
                    Name = from.Text(), Scope = Member<WatchScope>(ref from), Items = Texts(ref from), Triggers = (WatchTriggers)from.Count(), Least = Member<Grade>(ref from), Hears = Texts(ref from),
                    FrequencyLine = BitConverter.Int64BitsToDouble(from.Int64()),
                });
            case "unwatch": return new WatchRemoved(from.Text());
            case "care":
                var rows = new CareRow[Items(ref from)];
                for (var i = 0; i < rows.Length; i++) rows[i] = new CareRow(from.Text(), from.Text(), Texts(ref from));
                return new CareSet(rows);
            case "grades": return new GradesSet(from.Text());
            case "settings": return new SettingsSet(new AlertSettings { CriticalHours = from.Count(), MajorHours = from.Count(), MinorHours = from.Count(), MessagesAnHour = from.Count(), Directors = Texts(ref from) });
            case "release": return new ReleaseAccepted(from.Text(), from.Text(), (long)from.Var(), (long)from.Var());
            default: return null;
        }
    }

    private static string EncodeCourse(ByteWriter to, AlertEvent one)
    {
        switch (one)
        {
            case AlertsRaised raised:
                to.Var(raised.Drafts.Count);
                foreach (var draft in raised.Drafts) Encode(to, draft);
                return Raised;
            case DerivedThrough derived:
                to.Var((ulong)derived.Event);
                to.Var((ulong)derived.Version);
                return "derived";
            case AlertsRouted routed:
                to.Var(routed.Routes.Count);
                foreach (var (alert, recipients) in routed.Routes)
                {
                    to.Text(alert);
                    Texts(to, recipients);
                }
                return "routed";
            case AlertsDelivered delivered:
                to.Text(delivered.Way);
                to.Text(delivered.Recipient);
                Texts(to, delivered.Alerts);
                return "delivered";
            case DeliveryFailed failed:
                to.Text(failed.Way);
                to.Var(failed.Attempt);
                to.Signed(failed.AgainUtc.ToUnixTimeMilliseconds());
                if (failed.Recipient.Length > 0) to.Text(failed.Recipient);
                return "failed";
            case AlertsShown shown:
                to.Text(shown.Recipient);
                Texts(to, shown.Alerts);
                return "shown";
            case AccessLooked access: to.Text(access.Mark); return "access";
            default: throw new ArgumentException("no course of alerts", nameof(one));
        }
    }

    private static AlertEvent? DecodeCourse(string kind, ref ByteReader from)
    {
        switch (kind)
        {
            case Raised:
                var drafts = new AlertDraft[Items(ref from)];
                for (var i = 0; i < drafts.Length; i++) drafts[i] = DecodeDraft(ref from);
                return new AlertsRaised(drafts);
            case "derived": return new DerivedThrough((long)from.Var(), (long)from.Var());
            case "routed":
                var routes = new (string, IReadOnlyList<string>)[Items(ref from)];
                for (var i = 0; i < routes.Length; i++) routes[i] = (from.Text(), Texts(ref from));
                return new AlertsRouted(routes);
            case "delivered": return new AlertsDelivered(from.Text(), from.Text(), Texts(ref from));
            case "failed": return new DeliveryFailed(from.Text(), from.Count(), Moment(ref from)) { Recipient = from.Remaining > 0 ? from.Text() : "" };
            case "shown": return new AlertsShown(from.Text(), Texts(ref from));
            case "access": return new AccessLooked(from.Text());
            default: return null;
        }
    }

    private static string EncodeAct(ByteWriter to, AlertEvent one)
    {
        var (kind, texts) = one switch
        {
            AlertAcknowledged e => ("acknowledged", (string[])[e.Alert, e.By, e.Reason]),
            AlertDelegated e => ("delegated", [e.Alert, e.By, e.To, e.Reason]),
            AlertSnoozed e => ("snoozed", [e.Alert, e.By, e.Reason]),
            AlertEscalated e => ("escalated", [e.Alert, e.Reason]),
            AlertSuppressed e => ("suppressed", [e.Alert, e.Reason]),
            SelfTestBegun e => ("test-begun", [e.Mark]),
            SelfTestPassed e => ("test-passed", [e.Mark]),
            ClockMoved => ("clock", []),
            _ => throw new ArgumentException("an event of no kind", nameof(one)),
        };
        foreach (var text in texts) to.Text(text);
        if (one is AlertSnoozed snoozed) to.Signed(snoozed.UntilUtc.ToUnixTimeMilliseconds());
        if (one is AlertEscalated escalated)
        {
            to.Var(escalated.Level);
            if (escalated.Again.Count > 0) Texts(to, escalated.Again);
        }
        if (one is ClockMoved moved) to.Signed(moved.OffsetMs);
        return kind;
    }

    private static AlertEvent? DecodeAct(string kind, ref ByteReader from)
    {
        switch (kind)
        {
            case "acknowledged": return new AlertAcknowledged(from.Text(), from.Text(), from.Text());
            case "delegated": return new AlertDelegated(from.Text(), from.Text(), from.Text(), from.Text());
            case "snoozed":
                var (alert, by, reason) = (from.Text(), from.Text(), from.Text());
                return new AlertSnoozed(alert, by, Moment(ref from), reason);
            case "escalated":
                var (further, why) = (from.Text(), from.Text());
                return new AlertEscalated(further, from.Count(), why) { Again = from.Remaining > 0 ? Texts(ref from) : [] };
            case "suppressed": return new AlertSuppressed(from.Text(), from.Text());
            case "test-begun": return new SelfTestBegun(from.Text());
            case "test-passed": return new SelfTestPassed(from.Text());
            case "clock": return new ClockMoved(from.Signed());
            default: return null;
        }
    }

    private static void Encode(ByteWriter to, AlertDraft draft)
    {
        to.Var((int)draft.Trigger);
        foreach (var text in (ReadOnlySpan<string>)[draft.Person, draft.Allele, draft.Change, draft.Genes, draft.Ids]) to.Text(text);
        to.Var((int)draft.Grade);
        Texts(to, draft.Samples);
        Texts(to, draft.Watches);
        to.Var((int)draft.Kinds);
        to.Bool(draft.IsSelfTest);
    }

    private static AlertDraft DecodeDraft(ref ByteReader from)
    {
        var trigger = (WatchTriggers)from.Count();
        var (person, allele, change, genes, ids) = (from.Text(), from.Text(), from.Text(), from.Text(), from.Text());
        return new AlertDraft
        {
            Trigger = trigger, Person = person, Allele = allele, Change = change, Genes = genes, Ids = ids,
            Grade = Member<Grade>(ref from), Samples = Texts(ref from), Watches = Texts(ref from), Kinds = (ChangeKinds)from.Count(), IsSelfTest = from.Bool(),
        };
    }

    private static void Texts(ByteWriter to, IReadOnlyList<string> texts)
    {
        to.Var(texts.Count);
        foreach (var text in texts) to.Text(text);
    }

    private static string[] Texts(ref ByteReader from)
    {
        var texts = new string[Items(ref from)];
        for (var i = 0; i < texts.Length; i++) texts[i] = from.Text();
        return texts;
    }

    /// <summary>A number of items, of which each has a byte at least.</summary>
    private static int Items(ref ByteReader from) => from.Count(Math.Min(MostItems, from.Remaining));

    private static DateTimeOffset Moment(ref ByteReader from) =>
        from.Signed() is var at && at >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && at <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(at) : throw new InvalidDataException("a stored time cannot be");

    private static T Member<T>(ref ByteReader from) where T : struct, Enum =>
        (T)Enum.ToObject(typeof(T), from.Count()) is var value && Enum.IsDefined(value) ? value : throw new InvalidDataException("a stored word is of no set");
}
