using System.Text;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// Drives whatever takes data of persons, with tokens in its place, and looks for them where they must not be. An empty result means something
/// only because the same search finds a leak planted in each sink, in another form in each: <see cref="AssertNoLeak"/> fails when it does not.
/// </summary>
internal sealed class CanaryRun(CanaryTokens tokens, params CanarySink[] sinks)
{
    private readonly CanarySearch _search = new(tokens);
    private readonly List<(string Sink, CanaryKind Kind, string Reason)> _allowed = [];

    /// <summary>Actions that were driven.</summary>
    public int Driven { get; private set; }

    /// <summary>Bytes that were searched.</summary>
    public long SearchedBytes { get; private set; }

    /// <summary>Lines among them, where a sink is one of lines (<see cref="CanarySink.HasLines"/>).</summary>
    public long SearchedLines { get; private set; }

    /// <summary>A kind of token may stand in a sink, for a reason: what somebody typed may be told to him.</summary>
    public CanaryRun Allow(string sink, CanaryKind kind, string reason)
    {
        _allowed.Add((sink, kind, reason));
        return this;
    }

    /// <summary>Runs actions, each to its end. What an action throws is its own to judge; a name tells which one it was.</summary>
    public void Drive(IEnumerable<(string Name, Action Act)> actions)
    {
        foreach (var (name, act) in actions)
        {
            try
            {
                act();
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                throw new InvalidOperationException($"{name} threw", e);
            }
            Driven++;
        }
    }

    /// <summary>The same for actions that wait.</summary>
    public async Task DriveAsync(IEnumerable<(string Name, Func<Task> Act)> actions)
    {
        foreach (var (name, act) in actions)
        {
            try
            {
                await act();
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                throw new InvalidOperationException($"{name} threw", e);
            }
            Driven++;
        }
    }

    /// <summary>What stands in the sinks and must not.</summary>
    public List<CanaryHit> Hits()
    {
        var hits = new List<CanaryHit>();
        foreach (var sink in sinks)
        {
            foreach (var (place, bytes) in sink.Read())
            {
                SearchedBytes += bytes.Length;
                if (sink.HasLines) SearchedLines += bytes.AsSpan().Count((byte)'\n');
                hits.AddRange(_search.Find(sink.Name, place, bytes).Where(h => !_allowed.Any(a => a.Sink == h.Sink && a.Kind == h.Kind)));
            }
        }
        return hits;
    }

    /// <summary>Sinks in which a planted leak was not found.</summary>
    public List<string> Blind()
    {
        var blind = new List<string>();
        foreach (var (i, sink) in sinks.Index())
        {
            var (kind, text) = tokens.All[(i * 37) % tokens.All.Count];
            var forms = CanaryTokens.Forms(text).Where(f => !sink.TakesText || f.Bytes.All(b => char.IsAsciiLetterOrDigit((char)b))).ToList();
            // A form for letters and digits only, where there is but hex; each sink another one, and what is compressed once in a while.
            var bytes = i % 4 == 3 && !sink.TakesText ? Packed(forms[i % forms.Count].Bytes) : forms[i % forms.Count].Bytes;
            using var planted = sink.Plant(bytes);
            if (!sink.Read().Any(r => _search.Find(sink.Name, r.Place, r.Bytes).Any(h => h.Text == text))) blind.Add($"{sink.Name} ({kind}, {Encoding.Latin1.GetString(bytes)})");
        }
        return blind;
    }

    /// <summary>Fails when a token came out, or when the search would not have seen one.</summary>
    public void AssertNoLeak()
    {
        var hits = Hits();
        Assert.True(hits.Count == 0, $"{hits.Count} leaks: {string.Join("; ", hits.Take(10).Select(h => $"{h.Kind} '{h.Text}' as {h.Form} in {h.Sink}, {h.Place} at {h.Offset}"))}");
        var blind = Blind();
        Assert.True(blind.Count == 0, $"the harness does not see a leak in: {string.Join("; ", blind)}");
    }

    private static byte[] Packed(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var zlib = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(bytes);
        return packed.ToArray();
    }
}
