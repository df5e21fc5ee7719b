#pragma warning disable RS0030 // spans are made here, of fixed sets alone
using System.Diagnostics;
using Grpc.Core;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Telemetry;

/// <summary>A part of a call that takes time of its own.</summary>
public enum CallStep
{
    /// <summary>Whether who asks may ask this.</summary>
    Access,

    /// <summary>The store answers.</summary>
    Answer,

    /// <summary>The audit log becomes durable.</summary>
    Audit,
}

/// <summary>
/// Spans of calls, named by method, whose attributes are members of fixed sets. A trace begins here: the ids, the state and the baggage that a
/// client sends are bytes of the client, and whoever collects the traces would get them.
/// </summary>
public static class ServerTraces
{
    /// <summary>Name of the source.</summary>
    public const string SourceName = "Warehouse.Server";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Begins the span of a call; null when nobody collects it. What it began, <see cref="CallSpan.End"/> ends, on any thread.</summary>
    public static CallSpan? Start(MethodName method) => Source.HasListeners() && Begin(method.ToString(), ActivityKind.Server, default) is { } activity ? new(activity) : null;

    /// <summary>Attributes of an end.</summary>
    internal static void Mark(Activity activity, StatusCode outcome, Detail? detail, RefusalReason? reason)
    {
        activity.SetTag("rpc.system", "grpc");
        activity.SetTag("rpc.grpc.status_code", (int)outcome);
        if (detail is { } level) activity.SetTag("warehouse.detail", level.ToString());
        if (reason is { } why) activity.SetTag("warehouse.reason", why.ToString());
        activity.SetStatus(outcome is StatusCode.Unknown or StatusCode.Internal or StatusCode.DataLoss or StatusCode.Unavailable ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
    }

    internal static Activity? Start(CallStep step, Activity parent) => Begin(step.ToString(), ActivityKind.Internal, parent.Context);

    /// <summary>Ends a span, and leaves what is current as it was.</summary>
    internal static void Stop(Activity activity)
    {
        var current = Activity.Current;
        activity.Dispose();
        Activity.Current = current;
    }

    // Nothing takes a span of ours for its own: a call goes from thread to thread, and what it asks others must not name it.
    private static Activity? Begin(string name, ActivityKind kind, ActivityContext parent)
    {
        var current = Activity.Current;
        Activity.Current = null; // that of the listener, which took its ids from the client
        var begun = Source.StartActivity(name, kind, parent);
        Activity.Current = current;
        if (begun is not { IsAllDataRequested: false }) return begun;
        Stop(begun); // not one of those that are sent
        return null;
    }
}

/// <summary>The span of a call.</summary>
public sealed class CallSpan
{
    private readonly Activity _activity;

    internal CallSpan(Activity activity) => _activity = activity;

    /// <summary>Begins the span of a part; its end is Dispose.</summary>
    public IDisposable? Step(CallStep step) => ServerTraces.Start(step, _activity) is { } part ? new Part(part) : null;

    /// <summary>Ends it.</summary>
    /// <param name="outcome">Status of the call.</param>
    /// <param name="detail">Level of detail that it was answered at.</param>
    /// <param name="reason">Why it was refused.</param>
    public void End(StatusCode outcome, Detail? detail = null, RefusalReason? reason = null)
    {
        ServerTraces.Mark(_activity, outcome, detail, reason);
        ServerTraces.Stop(_activity);
    }

    private sealed class Part(Activity activity) : IDisposable
    {
        public void Dispose() => ServerTraces.Stop(activity);
    }
}
