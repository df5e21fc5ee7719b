using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Simulate;

namespace Warehouse.Simulation.Fuzz;

/// <summary>A parser under attack: what it is fed with, what it may throw, and what it may cost.</summary>
/// <param name="Name">Stable: the draws depend on it.</param>
/// <param name="Seeds">What inputs are made from.</param>
/// <param name="Run">Gives an input to the parser and checks what comes out.</param>
internal sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, Action<byte[]> Run)
{
    /// <summary>Words of the format.</summary>
    public IReadOnlyList<byte[]> Words { get; init; } = [];

    /// <summary>So many seeds, from the first, are inputs that the parser takes; the others are not, or have to be wrapped first.</summary>
    public int SoundSeeds { get; init; } = Seeds.Count;

    /// <summary>Makes an input; null = a change of a seed.</summary>
    public Func<Prng, Mutator, byte[]>? Make { get; init; }

    /// <summary>Whether the contract names an exception; by default bad input alone.</summary>
    public Func<Exception, bool> Expects { get; init; } = e => e is InputException;

    /// <summary>Bytes that one input may allocate.</summary>
    public long MaxAllocatedBytes { get; init; } = 16 << 20;

    /// <summary>Words of text.</summary>
    public static byte[][] WordsOf(params string[] words) => [.. words.Select(Encoding.Latin1.GetBytes)];
}
