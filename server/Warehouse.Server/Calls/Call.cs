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
    private readonly ScanAllowance? _allowance;
    private SessionKey? _key;
    private Session? _session;

    public Call(StoreHost host, Authenticated who, (AuditCall Audit, ScanAllowance? Allowance) has, CancellationToken stop) => (_host, Who, Audit, _allowance, Stop) = (host, who, has.Audit, has.Allowance, stop);

    /// <summary>Who calls.</summary>
    public Authenticated Who { get; }

    /// <summary>Its entries in the audit log.</summary>
    public AuditCall Audit { get; }

    /// <summary>Says that nobody waits for the answer any more.</summary>
    public CancellationToken Stop { get; }

    /// <summary>The call only waits: what it goes on to say is no use of the session.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>Bytes of the answer so far.</summary>
    public long Bytes { get; set; }

    /// <summary>The level of the answer; null where it has none.</summary>
    public Detail? Level => _key?.Detail;

    /// <summary>The session, once <see cref="Ask"/> has been called, for whoever looks at the call beside it; null = it has none, and some need none.</summary>
    public Session? Asked => Volatile.Read(ref _session);

    /// <summary>The session, once <see cref="Ask"/> has been called.</summary>
    public Session Session => _session!;

    /// <summary>
    /// Opens the session of what a request says, at the level that it asks for. What it answers is in the audit log with the snapshot, scope and
    /// policy of this session.
    /// </summary>
    /// <param name="asking">Purpose, snapshot, level, project.</param>
    /// <param name="isListing">Whether much is asked at once.</param>
    /// <remarks>At the level record alone: below it figures leave by the rules of release, and <see cref="AskAtLevel"/> is for them.</remarks>
    public Session Ask(V1.Asking asking, bool isListing = false) =>
        DetailOf(asking) is var detail && detail < Detail.Record ? throw Refusals.BadRequest("detail") : Open(asking, detail, isListing);

    /// <summary>The same at any level: for answers that have no figure of samples in them, and for those that the rules of release judge.</summary>
    public Session AskAtLevel(V1.Asking asking, bool isListing = false) => Open(asking, asking.Detail == V1.Detail.Unspecified ? MostOf(asking, isListing) : DetailOf(asking), isListing);

    /// <summary>
    /// What a request says, with the level at which it is answered: where it names none, the one of record, aggregate and exists that shows most and is granted for the purpose.
    /// Where none is, that is the level record, which is then refused.
    /// </summary>
    public V1.Asking Settle(V1.Asking? asking, bool isListing = false)
    {
        if (asking is { Detail: not V1.Detail.Unspecified }) return asking;
        var settled = asking?.Clone() ?? new();
        settled.Detail = Wire.Of(MostOf(settled, isListing));
        return settled;
    }

    /// <summary>The same at the level linkage, whether the request names it or no level.</summary>
    public Session AskForLinkage(V1.Asking asking) =>
        asking.Detail is V1.Detail.Linkage or V1.Detail.Unspecified ? Open(asking, Detail.Linkage, isListing: false) : throw Refusals.BadRequest("detail");

    /// <summary>The level for a request that names none. Mostly it is record, so its session is opened, and there when it is asked for.</summary>
    private Detail MostOf(V1.Asking asking, bool isListing)
    {
        try
        {
            Open(asking, Detail.Record, isListing);
            return Detail.Record;
        }
        catch (AccessRefusedException refused) when (refused.Rule == AccessRefusedException.NotGrantedRule)
        {
            var asked = new SessionOptions { Caller = Who.Caller, Purpose = PurposeOf(asking), Project = asking.Project.Length == 0 ? null : asking.Project };
            var open = _host.Ask(store => store.LevelsOf(asked)).Open;
            if (open.Contains(Detail.Aggregate)) return Detail.Aggregate;
            if (open.Contains(Detail.Exists)) return Detail.Exists;
            throw;
        }
    }

    private Session Open(V1.Asking asking, Detail detail, bool isListing)
    {
        var key = new SessionKey(_host.NameOf(Who.Caller), PurposeOf(asking), asking.Project.Length == 0 ? null : asking.Project, detail, asking.HasSnapshot ? asking.Snapshot : null, isListing);
        if (_session is { } there && key == _key) return there;
        _session?.Dispose();
        // Where the next cannot be had there is none: the one before would be given back as what it is not.
        (_key, _session) = (key, null);
        _session = _host.Borrow(_key, Who.Caller);
        _session.Allowance = _allowance;
        _session.Shown = Audit.Shows;
        Audit.Asks(_session.Snapshot, null, null, PolicyOf(_session));
        return _session;
    }

    /// <summary>The context of the last question, for the answer; its digests go to the audit log too.</summary>
    /// <param name="epoch">Release epoch of the answer; 0 = it is none of the levels below record.</param>
    public V1.AnswerContext Context(long epoch = 0)
    {
        var context = Session.AnsweredFrom ?? throw new InvalidOperationException("nothing was asked yet");
        Audit.Asks(context.Snapshot, context.ScopeDigest, context.SamplesDigest.Length == 0 ? null : context.SamplesDigest, PolicyOf(Session));
        var wire = Wire.Of(context, Session);
        wire.Epoch = epoch;
        // Whom an answer was over is not told below the level record: a set of samples can be guessed from its digest (C24).
        if (Session.Detail < Engine.Access.Detail.Record) wire.SamplesDigest = wire.WithdrawnDigest = "";
        return wire;
    }

    /// <summary>Gives the session back, to serve another call: when this one ended well.</summary>
    public void Release()
    {
        if (_session is { } session)
        {
            (session.Shown, session.Allowance) = (null, null); // the next call has an entry of its own
            _host.Return(_key!, session);
        }
        _session = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session?.Dispose();
        _session = null;
        Audit.Dispose();
    }

    private static string? PolicyOf(Session session) => session.PolicyVersion?.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The purpose that a request states.</summary>
    public static Purpose PurposeOf(V1.Asking asking) => asking.Purpose switch
    {
        V1.Purpose.Treatment => Purpose.Treatment, V1.Purpose.Operations => Purpose.Operations, V1.Purpose.Research => Purpose.Research, _ => throw Refusals.BadRequest("purpose"),
    };

    /// <summary>The level that a request asks to be answered at. What is of variants is not answered at the level linkage.</summary>
    public static Detail DetailOf(V1.Asking asking) => asking.Detail is V1.Detail.Linkage ? throw Refusals.Unserved("no-linkage") : LevelOf(asking);

    /// <summary>The level that a request names, whether or not anything is answered at it; record where it names none.</summary>
    public static Detail LevelOf(V1.Asking asking) => asking.Detail switch
    {
        V1.Detail.Linkage => Engine.Access.Detail.Linkage, V1.Detail.Exists => Detail.Exists, V1.Detail.Aggregate => Detail.Aggregate, V1.Detail.Record or V1.Detail.Unspecified => Detail.Record, _ => throw Refusals.BadRequest("detail"),
    };
}
