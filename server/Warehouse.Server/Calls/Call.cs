using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Query;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>One call that was let in: who makes it, for what, the session it is answered from, and its place in the audit log. Of one thread at a time.</summary>
internal sealed class Call : IDisposable
{
    private readonly StoreHost _host;
    private SessionKey? _key;
    private Session? _session;

    public Call(StoreHost host, Authenticated who, AuditCall audit, CancellationToken stop) => (_host, Who, Audit, Stop) = (host, who, audit, stop);

    /// <summary>Who calls.</summary>
    public Authenticated Who { get; }

    /// <summary>Its entries in the audit log.</summary>
    public AuditCall Audit { get; }

    /// <summary>Says that nobody waits for the answer any more.</summary>
    public CancellationToken Stop { get; }

    /// <summary>Whether <see cref="Ask"/> has been called: some calls need no session.</summary>
    public bool HasAsked => _session is not null;

    /// <summary>The session, once <see cref="Ask"/> has been called.</summary>
    public Session Session => _session!;

    /// <summary>
    /// Opens the session of what a request says, at the level that it asks for. What it answers is in the audit log with the snapshot, scope and
    /// policy of this session.
    /// </summary>
    /// <param name="asking">Purpose, snapshot, level, project.</param>
    /// <param name="isListing">Whether much is asked at once.</param>
    public Session Ask(V1.Asking asking, bool isListing = false)
    {
        _key = new(_host.NameOf(Who.Caller), PurposeOf(asking), asking.Project.Length == 0 ? null : asking.Project, DetailOf(asking), asking.HasSnapshot ? asking.Snapshot : null, isListing);
        _session = _host.Borrow(_key, Who.Caller);
        Audit.Asks(_session.Snapshot, null, null);
        if (_session.PolicyVersion is { } policy) Audit.IsUnder(policy.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return _session;
    }

    /// <summary>The context of the last question, for the answer; its digests go to the audit log too.</summary>
    public V1.AnswerContext Context()
    {
        var context = Session.AnsweredFrom ?? throw new InvalidOperationException("nothing was asked yet");
        Audit.Asks(context.Snapshot, context.ScopeDigest, context.SamplesDigest);
        return Wire.Of(context, Session);
    }

    /// <summary>Gives the session back, to serve another call: when this one ended well.</summary>
    public void Release()
    {
        if (_session is { } session) _host.Return(_key!, session);
        _session = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session?.Dispose();
        _session = null;
        Audit.Dispose();
    }

    /// <summary>The purpose that a request states.</summary>
    public static Purpose PurposeOf(V1.Asking asking) => asking.Purpose switch
    {
        V1.Purpose.Treatment => Purpose.Treatment, V1.Purpose.Operations => Purpose.Operations, V1.Purpose.Research => Purpose.Research, _ => throw Refusals.BadRequest("purpose"),
    };

    private static Detail DetailOf(V1.Asking asking) => asking.Detail switch
    {
        V1.Detail.Exists => Detail.Exists, V1.Detail.Aggregate => Detail.Aggregate, V1.Detail.Record or V1.Detail.Unspecified => Detail.Record, _ => throw Refusals.BadRequest("detail"),
    };
}
