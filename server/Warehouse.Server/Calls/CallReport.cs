using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Warehouse.Engine.Access;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Calls;

/// <summary>What becomes known of calls outside the audit log: no text of a request or an exception, and of callers a hash that only this process can make. Any thread.</summary>
internal sealed class CallReport(ILogger log)
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <summary>A call was answered, or failed by no fault of the caller.</summary>
    public void Ended(string method, Caller caller, StatusCode outcome, TimeSpan elapsed)
    {
        if (log.IsEnabled(LogLevel.Debug)) log.CallEnded(MethodName.Of(method), outcome, elapsed, PrincipalTag.Of(_key, caller));
    }

    /// <summary>A call was refused.</summary>
    public void Refused(string method, Caller? caller, RefusalReason reason) => log.CallRefused(MethodName.Of(method), reason, TagOf(caller));

    /// <summary>Something failed; returns the id under which the log has it.</summary>
    public string Incident(string method, Caller? caller, Exception failure)
    {
        var incident = Telemetry.Incident.Of(failure);
        log.CallFailed(MethodName.Of(method), incident, TagOf(caller));
        return incident.Id;
    }

    private PrincipalTag TagOf(Caller? caller) => caller is null ? default : PrincipalTag.Of(_key, caller);
}
