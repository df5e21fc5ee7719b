using System.IO.Compression;
using System.Text;
using Grpc.Core;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>The harness itself: it finds every form, in every kind of sink, and fails when it does not look.</summary>
public sealed class CanaryTests
{
    private static readonly CanaryTokens Tokens = new(20261128);

    [Fact]
    public void There_are_200_tokens_in_13_kinds_and_they_are_the_same_for_a_seed()
    {
        Assert.Equal(200, Tokens.All.Select(t => t.Text).Distinct().Count());
        Assert.Equal(13, Tokens.All.Select(t => t.Kind).Distinct().Count());
        Assert.Equal(Tokens.All, new CanaryTokens(20261128).All);
        Assert.All(Tokens.All, t => Assert.InRange(Encoding.UTF8.GetByteCount(t.Text), 9, 40));
    }

    /// <summary>Each token in each form, between other bytes, against a search by IndexOf.</summary>
    [Fact]
    public void Every_form_of_every_token_is_found_where_it_stands()
    {
        var search = new CanarySearch(Tokens);
        foreach (var (kind, text) in Tokens.All)
        {
            foreach (var (form, bytes) in CanaryTokens.Forms(text))
            {
                var hits = search.Find("s", "p", [.. "x\0"u8, .. bytes, .. "?"u8]);
                Assert.True(hits.Any(h => h.Text == text && h.Kind == kind && h.Offset == bytes.Length + 1), $"{kind} '{text}' as {form}");
            }
        }
    }

    [Fact]
    public void Base64_is_found_whatever_stands_around_it()
    {
        var search = new CanarySearch(Tokens);
        var text = Tokens.All[1].Text;
        for (var before = 0; before < 5; before++)
            for (var behind = 0; behind < 4; behind++)
            {
                var code = Convert.ToBase64String([.. Encoding.UTF8.GetBytes(new string('q', before)), .. Encoding.UTF8.GetBytes(text), .. Encoding.UTF8.GetBytes(new string('z', behind))]);
                Assert.Contains(search.Find("s", "p", Encoding.ASCII.GetBytes(code)), h => h.Text == text);
            }
    }

    [Fact]
    public void What_is_compressed_is_looked_into_even_when_it_is_cut()
    {
        var search = new CanarySearch(Tokens);
        var text = Tokens.All[0].Text;
        var inner = Deflated(Encoding.UTF8.GetBytes(new string('a', 500) + text + Guid.NewGuid()));
        byte[] gzip = [0x1F, 0x8B, 8, 4 | 8, 0, 0, 0, 0, 0, 3, 2, 0, 1, 2, (byte)'n', 0, .. inner];
        Assert.Contains(search.Find("s", "p", [.. "head"u8, .. gzip]), h => h.Text == text && h.Place == "p (gzip)");
        Assert.Contains(search.Find("s", "p", gzip[..^2]), h => h.Text == text);
        var twice = new MemoryStream();
        using (var zlib = new ZLibStream(twice, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(gzip);
        Assert.Contains(search.Find("s", "p", twice.ToArray()), h => h.Text == text && h.Place == "p (zlib) (gzip)");
    }

    [Fact]
    public void Nothing_is_found_in_noise()
    {
        var noise = new byte[1 << 20];
        new Random(7).NextBytes(noise);
        Assert.Empty(new CanarySearch(Tokens).Find("s", "p", noise));
    }

    /// <summary>One leak in each of twelve sinks: all are found, none before.</summary>
    [Fact]
    public void A_leak_planted_in_each_of_twelve_sinks_is_found()
    {
        using var folder = new TempFolder();
        using var events = new EventCatcher();
        CanarySink[] sinks =
        [
            CanarySink.Of("standard error", new MemoryStream()), CanarySink.Of("log", new MemoryStream()), CanarySink.Of("collector", new MemoryStream()), CanarySink.Of("metrics", () => "page"),
            CanarySink.OfEvents(events), CanarySink.OfTrailers("trailers", []), CanarySink.OfFiles("audit log", folder["audit"]), CanarySink.OfFiles("temp", folder["temp"]), CanarySink.OfFiles("store", folder["store"], folder["keys"]),
            CanarySink.OfFileNames("file names", folder["store"], folder["audit"]), CanarySink.OfProcesses("cmdline", () => [Environment.ProcessId]), CanarySink.OfProcesses("environ", () => [Environment.ProcessId]),
        ];
        Assert.Equal(12, sinks.Length);
        var run = new CanaryRun(Tokens, sinks);
        run.AssertNoLeak();
        Assert.Empty(run.Blind());
        Assert.Empty(new CanaryRun(Tokens, [.. sinks.Where(s => s.Name != "event sources")]).Hits()); // what was planted is gone
    }

    [Fact]
    public void A_sink_that_is_not_read_fails_the_harness()
    {
        var run = new CanaryRun(Tokens, new CanarySink("deaf", false, () => [("deaf", [])], _ => null));
        Assert.Equal(["deaf"], run.Blind().Select(b => b.Split(' ')[0]));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(run.AssertNoLeak);
    }

    [Fact]
    public void A_leak_fails_the_run_unless_there_is_a_reason_for_it()
    {
        var error = new MemoryStream();
        var run = new CanaryRun(Tokens, CanarySink.Of("standard error", error));
        run.Drive([("leaks", () => error.Write(Encoding.UTF8.GetBytes("no file " + Tokens.Next(CanaryKind.FileName))))]);
        Assert.Contains("FileName", Assert.ThrowsAny<Xunit.Sdk.XunitException>(run.AssertNoLeak).Message, StringComparison.Ordinal);
        run.Allow("standard error", CanaryKind.FileName, "who typed it reads it").AssertNoLeak();
        var trailers = new List<Metadata> { new() { { "detail-bin", Encoding.UTF8.GetBytes(Tokens.All[3].Text) } } };
        Assert.Single(new CanaryRun(Tokens, CanarySink.OfTrailers("trailers", trailers)).Hits());
    }

    private static byte[] Deflated(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(bytes);
        return packed.ToArray();
    }
}
