using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Grpc.Testing;
using Xunit;
using static Warehouse.Tests.Rpc.RawConnection;

namespace Warehouse.Tests.Rpc;

/// <summary>
/// I11 on the wire: whatever a client sends, it costs no more than the limits say, it is told so or cut off, and others are answered beside it.
/// </summary>
public sealed class HostileClientTests
{
    [Theory]
    [InlineData("an announced length over the limit, of which no byte comes", new byte[] { 0, 0x7f, 0xff, 0xff, 0xff }, false, "8")]
    [InlineData("an announced length of more than 31 bits", new byte[] { 0, 0xff, 0xff, 0xff, 0xff }, false, "8")]
    [InlineData("a length one above the limit", new byte[] { 0, 0, 0x10, 0, 1 }, false, "8")]
    [InlineData("an unknown flag", new byte[] { 2, 0, 0, 0, 0 }, false, "13")]
    [InlineData("a message cut in its bytes", new byte[] { 0, 0, 0, 0, 9, 1, 2 }, true, "13")]
    [InlineData("a message cut in its prefix", new byte[] { 0, 0, 0 }, true, "13")]
    [InlineData("a compressed message in a call without encoding", new byte[] { 1, 0, 0, 0, 1, 0 }, true, "13")]
    [InlineData("bytes that are no message", new byte[] { 0, 0, 0, 0, 2, 0xff, 0xff }, true, "13")]
    [InlineData("no message", new byte[0], true, "12")]
    [InlineData("two messages", new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, true, "12")]
    public async Task A_body_that_is_no_request_is_refused(string what, byte[] body, bool isWhole, string expected)
    {
        await using var host = await RpcHost.StartAsync();
        using var hostile = new RawConnection(host.Port);
        hostile.Call(1, "UnaryCall", body, isWhole);
        Assert.Equal((what, expected), (what, hostile.End(1)));
        hostile.Call(3, "EmptyCall", Message([]));
        Assert.Equal("0", hostile.End(3));
        await host.AssertAnswersAsync();
    }

    [Theory]
    [InlineData(10, "0")]
    [InlineData(100_000, "13")]
    public async Task Groups_within_groups_do_not_fill_the_stack(int depth, string expected)
    {
        await using var host = await RpcHost.StartAsync();
        using var client = new RawConnection(host.Port);
        // Field 9, unknown to the message: begin of a group, and end.
        client.Call(1, "EmptyCall", Message([.. Enumerable.Repeat((byte)0x4b, depth), .. Enumerable.Repeat((byte)0x4c, depth)]));
        Assert.Equal(expected, client.End(1));
    }

    [Theory]
    [InlineData("text", "13")]
    [InlineData("5", "13")]
    [InlineData("S", "13")]
    [InlineData("-1S", "13")]
    [InlineData("5 S", "13")]
    [InlineData("5s", "13")]
    [InlineData("123456789m", "13")]
    [InlineData("0m", "4")]
    [InlineData("99999999H", "0")]
    public async Task A_timeout_is_read_exactly(string timeout, string expected)
    {
        await using var host = await RpcHost.StartAsync();
        using var client = new RawConnection(host.Port);
        // The body of the call that has no time never comes.
        client.Call(1, "EmptyCall", expected == "4" ? [] : Message([]), expected != "4", ("grpc-timeout", timeout));
        Assert.Equal(expected, client.End(1));
    }

    [Theory]
    [InlineData("content-type", "text/plain", "http 415")]
    [InlineData("content-type", "application/grpcx", "http 415")]
    [InlineData("content-type", "application/grpc+proto", "0")]
    [InlineData(":method", "GET", "http 405")]
    [InlineData(":path", "/grpc.testing.TestService/emptycall", "12")]
    [InlineData(":path", "/grpc.testing.TestService/EmptyCall/", "12")]
    [InlineData("grpc-encoding", "br", "12")]
    [InlineData("grpc-encoding", "identity", "0")]
    [InlineData("x-bad-bin", "not base64!", "0")]
    public async Task A_header_that_is_no_call_is_refused(string name, string value, string expected)
    {
        await using var host = await RpcHost.StartAsync();
        using var client = new RawConnection(host.Port);
        client.Call(1, "EmptyCall", Message([]), more: (name, value));
        var end = client.End(1);
        // A header that no handler needs is not read; the test service reads all metadata.
        Assert.Equal(name == "x-bad-bin" ? "13" : expected, end);
        if (value == "br") Assert.Contains("identity,gzip,deflate", client.LastFields, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task A_bomb_a_cut_and_a_damaged_stream_are_refused(string encoding)
    {
        await using var host = await RpcHost.StartAsync();
        using var client = new RawConnection(host.Port);
        var good = Pack(encoding, new SimpleRequest { ResponseSize = 1, Payload = new() { Body = ByteString.CopyFrom(new byte[1000]) } }.ToByteArray());
        (byte[] Packed, string Expected)[] cases =
        [
            (good, "0"),
            (Pack(encoding, new byte[64 << 20]), "8"),
            (good[..^1], "13"),
            (good[..^8], "13"),
            (good[..(good.Length / 2)], "13"),
            ([], "13"),
            ([.. good[..^1], (byte)(good[^1] ^ 1)], "13"),
            ([.. good, 0], "13"),
            ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], "13"),
        ];
        for (var i = 0; i < cases.Length; i++)
        {
            client.Call(2 * i + 1, "UnaryCall", Message(cases[i].Packed, flag: 1), more: ("grpc-encoding", encoding));
            Assert.Equal((i, cases[i].Expected), (i, client.End(2 * i + 1)));
        }
    }

    [Fact]
    public async Task A_server_takes_no_compressed_request_unless_it_is_told_to()
    {
        await using var host = await RpcHost.StartAsync(options => options with { RequestEncodings = [] });
        using var client = new RawConnection(host.Port);
        client.Call(1, "EmptyCall", Message(Pack("gzip", []), flag: 1), more: ("grpc-encoding", "gzip"));
        Assert.Equal("12", client.End(1));
    }

    [Fact]
    public async Task Replies_are_compressed_where_asked_for_and_taken()
    {
        await using var host = await RpcHost.StartAsync();
        using var client = new RawConnection(host.Port);
        var asked = Message(new SimpleRequest { ResponseSize = 1000, ResponseCompressed = new() { Value = true } }.ToByteArray());
        Assert.Equal(1, FlagOf(client, 1, asked, ("grpc-accept-encoding", "identity, deflate, gzip")));
        Assert.Equal(0, FlagOf(client, 3, asked, ("grpc-accept-encoding", "identity,deflate")));
        Assert.Equal(0, FlagOf(client, 5, Message(new SimpleRequest { ResponseSize = 1000 }.ToByteArray()), ("grpc-accept-encoding", "gzip")));
    }

    [Fact]
    public async Task Header_floods_end_the_call_or_the_connection()
    {
        await using var host = await RpcHost.StartAsync();
        using (var many = new RawConnection(host.Port))
        {
            many.Call(1, "EmptyCall", Message([]), more: [.. Enumerable.Range(0, 100).Select(i => ($"x-{i}", "y"))]);
            Assert.DoesNotContain(many.End(1), (string[])["0", "8", "13"]);
        }
        using (var large = new RawConnection(host.Port))
        {
            large.SendFrame(HeadersFrame, 0, 1, CallFields("EmptyCall"));
            var part = Frame(Continuation, 0, 1, Fields(("x-large", new string('y', 8000))));
            var sent = 0;
            while (sent < 10_000 && large.TrySend(part)) sent++;
            Assert.Contains(large.End(1), (string[])["http 431", "goaway 1", "goaway 11", "goaway 2", "closed"]);
        }
        await host.AssertAnswersAsync();
    }

    [Fact]
    public async Task Rapid_resets_end_the_connection_and_leave_no_call_behind()
    {
        const int Calls = 100_000;
        await using var host = await RpcHost.StartAsync();
        using var hostile = new RawConnection(host.Port);
        var sent = 0;
        var isTaken = true;
        for (var stream = 1; isTaken && sent < Calls; stream += 2, sent++)
            isTaken = hostile.TrySend([.. Frame(HeadersFrame, EndHeaders, stream, CallFields("FullDuplexCall")), .. Frame(Reset, 0, stream, [0, 0, 0, 8])]);
        Assert.True(sent < Calls, "the server took every reset");
        await host.AssertAnswersAsync();
        await host.RunningAsync(0);
    }

    [Fact]
    public async Task Floods_of_pings_and_settings_leave_others_alone()
    {
        await using var host = await RpcHost.StartAsync();
        foreach (var frame in new[] { Frame(Ping, 0, 0, new byte[8]), Frame(Settings, 0, 0, [0, 3, 0, 0, 0, 9]), Frame(WindowUpdate, 0, 0, [0, 0, 0, 1]) })
        {
            using var hostile = new RawConnection(host.Port);
            byte[] many = [.. Enumerable.Repeat(frame, 1000).SelectMany(f => f)];
            // Nobody reads the answers: at some time the server takes no more, or closes.
            var flood = Task.Run(() => { for (var i = 0; i < 50 && hostile.TrySend(many); i++) { } });
            await host.AssertAnswersAsync();
            hostile.Dispose();
            await flood;
        }
    }

    [Fact]
    public async Task Calls_beyond_the_limit_of_a_connection_are_refused_and_beyond_that_of_the_server_too()
    {
        var told = new Changes();
        var refusals = new System.Collections.Concurrent.ConcurrentQueue<(Grpc.Core.StatusCode, TimeSpan Time)>();
        void Refused(Grpc.Core.StatusCode status, TimeSpan time)
        {
            refusals.Enqueue((status, time));
            told.Tell();
        }
        await using var host = await RpcHost.StartAsync(options => options with { MaxCalls = 10, ConnectionLimits = options.ConnectionLimits with { MaxStreams = 8 }, RefusalSent = Refused });
        using RawConnection first = new(host.Port), second = new(host.Port);
        for (var i = 0; i < 9; i++) first.Call(2 * i + 1, "FullDuplexCall", [], isWhole: false);
        Assert.Equal("reset 7", first.End(17));
        await host.RunningAsync(8);
        for (var i = 0; i < 2; i++) second.Call(2 * i + 1, "FullDuplexCall", [], isWhole: false);
        await host.RunningAsync(10);
        second.Call(5, "FullDuplexCall", [], isWhole: false);
        Assert.Equal("8", second.End(5));
        // How long that took is told once its answer is the connection's; of a call that has a place nothing is.
        await told.UntilAsync(() => !refusals.IsEmpty);
        first.Dispose();
        await host.RunningAsync(2);
        await host.AssertAnswersAsync();
        var (status, time) = Assert.Single(refusals);
        Assert.Equal((Grpc.Core.StatusCode.ResourceExhausted, true), (status, time >= TimeSpan.Zero));
    }

    /// <summary>Many at once, so that what ends a call meets what the end cancels in either order: the client hears of no fault of the server.</summary>
    [Fact]
    public async Task Clients_that_do_not_read_lose_their_streams()
    {
        const int Clients = 40;
        await using var host = await RpcHost.StartAsync(options => options with { CallLimits = options.CallLimits with { StreamIdle = TimeSpan.FromSeconds(0.5) } });
        var slow = Enumerable.Range(0, Clients).Select(_ => new RawConnection(host.Port, initialWindow: 0)).ToList();
        try
        {
            var asked = Message(new StreamingOutputCallRequest { ResponseParameters = { Enumerable.Range(0, 100).Select(_ => new ResponseParameters { Size = 100_000 }) } }.ToByteArray());
            foreach (var client in slow) client.Call(1, "StreamingOutputCall", asked);
            await host.AssertAnswersAsync();
            Assert.All(slow, client => Assert.Equal("reset 8", client.End(1)));
            await host.RunningAsync(0);
        }
        finally
        {
            slow.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_client_that_leaves_a_finished_reply_unread_loses_its_connection()
    {
        await using var host = await RpcHost.StartAsync(options => options with { ConnectionLimits = options.ConnectionLimits with { SlowReaderGrace = TimeSpan.FromSeconds(1.5) } });
        using var slow = new RawConnection(host.Port, initialWindow: 0);
        slow.Call(1, "UnaryCall", Message(new SimpleRequest { ResponseSize = 30_000 }.ToByteArray()));
        await host.AssertAnswersAsync();
        slow.ReadToEnd();
        await host.RunningAsync(0);
    }

    [Fact]
    public async Task Half_a_request_ends_with_the_deadline()
    {
        await using var host = await RpcHost.StartAsync(options => options with { CallLimits = options.CallLimits with { UnaryDeadline = TimeSpan.FromSeconds(0.3) } });
        using var slow = new RawConnection(host.Port);
        slow.Call(1, "UnaryCall", [0, 0, 0, 1, 0, 1, 2, 3], isWhole: false);
        Assert.Equal("4", slow.End(1));
        await host.RunningAsync(0);
    }

    [Fact]
    public async Task A_connection_that_does_not_finish_its_headers_is_closed_and_others_are_answered_beside_it()
    {
        await using var host = await RpcHost.StartAsync(options => options with { ConnectionLimits = options.ConnectionLimits with { HeaderTimeout = TimeSpan.FromSeconds(2), KeepAlive = TimeSpan.FromSeconds(2) } });
        var silent = Enumerable.Range(0, 100).Select(_ => new RawConnection(host.Port)).ToList();
        silent[0].SendFrame(HeadersFrame, 0, 1, CallFields("EmptyCall"));
        await host.AssertAnswersAsync();
        foreach (var connection in silent)
        {
            connection.ReadToEnd();
            connection.Dispose();
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("POST /grpc.testing.TestService/EmptyCall HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")]
    public async Task The_listener_does_not_speak_an_older_protocol(string text)
    {
        await using var host = await RpcHost.StartAsync();
        using var client = new RawConnection(host.Port, speaksHttp2: false);
        client.Send(Encoding.ASCII.GetBytes(text));
        var said = Encoding.Latin1.GetString(client.ReadToEnd());
        Assert.DoesNotContain("HTTP/1.1 2", said, StringComparison.Ordinal);
        Assert.DoesNotContain("101 ", said, StringComparison.Ordinal);
        await host.AssertAnswersAsync();
    }

    private static int FlagOf(RawConnection client, int stream, byte[] request, params (string Name, string Value)[] more)
    {
        client.Call(stream, "UnaryCall", request, more: more);
        var flag = -1;
        while (client.Read() is var (type, flags, of, payload) && !(of == stream && type == HeadersFrame && (flags & EndStream) != 0))
            if (of == stream && type == Data && payload.Length > 0 && flag < 0) flag = payload[0];
        return flag;
    }

    private static byte[] Message(ReadOnlySpan<byte> payload, byte flag = 0)
    {
        var message = new byte[5 + payload.Length];
        message[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), payload.Length);
        payload.CopyTo(message.AsSpan(5));
        return message;
    }

    private static byte[] Pack(string encoding, byte[] message)
    {
        using var packed = new MemoryStream();
#pragma warning disable RS0030 // Makes the input of a test.
        using (Stream packer = encoding == "gzip" ? new GZipStream(packed, CompressionLevel.Optimal) : new ZLibStream(packed, CompressionLevel.Optimal)) packer.Write(message);
#pragma warning restore RS0030
        return packed.ToArray();
    }
}
