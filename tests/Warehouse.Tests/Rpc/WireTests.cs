using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Grpc.Core;
using Warehouse.Rpc.Wire;
using Xunit;

namespace Warehouse.Tests.Rpc;

/// <summary>The codings of the protocol, each against what it says.</summary>
public sealed class WireTests
{
    private const int Seed = 20261129;

    private static readonly Marshaller<byte[]> Bytes = new(bytes => bytes, bytes => bytes);

    [Theory]
    [InlineData(0, "0u")]
    [InlineData(1, "1u")]
    [InlineData(10, "1u")]
    [InlineData(11, "2u")]
    [InlineData(10_000, "1000u")]
    [InlineData(999_999_990, "99999999u")]
    [InlineData(999_999_991, "100000m")]
    [InlineData(999_999_990_001, "100000S")]
    [InlineData(long.MaxValue, "99999999H")]
    public void A_timeout_is_written_in_the_finest_unit_of_eight_digits_and_rounded_up(long ticks, string expected) => Assert.Equal(expected, Headers.WriteTimeout(new(ticks)));

    [Fact]
    public void A_timeout_that_was_written_is_read_as_no_less_and_not_much_more()
    {
        var random = new Random(Seed);
        for (var i = 0; i < 10_000; i++)
        {
            var ticks = random.NextInt64(1L << random.Next(1, 61));
            var text = Headers.WriteTimeout(new(ticks));
            Assert.True(Headers.TryReadTimeout(text, out var read), text);
            Assert.InRange(read.Ticks, ticks, ticks + Math.Max(9, ticks / 100_000));
        }
    }

    [Theory]
    [InlineData("a b~!", "a b~!")]
    [InlineData("100%", "100%25")]
    [InlineData("\t\r\n\u007f", "%09%0D%0A%7F")]
    [InlineData("\u263a\U0001F608", "%E2%98%BA%F0%9F%98%88")]
    public void A_text_is_written_by_bytes_and_read_back(string text, string written)
    {
        Assert.Equal(written, Headers.WriteMessage(text));
        Assert.Equal(text, Headers.ReadMessage(written));
    }

    [Theory]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz%41", "%zzA")]
    [InlineData("a%e2%98%bAb", "a\u263ab")]
    [InlineData("%ff", "\ufffd")]
    public void Reading_a_text_never_fails(string written, string text) => Assert.Equal(text, Headers.ReadMessage(written));

    [Fact]
    public async Task Messages_are_read_as_they_were_written_however_the_stream_is_cut()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 200; round++)
        {
            var encoding = random.Next(3) switch { 0 => null, 1 => "gzip", _ => "deflate" };
            using var buffer = new PooledBuffer();
            using var writer = new MessageWriter(buffer, int.MaxValue);
            var messages = Enumerable.Range(0, random.Next(5)).Select(_ => new byte[random.Next(random.Next(2) == 0 ? 20 : 200_000)]).ToList();
            foreach (var message in messages)
            {
                random.NextBytes(message.AsSpan(message.Length / 2));
                writer.Write(message, Bytes, random.Next(2) == 0 ? null : encoding);
            }
            var reader = new MessageReader(PipeReader.Create(new CutStream(buffer.Written.ToArray(), random)), 200_000) { Encoding = encoding };
            foreach (var message in messages) Assert.Equal((true, message), await reader.ReadAsync(Bytes, default), new PairComparer());
            Assert.False((await reader.ReadAsync(Bytes, default)).IsThere, $"seed {Seed}, round {round}");
        }
    }

    [Fact]
    public void A_serializer_that_does_not_keep_its_word_tears_the_stream()
    {
        using var buffer = new PooledBuffer();
        using var writer = new MessageWriter(buffer, 100);
        Assert.Throws<InvalidOperationException>(() => writer.Write("", new Marshaller<string>((_, _) => { }, _ => ""), null));
        Assert.False(writer.IsTorn);
        Assert.Throws<InvalidOperationException>(() => writer.Write("", new Marshaller<string>((_, context) => { context.SetPayloadLength(3); context.GetBufferWriter().Write("ab"u8); context.Complete(); }, _ => ""), null));
        Assert.True(writer.IsTorn);
    }

    [Fact]
    public void A_refused_message_leaves_no_byte_behind()
    {
        using var buffer = new PooledBuffer();
        using var writer = new MessageWriter(buffer, 100);
        foreach (var encoding in new[] { null, "gzip" }) Assert.Equal(StatusCode.ResourceExhausted, Assert.Throws<RpcException>(() => writer.Write(new byte[101], Bytes, encoding)).StatusCode);
        Assert.Equal(0, buffer.Written.Length);
    }

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(301, StatusCode.Unknown)]
    public void A_status_of_http_has_a_meaning(int http, StatusCode expected) => Assert.Equal(expected, Failure.FromHttp((HttpStatusCode)http));

    [Theory]
    [InlineData(0, StatusCode.Unavailable)]
    [InlineData(1, StatusCode.Internal)]
    [InlineData(2, StatusCode.Internal)]
    [InlineData(7, StatusCode.Unavailable)]
    [InlineData(8, StatusCode.Cancelled)]
    [InlineData(11, StatusCode.ResourceExhausted)]
    [InlineData(12, StatusCode.PermissionDenied)]
    public void A_reset_has_a_meaning(long error, StatusCode expected) =>
        Assert.Equal(expected, Failure.FromTransport(new HttpRequestException("", new HttpProtocolException(error, "", null))).StatusCode);

    [Theory]
    [InlineData("0", StatusCode.OK)]
    [InlineData("16", StatusCode.Unauthenticated)]
    [InlineData("17", StatusCode.Unknown)]
    [InlineData("-1", StatusCode.Unknown)]
    [InlineData("", StatusCode.Unknown)]
    [InlineData("OK", StatusCode.Unknown)]
    public void A_status_is_read_or_unknown(string text, StatusCode expected) => Assert.Equal(expected, Headers.ReadStatus(text, null)!.Value.StatusCode);

    /// <summary>Gives what it has in pieces of random length.</summary>
    private sealed class CutStream(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(4) == 0 ? 1 + random.Next(4) : 1 + random.Next(50_000))], cancellationToken);
    }

    private sealed class PairComparer : IEqualityComparer<(bool, byte[]?)>
    {
        public bool Equals((bool, byte[]?) x, (bool, byte[]?) y) => x.Item1 == y.Item1 && x.Item2.AsSpan().SequenceEqual(y.Item2);

        public int GetHashCode((bool, byte[]?) obj) => 0;
    }
}
