using Grpc.Core;
using Microsoft.Extensions.Logging;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine.Sealing;
using Warehouse.Server.Notify;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// Everything that the server can say in its log: one method per event, and no other way. Their parameters are numbers, times, members of
/// fixed sets and ids that mean nothing (<see cref="LogTypes"/>); the analyzer refuses any other type, and any other way to log. An id is
/// never used again: the next free one is at the end. Below 1100 the process, 1100 calls, 1200 credentials and access, 1300 store and audit, 1350 alerts.
/// </summary>
internal static partial class ServerLog
{
    [LoggerMessage(1000, LogLevel.Information, "listens on {port}, for the operator on {operatorPort}")]
    public static partial void Started(this ILogger log, int port, int operatorPort);

    [LoggerMessage(1001, LogLevel.Information, "stops; {running} calls run")]
    public static partial void Draining(this ILogger log, int running);

    [LoggerMessage(1002, LogLevel.Information, "stopped; {cut} calls were cut")]
    public static partial void Stopped(this ILogger log, int cut);

    [LoggerMessage(1003, LogLevel.Warning, "is {readiness}")]
    public static partial void ReadinessChanged(this ILogger log, Readiness readiness);

    [LoggerMessage(1004, LogLevel.Critical, "ends for an error that nobody caught: {incident}")]
    public static partial void Crashed(this ILogger log, Incident incident);

    [LoggerMessage(1005, LogLevel.Warning, "{lines} lines of this log were lost: nobody read them, or they could not be written")]
    public static partial void LinesLost(this ILogger log, long lines);

    [LoggerMessage(1006, LogLevel.Information, "is {readiness} no more")]
    public static partial void ReadinessOver(this ILogger log, Readiness readiness);

    [LoggerMessage(1100, LogLevel.Debug, "{method} ended {outcome} after {elapsed} for {principal}")]
    public static partial void CallEnded(this ILogger log, MethodName method, StatusCode outcome, TimeSpan elapsed, PrincipalTag principal);

    [LoggerMessage(1101, LogLevel.Information, "{method} refused to {principal}: {reason}")]
    public static partial void CallRefused(this ILogger log, MethodName method, RefusalReason reason, PrincipalTag principal);

    [LoggerMessage(1102, LogLevel.Error, "{method} failed for {principal}: {incident}")]
    public static partial void CallFailed(this ILogger log, MethodName method, Incident incident, PrincipalTag principal);

    [LoggerMessage(1200, LogLevel.Information, "{keys} signing keys of the identity provider")]
    public static partial void IssuerKeysRead(this ILogger log, int keys);

    [LoggerMessage(1201, LogLevel.Warning, "the signing keys of the identity provider could not be read: {incident}")]
    public static partial void IssuerKeysFailed(this ILogger log, Incident incident);

    [LoggerMessage(1202, LogLevel.Warning, "the server's certificate ends in {days} days")]
    public static partial void CertificateEnds(this ILogger log, int days);

    [LoggerMessage(1203, LogLevel.Information, "policy {version} is in force")]
    public static partial void PolicyInForce(this ILogger log, long version);

    [LoggerMessage(1204, LogLevel.Critical, "break-glass for {principal}, {minutes} minutes")]
    public static partial void BreakGlass(this ILogger log, PrincipalTag principal, int minutes);

    [LoggerMessage(1205, LogLevel.Information, "a credential is not taken: {fault}")]
    public static partial void CredentialNotTaken(this ILogger log, CredentialFault fault);

    [LoggerMessage(1206, LogLevel.Warning, "the administrator's certificate ends in {days} days, unless it is renewed: warehouse-server certificate renew")]
    public static partial void AdministratorEnds(this ILogger log, int days);

    [LoggerMessage(1300, LogLevel.Information, "version {version} of the store")]
    public static partial void StoreVersion(this ILogger log, long version);

    [LoggerMessage(1301, LogLevel.Error, "{file} of the store is damaged: {incident}")]
    public static partial void StoreDamaged(this ILogger log, FileId file, Incident incident);

    [LoggerMessage(1302, LogLevel.Critical, "the audit log cannot be written: {incident}")]
    public static partial void AuditFailed(this ILogger log, Incident incident);

    [LoggerMessage(1303, LogLevel.Information, "a batch of {files} files, {bytes} bytes, was loaded in {elapsed}")]
    public static partial void BatchLoaded(this ILogger log, int files, long bytes, TimeSpan elapsed);

    [LoggerMessage(1304, LogLevel.Warning, "a batch was refused: {incident}")]
    public static partial void BatchRefused(this ILogger log, Incident incident);

    [LoggerMessage(1305, LogLevel.Information, "the scrubber knows {names} names")]
    public static partial void NamesLearnt(this ILogger log, int names);

    [LoggerMessage(1306, LogLevel.Critical, "the release ledger is not whole, nothing is released before it is put back or a new epoch is opened: {incident}")]
    public static partial void LedgerLost(this ILogger log, Incident incident);

    [LoggerMessage(1307, LogLevel.Error, "a note about {topic} was not taken, try {tries}: {incident}")]
    public static partial void NoteNotTaken(this ILogger log, NoteTopic topic, int tries, Incident incident);

    [LoggerMessage(1308, LogLevel.Critical, "notes cannot be queued, or not recorded: {incident}")]
    public static partial void NotesFailed(this ILogger log, Incident incident);

    [LoggerMessage(1309, LogLevel.Critical, "{calls} refused calls are not in the audit log: it could not be written to the end")]
    public static partial void RefusedCallsLost(this ILogger log, long calls);

    [LoggerMessage(1350, LogLevel.Information, "{raised} alerts raised, {sent} messages sent, {escalated} escalated, {suppressed} suppressed")]
    public static partial void AlertsRun(this ILogger log, int raised, int sent, int escalated, int suppressed);

    [LoggerMessage(1351, LogLevel.Error, "somebody must look after the alerts: {alarm}")]
    public static partial void AlertAlarm(this ILogger log, AlertAlarmKind alarm);

    [LoggerMessage(1352, LogLevel.Critical, "alerts could not be brought up to date; it is tried again: {incident}")]
    public static partial void AlertsFailed(this ILogger log, Incident incident);
}
