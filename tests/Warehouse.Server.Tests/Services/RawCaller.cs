using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;

namespace Warehouse.Server.Tests.Services;

/// <summary>How a call ended, for its client.</summary>
/// <param name="Code">Its status; null = it was reset.</param>
/// <param name="Text">The text of the status.</param>
/// <param name="Bytes">How many bytes came.</param>
internal sealed record RawAnswer(StatusCode? Code, string Text, long Bytes);

/// <summary>A client of HTTP/2 that sends what it is told to, whether or not it is a call, and reads no further than it is told to. Little of an answer is on its way.</summary>
internal sealed class RawCaller : IDisposable
{
    private readonly HttpClient _http;
    private readonly List<Socket> _sockets = [];
    private readonly string _url;
    private readonly string? _token;
    private readonly List<HttpResponseMessage> _opened = [];

    /// <param name="served">The server.</param>
    /// <param name="pem">Certificate and key that it shows; null = none.</param>
    /// <param name="token">Access token that goes with each call; null = none.</param>
    /// <param name="from">The address of this machine that it comes from; null = any.</param>
    public RawCaller(ServedStore served, string? pem, string? token = null, IPAddress? from = null) : this(served.Url, pem, token, from)
    {
    }

    /// <summary>The same of a server by its address.</summary>
    public RawCaller(string url, string? pem, string? token = null, IPAddress? from = null)
    {
        (_url, _token) = (url, token);
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, InitialHttp2StreamWindowSize = 65_535, SslOptions = new() { RemoteCertificateValidationCallback = static (_, _, _, _) => true } };
        if (pem is not null) handler.SslOptions.ClientCertificates = [ServedStore.Shown(pem)];
        if (from is not null) handler.ConnectCallback = async (to, stop) =>
        {
            var socket = await ConnectAsync(from, to.DnsEndPoint.Port, stop);
            lock (_sockets) _sockets.Add(socket);
            return new NetworkStream(socket, ownsSocket: true);
        };
        _http = new(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Gives up what was opened and is not read to its end.</summary>
    public void GiveUp() => _opened.ForEach(o => o.Dispose());

    /// <summary>A message as it is sent.</summary>
    public static byte[] Framed(byte[] message)
    {
        var framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    /// <summary>Sends bytes as a whole request, and reads the answer to its end.</summary>
    public async Task<RawAnswer> CallAsync(string method, byte[] request, string? timeout = null, CancellationToken stop = default)
    {
        using var answer = await SendAsync(method, new ByteArrayContent(request), timeout, stop);
        return await EndAsync(answer, 0);
    }

    /// <summary>Sends headers, and nothing behind them; the answer, to its end.</summary>
    public async Task<RawAnswer> HoldAsync(string method, string? timeout = null, CancellationToken stop = default)
    {
        using var answer = await SendAsync(method, new Endless(stop), timeout, stop);
        return await EndAsync(answer, 0);
    }

    /// <summary>Sends a request and reads the beginning of its answer; what it gives reads the rest.</summary>
    public async Task<Func<Task<RawAnswer>>> OpenAsync(string method, IMessage request)
    {
        var answer = await SendAsync(method, new ByteArrayContent(Framed(request.ToByteArray())), null, default);
        if (answer.Headers.TryGetValues("grpc-status", out _)) throw new InvalidOperationException($"{method} ended at once: {await EndAsync(answer, 0)}");
        _opened.Add(answer);
        var beginning = new byte[5];
        await (await answer.Content.ReadAsStreamAsync()).ReadExactlyAsync(beginning);
        return async () =>
        {
            using (answer) return await EndAsync(answer, beginning.Length);
        };
    }

    /// <summary>
    /// Sends messages, and resets the connection once the call runs, or was answered: neither side says anything more. Of a caller with an address alone.
    /// </summary>
    /// <param name="method">Path of the method.</param>
    /// <param name="requests">Messages as they are sent.</param>
    /// <param name="isOpen">The request does not end with them.</param>
    /// <param name="runs">Done when the call runs.</param>
    public async Task TearAsync(string method, byte[] requests, bool isOpen, Task runs)
    {
        using var stop = new CancellationTokenSource();
        var sent = new TaskCompletionSource();
        var answer = SendAsync(method, new Endless(stop.Token) { Beginning = requests, IsOver = !isOpen, Sent = sent }, null, stop.Token);
        await Task.WhenAny(Task.WhenAll(sent.Task, runs), answer);
        lock (_sockets)
        {
            foreach (var socket in _sockets)
            {
                socket.LingerState = new(true, 0);
                socket.Close();
            }
        }
        await stop.CancelAsync();
        try
        {
            (await answer).Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // As was to be.
        }
    }

    private Task<HttpResponseMessage> SendAsync(string method, HttpContent content, string? timeout, CancellationToken stop)
    {
        content.Headers.ContentType = new("application/grpc");
        var request = new HttpRequestMessage(HttpMethod.Post, _url + method) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content };
        request.Headers.TE.ParseAdd("trailers");
        if (timeout is not null) request.Headers.Add("grpc-timeout", timeout);
        if (_token is not null) request.Headers.Authorization = new("Bearer", _token);
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    private static async Task<Socket> ConnectAsync(IPAddress from, int port, CancellationToken stop)
    {
        var socket = new Socket(from.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(IPAddress.Loopback, port, stop);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<RawAnswer> EndAsync(HttpResponseMessage answer, long bytes)
    {
        try
        {
            var (body, buffer) = (await answer.Content.ReadAsStreamAsync(), new byte[1 << 16]);
            for (int count; (count = await body.ReadAsync(buffer)) > 0; bytes += count)
            {
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return new(null, e.Message, bytes);
        }
        var of = answer.TrailingHeaders.TryGetValues("grpc-status", out var codes) || answer.Headers.TryGetValues("grpc-status", out codes) ? (StatusCode)int.Parse(codes.Single(), CultureInfo.InvariantCulture) : (StatusCode?)null;
        return new(of, answer.TrailingHeaders.TryGetValues("grpc-message", out var texts) || answer.Headers.TryGetValues("grpc-message", out texts) ? Uri.UnescapeDataString(texts.Single()) : "", bytes);
    }

    /// <summary>A request of which nothing more is said before it is given up.</summary>
    private sealed class Endless(CancellationToken stop) : HttpContent
    {
        /// <summary>What is said first.</summary>
        public byte[] Beginning { get; init; } = [];

        /// <summary>It ends behind that.</summary>
        public bool IsOver { get; init; }

        /// <summary>Told when that is sent.</summary>
        public TaskCompletionSource? Sent { get; init; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(Beginning, stop);
            await stream.FlushAsync(stop);
            Sent?.TrySetResult();
            if (!IsOver) await new TaskCompletionSource().Task.WaitAsync(stop);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
