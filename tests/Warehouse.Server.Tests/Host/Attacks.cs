using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using static Warehouse.Tests.Rpc.RawConnection;
using RawConnection = Warehouse.Tests.Rpc.RawConnection;

namespace Warehouse.Server.Tests.Host;

/// <summary>What became of an attack.</summary>
/// <param name="Connections">Connections on which it began.</param>
/// <param name="Refused">Connections that the server did not take.</param>
/// <param name="Dropped">Connections that the server closed, or on which it ended what was begun.</param>
/// <param name="Sent">What was sent on all of them: frames, or calls.</param>
internal readonly record struct AttackEnd(int Connections, int Refused, int Dropped, long Sent);

/// <summary>
/// What somebody with a good certificate can do to a listener by frames alone (F61), over TLS. Each goes on until the server ends it; told to repeat, it begins anew until it is
/// stopped. Blocking: a thread for each.
/// </summary>
/// <param name="port">The server's, on this machine.</param>
/// <param name="certificate">Whose it is; null = the attacker shows none.</param>
internal sealed class Attacks(int port, X509Certificate2? certificate) : IDisposable
{
    /// <summary>Connections of a slow client.</summary>
    public const int Slow = 1000;

    private const string Stream = "/warehouse.v1.Variants/SeenStream", Listing = "/warehouse.v1.Variants/Frequencies";

    /// <summary>So much on one connection is enough where the server takes it, which it ought not to.</summary>
    private const long MostBytes = 16 << 20;

    /// <summary>A listing of all samples for operations: field 1, of which field 1 is 2.</summary>
    private static readonly byte[] Asked = [0, 0, 0, 0, 4, 0x0a, 0x02, 0x08, 0x02];

    private static readonly byte[] Pings = [.. Enumerable.Repeat(Frame(Ping, 0, 0, new byte[8]), 500).SelectMany(f => f)];
    private static readonly byte[] ManySettings = [.. Enumerable.Repeat(Frame(Settings, 0, 0, [0, 3, 0, 0, 0, 9]), 500).SelectMany(f => f)];

    private readonly Lock _gate = new();
    private readonly List<RawConnection> _open = [];
    private int _connections, _refused, _dropped;
    private long _sent;
    private volatile bool _isStopped;

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyDictionary<string, Action<Attacks>> All { get; } = new Dictionary<string, Action<Attacks>>(StringComparer.Ordinal)
    {
        ["rapid reset"] = a => a.Flood(n => [.. Frame(HeadersFrame, EndHeaders, (2 * n) + 1, CallFields(Stream)), .. Frame(Reset, 0, (2 * n) + 1, [0, 0, 0, 8])]),
        ["headers without end"] = a => a.Flood(n => n == 0 ? Frame(HeadersFrame, 0, 1, CallFields(Stream)) : Frame(Continuation, 0, 1, Fields(("x-large", new string('y', 8000))))),
        ["large headers"] = a => a.Flood(n => [.. Frame(HeadersFrame, 0, (2 * n) + 1, CallFields(Stream, ("x-large", new string('y', 12_000)))), .. Frame(Continuation, EndHeaders, (2 * n) + 1, Fields(("x-larger", new string('y', 12_000))))]),
        ["pings"] = a => a.Flood(_ => Pings),
        ["settings"] = a => a.Flood(_ => ManySettings),
        ["slow headers"] = a => a.Slowly(),
        ["window of nothing"] = a => a.Hold(),
    };

    /// <summary>What became of it so far.</summary>
    public AttackEnd End => new(_connections, _refused, _dropped, _sent);

    /// <summary>Runs one to its end, or again and again until this is disposed of.</summary>
    public void Run(string name, bool repeats = false)
    {
        do All[name](this);
        while (repeats && !_isStopped);
    }

    /// <summary>Closes all connections: whatever waits on one ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopped = true;
            foreach (var connection in _open) connection.Dispose();
            _open.Clear();
        }
    }

    /// <summary>Sends on one connection until the server takes no more.</summary>
    private void Flood(Func<int, byte[]> next)
    {
        using var connection = Connect();
        if (connection is null) return;
        // Somebody reads, so that the server does not wait for that; what it says does not matter.
        var reading = new Thread(() => ReadAll(connection)) { IsBackground = true };
        reading.Start();
        var (bytes, isTaken) = (0L, true);
        for (var sent = 0; bytes < MostBytes; sent++)
        {
            var some = next(sent);
            if (!(isTaken = connection.TrySend(some))) break;
            (bytes, _sent) = (bytes + some.Length, _sent + 1);
        }
        if (!isTaken && !_isStopped) _dropped++;
        connection.Dispose();
        reading.Join();
    }

    /// <summary>Begins the headers of a call on many connections, ends them on none, and waits until the server has closed all.</summary>
    private void Slowly()
    {
        var mine = new List<RawConnection>();
        for (var i = 0; i < Slow && !_isStopped; i++)
        {
            if (Connect() is not { } connection) continue;
            mine.Add(connection);
            if (connection.TrySend(Frame(HeadersFrame, 0, 1, CallFields(Stream)))) _sent++;
        }
        // One that the server leaves open is enough to know that.
        var isClosed = true;
        foreach (var connection in mine)
        {
            isClosed = isClosed && ReadAll(connection);
            if (isClosed && !_isStopped) _dropped++;
            connection.Dispose();
        }
    }

    /// <summary>Asks for listings and says that it takes no byte of them, until the server has ended each.</summary>
    private void Hold()
    {
        const int Calls = 8;
        using var connection = Connect(initialWindow: 0);
        if (connection is null) return;
        try
        {
            for (var i = 0; i < Calls; i++) connection.Call((2 * i) + 1, Listing, Asked);
            _sent += Calls;
            for (var i = 0; i < Calls && !_isStopped; i++)
                if (connection.End((2 * i) + 1) is var end && !char.IsAsciiDigit(end[0]) && !_isStopped) _dropped++; // without a status, so that it was cut
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // Closed, by the server or here, which a stream of TLS says in its own way.
        }
    }

    /// <summary>A connection; null when the server takes none.</summary>
    private RawConnection? Connect(int initialWindow = 65535)
    {
        try
        {
            var connection = new RawConnection(port, certificate, initialWindow);
            lock (_gate)
            {
                if (!_isStopped)
                {
                    _open.Add(connection);
                    _connections++;
                    return connection;
                }
            }
            connection.Dispose();
        }
        catch (Exception e) when (e is IOException or AuthenticationException or System.Net.Sockets.SocketException)
        {
            _refused++;
        }
        return null;
    }

    /// <summary>Reads to the end; false when the server leaves the connection open, or this side has closed it.</summary>
    private static bool ReadAll(RawConnection connection)
    {
        try
        {
            while (connection.Read() is not null) continue;
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return false;
        }
    }
}
