namespace Warehouse.Tests.House;

/// <summary>One use of each kind, for the reader of symbols to find.</summary>
internal sealed class ArrowProbe
{
    private readonly ProbeField? _field = null;

    public List<ProbeReturned> Find(Func<IReadOnlyList<ProbeArgument[]>, int> unused)
    {
        ProbeCalled.Call();
        Func<int> lambda = () => new ProbeLambda().GetHashCode();
        return typeof(ProbeTypeOf).Name.Length + lambda() + unused([]) == 0 || _field is null ? [] : throw new InvalidOperationException();
    }
}

internal sealed class ProbeField;

internal sealed class ProbeReturned;

internal sealed class ProbeArgument;

internal sealed class ProbeLambda;

internal sealed class ProbeTypeOf;

internal static class ProbeCalled
{
    public static void Call()
    {
    }
}
