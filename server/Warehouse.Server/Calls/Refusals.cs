using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Events;
using Warehouse.Engine.Release;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Protocol.V1;
using Warehouse.Rpc.Server;

namespace Warehouse.Server.Calls;

/// <summary>
/// Errors as they leave: a code, a text of a fixed set that quotes nothing, and a <see cref="Refusal"/> with the rule's name, so that a program
/// can tell. What the caller may not see and what is not there give the same one (I4). Any thread.
/// </summary>
internal static class Refusals
{
    /// <summary>Rule of <see cref="Stopping"/>.</summary>
    public const string StoppingRule = "stopping";

    /// <summary>Rule of <see cref="TooLong"/>.</summary>
    public const string TooLongRule = "answer-size";

    private const string Type = "type.googleapis.com/warehouse.v1.Refusal";

    /// <summary>The request is wrong.</summary>
    public static RpcException BadRequest(string rule, int item = 0) => Of(StatusCode.InvalidArgument, "the request is not understood", rule, item);

    /// <summary>The answer would be longer than a message may be.</summary>
    public static RpcException TooLong() => Of(StatusCode.InvalidArgument, "the answer would be longer than a message may be; ask for less at once", TooLongRule);

    /// <summary>The caller may not.</summary>
    public static RpcException Denied(string rule) => Of(StatusCode.PermissionDenied, "not granted", rule);

    /// <summary>Nobody is answered this.</summary>
    public static RpcException Unserved(string rule) => Of(StatusCode.Unimplemented, "this is not answered by this server", rule);

    /// <summary>Too much at once, or in a time.</summary>
    /// <param name="rule">Name of the rule.</param>
    /// <param name="retryAfter">When there is room again; null = soon.</param>
    public static RpcException Exhausted(string rule, TimeSpan? retryAfter = null)
    {
        var refusal = Of(StatusCode.ResourceExhausted, "over a limit; try again later", rule);
        refusal.Trailers.Add(RpcServerOptions.RetryPushback, ((long)Math.Ceiling((retryAfter ?? RpcServerOptions.RetryAfter).TotalMilliseconds)).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return refusal;
    }

    /// <summary>Something else is being done with the same thing.</summary>
    public static RpcException Busy(string rule) => Of(StatusCode.Aborted, "something else is being done with it; try again", rule);

    /// <summary>The server stops; another, or the same one a little later, answers.</summary>
    public static RpcException Stopping() => Of(StatusCode.Unavailable, "the server stops; try again", StoppingRule);

    /// <summary>What was to be changed is not at the version, or does not stand where, the request takes it to be.</summary>
    /// <param name="rule">Name of the rule.</param>
    /// <param name="version">The version at which it is; 0 = not told.</param>
    public static RpcException Moved(string rule, int version = 0) => Of(StatusCode.Aborted, "it is not as the request takes it to be; nothing was changed", new Refusal { Rule = rule, Version = version });

    /// <summary>There is something else of that name.</summary>
    public static RpcException Exists(string rule) => Of(StatusCode.AlreadyExists, "there is another of this name", rule);

    /// <summary>What an exception comes to, for the caller; and how the audit log names it.</summary>
    /// <param name="failure">What happened.</param>
    /// <param name="incident">Id under which the log has it, for failures that are the server's own.</param>
    public static (RpcException Refusal, string Outcome, bool IsOurs) Of(Exception failure, Func<string> incident) => failure switch
    {
        RpcException { StatusCode: StatusCode.PermissionDenied } known => (known, "denied", false),
        RpcException { StatusCode: StatusCode.InvalidArgument } known => (known, "bad-input", false),
        RpcException { StatusCode: StatusCode.Unauthenticated } known => (known, LogReview.Unauthenticated, false),
        // What is written to a call that was cut meanwhile is refused with the status of the cut.
        RpcException { StatusCode: StatusCode.Cancelled or StatusCode.DeadlineExceeded } or OperationCanceledException => (new(new(StatusCode.Cancelled, "given up")), "cancelled", false),
        RpcException known => (known, "could-not", false),
        InputException { Code: "unknown-cohort" or "unknown-sample" or "unknown-contig" or "unknown-snapshot" or "purged-snapshot" or "alert-unknown" or "watch-unknown" or "clinvar-unknown" or "assess-unknown" } bad => (Of(StatusCode.NotFound, "what was asked for is not there", bad.Code, Item(bad)), "bad-input", false),
        InputException { Code: "assess-conflict" or "assess-state" or "assess-exists" or "assess-supersedes" } bad => (Moved(bad.Code), "bad-input", false),
        InputException bad => (BadRequest(bad.Code, Item(bad)), "bad-input", false),
        AccessRefusedException { Rule: AccessRefusedException.CohortGrantedRule } refused => (Of(StatusCode.PermissionDenied, AccessRefusedException.CohortGrantedText, refused.Rule), "denied", false),
        AccessRefusedException refused => (Denied(refused.Rule), "denied", false),
        ReleaseRefusedException refused => (Of(refused.Rule is ReleaseRule.OverBudget or ReleaseRule.ProjectLocked ? StatusCode.ResourceExhausted : StatusCode.FailedPrecondition, "the rules of release refuse it", ReleaseRules.NameOf(refused.Rule)), "not-released", false),
        LedgerLostException => (Of(StatusCode.FailedPrecondition, "the release ledger is not whole, so nothing is released; the operator knows what to do", "ledger-lost", incident: incident()), "could-not", true),
        LedgerRefusedException => (Of(StatusCode.Unavailable, "the release ledger cannot be written, so nothing is released", "ledger", incident: incident()), "could-not", true),
        ScanAllowanceException over => (Exhausted(Admission.TooMuchRule, over.RetryAfter), "could-not", false),
        EventConflictException => (Busy("events"), "could-not", false),
        AuditRefusedException => (Of(StatusCode.Unavailable, "the audit log cannot be written, so nothing is shown", "audit", incident: incident()), "audit-refused", true),
        DamagedStoreException or InvalidDataException => (Of(StatusCode.DataLoss, "a part of the store is damaged", "damaged", incident: incident()), "damaged", true),
        StoreBusyException => (Of(StatusCode.Unavailable, "the store is busy; try again", "busy"), "could-not", false),
        StoreException or DurableException or IOException => (Of(StatusCode.Unavailable, "the store cannot answer now", "store", incident: incident()), "could-not", true),
        _ => (Of(StatusCode.Internal, "the server failed", "internal", incident: incident()), "failed", true),
    };

    /// <summary>The rule that a refusal names; null when it is none of ours.</summary>
    public static string? RuleOf(RpcException refusal) =>
        refusal.GetRpcStatus() is { Details: [{ TypeUrl: Type } detail] } ? Refusal.Parser.ParseFrom(detail.Value).Rule : null;

    private static int Item(InputException bad) => (int)Math.Clamp(bad.Place.Line, 0, int.MaxValue);

    private static RpcException Of(StatusCode code, string text, string rule, int item = 0, string? incident = null) => Of(code, text, new Refusal { Rule = rule, Item = item, Incident = incident ?? "" });

    private static RpcException Of(StatusCode code, string text, Refusal refusal)
    {
        refusal.Text = text;
        return new Google.Rpc.Status { Code = (int)code, Message = text, Details = { new Any { TypeUrl = Type, Value = refusal.ToByteString() } } }.ToRpcException();
    }
}
