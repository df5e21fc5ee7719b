using System.IO.Pipelines;
using System.Text;
using Warehouse.Rpc.Server;
using Xunit;
using static Warehouse.Tests.Rpc.RawConnection;

namespace Warehouse.Tests.Rpc;

/// <summary>Frames that ask for nothing, counted however the bytes come; the clock stands still unless it is told.</summary>
public sealed class FrameWatchTests
{
    private const byte Priority = 2, Unknown = 0x2a;

    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PingFrame = Frame(Ping, 0, 0, new byte[8]);

    /// <summary>What each frame costs, written down a second time.</summary>
    private static readonly (byte[] Frame, int Cost)[] Kinds =
    [
        (PingFrame, 1), (Frame(Ping, 1, 0, new byte[8]), 0), (Frame(Settings, 0, 0, [0, 3, 0, 0, 0, 9]), 100), (Frame(Settings, 1, 0, []), 0), (Frame(Priority, 0, 1, new byte[5]), 10), (Frame(Unknown, 0, 0, new byte[300]), 10),
        (Frame(Data, 0, 1, []), 10), (Frame(Data, 1, 1, []), 0), (Frame(WindowUpdate, 0, 0, [0, 0, 0, 1]), 0), (Frame(Reset, 0, 1, new byte[4]), 0),
        // What is in data, or in headers, is no frame.
        (Frame(Data, 0, 1, [.. Enumerable.Repeat(PingFrame, 40).SelectMany(f => f)]), 0), (Frame(HeadersFrame, EndHeaders, 1, PingFrame), 0),
    ];

    [Fact]
    public async Task Frames_cost_the_same_however_their_bytes_come_and_whatever_is_left_for_later()
    {
        const int seed = 9113;
        var chance = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var frames = Enumerable.Range(0, 60).Select(_ => Kinds[chance.Next(Kinds.Length)]).ToList();
            byte[] bytes = [.. Preface, .. frames.SelectMany(f => f.Frame)];
            var cost = frames.Sum(f => f.Cost);
            foreach (var (budget, isCut) in new[] { (cost, false), (cost - 1, true) })
                Assert.True(await CutsAsync(bytes, budget, chance, new Ticks()) == (isCut ? 1 : 0) || budget < 0, $"seed {seed}, round {round}: {cost} of {budget}");
        }
    }

    [Fact]
    public async Task Half_of_it_comes_back_each_second_and_never_more_than_all()
    {
        var (clock, cuts, pipe) = (new Ticks(), 0, new Pipe());
        var watch = new FrameWatch(pipe.Reader, 100, () => cuts++, clock);
        async Task SendAsync(byte[] bytes)
        {
            await pipe.Writer.WriteAsync(bytes);
            watch.AdvanceTo((await watch.ReadAsync()).Buffer.End);
        }
        byte[] Pings(int count) => [.. Enumerable.Repeat(PingFrame, count).SelectMany(f => f)];
        await SendAsync([.. Preface, .. Pings(100)]);
        clock.Ms += 500;
        await SendAsync(Pings(25));
        clock.Ms += 60_000;
        await SendAsync(Pings(100));
        Assert.Equal(0, cuts);
        await SendAsync(Pings(1));
        await SendAsync(Pings(1));
        Assert.Equal(1, cuts);
    }

    /// <summary>How often the connection was cut; all bytes come through as they were.</summary>
    private static async Task<int> CutsAsync(byte[] bytes, int budget, Random chance, TimeProvider clock)
    {
        var (cuts, pipe, got) = (0, new Pipe(new(pauseWriterThreshold: 0)), new List<byte>());
        var watch = new FrameWatch(pipe.Reader, budget, () => cuts++, clock);
        for (var at = 0; at < bytes.Length;)
        {
            var some = Math.Min(chance.Next(1, 200), bytes.Length - at);
            await pipe.Writer.WriteAsync(bytes.AsMemory(at, some));
            at += some;
            if (chance.Next(3) == 0) continue;
            if (!watch.TryRead(out var read)) read = await watch.ReadAsync();
            var taken = read.Buffer.GetPosition(chance.Next(2) == 0 ? read.Buffer.Length : chance.NextInt64(read.Buffer.Length + 1));
            foreach (var part in read.Buffer.Slice(read.Buffer.Start, taken)) got.AddRange(part.Span);
            watch.AdvanceTo(taken); // what is left may be read again at once
        }
        await pipe.Writer.CompleteAsync();
        var rest = await watch.ReadAtLeastAsync(bytes.Length);
        foreach (var part in rest.Buffer) got.AddRange(part.Span);
        watch.AdvanceTo(rest.Buffer.End);
        Assert.Equal(bytes, got);
        return cuts;
    }

    private sealed class Ticks : TimeProvider
    {
        public long Ms { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Ms;
    }
}
