using System.Globalization;
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
    /// <param name="unset">Variables of the environment that it is given, each where it is not there already.</param>
    /// <returns>Number of the system's error.</returns>
    public static int Replace(string path, IReadOnlyList<string> arguments, params ReadOnlySpan<(string Name, string Value)> unset)
    {
        string?[] all = [path, .. arguments, null];
        TidyUp();
        foreach (var (name, value) in unset) Native.SetVariable(name, value, overwrite: 0);
        Native.Execute(path, all);
        return Marshal.GetLastPInvokeError();
    }

    /// <summary>The runtime's pipes for debuggers, and its diagnostic port: their names would stay, since it removes them only where it ends by itself.</summary>
    private static void TidyUp()
    {
        foreach (var kind in (string[])["dotnet-diagnostic", "clr-debug-pipe"])
        {
            foreach (var name in Directory.GetFiles(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"{kind}-{Environment.ProcessId}-*")))
            {
                try
                {
                    File.Delete(name);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Another user's, who had this id before.
                }
            }
        }
    }

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Execute(string path, string?[] arguments);

        [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int SetVariable(string name, string value, int overwrite);
    }
}
