using System.Diagnostics;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>What only a real process shows: signals, pipes, redirected output.</summary>
public sealed class ProcessTests
{
    private static string Program => Path.Combine(AppContext.BaseDirectory, "warehouse");

    [PeerFact("mkfifo", "kill")]
    public void Ctrl_C_ends_a_verb_that_waits_for_a_silent_pipe_with_130()
    {
        using var folder = new TempFolder();
        Peer.Output("mkfifo", folder["names"]);
        // Tests that run in the background of a shell ignore the signal, and what they start would inherit that.
        using var process = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", Program, "withdraw", "s", "--samples-file", folder["names"]]) { RedirectStandardError = true })!;
        using var names = new FileStream(folder["names"], FileMode.Open, FileAccess.Write); // opens when the verb has opened its end
        Peer.Output("kill", "-INT", process.Id.ToString());
        Assert.Equal("warehouse: cancelled\n", process.StandardError.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(130, process.ExitCode);
    }

    [PeerFact("sh")]
    public void A_closed_pipe_ends_quietly_with_0()
    {
        var (_, output, error) = Peer.Run("sh", "-c", "{ \"$0\" freq --help; echo \"exit $?\" >&2; } | true", Program);
        Assert.Equal(("", "exit 0\n"), (output, error));
    }

    [PeerFact("sh")]
    public void Output_into_a_file_is_not_overwritten_by_what_follows()
    {
        using var folder = new TempFolder();
        Peer.Output("sh", "-c", "{ echo first; \"$0\" --version; echo last; } > \"$1\"", Program, folder["out"]);
        Assert.Equal("first\nwarehouse 0.1.0\nlast\n", File.ReadAllText(folder["out"]));
    }
}
