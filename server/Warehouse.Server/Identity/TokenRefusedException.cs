namespace Warehouse.Server.Identity;

/// <summary>What was shown is not taken. The reason is a short constant for the operator's log; the client never learns it.</summary>
/// <param name="reason">Why: <c>expired</c>, <c>audience</c> …</param>
internal sealed class TokenRefusedException(string reason) : Exception(reason)
{
    /// <summary>Why.</summary>
    public string Reason { get; } = reason;
}
