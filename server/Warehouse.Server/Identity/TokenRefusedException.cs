using System.Text.Json;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>What was shown is not taken. Why, the operator's log tells; the client never learns it.</summary>
/// <param name="fault">Why.</param>
internal sealed class TokenRefusedException(CredentialFault fault) : Exception(NameOf(fault))
{
    /// <summary>Why.</summary>
    public CredentialFault Fault { get; } = fault;

    /// <summary>A reason as a word: <c>expired</c>, <c>other-certificate</c> …</summary>
    public static string NameOf(CredentialFault fault) => JsonNamingPolicy.KebabCaseLower.ConvertName(fault.ToString());
}
