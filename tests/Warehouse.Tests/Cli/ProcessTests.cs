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
        using var process = Process.Start(new ProcessStartInfo(Program, ["withdraw", "s", "--samples-file", folder["names"]]) { RedirectStandardError = true })!;
        using var names = new FileStream(folder["names"], FileMode.Open, FileAccess.Write); // opens when the verb has opened its end
        // Asked again, as a person does: a signal between the opening of the pipe and the first read was once not heeded. Never waited for without end.
        for (var asked = 0; asked < 20 && !process.HasExited; asked++)
        {
            Peer.Run("kill", "-INT", process.Id.ToString());
            process.WaitForExit(1000);
        }
        process.Kill();
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
