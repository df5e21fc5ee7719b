namespace Warehouse.Engine.Access;

/// <summary>What somebody is in the organisation. A role alone shows no data: grants do, and they may name roles.</summary>
public enum Role
{
    /// <summary>Answers for the laboratory.</summary>
    LabDirector,

    /// <summary>Reviews and signs.</summary>
    Reviewer,

    /// <summary>Interprets cases.</summary>
    Analyst,

    /// <summary>Asks for figures of cohorts.</summary>
    Researcher,

    /// <summary>Cares for patients.</summary>
    Clinician,

    /// <summary>Grants access, and reads no data.</summary>
    DataSteward,

    /// <summary>Reads the audit log, and nothing else.</summary>
    Auditor,

    /// <summary>Runs the machine, and sees no data.</summary>
    Operator,

    /// <summary>Another site's warehouse.</summary>
    Spoke,
}

/// <summary>How much of a sample's data an answer may give. What is granted at a level is not granted at the ones before it.</summary>
public enum Detail
{
    /// <summary>Whether at least k samples carry a variant.</summary>
    Exists,

    /// <summary>Figures of cohorts, under the rules of release.</summary>
    Aggregate,

    /// <summary>Exact figures, who carries, genotypes.</summary>
    Record,

    /// <summary>Which person a sample is of.</summary>
    Linkage,
}

/// <summary>
/// Somebody who was authenticated, as the credential says it, never as a request says it. Immutable.
/// </summary>
public sealed record Caller
{
    /// <summary>
    /// Never reused name: <c>oidc:ISSUER|SUBJECT</c>, <c>cert:</c> and the lower-case hexadecimal SHA-256 of the certificate's public key
    /// (SubjectPublicKeyInfo), or <c>local:</c> and an account of the machine.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>Roles that the identity provider or the directory states; those that the policy assigns to <see cref="Id"/> or to a group come on top.</summary>
    public IReadOnlySet<Role> Roles { get; init; } = new HashSet<Role>();

    /// <summary>Groups that the identity provider or the directory states.</summary>
    public IReadOnlySet<string> Groups { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Further attributes that the identity provider states (department, site): name to value.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A second factor was shown (<c>acr</c> or <c>amr</c>), or a key that only its owner has.</summary>
    public bool HasSecondFactor { get; init; }

    /// <summary>A machine, not a person: other limits of load hold.</summary>
    public bool IsService { get; init; }
}
