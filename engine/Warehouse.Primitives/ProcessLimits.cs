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

    private const int OpenFilesResource = 7; // RLIMIT_NOFILE, of all processor families of Linux that .NET runs on

    /// <summary>How many files may be open at once; the runtime has raised it as far as it may when it started.</summary>
    public static ulong OpenFiles()
    {
        Span<ulong> limits = stackalloc ulong[2];
        return Native.Limits(OpenFilesResource, limits) == 0 ? limits[0] : ulong.MaxValue;
    }

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "getrlimit")]
        internal static partial int Limits(int resource, Span<ulong> softAndHard);
    }
}
