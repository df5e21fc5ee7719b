using Grpc.Core;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

/// <summary>A question that was not answered, or an answer that is not whole.</summary>
public sealed class WarehouseException : Exception
{
    private const string RefusalType = "type.googleapis.com/warehouse.v1.Refusal";

    private WarehouseException(StatusCode code, string rule, string text, Exception? inner) : base(rule.Length == 0 ? text : $"{text} ({rule})", inner) => (Code, Rule) = (code, rule);

    /// <summary>What kind of failure it is.</summary>
    public StatusCode Code { get; }

    /// <summary>Name of the rule, for programs: unknown-cohort, not-granted, over-budget, ...; empty when the server gave none.</summary>
    public string Rule { get; }

    /// <summary>Which query of the request is meant, 1-based; 0 = the request as a whole.</summary>
    public int Item { get; private init; }

    /// <summary>Of a change that was decided on another version: the version at which the thing is; 0 = not told.</summary>
    public int Version { get; private init; }

    /// <summary>Id of the incident in the server's log, for errors that are the server's own; else empty.</summary>
    public string Incident { get; private init; } = "";

    /// <summary>What is wrong with a file that was sent, and where; null = it is not that, or not told.</summary>
    public FileFault? Fault { get; private init; }

    /// <summary>Something is wrong with what this side was given.</summary>
    internal static WarehouseException Usage(string rule, string text, Exception? inner = null) => new(StatusCode.InvalidArgument, rule, text, inner);

    /// <summary>The stream ended, and its last message was not there.</summary>
    internal static WarehouseException Cut() => new(StatusCode.DataLoss, "cut-answer", "the answer ended before its end", null);

    /// <summary>A part of the store did not answer.</summary>
    internal static WarehouseException Incomplete() => new(StatusCode.DataLoss, "incomplete", "a part of the store is damaged, and the answer lacks what is in it", null);

    /// <summary>What the end of a call comes to.</summary>
    /// <param name="failure">The end.</param>
    /// <param name="fault">What was said of a file before.</param>
    internal static WarehouseException Of(RpcException failure, FileFault? fault = null)
    {
        Refusal? refusal = null;
        foreach (var detail in failure.GetRpcStatus()?.Details ?? [])
            if (detail.TypeUrl == RefusalType) refusal = Refusal.Parser.ParseFrom(detail.Value);
        var text = fault is not null ? fault.Text : refusal?.Text is { Length: > 0 } said ? said : failure.Status.Detail is { Length: > 0 } detailText ? detailText : TextOf(failure.StatusCode);
        return new(failure.StatusCode, refusal?.Rule ?? "", text, failure) { Item = refusal?.Item ?? 0, Version = refusal?.Version ?? 0, Incident = refusal?.Incident ?? "", Fault = fault };
    }

    private static string TextOf(StatusCode code) => code switch
    {
        StatusCode.Unavailable => "the server cannot be reached", StatusCode.DeadlineExceeded => "the time for the answer is over", StatusCode.Unimplemented => "the server does not know this question",
        StatusCode.Unauthenticated => "the server does not know who asks", StatusCode.PermissionDenied => "not granted", _ => "the call failed",
    };
}
