using System.Diagnostics;
using System.Security.Cryptography;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// What may be told of an exception: an opaque id, which the caller is given too, the names of its types, and the names of our own methods
/// that it passed. Never its message, its data, a path or a foreign frame: what they quote, nobody knows. Immutable.
/// </summary>
public sealed class Incident
{
    private const int MostKinds = 8, MostFrames = 16;

    private static readonly string[] Ours = ["Warehouse.", "Grpc.Core."];

    private Incident(string id, IReadOnlyList<string> kinds, IReadOnlyList<string> frames) => (Id, Kinds, Frames) = (id, kinds, frames);

    /// <summary>16 random hexadecimal digits.</summary>
    public string Id { get; }

    /// <summary>Type of the exception, then of what it was caused by.</summary>
    public IReadOnlyList<string> Kinds { get; }

    /// <summary>Our methods on its way, the innermost first: type and method.</summary>
    public IReadOnlyList<string> Frames { get; }

    /// <summary>Takes of an exception what may be told.</summary>
    public static Incident Of(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var kinds = new List<string>();
        var innermost = exception;
        for (var at = exception; at is not null && kinds.Count < MostKinds; at = at.InnerException)
        {
            kinds.Add(at.GetType().ToString());
            innermost = at;
        }
        return new(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), kinds, [.. FramesOf(innermost).Concat(FramesOf(exception)).Distinct().Take(MostFrames)]);
    }

    /// <summary>The id.</summary>
    public override string ToString() => Id;

    private static IEnumerable<string> FramesOf(Exception exception) => new StackTrace(exception, fNeedFileInfo: false).GetFrames()
        .Select(DiagnosticMethodInfo.Create).Where(m => m?.DeclaringTypeName is { } type && Ours.Any(o => type.StartsWith(o, StringComparison.Ordinal))).Select(m => m!.DeclaringTypeName + "." + m.Name);
}
