using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Warehouse.Engine.Access;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Calls;

/// <summary>
/// What becomes known of calls outside the audit log: no text of a request or an exception, and of callers a hash that only this process can
/// make. Any thread.
/// </summary>
internal sealed class CallReport(ILogger log, ServerMetrics metrics)
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private volatile bool _isAuditLost;

    /// <summary>The audit log could not be written when it was last tried.</summary>
    public bool IsAuditLost => _isAuditLost;

    /// <summary>A call has begun; <see cref="Ended"/> follows, once.</summary>
    public void Started(string method) => metrics.CallStarted(MethodName.Of(method));

    /// <summary>A call has ended.</summary>
    /// <param name="method">Path of the method.</param>
    /// <param name="caller">Who made it; null = nobody knows.</param>
    /// <param name="of">How it ended, at which level, how long it took and how much it said.</param>
    /// <param name="reason">Why it was refused; null = it was not.</param>
    public void Ended(string method, Caller? caller, (StatusCode Outcome, Detail? Detail, TimeSpan Elapsed, long Bytes) of, RefusalReason? reason = null)
    {
        var name = MethodName.Of(method);
        metrics.CallEnded(name, of.Outcome, of.Detail, of.Elapsed, of.Bytes);
        if (of.Outcome == StatusCode.OK) _isAuditLost = false;
        if (reason is { } why)
        {
            metrics.Refused(why);
            log.CallRefused(name, why, TagOf(caller));
        }
        else if (caller is not null && log.IsEnabled(LogLevel.Debug)) log.CallEnded(name, of.Outcome, of.Elapsed, PrincipalTag.Of(_key, caller));
    }

    /// <summary>Something failed that is no fault of the caller; returns the id under which the log has it.</summary>
    public string Incident(string method, Caller? caller, Exception failure)
    {
        var incident = Telemetry.Incident.Of(failure);
        metrics.Failed();
        log.CallFailed(MethodName.Of(method), incident, TagOf(caller));
        if (failure is not Engine.Audit.AuditRefusedException) return incident.Id;
        _isAuditLost = true;
        log.AuditFailed(incident);
        return incident.Id;
    }

    private PrincipalTag TagOf(Caller? caller) => caller is null ? default : PrincipalTag.Of(_key, caller);
}
