using System.Runtime.ExceptionServices;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// What happens to an exception that nobody caught: the runtime would print its message. Here its incident is logged and the process ends
/// with exit code 5, so that whoever supervises it starts it again. Installed once, before anything else of the process runs.
/// </summary>
internal static class LastResort
{
    private const int CouldNot = 5;

    /// <summary>Takes the runtime's place.</summary>
    public static void Install(LineLog log) => ExceptionHandling.SetUnhandledExceptionHandler(exception =>
    {
        log.Server.Crashed(Incident.Of(exception));
        log.Flush(TimeSpan.FromSeconds(2));
        Environment.Exit(CouldNot);
        return true;
    });
}
