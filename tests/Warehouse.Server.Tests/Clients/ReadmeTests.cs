using System.Diagnostics;
using Warehouse.Client;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;

namespace Warehouse.Server.Tests.Clients;

/// <summary>What the README shows of a served store is executed: the shell's lines, the program in C#, the program in Python.</summary>
public sealed class ReadmeTests
{
    internal const string Address = "https://localhost:7443";
    internal static readonly string[] Blocks = Text()[Text().IndexOf("### Served to many", StringComparison.Ordinal)..].Split("```");

    [PeerFact("python3")]
    public async Task The_examples_of_all_three_clients_do_what_they_say()
    {
        await using var served = await ServedStore.StartAsync(samples: 100, variants: 1000, seed: 1);
        var server = $"https://localhost:{served.Server.Port}";
        foreach (var line in Blocks[1].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Run(line, w => w == Address ? server : w is "lab.wh" ? served.StorePath : w is "lab.wh.server" or "reader.pem" or "some.arrows" ? served[w.Replace("lab.wh", "store", StringComparison.Ordinal)] : w, mayBeNothing: true);
            served.Server.Store.LookNow();
        }
        Assert.True(new FileInfo(served["some.arrows"]).Length > 500);

        using var lab = new WarehouseClient(new ConnectOptions { Server = new Uri(server), Credentials = Credentials.Read(served["reader.pem"]) });
        Assert.StartsWith("22-1029-G-A: ", await ExampleAsync(lab), StringComparison.Ordinal);

        var start = new ProcessStartInfo("timeout", ["60", "/usr/bin/python3", "-B", "-c", Blocks[5]["python\n".Length..]]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PYTHONPATH"] = Path.Combine(TestData.ProjectRoot, "clients", "python");
        (start.Environment["WAREHOUSE_SERVER"], start.Environment["WAREHOUSE_CREDENTIALS"]) = (server, served["reader.pem"]);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        Assert.Matches("^22-1029-G-A (Seen|NotSeen)\n", output);
        Assert.True(output.Count(c => c == '\n') > 3, output);
    }

    /// <summary>The program in C# of the README is, line by line, the method below.</summary>
    [Fact]
    public void The_example_in_csharp_is_what_is_compiled_here()
    {
        var here = File.ReadAllText(Path.Combine(TestData.ProjectRoot, "tests", "Warehouse.Server.Tests", "Clients", "ReadmeTests.cs"));
        foreach (var line in Blocks[3]["csharp\n".Length..].Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Skip(1))
            Assert.Contains(line.Replace("Console.WriteLine(", "said.WriteLine(", StringComparison.Ordinal), here, StringComparison.Ordinal);
    }

    private static async Task<string> ExampleAsync(WarehouseClient lab)
    {
        using var said = new StringWriter();
        foreach (var answer in await lab.SeenAsync(["22-1029-G-A"]))
            said.WriteLine(answer switch
            {
                SeenAnswer.Seen seen => $"{seen.Query}: {seen.Figures?.Ac} alleles",
                SeenAnswer.NotSeen none => $"{none.Query}: not seen",
                SeenAnswer.FewerThanK few => $"{few.Query}: fewer than {few.K}",
                SeenAnswer.Withheld held => $"{held.Query}: {held.Reason}",
                SeenAnswer.NotAssessable unknown => $"{unknown.Query}: {unknown.Reason}",
                _ => "",
            });
        return said.ToString();
    }

    /// <summary>Lines of the first block below a heading.</summary>
    internal static string[] LinesBelow(string heading)
    {
        var text = Text();
        return text[text.IndexOf(heading, StringComparison.Ordinal)..].Split("```")[1].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Runs a line, and it does what it says; its output.</summary>
    /// <param name="line">The line.</param>
    /// <param name="word">What stands here for a word of it.</param>
    /// <param name="mayBeNothing">Whether nothing need match.</param>
    internal static string Run(string line, Func<string, string> word, bool mayBeNothing = false)
    {
        var words = CliRun.Words(line).Select(word).ToArray();
        var cli = new CliRun();
        var exit = words[0] == "certificate" ? (Cli.ExitCode)CertificateCommand.Run(words[1..], TextWriter.Null, TextWriter.Null, TimeProvider.System) : cli.Run(words);
        Assert.True(exit == Cli.ExitCode.Done || (mayBeNothing && exit == Cli.ExitCode.NothingMatched), $"{line}: {exit}: {cli.Error}{cli.Output}");
        return cli.Output;
    }

    private static string Text() => File.ReadAllText(Path.Combine(TestData.ProjectRoot, "README.md"));
}
