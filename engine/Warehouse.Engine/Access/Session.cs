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
    /// <summary>The principal that events name; for local commands the account that runs them, for a <see cref="Caller"/> its id.</summary>
    public string Principal { get; init; } = "owner";

    /// <summary>Who was authenticated; null = the store's owner, who sees every sample that is not withdrawn.</summary>
    public Caller? Caller { get; init; }

    /// <summary>Registered project on whose behalf a caller asks; research needs one.</summary>
    public string? Project { get; init; }

    /// <summary>The one level of detail at which the session answers: what a caller sees at others does not matter to it.</summary>
    public Detail Detail { get; init; } = Detail.Record;

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

    /// <summary>Version of the policy by which the scope was compiled; null for the owner, whom none binds.</summary>
    public long? Policy { get; init; }

    /// <summary>Digest of the samples that were counted; null where a question is not of one set.</summary>
    public string? Samples { get; init; }
}
