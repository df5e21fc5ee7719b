using Warehouse.Engine.Catalog;
using Warehouse.Engine.Manifests;

namespace Warehouse.Engine.Ingest;

/// <summary>A pair of samples of which the genotypes say something else than the sheet.</summary>
/// <param name="Sample">A sample of this command.</param>
/// <param name="Other">An earlier sample; the same when its new data is not like what it replaces.</param>
/// <param name="IsSame">True when they look like one person, false when they do not.</param>
/// <param name="Match">The figures.</param>
/// <param name="More">Further samples that look like the same person.</param>
internal readonly record struct IdentityFinding(int Sample, int Other, bool IsSame, SketchMatch Match, int More);

/// <summary>
/// Compares the samples of an ingest with each other and with all of the store, part by part, and gives the commit the parts of sketches
/// that change. Memory: the new sketches and one part of old ones. Only a report: no count depends on it. One thread.
/// </summary>
/// <param name="commit">Takes the sketches.</param>
/// <param name="read">Reads those of the store.</param>
/// <param name="sheets">Says who is one person.</param>
/// <param name="onlyOwn">Compares the samples of the ingest with each other alone.</param>
internal sealed class IdentityCheck(Commit commit, Func<string, int, byte[]?> read, IReadOnlyDictionary<int, IReadOnlyDictionary<string, string>> sheets, bool onlyOwn = false)
{
    /// <summary>Samples like a new one after which no more are looked for.</summary>
    private const int MostAlike = 10;

    private readonly List<IdentityFinding> _findings = [];

    /// <summary>Compares; findings are in the order of the samples of the command.</summary>
    /// <param name="loaded">Sketch of each sample loaded, and whether it replaces what the sample had.</param>
    /// <param name="sampleCount">Samples of the store, those of the command among them.</param>
    /// <param name="stop">Cancels.</param>
    public IReadOnlyList<IdentityFinding> Run(IReadOnlyDictionary<int, (IdentitySketch Sketch, bool Replaces)> loaded, int sampleCount, CancellationToken stop)
    {
        New[] all = [.. loaded.GroupBy(l => l.Key / SketchPart.Samples).OrderBy(g => g.Key).SelectMany(g => Store(g.Key, [.. g.OrderBy(l => l.Key)]))];
        if (!Array.Exists(all, n => n.Sketch.Entries.Length >= SketchMatch.LeastShared)) return _findings;
        var byPerson = all.Where(n => n.Person.Length > 0).ToLookup(n => n.Person, StringComparer.Ordinal);
        for (var i = 0; i < all.Length; i++)
        {
            if ((i & 0x3f) == 0) stop.ThrowIfCancellationRequested();
            Compare(all[i], all.AsSpan(i + 1), byPerson[all[i].Person].Where(n => n.Sample > all[i].Sample));
        }
        for (var part = 0; !onlyOwn && part < SketchPart.MaxParts && part * SketchPart.Samples < sampleCount; part++)
        {
            stop.ThrowIfCancellationRequested();
            var (at, first) = (part, part * SketchPart.Samples);
            var old = new Lazy<IdentitySketch[]>(() => SketchPart.Decode(read(SketchPart.NameOf(at), int.MaxValue)));
            var signatures = SketchPart.Signatures(read(SketchPart.NameOf(part), SketchPart.HeadBytes));
            for (var i = 0; i < SketchPart.Samples && first + i < sampleCount; i++)
            {
                if (loaded.ContainsKey(first + i)) continue;
                var person = byPerson.Count > 0 ? PersonOf(first + i) : "";
                // The signature alone leaves out nearly everyone; the sketches of a part are read when somebody is left.
                if (!signatures.IsEmpty && !byPerson.Contains(person) && !MayBeAny(all, signatures.Slice(i * IdentitySketch.Groups, IdentitySketch.Groups))) continue;
                if (old.Value[i].Entries.Length > 0) Compare(new New(first + i, old.Value[i], person), all, byPerson[person]);
            }
        }
        _findings.AddRange(all.Where(n => n.Alike > 0).Select(n => new IdentityFinding(n.Sample, n.Other, true, n.Best, n.Alike - 1)));
        return [.. _findings.OrderBy(f => f.Sample).ThenBy(f => f.IsSame).ThenBy(f => f.Other)];
    }

    /// <summary>Joins the new sketches of a part with the old ones and stores the part.</summary>
    private List<New> Store(int part, IReadOnlyList<KeyValuePair<int, (IdentitySketch Sketch, bool Replaces)>> loaded)
    {
        var all = new List<New>();
        var sketches = part < SketchPart.MaxParts ? SketchPart.Decode(read(SketchPart.NameOf(part), int.MaxValue)) : null;
        foreach (var (sample, (sketch, replaces)) in loaded)
        {
            var old = sketches?[sample % SketchPart.Samples] ?? IdentitySketch.Empty;
            var one = new New(sample, replaces ? sketch : IdentitySketch.Join(old, sketch), PersonOf(sample));
            if (replaces && !onlyOwn && SketchMatch.Of(old, sketch) is { LooksDifferent: true } match) _findings.Add(new IdentityFinding(sample, sample, false, match, 0));
            if (sketches is not null) sketches[sample % SketchPart.Samples] = one.Sketch;
            all.Add(one);
        }
        if (sketches is not null) commit.SetPart(SketchPart.NameOf(part), SketchPart.Encode(sketches));
        return all;
    }

    private static bool MayBeAny(New[] all, ReadOnlySpan<byte> signature)
    {
        foreach (var one in all)
            if (one.Sketch.MayBe(signature)) return true;
        return false;
    }

    private string PersonOf(int sample) => sheets.TryGetValue(sample, out var sheet) && sheet.TryGetValue("person", out var person) ? person : "";

    private void Compare(New other, ReadOnlySpan<New> strangers, IEnumerable<New> samePerson)
    {
        foreach (var one in strangers)
        {
            if (!one.Sketch.MayBe(other.Sketch) || one.Alike >= MostAlike || (one.Person.Length > 0 && one.Person == other.Person)) continue;
            if (SketchMatch.Of(one.Sketch, other.Sketch) is { LooksSame: true } match) one.Add(other.Sample, match);
        }
        foreach (var one in samePerson)
            if (SketchMatch.Of(one.Sketch, other.Sketch) is { LooksDifferent: true } match) _findings.Add(new IdentityFinding(one.Sample, other.Sample, false, match, 0));
    }

    /// <summary>A sample of the command, and the one most like it so far.</summary>
    private sealed class New(int sample, IdentitySketch sketch, string person)
    {
        public int Sample { get; } = sample;

        public IdentitySketch Sketch { get; } = sketch;

        public string Person { get; } = person;

        public int Alike { get; private set; }

        public int Other { get; private set; }

        public SketchMatch Best { get; private set; }

        public void Add(int other, SketchMatch match)
        {
            var isBetter = Alike++ == 0 || ((long)match.Agreeing * Best.Carried, -other).CompareTo(((long)Best.Agreeing * match.Carried, -Other)) > 0;
            if (isBetter) (Other, Best) = (other, match);
        }
    }
}
