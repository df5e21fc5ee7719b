namespace Warehouse.Clinic.Assessments;

/// <summary>Where an assessment stands.</summary>
public enum AssessmentState
{
    /// <summary>Being written.</summary>
    Draft,

    /// <summary>Written; waits for a signature.</summary>
    InReview,

    /// <summary>Signed: what the laboratory says, until something else is signed.</summary>
    Signed,

    /// <summary>Another one was signed in its place.</summary>
    Superseded,

    /// <summary>Taken back, or never signed and given up.</summary>
    Retired,
}

/// <summary>What a signature means.</summary>
public enum SignatureMeaning
{
    /// <summary>The signer has looked at the evidence and approves what is said.</summary>
    Approved,

    /// <summary>The signer answers for it as the laboratory's director.</summary>
    Responsible,
}

/// <summary>An electronic signature under the content of an assessment.</summary>
/// <param name="By">Id of who signed.</param>
/// <param name="TimeUtc">When.</param>
/// <param name="Meaning">What it means.</param>
/// <param name="Reason">Why.</param>
/// <param name="ContentSha256">Digest of what was signed, in hexadecimal.</param>
public sealed record Signature(string By, DateTimeOffset TimeUtc, SignatureMeaning Meaning, string Reason, string ContentSha256)
{
    /// <summary>Nobody else could have signed, so its author did (the store's owner, while the policy names no reviewer and no director).</summary>
    public bool IsAlone { get; init; }
}

/// <summary>An assessment as it was from one of its events on. Immutable; none refers to a sample or a case, so none goes with one.</summary>
public sealed record Assessment
{
    /// <summary>Number of the event that began it; never given again.</summary>
    public required long Id { get; init; }

    /// <summary>How many events it has: 1 for the first draft.</summary>
    public required int Version { get; init; }

    /// <summary>Where it stands.</summary>
    public required AssessmentState State { get; init; }

    /// <summary>What it says.</summary>
    public required AssessmentContent Content { get; init; }

    /// <summary>Everybody who wrote content, in the order in which they came.</summary>
    public required IReadOnlyList<string> Authors { get; init; }

    /// <summary>Who made this version.</summary>
    public required string By { get; init; }

    /// <summary>When this version was made.</summary>
    public required DateTimeOffset TimeUtc { get; init; }

    /// <summary>The manifest version that it follows.</summary>
    public required long ManifestVersion { get; init; }

    /// <summary>Why it was sent back or retired; empty otherwise.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The signed assessment that it is to take the place of, or has taken.</summary>
    public long? Supersedes { get; init; }

    /// <summary>The assessment that was signed in its place.</summary>
    public long? SupersededBy { get; init; }

    /// <summary>The signature; null before it is signed. It stays when the assessment is superseded or retired.</summary>
    public Signature? Signature { get; init; }

    /// <summary>Whether somebody works on it.</summary>
    public bool IsOpen => State is AssessmentState.Draft or AssessmentState.InReview;
}
