#pragma warning disable RS0030 // the meter is made here, of fixed sets alone
using System.Diagnostics.Metrics;
using System.Text;
using Grpc.Core;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Telemetry;

/// <summary>A value that another part of the server knows and shows when it is asked.</summary>
public enum Gauge
{
    /// <summary>Connections.</summary>
    Connections,

    /// <summary>Alerts that are open.</summary>
    OpenAlerts,

    /// <summary>What somebody must look at for the alerts' sake.</summary>
    AlertAlarms,

    /// <summary>Lines of the log that were lost.</summary>
    LogLinesLost,

    /// <summary>Bytes that batches announce which are being received.</summary>
    UploadBytes,
}

/// <summary>
/// The figures of the server, for its operator, who sees no data: every label is a member of a fixed set (method, outcome, level of detail,
/// reason), so no figure can be of a sample, a variant, a cohort or a caller, and their number is bounded (I11). No caller can read them: what
/// they tell of the data that all calls together touched must not reach one who may not see it (I4). Any thread.
/// </summary>
public sealed class ServerMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Warehouse.Server";

    private static readonly string[] Methods = [.. MethodName.All.Select(m => m.ToString())];
    private static readonly string[] Outcomes = [.. Enum.GetValues<StatusCode>().Select(s => Snake(s.ToString()))];
    private static readonly string[] Details = ["none", .. Enum.GetValues<Detail>().Select(d => Snake(d.ToString()))];
    private static readonly string[] Reasons = [.. Enum.GetValues<RefusalReason>().Select(r => Snake(r.ToString()))];
    private static readonly string[] Gauges = [.. Enum.GetValues<Gauge>().Select(g => Snake(g.ToString()))];

    private readonly Meter _meter = new(MeterName);
    private readonly long[] _calls = new long[Methods.Length * Outcomes.Length * Details.Length];
    private readonly long[] _running = new long[Methods.Length];
    private readonly long[] _bytes = new long[Methods.Length];
    private readonly long[] _refused = new long[Reasons.Length];
    private readonly long[] _incidents = new long[1];
    private readonly Func<long>?[] _gauges = new Func<long>?[Gauges.Length];
    private readonly Durations _durations = new("warehouse.call.duration", "Time of calls, from their first byte to their status.", "method", Methods);
    private readonly Durations _appends = new("warehouse.audit.append", "Time of an append to the audit log, until it is durable.", "log", ["audit"]);
    private readonly Durations _refusals = new("warehouse.refusal.duration", "Time from a call's headers to its refusal, of calls that were refused before their request was read.", "outcome", Outcomes);
    private readonly Family[] _families;

    /// <summary>Figures that are all zero.</summary>
    public ServerMetrics()
    {
        _families =
        [
            new("warehouse.calls", "Calls that ended.", true, ["method", "outcome", "detail"], ReadCalls),
            new("warehouse.calls.running", "Calls that run.", false, ["method"], () => Read(_running, Methods)),
            new("warehouse.reply.bytes", "Bytes of replies.", true, ["method"], () => Read(_bytes, Methods)),
            new("warehouse.calls.refused", "Calls that were refused.", true, ["reason"], () => Read(_refused, Reasons)),
            new("warehouse.incidents", "Errors of the server's own.", true, [], () => [new([], Interlocked.Read(ref _incidents[0]))]),
            .. Enum.GetValues<Gauge>().Select(g => new Family("warehouse." + Gauges[(int)g].Replace('_', '.'), HelpOf(g), false, [], () => ReadGauge(g))),
        ];
        foreach (var family in _families) family.Offer(_meter);
        _durations.Offer(_meter);
        _appends.Offer(_meter);
        _refusals.Offer(_meter);
    }

    /// <summary>A call begins; <see cref="CallEnded"/> must follow.</summary>
    public void CallStarted(MethodName method) => Interlocked.Increment(ref _running[method.Index]);

    /// <summary>A call is over.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="outcome">The status that the client got.</param>
    /// <param name="detail">Level of detail that it was answered at; null when it got no answer.</param>
    /// <param name="elapsed">Its time.</param>
    /// <param name="replyBytes">Bytes of its replies.</param>
    public void CallEnded(MethodName method, StatusCode outcome, Detail? detail, TimeSpan elapsed, long replyBytes)
    {
        Interlocked.Decrement(ref _running[method.Index]);
        Interlocked.Increment(ref _calls[(method.Index * Outcomes.Length + PlaceOf(outcome)) * Details.Length + (detail is { } level ? (int)level + 1 : 0)]);
        Interlocked.Add(ref _bytes[method.Index], replyBytes);
        _durations.Add(method.Index, elapsed);
    }

    /// <summary>A call was refused.</summary>
    public void Refused(RefusalReason reason) => Interlocked.Increment(ref _refused[(int)reason]);

    /// <summary>A call was refused by its headers alone, and its answer is on its way.</summary>
    public void RefusalSent(StatusCode outcome, TimeSpan elapsed) => _refusals.Add(PlaceOf(outcome), elapsed);

    /// <summary>Entries were made durable in the audit log.</summary>
    public void AuditAppended(TimeSpan elapsed) => _appends.Add(0, elapsed);

    /// <summary>Something of the server's own failed.</summary>
    public void Failed() => Interlocked.Increment(ref _incidents[0]);

    /// <summary>Says where a value is read; it must be quick, and may be asked on any thread.</summary>
    public void Observe(Gauge gauge, Func<long> read) => Volatile.Write(ref _gauges[(int)gauge], read);

    /// <summary>The page of all figures.</summary>
    public string Page()
    {
        var page = new StringBuilder();
        foreach (var family in _families) family.Write(page);
        _durations.Write(page);
        _appends.Write(page);
        _refusals.Write(page);
        return page.ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    /// <summary>A status is a number on the wire: what is none of the known ones counts as unknown.</summary>
    private static int PlaceOf(StatusCode outcome) => (uint)outcome < Outcomes.Length ? (int)outcome : (int)StatusCode.Unknown;

    private IEnumerable<Sample> ReadCalls()
    {
        for (var i = 0; i < _calls.Length; i++)
            if (Interlocked.Read(ref _calls[i]) is > 0 and var count)
                yield return new([Methods[i / Details.Length / Outcomes.Length], Outcomes[i / Details.Length % Outcomes.Length], Details[i % Details.Length]], count);
    }

    private IEnumerable<Sample> ReadGauge(Gauge gauge) => Volatile.Read(ref _gauges[(int)gauge]) is { } read ? [new([], read())] : [];

    private static IEnumerable<Sample> Read(long[] numbers, string[] values) => values.Select((v, i) => new Sample([v], Interlocked.Read(ref numbers[i])));

    private static string HelpOf(Gauge gauge) => gauge switch
    {
        Gauge.OpenAlerts => "Alerts that nobody has acknowledged.",
        Gauge.AlertAlarms => "Alarms of the last run of the alerts; a run that failed is one.",
        Gauge.LogLinesLost => "Lines of the log that nobody read, or that could not be written.",
        Gauge.UploadBytes => "Bytes announced of batches that are being received.",
        _ => "Connections.",
    };

    private static string Snake(string name) => string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) && i > 0 && !char.IsAsciiLetterUpper(name[i - 1]) ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));
}
