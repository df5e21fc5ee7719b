using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Warehouse.Tests.Rpc;

/// <summary>A client that writes HTTP/2 frames by hand, right ones and wrong ones. Blocking; a server that says nothing for 30 seconds fails the test.</summary>
internal sealed class RawConnection : IDisposable
{
    public const byte Data = 0, HeadersFrame = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4;

    private const int LargestFrame = 16384;

    private readonly TcpClient _tcp = new(AddressFamily.InterNetwork) { ReceiveTimeout = 30_000, SendTimeout = 30_000, NoDelay = true };
    private readonly Stream _stream;

    /// <summary>Connects in clear text; with settings when it is to speak HTTP/2.</summary>
    public RawConnection(int port, bool speaksHttp2 = true, int initialWindow = 65535)
    {
        _tcp.Connect(IPAddress.Loopback, port);
        _stream = _tcp.GetStream();
        if (speaksHttp2) Begin(initialWindow);
    }

    /// <summary>Connects over TLS, whoever the server is, and shows a certificate.</summary>
    /// <param name="port">Its port on this machine.</param>
    /// <param name="shown">The certificate with its key; null = none is shown.</param>
    /// <param name="initialWindow">Bytes that a reply may have before the client says that it takes more.</param>
    /// <param name="speaksHttp2">Whether it agrees on HTTP/2 and begins it; else it offers no protocol and says nothing.</param>
    public RawConnection(int port, X509Certificate2? shown, int initialWindow = 65535, bool speaksHttp2 = true)
    {
        _tcp.Connect(IPAddress.Loopback, port);
        var tls = new SslStream(_tcp.GetStream(), leaveInnerStreamOpen: false);
        _stream = tls;
        try
        {
            tls.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost", ApplicationProtocols = speaksHttp2 ? [SslApplicationProtocol.Http2] : null, ClientCertificates = shown is null ? null : [shown], RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            });
            if (speaksHttp2) Begin(initialWindow);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Send(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    /// <summary>Sends bytes as long as the server takes them; false when it has closed the connection, takes none for too long, or this side has closed it.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Send(bytes);
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return false;
        }
    }

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8 | type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public void SendFrame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload) => Send(Frame(type, flags, stream, payload));

    /// <summary>Header fields, none of them compressed.</summary>
    public static byte[] Fields(params (string Name, string Value)[] fields)
    {
        var block = new List<byte>();
        foreach (var (name, value) in fields)
        {
            block.Add(0);
            foreach (var text in new[] { name, value })
            {
                // A length in 7 bits, and what is above them in further bytes of 7.
                var rest = Encoding.UTF8.GetByteCount(text);
                block.Add((byte)Math.Min(rest, 127));
                if (rest >= 127)
                {
                    for (rest -= 127; rest >= 128; rest >>= 7) block.Add((byte)(rest & 127 | 128));
                    block.Add((byte)rest);
                }
                block.AddRange(Encoding.UTF8.GetBytes(text));
            }
        }
        return [.. block];
    }

    /// <summary>Fields of a call, of a method of the test service by its name and in clear text, of any other by its path and over TLS; more ones come behind, and replace those of their name.</summary>
    public static byte[] CallFields(string method, params (string Name, string Value)[] more)
    {
        var isPath = method.StartsWith('/');
        (string Name, string Value)[] usual = [(":method", "POST"), (":scheme", isPath ? "https" : "http"), (":path", isPath ? method : "/grpc.testing.TestService/" + method), (":authority", "localhost"), ("te", "trailers"), ("content-type", "application/grpc")];
        return Fields([.. usual.Where(u => more.All(m => m.Name != u.Name)).Concat(more).OrderBy(f => f.Name.StartsWith(':') ? 0 : 1)]);
    }

    /// <summary>Opens a call, with a whole body when one is given.</summary>
    public void Call(int stream, string method, ReadOnlySpan<byte> body, bool isWhole = true, params (string Name, string Value)[] more)
    {
        SendFrame(HeadersFrame, EndHeaders, stream, CallFields(method, more));
        for (; body.Length > LargestFrame; body = body[LargestFrame..]) SendFrame(Data, 0, stream, body[..LargestFrame]);
        if (body.Length > 0 || isWhole) SendFrame(Data, isWhole ? EndStream : (byte)0, stream, body);
    }

    /// <summary>The next frame, or null when the connection is closed.</summary>
    public (byte Type, byte Flags, int Stream, byte[] Payload)? Read()
    {
        if (Receive(9) is not { } head || Receive(BinaryPrimitives.ReadInt32BigEndian(head) >>> 8) is not { } payload) return null;
        return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
    }

    /// <summary>How a call ends: its gRPC status as a number, its HTTP status behind "http", "reset" with an error, "goaway" with one, or "closed".</summary>
    public string End(int stream)
    {
        var text = "";
        while (Read() is var (type, flags, of, payload))
        {
            if (type == GoAway) return $"goaway {BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4))}";
            if (of != stream) continue;
            if (type == Reset) return $"reset {BinaryPrimitives.ReadInt32BigEndian(payload)}";
            if (type == HeadersFrame) text += Encoding.Latin1.GetString(payload);
            if ((flags & EndStream) == 0 || type is not (Data or HeadersFrame)) continue;
            LastFields = text;
            var at = text.IndexOf("grpc-status", StringComparison.Ordinal);
            if (at >= 0) return text.Substring(at + "grpc-status".Length + 1, text[at + "grpc-status".Length]);
            var http = new[] { "405", "415", "431", "400" }.FirstOrDefault(text.Contains);
            return $"http {http}";
        }
        return "closed";
    }

    /// <summary>Header blocks of the last call that ended, as they came.</summary>
    public string LastFields { get; private set; } = "";

    /// <summary>Reads until the connection is closed, and returns all that came.</summary>
    public byte[] ReadToEnd()
    {
        var all = new MemoryStream();
        while (Receive(1) is { } next) all.Write(next);
        return all.ToArray();
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _tcp.Dispose();
    }

    /// <summary>The preface and the settings: no table of header fields, so that answers can be read without one; and the window of streams.</summary>
    private void Begin(int initialWindow)
    {
        Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        byte[] settings = [0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(8), initialWindow);
        SendFrame(Settings, 0, 0, settings);
    }

    private static bool IsTimeout(IOException failure) => failure.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock };

    private byte[]? Receive(int count)
    {
        var buffer = new byte[count];
        try
        {
            for (var at = 0; at < count;)
            {
                var read = _stream.Read(buffer, at, count - at);
                if (read == 0) return null;
                at += read;
            }
        }
        catch (IOException e) when (!IsTimeout(e))
        {
            return null;
        }
        return buffer;
    }
}
