using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Clinic.ClinVar;

namespace Warehouse.Clinic.Alerts;

/// <summary>Where an alert stands.</summary>
public enum AlertState
{
    /// <summary>Somebody has to acknowledge it.</summary>
    Open,

    /// <summary>Somebody has.</summary>
    Acknowledged,

    /// <summary>The person's samples were withdrawn, or given to another person: nobody is told any more.</summary>
    Suppressed,
}

/// <summary>What raises an alert, before anybody decides who hears of it. Immutable.</summary>
public sealed record AlertDraft
{
    /// <summary>What raised it: one trigger.</summary>
    public required WatchTriggers Trigger { get; init; }

    /// <summary>The person, as the care table names him; empty where it is about an allele alone.</summary>
    public required string Person { get; init; }

    /// <summary>The allele as <c>CONTIG-POS-REF-ALT</c>.</summary>
    public required string Allele { get; init; }

    /// <summary>What changed, in words of fixed sets: with person and allele it is what makes an alert one alert.</summary>
    public required string Change { get; init; }

    /// <summary>How much it matters.</summary>
    public required Grade Grade { get; init; }

    /// <summary>Genes, as GENEINFO or a list with commas.</summary>
    public string Genes { get; init; } = "";

    /// <summary>Variation ids, comma separated.</summary>
    public string Ids { get; init; } = "";

    /// <summary>Names of the person's samples that carry it.</summary>
    public IReadOnlyList<string> Samples { get; init; } = [];

    /// <summary>Names of the watches that it is for.</summary>
    public IReadOnlyList<string> Watches { get; init; } = [];

    /// <summary>In what ways it changed; none where that is not asked.</summary>
    public ChangeKinds Kinds { get; init; }

    /// <summary>True for the daily self-test.</summary>
    public bool IsSelfTest { get; init; }

    /// <summary>The unique key (I10): there is one alert of it, ever.</summary>
    public string Key => KeyOf(Person, Allele, Change);

    internal static string KeyOf(string person, string allele, string change) => string.Join('\n', person, allele, change);

    /// <summary>The id that messages carry, of a key: it tells nothing without the log's salt.</summary>
    internal static string IdOf(string key, IncrementalHash salted)
    {
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        salted.AppendData(Encoding.UTF8.GetBytes(key));
        salted.GetHashAndReset(digest);
        return Convert.ToHexStringLower(digest[..10]);
    }
}

/// <summary>An alert as the log tells it. Changed by <see cref="AlertBook"/> alone, event by event.</summary>
public sealed class Alert
{
    internal Alert(AlertDraft draft, string id, (long Event, DateTimeOffset Utc) raised) => (Draft, Id, RaisedEvent, RaisedUtc) = (draft, id, raised.Event, raised.Utc);

    /// <summary>What raised it, the last time.</summary>
    public AlertDraft Draft { get; private set; }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>When it was raised.</summary>
    public DateTimeOffset RaisedUtc { get; private set; }

    /// <summary>Number of the event that raised it.</summary>
    public long RaisedEvent { get; private set; }

    /// <summary>Where it stands.</summary>
    public AlertState State { get; internal set; }

    /// <summary>Who is to hear of it and may see the person; none = nobody may, which is an alarm.</summary>
    public IReadOnlyList<string> Recipients { get; internal set; } = [];

    /// <summary>Whether anybody has looked for recipients.</summary>
    public bool IsRouted { get; internal set; }

    /// <summary>How often it went further because nobody acknowledged it.</summary>
    public int Level { get; internal set; }

    /// <summary>Since when the next escalation is counted.</summary>
    public DateTimeOffset WaitsSinceUtc { get; internal set; }

    /// <summary>Until when it is snoozed; null = it is not.</summary>
    public DateTimeOffset? SnoozedUntilUtc { get; internal set; }

    /// <summary>To whom it was delegated; null = to nobody.</summary>
    public string? Delegate { get; internal set; }

    /// <summary>Ways and recipients by which a message went out.</summary>
    public IReadOnlySet<(string Way, string Recipient)> Delivered => DeliveredTo;

    /// <summary>Who has seen it, and when first.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> Shown => ShownTo;

    /// <summary>When the first message went out or it was first shown.</summary>
    public DateTimeOffset? DeliveredUtc { get; internal set; }

    /// <summary>When it was acknowledged or suppressed.</summary>
    public DateTimeOffset? ClosedUtc { get; internal set; }

    /// <summary>Who acknowledged it.</summary>
    public string? ClosedBy { get; internal set; }

    /// <summary>Why.</summary>
    public string? Reason { get; internal set; }

    /// <summary>A suppressed alert is raised again: as if it were new, of the samples that there are now.</summary>
    internal void Reopen(AlertDraft draft, (long Event, DateTimeOffset Utc) raised)
    {
        (Draft, RaisedEvent) = (draft, raised.Event);
        (State, RaisedUtc, WaitsSinceUtc, IsRouted, Level, Recipients) = (AlertState.Open, raised.Utc, raised.Utc, false, 0, []);
        (SnoozedUntilUtc, Delegate, DeliveredUtc, ClosedUtc, ClosedBy, Reason) = (null, null, null, null, null, null);
        (_delivered, _shown, _again) = (null, null, null);
    }

    /// <summary>It went further, and who is named is told again, by every way and whether he has seen it or not.</summary>
    internal void Escalate(AlertEscalated how, DateTimeOffset at)
    {
        (Level, WaitsSinceUtc, IsRouted) = (how.Level, at, false);
        foreach (var recipient in how.Again) (_again ??= new Dictionary<string, int>(StringComparer.Ordinal))[recipient] = how.Level;
        if (how.Again.Count > 0) _delivered?.RemoveWhere(d => how.Again.Contains(d.Recipient));
    }

    /// <summary>Whether a recipient is to be told by a way: he was not yet, or is again.</summary>
    internal bool Waits(string way, string recipient) => _delivered?.Contains((way, recipient)) != true && (_shown?.ContainsKey(recipient) != true || _again?.ContainsKey(recipient) == true);

    /// <summary>What a message about it to somebody is the message of: another raising and another telling is another.</summary>
    internal string MarkFor(string recipient) => string.Create(CultureInfo.InvariantCulture, $"{Id}.{RaisedEvent}.{RaisedUtc.ToUnixTimeMilliseconds()}.{_again?.GetValueOrDefault(recipient) ?? 0}");

    // Of a hundred thousand alerts most were neither sent nor shown yet.
    private HashSet<(string Way, string Recipient)>? _delivered;
    private Dictionary<string, DateTimeOffset>? _shown;
    private Dictionary<string, int>? _again;

    internal HashSet<(string Way, string Recipient)> DeliveredTo => _delivered ??= [];

    internal Dictionary<string, DateTimeOffset> ShownTo => _shown ??= new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
}
