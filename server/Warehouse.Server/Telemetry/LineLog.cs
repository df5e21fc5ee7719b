using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// Writes the server's log: one line of ASCII JSON per event, whole or not at all. What it writes is a closed world: names of events and
/// fields come from <see cref="ServerLog"/> and <see cref="FrameworkEvents"/>, values are of the types of <see cref="LogTypes"/>, and of an
/// exception an <see cref="Incident"/> is told. A formatted text is never asked for. Nobody waits for whoever reads the lines: they stand in a queue of bounded
/// length, which a thread of its own writes. A line that has no room there, or cannot be written, is lost and counted, and how many were lost is the next
/// line that is written: the audit log, which is another one, is what must not lose any. Any thread.
/// <code>
/// {"time":"2026-11-29T08:41:00.123Z","level":"error","id":1102,"event":"CallFailed","method":"warehouse.v1.Variants/Seen","incident":"…","incident_kinds":[…],"incident_frames":[…]}
/// </code>
/// </summary>
internal sealed class LineLog : ILoggerProvider
{
    /// <summary>Category of the server's own events.</summary>
    public const string Category = "Warehouse.Server";

    private static readonly FrozenDictionary<int, Template> Own = typeof(ServerLog).GetMethods(BindingFlags.Public | BindingFlags.Static)
        .Select(m => (Method: m, Message: m.GetCustomAttribute<LoggerMessageAttribute>())).Where(m => m.Message is not null)
        .ToFrozenDictionary(m => m.Message!.EventId, m => new Template(m.Method.Name, m.Method.GetParameters().Skip(1).Select(p => p.Name!).ToFrozenSet(StringComparer.Ordinal)));

    /// <summary>Bytes of lines that wait.</summary>
    private const int MostWaitingBytes = 4 << 20;

    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(2);

    private static readonly (int Id, string Name) LostEvent = Own.Where(t => t.Value.Name == nameof(ServerLog.LinesLost)).Select(t => (t.Key, t.Value.Name)).Single();

    private readonly Stream _sink;
    private readonly LogLevel _least;
    private readonly Scrubber _scrubber;
    private readonly TimeProvider _clock;
    private readonly object _gate = new(); // waited on
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly Utf8JsonWriter _json;
    private readonly Queue<byte[]> _waiting = new();
    private int _waitingBytes;
    private bool _isWriting, _isOver;
    private long _lost, _told;

    /// <summary>A log to a stream, which it does not close: events of at least that level.</summary>
    public LineLog(Stream sink, LogLevel least, Scrubber scrubber, TimeProvider clock)
    {
        (_sink, _least, _scrubber, _clock) = (sink, least, scrubber, clock);
        _json = new(_line);
        new Thread(WriteAll) { IsBackground = true, Name = "log" }.Start();
    }

    /// <summary>Lines that had no room, or could not be written.</summary>
    public long Lost
    {
        get
        {
            lock (_gate) return _lost;
        }
    }

    /// <summary>Cleans every text that it writes.</summary>
    public Scrubber Scrubber => _scrubber;

    /// <summary>The log of the server's own events: for <see cref="ServerLog"/>.</summary>
    public ILogger Server => CreateLogger(Category);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        categoryName == Category ? new Sink(this, null) : FrameworkEvents.Table.TryGetValue(categoryName, out var events) ? new Sink(this, events) : new Sink(this, FrozenDictionary<int, string>.Empty);

    /// <summary>Waits until all that was said is written; false when it was not within the time.</summary>
    public bool Flush(TimeSpan within)
    {
        var begun = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            while (_waiting.Count > 0 || _isWriting)
            {
                var left = within == Timeout.InfiniteTimeSpan ? within : within - Stopwatch.GetElapsedTime(begun);
                if (left <= TimeSpan.Zero && left != Timeout.InfiniteTimeSpan) return false;
                Monitor.Wait(_gate, left);
            }
            return true;
        }
    }

    /// <summary>Writes what waits, as far as somebody reads it within two seconds.</summary>
    public void Dispose()
    {
        Flush(LastWait);
        lock (_gate)
        {
            if (_isOver) return;
            _isOver = true;
            Monitor.PulseAll(_gate);
            _json.Dispose();
        }
    }

    private void Write(LogLevel level, int id, string name, IEnumerable<KeyValuePair<string, object?>> fields)
    {
        lock (_gate)
        {
            if (_isOver) return;
            var line = Line(level, id, name, fields);
            if (_waitingBytes + line.Length > MostWaitingBytes)
            {
                _lost++;
                return;
            }
            Enqueue(line);
        }
    }

    private void Enqueue(byte[] line)
    {
        _waiting.Enqueue(line);
        _waitingBytes += line.Length;
        Monitor.PulseAll(_gate);
    }

    /// <summary>One line, made by whoever logs, so that what it says is what was then.</summary>
    private byte[] Line(LogLevel level, int id, string name, IEnumerable<KeyValuePair<string, object?>> fields)
    {
        _line.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("time", _clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        _json.WriteString("level", NameOf(level));
        _json.WriteNumber("id", id);
        _json.WriteString("event", name);
        foreach (var (field, value) in fields) LogTypes.Write(_json, field, value, _scrubber);
        _json.WriteEndObject();
        _json.Flush();
        _line.Write("\n"u8);
        return _line.WrittenSpan.ToArray();
    }

    private void WriteAll()
    {
        while (true)
        {
            byte[]? line;
            long lost;
            lock (_gate)
            {
                while (!_waiting.TryDequeue(out line))
                {
                    if (_isOver) return;
                    Monitor.Wait(_gate);
                }
                (_waitingBytes, _isWriting, lost) = (_waitingBytes - line.Length, true, _lost);
            }
            var isWritten = true;
            try
            {
                _sink.Write(line);
                _sink.Flush();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                isWritten = false;
            }
            lock (_gate)
            {
                if (!isWritten) _lost++;
                // There is room again, and somebody reads: he is told what he has not read.
                else if (lost > _told && !_isOver)
                {
                    Enqueue(Line(LogLevel.Warning, LostEvent.Id, LostEvent.Name, [new("lines", lost - _told)]));
                    _told = lost;
                }
                _isWriting = false;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace", LogLevel.Debug => "debug", LogLevel.Information => "info", LogLevel.Warning => "warning", LogLevel.Error => "error", _ => "critical",
    };

    /// <summary>A template: name, and the fields that it may have.</summary>
    private sealed record Template(string Name, FrozenSet<string> Fields);

    /// <summary>The log of one category: own events without a table, else those of the table.</summary>
    private sealed class Sink(LineLog log, FrozenDictionary<int, string>? events) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log._least && logLevel != LogLevel.None && events is not { Count: 0 };

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            IEnumerable<KeyValuePair<string, object?>> fields = exception is null ? [] : [new("exception", Incident.Of(exception))];
            if (events is not null)
            {
                if (events.TryGetValue(eventId.Id, out var name)) log.Write(logLevel, eventId.Id, name, fields);
                return;
            }
            if (!Own.TryGetValue(eventId.Id, out var template)) log.Write(logLevel, 0, "Unlisted", fields);
            else log.Write(logLevel, eventId.Id, template.Name, (state as IEnumerable<KeyValuePair<string, object?>> ?? []).Where(f => template.Fields.Contains(f.Key)).Concat(fields));
        }
    }
}
