using Warehouse.Engine.Access;

namespace Warehouse.Cli;

/// <summary>What became of a change of the policy.</summary>
/// <param name="Entry">Number of the entry that it is about; 0 = it is about none, or several.</param>
/// <param name="State">Where that one stands.</param>
/// <param name="Version">Version of the store with the change.</param>
internal sealed record PolicyChange(int Entry, EntryState? State, long Version);

/// <summary>A question that nobody asks: it is wanted to know what somebody would be told.</summary>
/// <param name="Subject">Who, with what his identity provider states of him; null = whoever asks a server, as he is known there.</param>
/// <param name="Purpose">Purpose of the question.</param>
/// <param name="Detail">Its level.</param>
/// <param name="Project">Its project, or null.</param>
internal sealed record ExplainedQuestion(Caller? Subject, Purpose Purpose, Detail Detail, string? Project);

/// <summary>
/// The policy that a line is about, and changes of it: of a store that lies here in the name of its owner, or of a server in the name of whoever calls it. The owner names whom
/// an elevation or a break-glass is for; at a server it is for whoever calls, whatever the request says. One thread.
/// </summary>
internal interface IAccess
{
    /// <summary>The settings in force, and the release epoch that is open.</summary>
    (PolicySettings Settings, ReleaseEpoch? Epoch) Settings { get; }

    /// <summary>Entries with where they stand, by number; without those that are over unless all are wanted. A server lists those that whoever asks may read.</summary>
    IReadOnlyList<(PolicyEntry Entry, EntryState State)> Entries(bool all);

    /// <summary>What a review has to look at, each with what became of the page about it; null = there is none.</summary>
    IReadOnlyList<(ReviewFinding Finding, string? Page)> Review();

    /// <summary>Why somebody is refused, or how his answers are bounded.</summary>
    IReadOnlyList<AccessReason> Explain(ExplainedQuestion question);

    /// <summary>Grants.</summary>
    PolicyChange Grant(GrantRequest request);

    /// <summary>Asks for more for so many minutes; null = as long as the settings allow.</summary>
    PolicyChange Elevate(GrantRequest request, int? minutes);

    /// <summary>Breaks the glass.</summary>
    PolicyChange BreakGlass(BreakGlassRequest request);

    /// <summary>Approves an entry.</summary>
    PolicyChange Approve(int entry);

    /// <summary>Revokes an entry.</summary>
    PolicyChange Revoke(int entry);

    /// <summary>Attests grants.</summary>
    PolicyChange Attest(IReadOnlyCollection<int> entries);

    /// <summary>Gives a role.</summary>
    PolicyChange Assign(Subject subject, Role role);

    /// <summary>Takes a role.</summary>
    PolicyChange Unassign(Subject subject, Role role);

    /// <summary>Registers a project.</summary>
    PolicyChange Register(ProjectRequest request);

    /// <summary>Changes bounds.</summary>
    PolicyChange Set(SettingsRequest request);

    /// <summary>Says that a break-glass was looked into.</summary>
    PolicyChange ReviewBreakGlass(int entry);

    /// <summary>Opens a release epoch, of a version or of the newest.</summary>
    PolicyChange OpenEpoch(long? snapshot);
}
