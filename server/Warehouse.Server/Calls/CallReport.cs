using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Warehouse.Engine.Access;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Calls;

/// <summary>A call that has begun, as <see cref="CallReport"/> has it.</summary>
/// <param name="Method">Path of its method.</param>
/// <param name="Name">The method.</param>
/// <param name="At">When it began.</param>
/// <param name="Span">Its span; null when nobody collects it.</param>
internal readonly record struct BegunCall(string Method, MethodName Name, long At, CallSpan? Span);

/// <summary>
/// What becomes known of calls outside the audit log: no text of a request or an exception, and of callers a hash that only this process can
/// make. Any thread.
/// </summary>
internal sealed class CallReport(ILogger log, ServerMetrics metrics, TimeProvider clock)
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private volatile bool _isDamaged;
    private bool _isAuditLost;

    /// <summary>The log.</summary>
    public ILogger Log => log;

    /// <summary>Where calls are counted.</summary>
    public ServerMetrics Metrics => metrics;

    /// <summary>The audit log could not be written when it was last tried.</summary>
    public bool IsAuditLost => Volatile.Read(ref _isAuditLost);

    /// <summary>A part of the store was found damaged, and it was not found whole since.</summary>
    public bool IsDamaged => _isDamaged;

    /// <summary>An answer speaks of damage.</summary>
    public void FoundDamage() => _isDamaged = true;

    /// <summary>All of the store was read, and is whole.</summary>
    public void FoundWhole() => _isDamaged = false;

    /// <summary>A call has begun; <see cref="Ended"/> follows, once.</summary>
    public BegunCall Started(string method)
    {
        var name = MethodName.Of(method);
        metrics.CallStarted(name);
        return new(method, name, clock.GetTimestamp(), ServerTraces.Start(name));
    }

    /// <summary>A call has ended.</summary>
    /// <param name="call">What <see cref="Started"/> gave.</param>
    /// <param name="caller">Who made it; null = nobody knows.</param>
    /// <param name="of">How it ended, at which level, and how much it said.</param>
    /// <param name="reason">Why it was refused; null = it was not.</param>
    public void Ended(BegunCall call, Caller? caller, (StatusCode Outcome, Detail? Detail, long Bytes) of, RefusalReason? reason = null)
    {
        var elapsed = clock.GetElapsedTime(call.At);
        metrics.CallEnded(call.Name, of.Outcome, of.Detail, elapsed, of.Bytes);
        call.Span?.End(of.Outcome, of.Detail, reason);
        if (reason is { } why)
        {
            metrics.Refused(why);
            log.CallRefused(call.Name, why, TagOf(caller));
        }
        else if (caller is not null && log.IsEnabled(LogLevel.Debug)) log.CallEnded(call.Name, of.Outcome, elapsed, PrincipalTag.Of(_key, caller));
    }

    /// <summary>A call has ended of which no method has heard.</summary>
    public void Unheard(string method, Caller? caller, StatusCode outcome, RefusalReason? reason)
    {
        if (caller is not null)
        {
            Ended(Started(method), caller, (outcome, null, 0), reason);
            return;
        }
        var name = MethodName.Of(method);
        metrics.CallStarted(name);
        metrics.CallEnded(name, outcome, null, TimeSpan.Zero, 0);
        if (reason is { } why) metrics.Refused(why);
    }

    /// <summary>Entries of a call were made durable in the audit log.</summary>
    public void AuditAppended(TimeSpan elapsed)
    {
        Volatile.Write(ref _isAuditLost, false);
        metrics.AuditAppended(elapsed);
    }

    /// <summary>Sums of refused calls were made durable in the audit log, or could not be.</summary>
    public void SumsWritten(Exception? failure)
    {
        if (failure is null) Volatile.Write(ref _isAuditLost, false);
        else LoseAudit(Telemetry.Incident.Of(failure));
    }

    /// <summary>Somebody has broken the glass.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="untilUtc">Until when.</param>
    public void GlassBroken(Caller caller, DateTimeOffset untilUtc) => log.BreakGlass(TagOf(caller), (int)Math.Ceiling((untilUtc - clock.GetUtcNow()).TotalMinutes));

    /// <summary>A credential was not taken: why, the operator alone learns.</summary>
    public void NotTaken(CredentialFault fault) => log.CredentialNotTaken(fault);

    /// <summary>Something failed that is no fault of the caller; returns the id under which the log has it.</summary>
    public string Incident(string method, Caller? caller, Exception failure)
    {
        var incident = Telemetry.Incident.Of(failure);
        metrics.Failed();
        log.CallFailed(MethodName.Of(method), incident, TagOf(caller));
        // A file whose name is no random one (keys, catalog parts) is in the incident's stead named by zero.
        if (failure is DamagedStoreException or InvalidDataException) FoundDamage();
        if (failure is DamagedStoreException damage) log.StoreDamaged(FileId.TryParse(Path.GetFileNameWithoutExtension(damage.File), out var file) ? file : default, incident);
        if (failure is not Engine.Audit.AuditRefusedException) return incident.Id;
        LoseAudit(incident);
        return incident.Id;
    }

    /// <summary>Told once, until it was written again: what could not be written meanwhile is counted.</summary>
    private void LoseAudit(Incident incident)
    {
        if (!Interlocked.Exchange(ref _isAuditLost, true)) log.AuditFailed(incident);
    }

    private PrincipalTag TagOf(Caller? caller) => caller is null ? default : PrincipalTag.Of(_key, caller);
}
