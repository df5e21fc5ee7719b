namespace Warehouse.Simulation.Faults;

/// <summary>What a harness found in its runs.</summary>
/// <param name="Runs">How often it tried; a run is what the harness says.</param>
/// <param name="Failures">What broke a promise, each with the seed that shows it again.</param>
public sealed record Outcome(long Runs, IReadOnlyList<string> Failures)
{
    /// <summary>After so many failures a harness stops.</summary>
    public const int MostFailures = 10;
}
