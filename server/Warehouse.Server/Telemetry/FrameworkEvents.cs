using System.Collections.Frozen;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// Events of the framework that may stand in the log, by category and id, under the name here. Neither their text nor their arguments are
/// shown: those quote what a client sent. All other events of other categories are dropped.
/// </summary>
internal static class FrameworkEvents
{
    private const string Kestrel = "Microsoft.AspNetCore.Server.Kestrel";

    /// <summary>Category to id to name.</summary>
    public static readonly FrozenDictionary<string, FrozenDictionary<int, string>> Table = new Dictionary<string, FrozenDictionary<int, string>>
    {
        [Kestrel] = Of((13, "ApplicationError"), (22, "HeartbeatSlow"), (23, "ApplicationNeverCompleted"), (41, "InvalidResponseHeaderRemoved")),
        [Kestrel + ".BadRequests"] = Of((17, "ConnectionBadRequest"), (20, "RequestProcessingError"), (27, "RequestBodyMinimumDataRateNotSatisfied"), (28, "ResponseMinimumDataRateNotSatisfied"), (54, "PossibleInvalidHttpVersionDetected")),
        [Kestrel + ".Connections"] = Of((16, "NotAllConnectionsClosedGracefully"), (21, "NotAllConnectionsAborted"), (24, "ConnectionRejected"), (34, "ApplicationAbortedConnection")),
        [Kestrel + ".Http2"] = Of((29, "Http2ConnectionError"), (30, "Http2StreamError"), (31, "HPackDecodingError"), (38, "HPackEncodingError"), (40, "Http2MaxConcurrentStreamsReached"), (60, "Http2QueueOperationsExceeded"), (61, "Http2UnexpectedDataRemaining"),
            (63, "Http2UnexpectedConnectionQueueError"), (64, "Http2TooManyEnhanceYourCalms"), (65, "Http2FlowControlQueueOperationsExceeded")),
        [Kestrel + ".Https.Internal.HttpsConnectionMiddleware"] = Of((1, "AuthenticationFailed"), (2, "AuthenticationTimedOut")),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static FrozenDictionary<int, string> Of(params (int Id, string Name)[] events) => events.ToFrozenDictionary(e => e.Id, e => e.Name);
}
