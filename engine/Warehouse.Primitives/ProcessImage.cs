using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>Another program in the place of this one.</summary>
public static partial class ProcessImage
{
    /// <summary>
    /// Runs a program in this process: its id, its terminal, its signals and its open streams stay, so that whoever started this one has started
    /// that one. Returns only when the system refuses.
    /// </summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments, without its name.</param>
    /// <returns>Number of the system's error.</returns>
    public static int Replace(string path, IReadOnlyList<string> arguments)
    {
        string?[] all = [path, .. arguments, null];
        Native.Execute(path, all);
        return Marshal.GetLastPInvokeError();
    }

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Execute(string path, string?[] arguments);
    }
}
