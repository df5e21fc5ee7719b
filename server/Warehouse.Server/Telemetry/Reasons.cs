namespace Warehouse.Server.Telemetry;

/// <summary>Why a call was refused. A fixed set: logs and metrics show these names and no other word.</summary>
public enum RefusalReason
{
    /// <summary>Neither certificate nor token.</summary>
    NoCredential,

    /// <summary>The token or the certificate is not taken.</summary>
    BadCredential,

    /// <summary>The credential or the session is over.</summary>
    Expired,

    /// <summary>A second factor is needed.</summary>
    NoSecondFactor,

    /// <summary>The purpose of use is missing.</summary>
    NoPurpose,

    /// <summary>No grant allows it.</summary>
    NotGranted,

    /// <summary>The request could not be understood.</summary>
    BadRequest,

    /// <summary>The rules of release forbid it.</summary>
    NotReleased,

    /// <summary>The budget is used up.</summary>
    OverBudget,

    /// <summary>Too many calls of this principal in a time.</summary>
    RateLimited,

    /// <summary>Too many calls of this principal at once.</summary>
    TooManyAtOnce,

    /// <summary>The places of all callers together, or the space that they share, are taken.</summary>
    NoRoom,

    /// <summary>The audit log cannot be written.</summary>
    NoAudit,

    /// <summary>The server is stopping.</summary>
    Stopping,

    /// <summary>What is needed for an answer does not answer: the directory, or a store that is busy.</summary>
    NotAvailable,

    /// <summary>Its request did not come in time.</summary>
    NoRequest,
}

/// <summary>Why the server is not ready, or that it is.</summary>
public enum Readiness
{
    /// <summary>It is being started.</summary>
    Starting,

    /// <summary>It answers.</summary>
    Ready,

    /// <summary>It takes no new calls, and ends those that run.</summary>
    Draining,

    /// <summary>The audit log cannot be written.</summary>
    NoAudit,

    /// <summary>A list of revoked certificates is too old: no certificate of its authority is taken.</summary>
    StaleRevocations,

    /// <summary>The keys of an issuer cannot be had: its tokens are not taken, all others and certificates are.</summary>
    NoIssuerKeys,

    /// <summary>A part of the store was found damaged, and no verification has found it whole since: what needs that part is refused, all else is answered.</summary>
    DamagedStore,

    /// <summary>A review of access or of the audit log is overdue: it answers still.</summary>
    ReviewOverdue,

    /// <summary>The release ledger is not whole: figures of cohorts are not released, all else is answered.</summary>
    LedgerLost,

    /// <summary>A page about a break-glass could not be delivered, or no way to deliver it is configured: it answers still.</summary>
    PageUndelivered,

    /// <summary>Alerts could not be brought up to date, or somebody must look after them (<c>alerts status</c>): it answers still.</summary>
    AlertAlarm,
}
