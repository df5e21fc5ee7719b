using System.Runtime.CompilerServices;
using Grpc.Core;
using Warehouse.Client;

namespace Warehouse.Cli.Remote;

/// <summary>What a server's refusal comes to: a line and an exit code.</summary>
internal static class RemoteFailure
{
    /// <summary>The line and the code; null when the exception is none of a server.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static (string Text, ExitCode Code)? Of(Exception failure)
    {
        if (failure is not WarehouseException refused) return null;
        var place = refused.Item > 0 ? FormattableString.Invariant($": query {refused.Item}") : "";
        var incident = refused.Incident.Length > 0 ? $"; the server's log has it as incident {refused.Incident}" : "";
        // Codes as for a store that lies here: what is wrong with the question is bad input; that one may not, or cannot now, is neither.
        var code = refused.Code switch
        {
            StatusCode.InvalidArgument or StatusCode.NotFound => ExitCode.BadInput, StatusCode.DataLoss => refused.Rule == "cut-answer" ? ExitCode.CouldNot : ExitCode.DamagedStore, _ => ExitCode.CouldNot,
        };
        return (refused.Message + place + incident, code);
    }
}
