namespace Warehouse.Engine.Access;

/// <summary>Why data is used; travels with every call and into its audit record.</summary>
public enum Purpose
{
    /// <summary>Care of a patient.</summary>
    Treatment,

    /// <summary>Running the laboratory.</summary>
    Operations,

    /// <summary>Research.</summary>
    Research,
}

/// <summary>Who asks, why, and which snapshot. Every verb and call runs through one.</summary>
public sealed record SessionOptions
{
    /// <summary>The principal; for local commands the account that runs them.</summary>
    public string Principal { get; init; } = "owner";

    /// <summary>Purpose of use.</summary>
    public Purpose Purpose { get; init; } = Purpose.Operations;

    /// <summary>Manifest version whose data is asked for; null = the newest. Fixes data, never permission.</summary>
    public long? Snapshot { get; init; }

    /// <summary>
    /// One question is asked, of whole columns, and no other follows: genotypes are read into memory that is used again and again, and not
    /// kept for the next question. Changes no answer.
    /// </summary>
    public bool OneQuestion { get; init; }

    /// <summary>
    /// Many small questions follow each other, in any order: what they opened is kept for the next, up to 96 blocks for each of four choices of
    /// samples. Changes no answer.
    /// </summary>
    public bool AnyOrder { get; init; }

    /// <summary>
    /// Listings go on around what is damaged and leave out whole ranges, which <see cref="Query.Session.Unavailable"/> names: who sets this must
    /// look there when a listing has ended. Otherwise damage is an exception.
    /// </summary>
    public bool AroundDamage { get; init; }

    /// <summary>Gets one event per answer; null = none.</summary>
    public Action<AccessEvent>? Sink { get; init; }

    /// <summary>Gets the name of each sample whose own data an answer is about to give, before it does, perhaps more than once; null = none.</summary>
    public Action<string>? Shown { get; init; }
}

/// <summary>One answer given.</summary>
/// <param name="Principal">Who asked.</param>
/// <param name="Purpose">Why.</param>
/// <param name="Snapshot">Which data.</param>
/// <param name="Operation">Which call.</param>
/// <param name="Rows">Rows answered.</param>
public sealed record AccessEvent(string Principal, Purpose Purpose, long Snapshot, string Operation, long Rows)
{
    /// <summary>Digest of the scope.</summary>
    public string? Scope { get; init; }

    /// <summary>Digest of the samples that were counted; null where a question is not of one set.</summary>
    public string? Samples { get; init; }
}

/// <summary>
/// What a principal may see: a set of samples, compiled from what is in force now, minus all samples withdrawn since. It is an operand
/// of every count. Immutable, any thread.
/// </summary>
internal sealed class Scope
{
    private readonly bool[] _visible;

    private Scope(bool[] visible) => _visible = visible;

    /// <summary>The scope of the store's owner: every sample that is not withdrawn.</summary>
    public static Scope Owner(Catalog.StoreCatalog catalog)
    {
        var (visible, sample) = (new bool[catalog.Samples.Count], 0);
#if PLANTED_WITHDRAWN_SEEN
        foreach (var entry in catalog.Samples) visible[sample++] = entry.WithdrawnVersion >= 0;
#else
        foreach (var entry in catalog.Samples) visible[sample++] = entry.WithdrawnVersion == 0;
#endif
        return new Scope(visible);
    }

    /// <summary>The rule that this scope follows, in words that never change: digests name it.</summary>
    public string Rule => "owner";

    public bool Sees(int sample) => _visible[sample];
}
