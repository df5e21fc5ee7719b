using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// Writes the server's log: one line of ASCII JSON per event, whole or not at all. What it writes is a closed world: names of events and
/// fields come from <see cref="ServerLog"/> and <see cref="FrameworkEvents"/>, values are of the types of <see cref="LogTypes"/>, and of an
/// exception an <see cref="Incident"/> is told. A formatted text is never asked for. A line that cannot be written is lost and counted: the
/// audit log is what must not lose any. Any thread.
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

    private readonly Stream _sink;
    private readonly LogLevel _least;
    private readonly Scrubber _scrubber;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly Utf8JsonWriter _json;
    private long _lost;

    /// <summary>A log to a stream, which it does not close: events of at least that level.</summary>
    public LineLog(Stream sink, LogLevel least, Scrubber scrubber, TimeProvider clock)
    {
        (_sink, _least, _scrubber, _clock) = (sink, least, scrubber, clock);
        _json = new(_line);
    }

    /// <summary>Lines that could not be written.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Cleans every text that it writes.</summary>
    public Scrubber Scrubber => _scrubber;

    /// <summary>The log of the server's own events: for <see cref="ServerLog"/>.</summary>
    public ILogger Server => CreateLogger(Category);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        categoryName == Category ? new Sink(this, null) : FrameworkEvents.Table.TryGetValue(categoryName, out var events) ? new Sink(this, events) : new Sink(this, FrozenDictionary<int, string>.Empty);

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();

    private void Write(LogLevel level, int id, string name, IEnumerable<KeyValuePair<string, object?>> fields)
    {
        lock (_gate)
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
            try
            {
                _sink.Write(_line.WrittenSpan);
                _sink.Flush();
            }
            catch (IOException)
            {
                _lost++;
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
