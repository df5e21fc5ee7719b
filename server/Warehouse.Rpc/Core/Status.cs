namespace Grpc.Core;

/// <summary>The outcome of a call, as the number that travels in <c>grpc-status</c>.</summary>
public enum StatusCode
{
    /// <summary>Done.</summary>
    OK = 0,

    /// <summary>The caller gave the call up.</summary>
    Cancelled = 1,

    /// <summary>An error that says no more; also what a handler that threw is answered with.</summary>
    Unknown = 2,

    /// <summary>The request is wrong whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The time was over before the call was done.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was asked for is not there.</summary>
    NotFound = 5,

    /// <summary>What was to be made is there already.</summary>
    AlreadyExists = 6,

    /// <summary>The caller is known and may not.</summary>
    PermissionDenied = 7,

    /// <summary>A limit: size of a message, number of calls, space.</summary>
    ResourceExhausted = 8,

    /// <summary>The system is not in the state that the call needs.</summary>
    FailedPrecondition = 9,

    /// <summary>Given up because of something that ran beside it.</summary>
    Aborted = 10,

    /// <summary>Beyond the end of what there is.</summary>
    OutOfRange = 11,

    /// <summary>No such method, or an encoding that is not understood.</summary>
    Unimplemented = 12,

    /// <summary>A promise of the protocol or of the system was broken.</summary>
    Internal = 13,

    /// <summary>Not now; trying again may help.</summary>
    Unavailable = 14,

    /// <summary>Data are lost or damaged.</summary>
    DataLoss = 15,

    /// <summary>The caller did not show who he is.</summary>
    Unauthenticated = 16,
}

/// <summary>Code and text of an outcome.</summary>
public readonly struct Status
{
    /// <summary>Done, without a text.</summary>
    public static readonly Status DefaultSuccess = new(StatusCode.OK, "");

    /// <summary>Given up, without a text.</summary>
    public static readonly Status DefaultCancelled = new(StatusCode.Cancelled, "");

    private readonly string? _detail;

    /// <summary>A status of the two, and what went wrong on this side, which never travels.</summary>
    public Status(StatusCode statusCode, string detail, Exception? debugException = null)
    {
        StatusCode = statusCode;
        _detail = detail;
        DebugException = debugException;
    }

    /// <summary>The code.</summary>
    public StatusCode StatusCode { get; }

    /// <summary>The text; it reaches the other side as it is.</summary>
    public string Detail => _detail ?? "";

    /// <summary>What went wrong on this side, for its log.</summary>
    public Exception? DebugException { get; }

    /// <inheritdoc/>
    public override string ToString() => $"Status(StatusCode=\"{StatusCode}\", Detail=\"{Detail}\")";
}

/// <summary>A call that did not end with OK.</summary>
public class RpcException : Exception
{
    /// <summary>Of a status.</summary>
    public RpcException(Status status) : this(status, Metadata.Empty)
    {
    }

    /// <summary>Of a status, with a text for this side's log.</summary>
    public RpcException(Status status, string message) : this(status, Metadata.Empty, message)
    {
    }

    /// <summary>Of a status, with trailing metadata.</summary>
    public RpcException(Status status, Metadata trailers) : this(status, trailers, status.ToString())
    {
    }

    /// <summary>Of a status, with trailing metadata and a text for this side's log.</summary>
    public RpcException(Status status, Metadata trailers, string message) : base(message, status.DebugException)
    {
        Status = status;
        Trailers = trailers ?? throw new ArgumentNullException(nameof(trailers));
    }

    /// <summary>How the call ended.</summary>
    public Status Status { get; }

    /// <summary>The code of <see cref="Status"/>.</summary>
    public StatusCode StatusCode => Status.StatusCode;

    /// <summary>Metadata that came, or are to go, with the end of the call.</summary>
    public Metadata Trailers { get; }
}
