namespace Warehouse.Engine.Access;

/// <summary>By what a grant, an assignment or a project names whom it is for. The values are stored: do not renumber.</summary>
public enum SubjectKind
{
    /// <summary>One principal, by <see cref="Caller.Id"/>.</summary>
    Principal = 0,

    /// <summary>Everybody in a role.</summary>
    Role = 1,

    /// <summary>Everybody in a group that the identity provider or the directory states.</summary>
    Group = 2,

    /// <summary>Everybody of whom the identity provider states an attribute with a value.</summary>
    Attribute = 3,
}

/// <summary>Whom a grant, an assignment or a project is for. Immutable.</summary>
/// <param name="Kind">What <paramref name="Name"/> is.</param>
/// <param name="Name">The principal, the role in lower case with dashes, the group or the attribute; compared byte by byte.</param>
/// <param name="Value">The attribute's value; empty for the other kinds.</param>
public sealed record Subject(SubjectKind Kind, string Name, string Value = "")
{
    /// <summary>Longest name or value, characters.</summary>
    public const int MaxLength = 256;

    private const string RolePrefix = "role:", GroupPrefix = "group:", AttributePrefix = "attribute:";

    /// <summary>Reads <c>role:ROLE</c>, <c>group:NAME</c>, <c>attribute:NAME=VALUE</c>, or a principal: <c>oidc:ISSUER|SUBJECT</c>, <c>cert:SHA256</c>, <c>local:ACCOUNT</c>.</summary>
    /// <exception cref="InputException">It is none of these.</exception>
    public static Subject Parse(string text)
    {
        var subject = text switch
        {
            _ when text.StartsWith(RolePrefix, StringComparison.Ordinal) => new Subject(SubjectKind.Role, WordOf(RoleOf(text[RolePrefix.Length..]))),
            _ when text.StartsWith(GroupPrefix, StringComparison.Ordinal) => new Subject(SubjectKind.Group, text[GroupPrefix.Length..]),
            _ when text.StartsWith(AttributePrefix, StringComparison.Ordinal) && text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at => new Subject(SubjectKind.Attribute, text[AttributePrefix.Length..at], text[(at + 1)..]),
            _ when text.StartsWith("oidc:", StringComparison.Ordinal) || text.StartsWith("cert:", StringComparison.Ordinal) || text.StartsWith("local:", StringComparison.Ordinal) => new Subject(SubjectKind.Principal, text),
            _ => throw Unknown(),
        };
        return subject.IsSound ? subject : throw Unknown();
    }

    /// <summary>A role's word: <c>lab-director</c>.</summary>
    public static string WordOf(Role role) => role switch
    {
        Role.LabDirector => "lab-director", Role.Reviewer => "reviewer", Role.Analyst => "analyst", Role.Researcher => "researcher", Role.Clinician => "clinician",
        Role.DataSteward => "data-steward", Role.Auditor => "auditor", Role.Operator => "operator", Role.Spoke => "spoke", _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };

    /// <summary>The role of a word.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static Role RoleOf(string word)
    {
        foreach (var role in Enum.GetValues<Role>())
            if (WordOf(role) == word) return role;
        throw new InputException("access-role", $"not a role; there are: {string.Join(", ", Enum.GetValues<Role>().Select(WordOf))}", InputPlace.None);
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() => Kind switch
    {
        SubjectKind.Role => RolePrefix + Name, SubjectKind.Group => GroupPrefix + Name, SubjectKind.Attribute => $"{AttributePrefix}{Name}={Value}", _ => Name,
    };

    /// <summary>Has a name, and nothing in it that a terminal would obey.</summary>
    internal bool IsSound => Name.Length is > 0 and <= MaxLength && Value.Length <= MaxLength && (Kind == SubjectKind.Attribute || Value.Length == 0) && !Name.Any(char.IsControl) && !Value.Any(char.IsControl);

    /// <summary>Whether it names a caller, who has these roles.</summary>
    internal bool Matches(Caller caller, IReadOnlySet<Role> roles) => Kind switch
    {
        SubjectKind.Principal => caller.Id == Name,
        SubjectKind.Role => roles.Any(r => WordOf(r) == Name),
        SubjectKind.Group => caller.Groups.Contains(Name),
        SubjectKind.Attribute => caller.Attributes.TryGetValue(Name, out var value) && value == Value,
        _ => false,
    };

    private static InputException Unknown() =>
        new("access-subject", $"expected role:ROLE, group:NAME, attribute:NAME=VALUE, or a principal (oidc:ISSUER|SUBJECT, cert:SHA256, local:ACCOUNT) of at most {MaxLength} characters", InputPlace.None);
}
