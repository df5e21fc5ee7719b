using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Warehouse.Engine;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>
/// Rows F20, F23 and F26 of the fault matrix with the real program, held to 512 MB: input without end is generated as it is read, through a
/// pipe with a name or standard input. Each is refused by the name of a limit, and nothing of it is in the store.
/// </summary>
public sealed class LongInputTests
{
    private const int MostBytes = 512 << 20;
    private const int WatchdogMs = 120_000;
    private const string Header = "##fileformat=VCFv4.3\n##contig=<ID=1>\n";
    private const string Columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n";
    // What the runtime itself has resident beside the heap.
    private const long RuntimeBytes = 32L << 20;

    private const string Record = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n";

    [Theory]
    [InlineData("a line of 1 GiB", "[line-cap]")]
    [InlineData("10 GiB of zeros", "[line-cap]")]
    [InlineData("10 GiB of zeros and no header", "[line-cap]")]
    [InlineData("10 GiB of header", "[vcf-meta-cap]")]
    [InlineData("10 GiB of empty lines", "[vcf-empty-line]")]
    [InlineData("1000001 samples", "[vcf-sample-cap]")]
    public void Input_without_end_is_refused_by_the_name_of_a_limit(string what, string rule)
    {
        var (exit, error, peak, given) = Ingest(what);
        Assert.True(exit == 2, $"exit {exit}: {error}");
        Assert.Contains(rule, error, StringComparison.Ordinal);
        Assert.InRange(peak, 1, MostBytes);
        Assert.InRange(given, 1, 200L << 20);
    }

    [Fact]
    public void A_header_of_a_million_samples_is_read_within_the_memory()
    {
        var (exit, error, peak, _) = Ingest("1000000 samples");
        Assert.True(exit == 0, $"exit {exit}: {error}");
        Assert.InRange(peak, 1, MostBytes);
    }

    private static (int Exit, string Error, long PeakBytes, long GivenBytes) Ingest(string what)
    {
        using var folder = new TempFolder();
        using (VariantStore.Create(new CreateOptions { Path = folder["store"], Assembly = "GRCh37" })) { }
        Peer.Output("mkfifo", folder["pipe"]);
        using var process = Start(folder["store"], folder["pipe"]);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        var given = 0L;
        var writer = new Thread(() => Feed(what, folder["pipe"], ref given)) { IsBackground = true };
        writer.Start();
        long peak = 0;
        var clock = Stopwatch.StartNew();
        while (!process.WaitForExit(20))
        {
            process.Refresh();
            peak = Math.Max(peak, PeakOf(process));
            if (clock.ElapsedMilliseconds < WatchdogMs) continue;
            process.Kill();
            Assert.Fail($"{what}: still running after {WatchdogMs / 1000} s");
        }
        process.WaitForExit();
        using (var store = VariantStore.Open(folder["store"])) Assert.Equal(process.ExitCode == 0 ? 2 : 1, store.Version);
        return (process.ExitCode, error.Result + output.Result, peak, Interlocked.Read(ref given));
    }

    /// <summary>The highest resident size so far; 0 when the process is just gone.</summary>
    private static long PeakOf(Process process)
    {
        try
        {
            return process.PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            return 0;
        }
    }

    private static Process Start(string store, string file)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "warehouse.dll"), "ingest", store, file]) start.ArgumentList.Add(argument);
        start.Environment["DOTNET_GCHeapHardLimit"] = (MostBytes - RuntimeBytes).ToString("x");
        return Process.Start(start)!;
    }

    /// <summary>Writes until the reader has had enough.</summary>
    private static void Feed(string what, string pipe, ref long given)
    {
        try
        {
            using var into = new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            foreach (var piece in Pieces(what))
            {
                into.Write(piece);
                Interlocked.Add(ref given, piece.Length);
            }
        }
        catch (IOException)
        {
            // The reader closed the pipe: it refused.
        }
    }

    private static IEnumerable<byte[]> Pieces(string what)
    {
        const int BlockBytes = 65_280;
        const long Endless = 10L << 30;
        byte[] head = Encoding.ASCII.GetBytes(Header + Columns + Record);
        byte[] half = Encoding.ASCII.GetBytes("1\t6\t.\tA\tC\t.\t.\tX=");
        switch (what)
        {
            case "a line of 1 GiB": return [head, half, .. Enumerable.Repeat(Filled((byte)'0', 1 << 20), 1024)];
            case "10 GiB of zeros": return [Block([.. head, .. half]), .. Enumerable.Repeat(Block(new byte[BlockBytes]), (int)(Endless / BlockBytes))];
            case "10 GiB of zeros and no header": return Enumerable.Repeat(Block(new byte[BlockBytes]), (int)(Endless / BlockBytes));
            case "10 GiB of empty lines": return [Block(head), .. Enumerable.Repeat(Block(Filled((byte)'\n', BlockBytes)), (int)(Endless / BlockBytes))];
            case "10 GiB of header":
                var line = Filled((byte)'x', BlockBytes);
                "##a="u8.CopyTo(line);
                line[^1] = (byte)'\n';
                return [Block(Encoding.ASCII.GetBytes(Header)), .. Enumerable.Repeat(Block(line), (int)(Endless / BlockBytes))];
            default: return Samples(int.Parse(what.Split(' ')[0]));
        }
    }

    private static IEnumerable<byte[]> Samples(int count)
    {
        yield return Encoding.ASCII.GetBytes(Header + Columns.TrimEnd('\n'));
        for (var first = 1; first < count; first += 10_000)
            yield return Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(first, Math.Min(10_000, count - first)).Select(i => $"\tS{i}")));
        yield return Encoding.ASCII.GetBytes("\n" + Record.TrimEnd('\n'));
        for (var first = 1; first < count; first += 10_000)
            yield return Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("\t0/0", Math.Min(10_000, count - first))));
        yield return "\n"u8.ToArray();
    }

    private static byte[] Filled(byte value, int count)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static byte[] Block(byte[] text)
    {
        var into = new MemoryStream();
        using (var deflate = new DeflateStream(into, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(text);
        var data = into.ToArray();
        var size = 18 + data.Length + 8 - 1;
        return [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, (byte)'B', (byte)'C', 2, 0, (byte)size, (byte)(size >> 8), .. data, .. BitConverter.GetBytes(Crc32.Compute(text)), .. BitConverter.GetBytes(text.Length)];
    }
}
