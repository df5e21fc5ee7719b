#pragma warning disable RS0030 // spans are made here, of fixed sets alone
using System.Diagnostics;
using Grpc.Core;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Telemetry;

/// <summary>A part of a call that takes time of its own.</summary>
public enum CallStep
{
    /// <summary>Waits to be admitted.</summary>
    Admission,

    /// <summary>Who asks, and what he may see.</summary>
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

    /// <summary>Begins the span of a call; null when nobody collects. What it began, <see cref="CallSpan.End"/> ends.</summary>
    public static CallSpan? Start(MethodName method)
    {
        if (!Source.HasListeners()) return null;
        var around = Activity.Current;
        Activity.Current = null; // that of the listener, which took its ids from the client
        if (Source.StartActivity(method.ToString(), ActivityKind.Server) is { } activity) return new(activity, around);
        Activity.Current = around;
        return null;
    }

    /// <summary>Attributes of an end.</summary>
    internal static void Mark(Activity activity, StatusCode outcome, Detail? detail, RefusalReason? reason)
    {
        activity.SetTag("rpc.system", "grpc");
        activity.SetTag("rpc.grpc.status_code", (int)outcome);
        if (detail is { } level) activity.SetTag("warehouse.detail", level.ToString());
        if (reason is { } why) activity.SetTag("warehouse.reason", why.ToString());
        activity.SetStatus(outcome is StatusCode.Unknown or StatusCode.Internal or StatusCode.DataLoss or StatusCode.Unavailable ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
    }

    internal static Activity? Start(CallStep step, Activity parent) => Source.StartActivity(step.ToString(), ActivityKind.Internal, parent.Context);
}

/// <summary>The span of a call.</summary>
public sealed class CallSpan
{
    private readonly Activity _activity;
    private readonly Activity? _around;

    internal CallSpan(Activity activity, Activity? around) => (_activity, _around) = (activity, around);

    /// <summary>Begins the span of a part; its end is Dispose.</summary>
    public IDisposable? Step(CallStep step) => ServerTraces.Start(step, _activity);

    /// <summary>Ends it.</summary>
    /// <param name="outcome">Status of the call.</param>
    /// <param name="detail">Level of detail that it was answered at.</param>
    /// <param name="reason">Why it was refused.</param>
    public void End(StatusCode outcome, Detail? detail = null, RefusalReason? reason = null)
    {
        ServerTraces.Mark(_activity, outcome, detail, reason);
        _activity.Dispose();
        Activity.Current = _around;
    }
}
