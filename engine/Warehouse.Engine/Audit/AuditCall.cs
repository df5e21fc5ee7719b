using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Audit;

/// <summary>
/// One call in the audit log. Keeps I5: before the first byte of the answer, and before bytes that may speak of a further sample, an entry
/// that says so is durable; <see cref="Begin"/> does that, and <see cref="AuditedStream"/> calls it. At last <see cref="End"/>, once.
/// A begin without an end is a call that was cut off: review shows it. Thread-safe.
/// </summary>
public sealed class AuditCall : IDisposable
{
    /// <summary>Remark of a change of a cohort on which others rely, such as a grant.</summary>
    public const string SharedCohort = "shared cohort";

    private readonly AuditLog _log;
    private readonly AuditKeys _keys;
    private readonly AuditEntry _call;
    private readonly TimeProvider _clock;
    private readonly long _started;
    private AnswerDigest? _shown; // of an answer in pieces
    private readonly Lock _gate = new();
    private readonly HashSet<string> _samples = new(StringComparer.Ordinal);
    private readonly List<string> _pending = [];
    private (long? Snapshot, string? Scope, string? Cohort, string? Policy) _facts;
    private (bool HasBegun, bool HasEnded) _is;

    /// <summary>Prepares the entries of a call; nothing is written yet.</summary>
    /// <param name="log">Where to.</param>
    /// <param name="keys">Hide what identifies.</param>
    /// <param name="call">Who, role, verb and purpose; kind and id are given here.</param>
    /// <param name="question">What is asked, in any form that is equal for equal questions.</param>
    /// <param name="clock">Measures how long it takes.</param>
    public AuditCall(AuditLog log, AuditKeys keys, AuditEntry call, string question, TimeProvider clock)
    {
        (_log, _keys, _clock, _started) = (log, keys, clock, clock.GetTimestamp());
        _call = call with { Call = FileId.New().ToString(), Query = keys.Hide("query", question) };
    }

    /// <summary>Whether something of it is in the log.</summary>
    public bool HasBegun
    {
        get
        {
            lock (_gate) return _is.HasBegun;
        }
    }

    /// <summary>A remark for the last entry, without data: how far the release ledger went.</summary>
    public string? Note { get; set; }

    /// <summary>Rows of the answer, for the last entry.</summary>
    public long? Rows { get; set; }

    /// <summary>Its answer is a stream of a server, which may be long.</summary>
    public bool IsStream { get; set; }

    /// <summary>Says which data is asked; of a change, which version it made.</summary>
    /// <param name="snapshot">Version of the data.</param>
    /// <param name="scope">Digest of the scope.</param>
    /// <param name="cohort">Digest of the samples that are counted.</param>
    /// <param name="policy">Version of the policy in force; null = none binds the principal.</param>
    public void Asks(long snapshot, string? scope, string? cohort, string? policy = null)
    {
        lock (_gate) _facts = (snapshot, scope, cohort, policy);
    }

    /// <summary>Says that data of a sample itself is about to be shown.</summary>
    public void Shows(string sample)
    {
        lock (_gate)
        {
            if (_samples.Add(sample)) _pending.Add(_keys.Hide("sample", sample));
        }
    }

    /// <summary>Makes durable that the call begins, and of whom it shows data.</summary>
    /// <exception cref="AuditRefusedException">It cannot: nothing may be shown.</exception>
    public void Begin()
    {
        lock (_gate)
        {
            if (_is.HasBegun && _pending.Count == 0) return;
            var entries = _pending.Chunk(AuditEntry.MaxSubjects).Select(some => Entry(AuditKind.Subjects) with { Subjects = some }).ToList();
            if (!_is.HasBegun)
            {
                var first = Entry(AuditKind.Begin);
                if (entries.Count == 0) entries.Add(first);
                else entries[0] = first with { Subjects = entries[0].Subjects };
            }
            Append(entries);
            _pending.Clear();
            _is.HasBegun = true;
        }
    }

    /// <summary>Makes durable how the call ended. Later calls do nothing.</summary>
    /// <param name="outcome"><c>done</c>, or why not; no text that quotes data.</param>
    /// <exception cref="AuditRefusedException">It cannot.</exception>
    public void End(string outcome)
    {
        lock (_gate)
        {
            if (_is.HasEnded) return;
            _is.HasEnded = true;
            Append([Entry(AuditKind.End) with
            {
                Outcome = outcome, Rows = Rows, Note = Note, DurationMs = (long)_clock.GetElapsedTime(_started).TotalMilliseconds,
                Result = _shown?.End(),
            }]);
        }
    }

    /// <summary>
    /// Makes durable, in one entry, a whole call whose answer is at hand and has not left: what it is about to show, and how it ends. Side by
    /// side with the entries of other calls. In place of <see cref="Begin"/> and <see cref="End"/>; later ones do nothing.
    /// </summary>
    /// <param name="outcome">As for <see cref="End"/>.</param>
    /// <param name="answer">The bytes of the answer; empty when it shows nothing.</param>
    /// <exception cref="AuditRefusedException">It cannot: nothing may be shown.</exception>
    public async Task CompleteAsync(string outcome, ReadOnlyMemory<byte> answer)
    {
        List<AuditEntry> entries;
        lock (_gate)
        {
            if (_is.HasEnded) return;
            if (_is.HasBegun) throw new InvalidOperationException("a call that has begun ends by End");
            _is = (true, true);
            var whole = Entry(AuditKind.Call) with
            {
                Outcome = outcome, Rows = Rows, Note = Note, DurationMs = (long)_clock.GetElapsedTime(_started).TotalMilliseconds,
                Result = answer.IsEmpty ? null : _keys.DigestOf(answer.Span),
            };
            // Subjects beyond those of one entry come before it: where the last is durable, all are.
            entries = [.. _pending.Chunk(AuditEntry.MaxSubjects).Select(some => Entry(AuditKind.Subjects) with { Subjects = some })];
            if (entries.Count == 0) entries.Add(whole);
            else entries[^1] = whole with { Subjects = entries[^1].Subjects };
            _pending.Clear();
        }
        Task<long>? appending = null;
        try
        {
            appending = _log.AppendAsync(entries);
            await appending.WaitAsync(AuditLog.MostWait).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _ = appending!.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default); // nobody waits for it any more
            lock (_gate) _is.HasBegun = false; // it may come to the disk still; nobody knows
            throw new AuditRefusedException(AuditLog.TooSlow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            lock (_gate) _is.HasBegun = false;
            throw new AuditRefusedException(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _shown?.Dispose();

    /// <summary>Adds bytes that are shown to their digest.</summary>
    public void Adds(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            (_shown ??= _keys.BeginDigest(IsStream)).Add(bytes);
        }
    }

    private AuditEntry Entry(AuditKind kind) => _call with { Kind = kind, Snapshot = _facts.Snapshot, Scope = _facts.Scope, Cohort = _facts.Cohort, Policy = _facts.Policy };

    private void Append(IReadOnlyList<AuditEntry> entries)
    {
        try
        {
            _log.Append(entries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditRefusedException(e);
        }
    }
}

/// <summary>A stream of an answer: no byte passes before the call's entry is durable (I5). The stream behind it is closed with it.</summary>
public sealed class AuditedStream(Stream target, AuditCall call) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.IsEmpty) return;
        call.Begin();
        call.Adds(buffer);
        target.Write(buffer);
    }

    /// <inheritdoc/>
    public override void Flush() => target.Flush();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) target.Dispose();
        base.Dispose(disposing);
    }
}
