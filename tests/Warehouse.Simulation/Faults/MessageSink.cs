using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// A receiver of the webhook's messages on this machine, that checks their signature and can kill who sends: when a message has come and is not answered, or when it was. One connection at a time.
/// </summary>
internal sealed class MessageSink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Thread _thread;
    private readonly bool _forgets;
    private int _count, _left;
    private bool _beforeAnswer;

    internal MessageSink(bool forgets)
    {
        _forgets = forgets;
        _listener.Start();
        Address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/alerts");
        _thread = new Thread(Serve) { IsBackground = true, Name = "message sink" };
        _thread.Start();
    }

    /// <summary>The secret that signs.</summary>
    internal static byte[] Secret { get; } = Encoding.ASCII.GetBytes("a secret of the harness, of no use elsewhere");

    internal string Address { get; }

    /// <summary>How often each message came, by its own id; not those of the self-test.</summary>
    internal ConcurrentDictionary<string, int> Received { get; } = new(StringComparer.Ordinal);

    /// <summary>Which alerts messages came about.</summary>
    internal ConcurrentDictionary<string, bool> Alerts { get; } = new(StringComparer.Ordinal);

    /// <summary>Who sends.</summary>
    internal Process? Process { get; set; }

    /// <summary>Kills at the n-th message from now on; 0 = not at all.</summary>
    internal void KillAt(int message, bool beforeAnswer) => (_beforeAnswer, _left) = (beforeAnswer, message);

    public void Dispose()
    {
        _listener.Stop();
        _thread.Join();
    }

    private void Serve()
    {
        try
        {
            while (true)
            {
                using var client = _listener.AcceptTcpClient();
                using var stream = client.GetStream();
                try
                {
                    while (TryTake(stream)) { }
                }
                catch (IOException)
                {
                    // Who sent was killed.
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener was stopped.
        }
    }

    /// <summary>Takes one request of a connection; false at its end.</summary>
    private bool TryTake(NetworkStream stream)
    {
        var (bytes, end) = (new List<byte>(), -1);
        var buffer = new byte[4096];
        while ((end = Text(bytes).IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            var read = stream.Read(buffer);
            if (read == 0) return false;
            bytes.AddRange(buffer.AsSpan(0, read));
        }
        var headers = Text(bytes)[..end].Split("\r\n").Skip(1).Select(l => l.Split(": ", 2)).ToDictionary(l => l[0], l => l[1], StringComparer.OrdinalIgnoreCase);
        var length = int.Parse(headers["Content-Length"], CultureInfo.InvariantCulture);
        while (bytes.Count < end + 4 + length)
        {
            var read = stream.Read(buffer);
            if (read == 0) return false;
            bytes.AddRange(buffer.AsSpan(0, read));
        }
        var body = bytes.Skip(end + 4).Take(length).ToArray();
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{headers["webhook-id"]}.{headers["webhook-timestamp"]}."), .. body];
        var isSigned = headers["webhook-signature"] == "v1," + Convert.ToBase64String(HMACSHA256.HashData(Secret, signed));
        if (isSigned && !Encoding.UTF8.GetString(body).Contains("\"selfTest\":true", StringComparison.Ordinal) && (!_forgets || ++_count % 3 > 0))
        {
            Received.AddOrUpdate(headers["webhook-id"], 1, (_, n) => n + 1);
            using var json = JsonDocument.Parse(body);
            Alerts[json.RootElement.GetProperty("id").GetString()!] = true;
        }
        var kills = _left > 0 && --_left == 0;
        if (kills && _beforeAnswer) Kill();
        stream.Write(Encoding.ASCII.GetBytes($"HTTP/1.1 {(isSigned ? "204 No Content" : "401 Unauthorized")}\r\nContent-Length: 0\r\n\r\n"));
        if (kills && !_beforeAnswer) Kill();
        return true;
    }

    private void Kill()
    {
        try
        {
            Process?.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }

    private static string Text(List<byte> bytes) => Encoding.ASCII.GetString([.. bytes]);
}
