using Google.Protobuf;
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
    /// <param name="epoch">Release epoch of the answer; 0 = it is none of the levels below record.</param>
    public V1.AnswerContext Context(long epoch = 0)
    {
        var context = Session.AnsweredFrom ?? throw new InvalidOperationException("nothing was asked yet");
        Audit.Asks(context.Snapshot, context.ScopeDigest, context.SamplesDigest);
        var wire = Wire.Of(context, Session);
        wire.Epoch = epoch;
        return wire;
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

    /// <summary>The level that a request asks for.</summary>
    public static Detail DetailOf(V1.Asking asking) => asking.Detail switch
    {
        V1.Detail.Exists => Detail.Exists, V1.Detail.Aggregate => Detail.Aggregate, V1.Detail.Record or V1.Detail.Unspecified => Detail.Record, _ => throw Refusals.BadRequest("detail"),
    };
}

/// <summary>The bytes of an answer that is a file, as messages: each full one waits until the client has room. No byte leaves before the call's entry is durable. Written by a thread of its own.</summary>
internal sealed class ChunkStream(Action<V1.Chunk> send, int chunkBytes) : Stream
{
    private readonly byte[] _buffer = new byte[chunkBytes];
    private int _used;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = Math.Min(buffer.Length, _buffer.Length - _used);
            buffer[..count].CopyTo(_buffer.AsSpan(_used));
            _used += count;
            buffer = buffer[count..];
            if (_used == _buffer.Length) Send();
        }
    }

    public override void Flush()
    {
    }

    /// <summary>Sends what is held back: the first bytes of an answer should not wait for a whole chunk, and the last ones are fewer.</summary>
    public void Send()
    {
        if (_used == 0) return;
        // The buffer is free again when the message has been written: the bytes are not kept.
        send(new V1.Chunk { Data = UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(0, _used)) });
        _used = 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
