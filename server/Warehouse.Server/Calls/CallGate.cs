using System.Collections.Concurrent;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Release;
using Warehouse.Rpc.Server;
using Warehouse.Server.Configuration;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;
using Warehouse.Server.Telemetry;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>
/// What every call goes through, whatever it asks: who calls, may he call this, is there room, and its entry in the audit log. I5: the entry is
/// durable before the first byte of the answer, and where it cannot be, nothing is answered. Each call of ours has exactly one outcome there, whether it
/// came to its method or was refused before; of floods, of what nobody knows whose it is and no method had, and of what came while the log could not be
/// written, the outcomes are in sums (<see cref="RefusedCalls"/>). Any thread.
/// </summary>
internal sealed class CallGate(StoreHost host, StoreAudit audit, Authenticator authenticator, CallReport report, TimeProvider clock, LimitConfiguration limits)
{
    /// <summary>Bytes of one message of a streamed answer.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>Rules whose refusals are counted by a name of their own.</summary>
    private const string SecondFactorRule = "second-factor", PurposeRule = "purpose";

    private static readonly string OverBudgetRule = ReleaseRules.NameOf(ReleaseRule.OverBudget);

    private const string FateKey = "warehouse.fate";

    private static readonly string[] Words = [.. Enum.GetValues<RefusalReason>().Select(r => JsonNamingPolicy.KebabCaseLower.ConvertName(r.ToString()))];

    private readonly Admission _admission = new(clock, limits);
    private readonly ConcurrentDictionary<string, string> _verbs = new(StringComparer.Ordinal);
    private volatile bool _isStopping;

    /// <summary>Refused calls that have no entry of their own.</summary>
    public RefusedCalls Refused { get; } = new(audit, report.SumsWritten, clock);

    /// <summary>The store.</summary>
    public StoreHost Host => host;

    /// <summary>Tells the time.</summary>
    public TimeProvider Clock => clock;

    /// <summary>How much may be asked at a time.</summary>
    public LimitConfiguration Limits => limits;

    /// <summary>The audit log.</summary>
    public StoreAudit Audit => audit;

    /// <summary>What becomes known outside the audit log.</summary>
    public CallReport Report => report;

    /// <summary>Uses up the credential of a call for what may be asked once with it; refused when it was used so before.</summary>
    public void UseOnce(Call call)
    {
        if (!authenticator.TryUseOnce(call.Who)) throw Refusals.Denied("token-used");
    }

    /// <summary>
    /// Who makes a call and whether there is room for him, by its headers alone: for the listener, which asks before it reads anything of the request.
    /// Whoever is refused here has his entry and his count as everybody has; what he asks, nobody has read.
    /// </summary>
    public ValueTask<RpcEntrance> EntranceAsync(ServerCallContext context)
    {
        if (MethodTable.Of(context.Method) is { IsForEverybody: true }) return new(new RpcEntrance(IsKnown: false));
        ValueTask<Authenticated> asking;
        try
        {
            asking = authenticator.AuthenticateAsync(context);
        }
        catch (RpcException failure)
        {
            return new(Turned(context, null, failure));
        }
        return asking.IsCompletedSuccessfully ? new(Enter(context, asking.Result)) : WaitAsync();

        async ValueTask<RpcEntrance> WaitAsync()
        {
            try
            {
                return Enter(context, await asking.ConfigureAwait(false));
            }
            catch (Exception failure)
            {
                return Turned(context, null, failure);
            }
        }
    }

    /// <summary>From here on nobody comes in: the server stops. Calls that run go on.</summary>
    public void Close() => _isStopping = true;

    /// <summary>A call for which the listener has no place: it is refused by its headers, since nothing of it was looked at.</summary>
    public void NoPlace(ServerCallContext context) => Unheard(context, StatusCode.ResourceExhausted, RefusalReason.NoRoom);

    /// <summary>What was asked for is no call, for the listener: there is no such method, or its headers are none of a call.</summary>
    public void NoCall(Status status) => Unheard(null, status.StatusCode, RefusalReason.BadRequest);

    /// <summary>Answers one request with one reply.</summary>
    /// <param name="context">The call.</param>
    /// <param name="asking">What the request says of itself; null = it says nothing.</param>
    /// <param name="question">The request, for the keyed hash in the audit log.</param>
    /// <param name="answer">Computes the reply and its number of rows.</param>
    /// <param name="isStreamed">Requests come while it is answered: it lasts as long as its client likes.</param>
    public async Task<TReply> AnswerAsync<TReply>(ServerCallContext context, V1.Asking? asking, IMessage question, Func<Call, Task<(TReply Reply, long? Rows)>> answer, bool isStreamed = false)
        where TReply : class, IMessage
    {
        var begun = Begin(context);
        using var call = await EnterAsync(context, begun, asking, question).ConfigureAwait(false);
        await using var watch = isStreamed ? WatchOver(context, call) : null;
        try
        {
            TReply reply;
            long? rows;
            using (begun.Span?.Step(CallStep.Answer)) (reply, rows) = await answer(call).ConfigureAwait(false);
            call.Stop.ThrowIfCancellationRequested();
            call.Audit.Rows = rows;
            if (Wire.SpeaksOfDamage(reply)) report.FoundDamage();
            var bytes = reply.ToByteArray();
            // Before the entry says that it was shown: a longer one the listener does not send.
            if (bytes.Length > limits.Call.SendBytes) throw Refusals.TooLong();
            call.Bytes = bytes.Length;
            using (begun.Span?.Step(CallStep.Audit)) await CompleteAsync(call, bytes).ConfigureAwait(false);
            call.Release();
            report.Ended(begun, call.Who.Caller, (StatusCode.OK, call.Level, call.Bytes));
            return reply;
        }
        catch (Exception failure)
        {
            throw await RefuseAsync(context, begun, (call.Audit, call), failure, watch?.Refusal).ConfigureAwait(false);
        }
    }

    /// <summary>Answers with many replies; the work runs on a thread of its own, since the engine's listings are plain loops.</summary>
    /// <param name="context">The call.</param>
    /// <param name="asking">What the request says of itself.</param>
    /// <param name="question">The request, for the keyed hash in the audit log.</param>
    /// <param name="answer">Sends the replies through what it is given, and leaves each as it is until it has sent the next; returns the number of rows.</param>
    /// <param name="write">Writes one reply, whose bytes it has taken over when it returns; done when there is room for the next.</param>
    public async Task StreamAsync<TReply>(ServerCallContext context, V1.Asking? asking, IMessage question, Func<TReply, Task> write, Func<Call, Action<TReply>, long?> answer)
        where TReply : class, IMessage
    {
        var begun = Begin(context);
        using var call = await EnterAsync(context, begun, asking, question).ConfigureAwait(false);
        await using var watch = WatchOver(context, call);
        try
        {
            using (begun.Span?.Step(CallStep.Answer))
                await Task.Factory.StartNew(() => Run(context.Method, (call, watch), write, answer), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            call.Release();
            report.Ended(begun, call.Who.Caller, (StatusCode.OK, call.Level, call.Bytes));
        }
        catch (Exception failure)
        {
            throw await RefuseAsync(context, begun, (call.Audit, call), failure, watch.Refusal).ConfigureAwait(false);
        }
    }

    /// <summary>Answers what shows nothing of the store, and has no entry in the audit log: health, reflection. To callers alone, within their room.</summary>
    /// <param name="context">The call.</param>
    /// <param name="answer">Answers it.</param>
    /// <param name="isStreamed">It lasts as long as its client likes, or what it showed holds.</param>
    public async Task<T> PassAsync<T>(ServerCallContext context, Func<Task<T>> answer, bool isStreamed = false)
    {
        var begun = Begin(context);
        var who = Arrived(context).Who!;
        await using var watch = isStreamed ? new CallWatch(context, () => who.HoldsStill() ? null : Authenticated.Refusal(), TimeSpan.Zero, clock) : null;
        try
        {
            var reply = await answer().ConfigureAwait(false);
            report.Ended(begun, who.Caller, (StatusCode.OK, null, 0));
            return reply;
        }
        catch (Exception failure)
        {
            Passed(begun, who.Caller, watch?.Refusal ?? failure);
            throw; // the caller is told by the listener
        }
    }

    /// <summary>
    /// A call that failed, for the listener: one that has come to no method, since its request is none, is too large or was not there in time, has its entry and its
    /// count as every other one where somebody known makes it, and is in a sum where not. What is to be told in the place of its end; null = that end.
    /// </summary>
    /// <param name="context">The call.</param>
    /// <param name="status">How it ended.</param>
    public async Task<RpcException?> FailedAsync(ServerCallContext context, Status status)
    {
        var fate = FateOf(context);
        if (fate is { IsTold: true }) return null;
        (string Outcome, RefusalReason? Reason) of = status.StatusCode switch
        {
            StatusCode.Cancelled => ("cancelled", null),
            StatusCode.DeadlineExceeded => ("cancelled", RefusalReason.NoRequest),
            StatusCode.Unavailable => ("cancelled", RefusalReason.Stopping),
            StatusCode.Unknown => ("failed", null), // a handler failed, which the listener has told
            _ => ("bad-input", RefusalReason.BadRequest),
        };
        if (fate is not { HasArrived: true, Who.Caller: var caller })
        {
            // Who gives a call up before he has said what he asks was refused nothing.
            if (status.StatusCode != StatusCode.Cancelled) Unheard(context, status.StatusCode, of.Reason);
            return null;
        }
        var begun = Begin(context);
        RpcException? refusal = null;
        if (!CallerRequired.IsOfLibrary(context))
        {
            using var entries = NewAudit(context, caller.Id, null, null);
            try
            {
                await entries.CompleteAsync(of.Outcome, default).ConfigureAwait(false);
            }
            catch (AuditRefusedException lost)
            {
                (refusal, of.Reason) = (Refusals.Of(lost, () => report.Incident(begun.Method, caller, lost)).Refusal, RefusalReason.NoAudit);
                Refused.Add(caller.Id, WordOf(RefusalReason.NoAudit));
            }
        }
        else if (of.Reason is { } why) Refused.Add(caller.Id, WordOf(why));
        report.Ended(begun, caller, (refusal?.StatusCode ?? status.StatusCode, null, 0), of.Reason);
        return refusal;
    }

    /// <summary>Whether what was shown, the role and the grant hold still; for a stream, at least every <see cref="Authenticated.CheckEvery"/>.</summary>
    public void RequireStill(string method, Call call) => RequireStill(method, call, isUse: !call.IsWaiting);

    private void RequireStill(string method, Call call, bool isUse)
    {
        if (!(isUse ? call.Who.IsValid() : call.Who.HoldsStill())) throw Authenticated.Refusal();
        if (MethodTable.Of(method)?.Roles is { } roles && !host.RolesOf(call.Who.Caller).Overlaps(roles)) throw Refusals.Denied("no-longer-granted");
        if (call.Asked is { } session && !host.StillHolds(session)) throw Refusals.Denied("no-longer-granted");
    }

    /// <summary>Looks again and again whether a call may go on. That is no use of its session: whoever leaves a stream alone asks nothing.</summary>
    private CallWatch WatchOver(ServerCallContext context, Call call)
    {
        RpcException? Look()
        {
            try
            {
                RequireStill(context.Method, call, isUse: false);
                return null;
            }
            catch (Exception failure)
            {
                // A timer has nobody to throw to; and where it cannot be known whether something is granted still, it is not.
                return Refusals.Of(failure, () => report.Incident(context.Method, call.Who.Caller, failure)).Refusal;
            }
        }
        return new(context, Look, CallWatch.OrderlyWithin, clock);
    }

    private void Passed(BegunCall begun, Caller? caller, Exception failure)
    {
        var code = failure switch { RpcException known => known.StatusCode, OperationCanceledException => StatusCode.Cancelled, _ => StatusCode.Unknown };
        var reason = failure is RpcException refusal ? ReasonOf(refusal) : null;
        report.Ended(begun, caller, (code, null, 0), reason);
        if (reason is { } why) Refused.Add(caller?.Id, WordOf(why));
    }

    private RpcEntrance Enter(ServerCallContext context, Authenticated who)
    {
        var fate = new Fate(who);
        context.UserState[FateKey] = fate;
        try
        {
            if (_isStopping) throw Refusals.Stopping();
            (var room, fate.Allowance) = _admission.Enter(who.Caller);
            fate.HasArrived = true;
            return new(IsKnown: true, Room: room);
        }
        catch (RpcException failure)
        {
            return Turned(context, who, failure);
        }
    }

    private RpcEntrance Turned(ServerCallContext context, Authenticated? who, Exception failure) => new(who is not null, async () =>
    {
        var begun = Begin(context);
        if (CallerRequired.IsOfLibrary(context))
        {
            Passed(begun, who?.Caller, failure);
            return failure;
        }
        if (failure is RpcException refusal && ReasonOf(refusal) is { } reason && !Refused.TryTakeEntry(who?.Caller.Id, WordOf(reason)))
        {
            // Whom nothing holds back, since he is refused at once, would fill the log. A credential that was not taken is one there, whatever was wrong with it.
            Refused.Add(who?.Caller.Id, refusal.StatusCode == StatusCode.Unauthenticated ? LogReview.Unauthenticated : WordOf(reason));
            report.Ended(begun, who?.Caller, (refusal.StatusCode, null, 0), reason);
            return refusal;
        }
        // Who it is nobody knows; that somebody tried is known.
        var audit = NewAudit(context, who?.Caller.Id ?? RefusedCalls.Nobody, null, null);
        if (who is null) using (audit) return await RefuseAsync(context, begun, (audit, null), failure).ConfigureAwait(false);
        using var call = new Call(host, who, (audit, null), context.CancellationToken);
        return await RefuseAsync(context, begun, (audit, call), failure).ConfigureAwait(false);
    });

    /// <summary>A call that the listener let in.</summary>
    private static Fate Arrived(ServerCallContext context) =>
        FateOf(context) is { HasArrived: true } fate ? fate : throw new InvalidOperationException("a call that did not come in by the entrance");

    private static Fate? FateOf(ServerCallContext context) => context.UserState.TryGetValue(FateKey, out var fate) ? (Fate)fate : null;

    /// <summary>From here on it is this gate that tells how a call ended.</summary>
    private BegunCall Begin(ServerCallContext context)
    {
        if (FateOf(context) is { } fate) fate.IsTold = true;
        else context.UserState[FateKey] = new Fate(null) { IsTold = true };
        return report.Started(context.Method);
    }

    /// <summary>Counts a call of which no method has heard. Of nobody known there is no line in the log for each: such calls cost him who makes them least.</summary>
    private void Unheard(ServerCallContext? context, StatusCode code, RefusalReason? reason)
    {
        var caller = context is null ? null : FateOf(context)?.Who?.Caller;
        report.Unheard(context?.Method ?? "", caller, code, reason);
        Refused.Add(caller?.Id, reason is { } why ? WordOf(why) : "failed");
    }

    private void Run<TReply>(string method, (Call Call, CallWatch Watch) of, Func<TReply, Task> write, Func<Call, Action<TReply>, long?> answer)
        where TReply : class, IMessage
    {
        var (call, checkedAt) = (of.Call, clock.GetTimestamp());
        call.Audit.IsStream = true;
        var (writing, digesting) = (Task.CompletedTask, Task.CompletedTask);
        try
        {
            call.Audit.Rows = answer(call, reply =>
            {
                // A reply leaves, and is digested, while the next one is made; no further one is made before.
                writing.GetAwaiter().GetResult();
                digesting.GetAwaiter().GetResult();
                call.Stop.ThrowIfCancellationRequested();
                if (of.Watch.Refusal is { } refusal) throw refusal;
                if (clock.GetElapsedTime(checkedAt) >= Authenticated.CheckEvery)
                {
                    RequireStill(method, call);
                    checkedAt = clock.GetTimestamp();
                }
                call.Audit.Begin();
                if (Wire.SpeaksOfDamage(reply)) report.FoundDamage();
                // Of a file its bytes are what is shown; they are many, and not copied to be digested.
                ReadOnlyMemory<byte> bytes = reply is V1.Chunk { End: null } chunk ? chunk.Data.Memory : reply.ToByteArray();
                call.Bytes += bytes.Length;
                if (bytes.Length >= ChunkBytes) digesting = Task.Run(() => call.Audit.Adds(bytes.Span));
                else call.Audit.Adds(bytes.Span);
                writing = write(reply);
            });
        }
        catch
        {
            // How the call ended is said behind the last reply. What became of that one, the failure tells already.
            Task.WhenAll(writing, digesting).ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).GetAwaiter().GetResult();
            throw;
        }
        writing.GetAwaiter().GetResult();
        digesting.GetAwaiter().GetResult();
        var begun = clock.GetTimestamp();
        call.Audit.End("done");
        report.AuditAppended(clock.GetElapsedTime(begun));
    }

    private async Task CompleteAsync(Call call, byte[] bytes)
    {
        var begun = clock.GetTimestamp();
        if (!call.Audit.HasBegun)
        {
            await call.Audit.CompleteAsync("done", bytes).ConfigureAwait(false);
        }
        else
        {
            call.Audit.Begin(); // of whom the reply speaks may be known only now
            call.Audit.Adds(bytes);
            call.Audit.End("done");
        }
        report.AuditAppended(clock.GetElapsedTime(begun));
    }

    private async Task<Call> EnterAsync(ServerCallContext context, BegunCall begun, V1.Asking? asking, IMessage question)
    {
        var fate = Arrived(context);
        var who = fate.Who!;
        var call = new Call(host, who, (NewAudit(context, who.Caller.Id, asking, question), fate.Allowance), context.CancellationToken);
        try
        {
            using var step = begun.Span?.Step(CallStep.Access);
            // Since the headers came the request was waited for.
            if (!who.IsValid()) throw Authenticated.Refusal();
            var rule = MethodTable.Of(context.Method) ?? throw Refusals.Denied("not-granted");
            if (rule.Roles is { } roles && !host.RolesOf(who.Caller).Overlaps(roles)) throw Refusals.Denied("not-granted");
            if (rule.NeedsSecondFactor && !who.Caller.HasSecondFactor) throw Refusals.Denied(SecondFactorRule);
            if (asking is { Purpose: V1.Purpose.Unspecified } && rule.Reach != Reach.Nothing) throw Refusals.BadRequest(PurposeRule);
            return call;
        }
        catch (Exception failure)
        {
            using (call) throw await RefuseAsync(context, begun, (call.Audit, call), failure).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What a failure comes to: the entry of its outcome, its count, and what the caller is told. Whatever failed, before or after it was known who
    /// calls: the end of each call is known.
    /// </summary>
    /// <param name="context">The call.</param>
    /// <param name="begun">Its beginning.</param>
    /// <param name="of">Its entries, and the call itself once it was let in.</param>
    /// <param name="failure">What happened.</param>
    /// <param name="ended">Why the call was ended from outside, of which what happened is but the sign; null = it was not.</param>
    private async Task<RpcException> RefuseAsync(ServerCallContext context, BegunCall begun, (AuditCall Audit, Call? Call) of, Exception failure, RpcException? ended = null)
    {
        if (ended is not null && failure is not AuditRefusedException) failure = ended;
        var caller = of.Call?.Who.Caller;
        while (failure is AggregateException { InnerException: { } inner }) failure = inner;
        // An audit log that could not be written stays the reason, though the caller has gone meanwhile.
        if (context.CancellationToken.IsCancellationRequested && failure is not (RpcException or AuditRefusedException)) failure = new OperationCanceledException("the call was cancelled", failure);
        var (refusal, outcome, isOurs) = Refusals.Of(failure, () => report.Incident(begun.Method, caller, failure));
        if (failure is not AuditRefusedException)
        {
            try
            {
                if (of.Audit.HasBegun) of.Audit.End(outcome);
                else await of.Audit.CompleteAsync(outcome, default).ConfigureAwait(false);
            }
            catch (AuditRefusedException second)
            {
                (failure, (refusal, _, isOurs)) = (second, Refusals.Of(second, () => report.Incident(begun.Method, caller, second)));
            }
        }
        // What has no entry of its end is in a sum, which is written once the log can be: that it can is found out so, though nobody calls any more.
        if (failure is AuditRefusedException) Refused.Add(caller?.Id, WordOf(RefusalReason.NoAudit));
        report.Ended(begun, caller, (refusal.StatusCode, of.Call?.Level, of.Call?.Bytes ?? 0), failure is AuditRefusedException ? RefusalReason.NoAudit : isOurs ? null : ReasonOf(refusal));
        return refusal;
    }

    private static string WordOf(RefusalReason reason) => Words[(int)reason];

    private static RefusalReason? ReasonOf(RpcException refusal) => Refusals.RuleOf(refusal) switch
    {
        SecondFactorRule => RefusalReason.NoSecondFactor,
        PurposeRule => RefusalReason.NoPurpose,
        Admission.TooManyRule => RefusalReason.TooManyAtOnce,
        Admission.TooFastRule or Admission.TooMuchRule => RefusalReason.RateLimited,
        Refusals.StoppingRule => RefusalReason.Stopping,
        _ when refusal is CredentialRefusal { Fault: var fault } => ReasonOf(fault),
        { } rule when rule == OverBudgetRule => RefusalReason.OverBudget,
        _ => refusal.StatusCode switch
        {
            StatusCode.Cancelled or StatusCode.Unknown => null,
            StatusCode.Unauthenticated => RefusalReason.BadCredential,
            StatusCode.PermissionDenied => RefusalReason.NotGranted,
            StatusCode.ResourceExhausted => RefusalReason.NoRoom,
            StatusCode.FailedPrecondition => RefusalReason.NotReleased,
            StatusCode.Unavailable => RefusalReason.NotAvailable,
            _ => RefusalReason.BadRequest,
        },
    };

    private static RefusalReason ReasonOf(CredentialFault fault) => fault switch
    {
        CredentialFault.Nothing => RefusalReason.NoCredential,
        CredentialFault.Expired or CredentialFault.Over or CredentialFault.Session => RefusalReason.Expired,
        _ => RefusalReason.BadCredential,
    };

    private AuditCall NewAudit(ServerCallContext context, string who, V1.Asking? asking, IMessage? question)
    {
        var purpose = asking?.Purpose switch { V1.Purpose.Treatment => "treatment", V1.Purpose.Research => "research", V1.Purpose.Operations => "operations", _ => "unstated" };
        var entry = new AuditEntry { Kind = AuditKind.Call, Call = "", Who = who, Role = "caller", Verb = _verbs.GetOrAdd(context.Method, m => m[1..]), Purpose = purpose };
        return new AuditCall(audit.Log, audit.Keys, entry, question is null ? "" : Convert.ToBase64String(question.ToByteArray()), clock);
    }

    /// <summary>What is known of a call before its method.</summary>
    private sealed class Fate(Authenticated? who)
    {
        /// <summary>Who makes it; null = nobody knows.</summary>
        public Authenticated? Who => who;

        /// <summary>He was let in.</summary>
        public bool HasArrived { get; set; }

        /// <summary>What he may have scanned, once he was let in.</summary>
        public ScanAllowance? Allowance { get; set; }

        /// <summary>How it ends is told.</summary>
        public bool IsTold { get; set; }
    }
}
