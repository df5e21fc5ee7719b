using System.Text;
using System.Text.RegularExpressions;
using Warehouse.Cli;
using Warehouse.Engine.Access;
using CliRun = Warehouse.Tests.Cli.Cli;

namespace Warehouse.Server.Tests.Clients;

/// <summary>Command lines of a store and, with a server in its place, of that server: what both print is held side by side.</summary>
internal static partial class ServedCommands
{
    /// <summary>Every format that is printed.</summary>
    public static readonly string[] Formats = ["table", "tsv", "json", "arrow"];

    /// <summary>A file with the certificate of a person who is granted everything.</summary>
    public static string Credentials(ServedStore served, string name, params Role[] roles)
    {
        var (pem, issued) = served.Server.Identity.Issue(name, 1, roles: roles, hasSecondFactor: true);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        File.WriteAllText(served[name + ".pem"], pem);
        return served[name + ".pem"];
    }

    public static (ExitCode Exit, string Output, byte[] Bytes, string Error) Local(ServedStore served, string verb, params string[] rest) => Run([.. verb.Split(' '), served.StorePath, .. rest]);

    public static (ExitCode Exit, string Output, byte[] Bytes, string Error) Remote(ServedStore served, string credentials, string verb, params string[] rest) =>
        Run([.. verb.Split(' '), "--server", served.Url, "--credentials", credentials, .. rest]);

    public static (ExitCode Exit, string Output, byte[] Bytes, string Error) Run(params string[] words)
    {
        var cli = new CliRun();
        var exit = cli.Run(words);
        return (exit, cli.Output, cli.OutputBytes, cli.Error.ReplaceLineEndings("\n").Trim());
    }

    /// <summary>Adds to what is wrong where exit code, bytes or words of the two differ, or nothing is said.</summary>
    public static void Compare(ServedStore served, string credentials, string verb, string[] rest, List<string> wrong)
    {
        var (local, remote) = (Local(served, verb, rest), Remote(served, credentials, verb, rest));
        var (expected, actual) = (local.Bytes, remote.Bytes);
        if (rest is [.., "json"] && verb == "seen") (expected, actual) = (WithoutScope(expected), WithoutScope(actual));
        var line = $"{verb} {string.Join(' ', rest.TakeLast(5))}";
        if (local.Exit != remote.Exit) wrong.Add($"{line}: exit {local.Exit}, with a server {remote.Exit}: {local.Error}{remote.Error}");
        else if (local.Bytes.Length < 10) wrong.Add($"{line}: says nothing: {local.Error}");
        else if (!expected.AsSpan().SequenceEqual(actual)) wrong.Add($"{line}: other bytes\n{Start(expected, actual)}");
        else if (local.Error != remote.Error) wrong.Add($"{line}: says\n{local.Error}\nand\n{remote.Error}");
    }

    /// <summary>Where two outputs begin to differ.</summary>
    public static string Start(byte[] expected, byte[] actual)
    {
        var at = Math.Max(0, expected.AsSpan().CommonPrefixLength(actual) - 60);
        return $"{Encoding.UTF8.GetString(expected.AsSpan(at)[..Math.Min(160, expected.Length - at)])}\n---\n{Encoding.UTF8.GetString(actual.AsSpan(at)[..Math.Min(160, actual.Length - at)])}";
    }

    /// <summary>An answer of <c>seen</c> in full without the scope, which is another one although it sees the same.</summary>
    public static byte[] WithoutScope(byte[] answer) => Encoding.Latin1.GetBytes(Scope().Replace(Encoding.Latin1.GetString(answer), "$1"));

    [GeneratedRegex("(\"scope_digest\": *)\"[0-9a-f]+\"")]
    private static partial Regex Scope();
}
