using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>What the system allows this process.</summary>
public static partial class ProcessLimits
{
    /// <summary>
    /// Files that must be allowed to be open at once. The runtime alone keeps some sixty, one for each of its parts that it loads; where the next
    /// cannot be opened it ends the process in the middle of whatever it does.
    /// </summary>
    public const int LeastOpenFiles = 128;

    /// <summary>
    /// Variable of the environment that closes (0) or opens (1) the runtime's diagnostic port, by which whoever runs as the same user takes dumps and traces of a process
    /// without stopping it. The runtime looks at it when it starts.
    /// </summary>
    public const string DiagnosticsVariable = "DOTNET_EnableDiagnostics";

    private const int OpenFilesResource = 7; // RLIMIT_NOFILE, of all processor families of Linux that .NET runs on
    private const int CoreResource = 4; // RLIMIT_CORE
    private const int SetDumpable = 4; // PR_SET_DUMPABLE

    /// <summary>How many files may be open at once; the runtime has raised it as far as it may when it started.</summary>
    public static ulong OpenFiles()
    {
        Span<ulong> limits = stackalloc ulong[2];
        return Native.Limits(OpenFilesResource, limits) == 0 ? limits[0] : ulong.MaxValue;
    }

    /// <summary>
    /// From now on the system writes nothing out of the memory of this process, in which keys and data of persons are: no core file when it crashes (a limit of 0, which
    /// nobody without the rights of root can raise again), nothing to a program that collects crashes, which does not look at that limit, and no other process of the same
    /// user may read it or see its environment. A process that takes the place of this one begins anew.
    /// </summary>
    /// <returns>False when the system refuses.</returns>
    public static bool ForbidDumps() => Native.SetLimits(CoreResource, [0, 0]) == 0 && Native.Control(SetDumpable, 0, 0, 0, 0) == 0;

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "setrlimit")]
        internal static partial int SetLimits(int resource, ReadOnlySpan<ulong> softAndHard);

        [LibraryImport("libc", EntryPoint = "prctl")]
        internal static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);

        [LibraryImport("libc", EntryPoint = "getrlimit")]
        internal static partial int Limits(int resource, Span<ulong> softAndHard);
    }
}
