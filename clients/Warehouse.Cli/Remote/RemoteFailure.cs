using System.Runtime.CompilerServices;
using Grpc.Core;
using Warehouse.Client;
using Warehouse.Client.Login;

namespace Warehouse.Cli.Remote;

/// <summary>What a server's refusal comes to: a line and an exit code.</summary>
internal static class RemoteFailure
{
    /// <summary>The line and the code; null when the exception is none of a server, or of a login.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <param name="engine">What was asked.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static (string Text, ExitCode Code)? Of(Exception failure, Engine engine)
    {
        switch (failure)
        {
            case LoginException: return (failure.Message, ExitCode.CouldNot);
            case HttpRequestException: return ("the identity provider cannot be reached: " + failure.Message, ExitCode.CouldNot);
            case OperationCanceledException { InnerException: TimeoutException }: return ("the identity provider did not answer in time", ExitCode.CouldNot);
        }
        if (failure is not WarehouseException refused) return null;
        var advice = refused.Code == StatusCode.Unauthenticated && engine is RemoteEngine { Advice: { } text } ? $"; {text}" : "";
        var place = refused.Item > 0 ? FormattableString.Invariant($": query {refused.Item}") : "";
        if (refused.Version > 0) place += FormattableString.Invariant($": it is at version {refused.Version}");
        var incident = refused.Incident.Length > 0 ? $"; the server's log has it as incident {refused.Incident}" : "";
        // Codes as for a store that lies here: what is wrong with the question is bad input; that one may not, or cannot now, is neither.
        var code = refused.Code switch
        {
            StatusCode.InvalidArgument or StatusCode.NotFound => ExitCode.BadInput,
            StatusCode.Aborted when refused.Rule.StartsWith("assess-", StringComparison.Ordinal) => ExitCode.BadInput,
            StatusCode.DataLoss => refused.Rule == "cut-answer" ? ExitCode.CouldNot : ExitCode.DamagedStore, _ => ExitCode.CouldNot,
        };
        return (refused.Message + place + incident + advice, code);
    }
}
