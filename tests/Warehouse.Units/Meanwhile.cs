using Warehouse.Engine.Storage;

namespace Warehouse.Units;

/// <summary>
/// Somebody who works beside a reader: before one thing that it wants of its disks, or before each from there on. He works on the disks themselves, which are not watched.
/// </summary>
internal sealed class Meanwhile
{
    private readonly int _at, _most;
    private int _asked;

    private Meanwhile(int at, int most) => (_at, _most) = (at, most);

    /// <summary>What he does.</summary>
    public Action Work { get; set; } = () => { };

    /// <summary>How often he did.</summary>
    public int Done { get; private set; }

    /// <summary>A disk as the reader has it.</summary>
    public IStorage Over(IStorage disk) => new WatchedStorage(disk, _ =>
    {
        if (_asked++ < _at || Done >= _most) return;
        Done++;
        Work();
    });

    /// <summary>Reads with work before the first thing, before the second, and so on, until no further one is wanted.</summary>
    /// <param name="most">How often he works at each reading: once, or before so many things on end.</param>
    /// <param name="read">Says what he does, and reads.</param>
    public static void Sweep(int most, Action<Meanwhile> read)
    {
        for (var at = 0; ; at++)
        {
            var meanwhile = new Meanwhile(at, most);
            read(meanwhile);
            if (meanwhile.Done == 0) return;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"from thing {_at} on, {_most} times at the most";
}
