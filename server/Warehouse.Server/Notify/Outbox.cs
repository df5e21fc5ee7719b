using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Notify;

/// <summary>
/// Notes on their way out. One that was put in is durable on return and is tried until every configured way has taken it, across any stop: none is
/// given up. With no way configured they wait here, and the operator is told. Each way goes at its own pace: one that is slow or down holds up no other.
/// Each note is a file of the server's state, <c>outbox/ID</c>, of JSON: the note, the ways that have taken it, and of those that have failed the tries and
/// when the next is due. What failed leaves the file as it was. Any thread.
/// </summary>
internal sealed class Outbox : IDisposable
{
    /// <summary>Notes that wait at most; more are refused, which is told.</summary>
    public const int MaxWaiting = 10_000;

    private const string FolderName = "outbox";

    /// <summary>Time that a round of sending waits for a slow way, which goes on behind it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1)];

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) } };

    private readonly PrivateFolder _folder;
    private readonly IReadOnlyList<INoteSender> _ways;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Dictionary<string, Task> _rounds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Waiting> _notes = new(StringComparer.Ordinal);

    /// <summary>Opens the outbox in the folder of the server's state, and reads what waits in it.</summary>
    /// <exception cref="Warehouse.Engine.InputException">The folder is open to others, or a file of it is none of an outbox.</exception>
    public Outbox(string stateFolder, IReadOnlyList<INoteSender> ways, TimeProvider clock, ILogger log)
    {
        (_folder, _ways, _clock, _log) = (PrivateFolder.Open(Path.Combine(stateFolder, FolderName)), ways, clock, log);
        foreach (var path in Directory.GetFiles(_folder.Path))
        {
            var name = Path.GetFileName(path);
            if (name.Length != 32 || !name.All(char.IsAsciiHexDigitLower)) continue; // what a stop left half written
            try
            {
                _notes[name] = JsonSerializer.Deserialize<Waiting>(File.ReadAllBytes(path), Json) ?? throw new JsonException("no note");
            }
            catch (JsonException)
            {
                throw new Warehouse.Engine.InputException("outbox", "a file of the outbox is not what was written: look at it, and move it away", new(name, 0, 0, ""));
            }
        }
    }

    /// <summary>Called when a note was taken by all ways; what it throws is told to the operator and changes nothing.</summary>
    public Action<Note>? Delivered { get; set; }

    /// <summary>Notes that not every way has taken, of which a try has failed or which no way takes.</summary>
    public int Stuck
    {
        get
        {
            lock (_gate) return _notes.Values.Count(w => !IsDelivered(w) && (w.Tries > 0 || _ways.Count == 0));
        }
    }

    /// <summary>The ways that a configuration names.</summary>
    public static IReadOnlyList<INoteSender> WaysOf(ServerConfiguration configuration, TimeProvider clock)
    {
        var ways = new List<INoteSender>();
        if (configuration.Notify.Webhook is { } webhook) ways.Add(new WebhookSender(webhook, configuration, clock));
        if (configuration.Notify.Mail is { } mail) ways.Add(new MailSender(mail, configuration, clock));
        if (configuration.Notify.Drop is { } drop) ways.Add(new FileDrop(configuration.Resolve(drop)));
        return ways;
    }

    /// <summary>A note that was put in once; null = none of this id was.</summary>
    public Note? Find(string id)
    {
        lock (_gate) return _notes.GetValueOrDefault(id)?.Note;
    }

    /// <summary>Whether every way has taken a note; false when there is none, and when no way is configured.</summary>
    public bool IsDelivered(string id)
    {
        lock (_gate) return _notes.TryGetValue(id, out var waiting) && IsDelivered(waiting);
    }

    /// <summary>Puts a note in, durable on return; one whose id is there already changes nothing.</summary>
    /// <exception cref="IOException">It cannot be written, or too many wait.</exception>
    public void Put(Note note)
    {
        lock (_gate)
        {
            if (_notes.ContainsKey(note.Id)) return;
            if (_notes.Values.Count(w => !IsDelivered(w)) >= MaxWaiting) throw new IOException("too many notes wait in the outbox");
            Write(new Waiting { Note = note, NextUtc = _clock.GetUtcNow() });
        }
    }

    /// <summary>
    /// Tries every note that is due, by each way that has not taken it yet: the ways side by side, of one way the oldest note first. It waits a moment for
    /// them; a way that is not done then goes on by itself, and is left alone until it is.
    /// </summary>
    public async Task SendDueAsync(CancellationToken stop)
    {
        List<Task> rounds;
        lock (_gate)
        {
            foreach (var way in _ways)
                if (!_rounds.TryGetValue(way.Name, out var round) || round.IsCompleted) _rounds[way.Name] = SendRoundAsync(way, stop);
            rounds = [.. _rounds.Values];
        }
        var all = Task.WhenAll(rounds);
        await Task.WhenAny(all, Task.Delay(Patience, _clock, stop)).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        if (all.IsCompleted) await all.ConfigureAwait(false);
    }

    /// <summary>Stops what is being sent, and waits until it has stopped.</summary>
    public void Dispose()
    {
        _over.Cancel();
        Task[] rounds;
        lock (_gate) rounds = [.. _rounds.Values];
        // How they ended is known already, or they were stopped.
        Task.WhenAll(rounds).ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).GetAwaiter().GetResult();
        foreach (var way in _ways.OfType<IDisposable>()) way.Dispose();
        _over.Dispose();
    }

    private async Task SendRoundAsync(INoteSender way, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _over.Token);
        await Task.Yield(); // not under the lock
        List<string> due;
        lock (_gate) due = [.. _notes.Values.Where(w => w.IsDue(way.Name, _clock.GetUtcNow())).OrderBy(w => w.Note.MadeUtc).Select(w => w.Note.Id)];
        try
        {
            foreach (var id in due)
            {
                either.Token.ThrowIfCancellationRequested();
                Sent(id, way.Name, await TryAsync(way, id, either.Token).ConfigureAwait(false));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.NotesFailed(Incident.Of(e)); // what was sent and could not be recorded is sent again
        }
    }

    /// <summary>Why a note was not taken, whatever it was: it is tried again; null = it was.</summary>
    private async Task<Exception?> TryAsync(INoteSender way, string id, CancellationToken stop)
    {
        Note note;
        lock (_gate) note = _notes[id].Note;
        try
        {
            await way.SendAsync(note, stop).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            return e;
        }
    }

    private void Sent(string id, string way, Exception? failure)
    {
        Waiting next;
        int tries;
        lock (_gate)
        {
            var waiting = _notes[id]; // other ways have changed it meanwhile
            tries = waiting.Ways.GetValueOrDefault(way)?.Tries ?? waiting.Tries;
            if (failure is null) next = waiting with { Taken = [.. waiting.Taken, way] };
            else
            {
                tries++;
                var due = _clock.GetUtcNow() + Pauses[Math.Clamp(tries - 1, 0, Pauses.Length - 1)];
                next = waiting with { Tries = Math.Max(waiting.Tries, tries), Ways = new Dictionary<string, Failed>(waiting.Ways) { [way] = new() { Tries = tries, NextUtc = due } } };
            }
            Write(next);
        }
        if (failure is not null) _log.NoteNotTaken(next.Note.Topic, tries, Incident.Of(failure));
        else if (IsDelivered(next)) Tell(next.Note);
    }

    private void Tell(Note note)
    {
        try
        {
            Delivered?.Invoke(note);
        }
        catch (IOException e)
        {
            _log.NotesFailed(Incident.Of(e));
        }
    }

    private bool IsDelivered(Waiting waiting) => _ways.Count > 0 && _ways.All(w => waiting.Taken.Contains(w.Name));

    private void Write(Waiting waiting)
    {
        _folder.Write(waiting.Note.Id, JsonSerializer.SerializeToUtf8Bytes(waiting, Json));
        _notes[waiting.Note.Id] = waiting;
    }

    private sealed record Waiting
    {
        public required Note Note { get; init; }

        public IReadOnlyList<string> Taken { get; init; } = [];

        /// <summary>Tries of the way that has failed most often.</summary>
        public int Tries { get; init; }

        /// <summary>When the first try of each way is due.</summary>
        public DateTimeOffset NextUtc { get; init; }

        /// <summary>The ways that have failed, by name.</summary>
        public IReadOnlyDictionary<string, Failed> Ways { get; init; } = new Dictionary<string, Failed>();

        public bool IsDue(string way, DateTimeOffset now) => !Taken.Contains(way) && (Ways.GetValueOrDefault(way)?.NextUtc ?? NextUtc) <= now;
    }

    private sealed record Failed
    {
        public int Tries { get; init; }

        public DateTimeOffset NextUtc { get; init; }
    }
}
