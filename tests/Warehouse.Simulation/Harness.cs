namespace Warehouse.Simulation;

/// <summary><c>soak HARNESS --minutes N --seed S …</c>: a harness in full. Exit 0 when nothing was found, 1 when something was.</summary>
internal static class Harness
{
    private static readonly Dictionary<string, Func<SoakOptions, int>> Harnesses = new(StringComparer.Ordinal)
    {
        ["fuzz"] = Fuzz.FuzzHarness.Run,
    };

    /// <summary>Runs the harness named first; without one prints their names.</summary>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.IsEmpty)
        {
            foreach (var name in Harnesses.Keys) Console.WriteLine(name);
            return 0;
        }
        if (!Harnesses.TryGetValue(arguments[0], out var harness)) throw new ArgumentException($"the harnesses are {string.Join(", ", Harnesses.Keys)}");
        return harness(SoakOptions.Parse(arguments[1..]));
    }
}
