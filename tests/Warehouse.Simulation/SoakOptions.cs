using System.Globalization;

namespace Warehouse.Simulation;

/// <summary>What all harnesses understand.</summary>
internal sealed record SoakOptions
{
    /// <summary>How long to run.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Where the draws start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>One target of the harness; null = all.</summary>
    public string? Target { get; init; }

    /// <summary>One iteration alone.</summary>
    public long? Iteration { get; init; }

    /// <summary>So many iterations, in place of a time.</summary>
    public long? Count { get; init; }

    /// <summary>One input of a file.</summary>
    public string? InputPath { get; init; }

    /// <summary>The released program, for the harness that runs it.</summary>
    public string Program { get; init; } = Path.Combine("artifacts", "warehouse", "warehouse");

    /// <summary>Where the inputs of findings are written.</summary>
    public string Artifacts { get; init; } = Path.Combine("artifacts", "soak");

    /// <summary>Reads <c>--name value</c> pairs.</summary>
    public static SoakOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new SoakOptions();
        for (; arguments.Length >= 2; arguments = arguments[2..])
        {
            var value = arguments[1];
            options = arguments[0] switch
            {
                "--minutes" => options with { Time = TimeSpan.FromMinutes(double.Parse(value, CultureInfo.InvariantCulture)) },
                "--seed" => options with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) },
                "--target" => options with { Target = value },
                "--iteration" => options with { Iteration = long.Parse(value, CultureInfo.InvariantCulture) },
                "--count" => options with { Count = long.Parse(value, CultureInfo.InvariantCulture) },
                "--input" => options with { InputPath = value },
                "--program" => options with { Program = value },
                "--artifacts" => options with { Artifacts = value },
                _ => throw new ArgumentException($"unknown option {arguments[0]}"),
            };
        }
        return arguments.IsEmpty ? options : throw new ArgumentException($"{arguments[0]} needs a value");
    }
}
