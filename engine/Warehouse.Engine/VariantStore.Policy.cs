using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    private (long Version, Policy Policy)? _policy;

    /// <summary>The policy in force: that of the newest version, whatever snapshot is asked.</summary>
    /// <exception cref="DamagedStoreException">It cannot be read: then nothing is answered.</exception>
    public Policy Policy()
    {
        _folder.Refresh();
        return PolicyNow();
    }

    /// <summary>Now, by the clock, and never before the newest commit: a clock that is set back brings nothing back that was over by then.</summary>
    public DateTimeOffset NowUtc => _folder.Clock.GetUtcNow() is var now && now > _folder.Current.CreatedUtc ? now : _folder.Current.CreatedUtc;

    /// <summary>Grants; returns the entry's number. Not in force before somebody else has approved it.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">The request makes no sense.</exception>
    public int Grant(AccessActor actor, GrantRequest request) => Change(actor, editor => editor.Grant(request));

    /// <summary>Asks for an elevation; returns the entry's number. Not in force before somebody else has approved it, and over at its end in any case.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">The request makes no sense.</exception>
    public int Elevate(AccessActor actor, GrantRequest request) => Change(actor, editor => editor.Elevate(request));

    /// <summary>Opens the samples of one person in an emergency; returns the entry's number. In force at once, for callers with a second factor; somebody else has to review it within 72 hours.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">The request makes no sense.</exception>
    public int BreakGlass(AccessActor actor, BreakGlassRequest request) => Change(actor, editor => editor.BreakGlass(request));

    /// <summary>Assigns a role; returns the entry's number. Not in force before somebody else has approved it.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">The subject is no principal and no group.</exception>
    public int Assign(AccessActor actor, Subject subject, Role role) => Change(actor, editor => editor.Assign(subject, role));

    /// <summary>Registers a project; returns the entry's number. Not in force before somebody else has approved it.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">The request makes no sense.</exception>
    public int Register(AccessActor actor, ProjectRequest request) => Change(actor, editor => editor.Register(request));

    /// <summary>Changes bounds; returns the entry's number. Not in force before somebody else has approved it.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">A bound is out of range.</exception>
    public int Set(AccessActor actor, SettingsRequest request) => Change(actor, editor => editor.Set(request));

    /// <summary>Ends every assignment of a role to a subject, at once.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">There is none.</exception>
    public void Unassign(AccessActor actor, Subject subject, Role role) => Change(actor, editor => editor.Unassign(subject, role));

    /// <summary>Approves an entry that somebody else made.</summary>
    /// <exception cref="AccessRefusedException">The actor may not, made it himself, or it is for him.</exception>
    /// <exception cref="InputException">It does not wait for approval.</exception>
    public void Approve(AccessActor actor, int entry) => Change(actor, editor => editor.Approve(entry));

    /// <summary>Revokes an entry, at once.</summary>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    /// <exception cref="InputException">There is none, or it is revoked.</exception>
    public void Revoke(AccessActor actor, int entry) => Change(actor, editor => editor.Revoke(entry));

    /// <summary>Confirms in an access review that grants are still needed.</summary>
    /// <exception cref="AccessRefusedException">The actor may not, or one is for him.</exception>
    /// <exception cref="InputException">One is no grant that can be attested; none was.</exception>
    public void Attest(AccessActor actor, IReadOnlyCollection<int> entries) => Change(actor, editor => editor.Attest(entries));

    /// <summary>Says that a break-glass was looked into.</summary>
    /// <exception cref="AccessRefusedException">The actor may not, or broke the glass himself.</exception>
    /// <exception cref="InputException">It is no break-glass that waits for review.</exception>
    public void ReviewBreakGlass(AccessActor actor, int entry) => Change(actor, editor => editor.Review(entry));

    /// <summary>
    /// Whether all that a session sees is still granted by what is in force now. Streams ask again and again and end when it is not; a session
    /// never sees more than when it was opened.
    /// </summary>
    public bool StillGrants(Session session)
    {
        if (session.Granted.Options.Caller is not { } caller) return true;
        _folder.Refresh();
        if (_folder.Current.Version == session.View.Version && NowUtc < session.ValidUntilUtc) return true; // nothing was changed since, and nothing is over
        var (options, seen) = session.Granted;
        return seen.IsWithin(Scope.Of(PolicyNow(), new AccessQuestion(caller, options.Purpose, options.Project, NowUtc), Catalog()).At(options.Detail));
    }

    /// <summary>Whether a caller is granted all samples, whichever come, for what he asks: then what was once counted over everybody may be told to him, whoever was withdrawn since.</summary>
    public bool CoversAll(SessionOptions asked) => BoundsOf(asked).CoversAll;

    private Scope BoundsOf(SessionOptions asked)
    {
        _folder.Refresh();
        return Scope.Of(PolicyNow(), new AccessQuestion(asked.Caller ?? throw new ArgumentException("nothing is hidden from the owner", nameof(asked)), asked.Purpose, asked.Project, NowUtc), Catalog()).At(asked.Detail);
    }

    /// <summary>Why a caller is refused, or how his answers are bounded, without telling what is hidden.</summary>
    /// <param name="actor">Who wants to know: the caller himself, or somebody who may read the policy.</param>
    /// <param name="asked">What the caller asks.</param>
    /// <exception cref="AccessRefusedException">The actor may not.</exception>
    public IReadOnlyList<AccessReason> Explain(AccessActor actor, SessionOptions asked)
    {
        _folder.Refresh();
        var (policy, caller) = (PolicyNow(), asked.Caller ?? throw new ArgumentException("the owner is bound by no policy", nameof(asked)));
        if (actor.Caller?.Id != caller.Id) policy.Require(actor, Permission.ReadPolicy);
        return Explanation.Of(policy, new AccessQuestion(caller, asked.Purpose, asked.Project, NowUtc), asked.Detail, Catalog());
    }

    private Policy PolicyNow()
    {
        var manifest = _folder.Current;
        if (_policy is { } known && known.Version == manifest.Version) return known.Policy;
        try
        {
            _policy = (manifest.Version, PolicyCodec.Decode(_folder.TryReadPart(manifest, PolicyCodec.Part)));
        }
        catch (Exception bad) when (bad is InvalidDataException or ArgumentException or OverflowException)
        {
            throw new DamagedStoreException(PolicyCodec.Part, bad.Message, bad);
        }
        return _policy.Value.Policy;
    }

    /// <summary>One change in one commit; returns the number of the last entry.</summary>
    private int Change(AccessActor actor, Func<PolicyEditor, Policy> change)
    {
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        var next = change(new PolicyEditor(PolicyNow(), Catalog(), actor, commit.TimeUtc, commit.Version));
        commit.SetPart(PolicyCodec.Part, PolicyCodec.Encode(next));
        commit.Publish();
        _folder.Refresh();
        return next.Entries.Count;
    }

    /// <summary>What a session may see: everything for the owner, what is in force now for a caller.</summary>
    /// <exception cref="AccessRefusedException">The caller sees nothing at the level that he asks for.</exception>
    private Scope ScopeOf(SessionOptions asked)
    {
        if (asked.Caller is not { } caller) return Scope.Owner(Catalog(), OwnersK()).At(asked.Detail);
        var policy = PolicyNow();
        var question = new AccessQuestion(caller, asked.Purpose, asked.Project, NowUtc);
        var scope = Scope.Of(policy, question, Catalog()).At(asked.Detail);
        if (!scope.IsEmpty) return scope;
        var roles = policy.RolesOf(caller);
        if (roles.Overlaps(Access.Policy.BlindRoles)) throw AccessRefusedException.BlindRole();
        throw Scope.IsOnBehalf(policy, question, roles, out _) ? AccessRefusedException.NotGranted() : AccessRefusedException.Project();
    }

    /// <summary>The policy's k. A policy that cannot be read keeps the owner, whom it does not bind, from nothing: then it is the least that one may have.</summary>
    private int OwnersK()
    {
        try
        {
            return PolicyNow().Settings.K;
        }
        catch (DamagedStoreException)
        {
            return PolicySettings.LeastK;
        }
    }
}
