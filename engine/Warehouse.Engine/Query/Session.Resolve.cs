using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>What a spelling asks for: one of base allele, symbolic allele, fault and damage is set.</summary>
internal sealed record Question
{
    /// <summary>The spelling.</summary>
    public required string Text { get; init; }

    public Variant? Variant { get; init; }

    public SymbolicAllele? Symbolic { get; init; }

    /// <summary>Why it could not be interpreted.</summary>
    public InputException? Fault { get; init; }

    /// <summary>What is damaged of the store, so that it could not be found what the spelling means.</summary>
    public UnavailableRange? Damage { get; init; }

    /// <summary>True when no reference sequence was there to left-align with.</summary>
    public bool TrimmedOnly { get; init; }

    public string? Contig => Variant?.Contig ?? Symbolic?.Contig;

    public int Start => Variant?.Start ?? Symbolic?.Start ?? 0;
}

public sealed partial class Session
{
    /// <summary>Bases that spellings of one question may leave unsaid, all together, of whoever has an allowance: a short text can stand for a million of them, and all are spelled out.</summary>
    internal const long MostUnsaidBases = 1 << 24;

    // VRS digests asked for in this session: the stored variant that each names, or null. The snapshot is fixed, so answers stay right.
    private readonly Dictionary<string, Variant?> _vrs = new(StringComparer.Ordinal);
    private readonly Dictionary<int, SymbolicIndex> _symbolic = [];
    private VariantContext? _context;

    private VariantContext Context => _context ??= new VariantContext(_view.Assembly, Reference(), _view.ContigsInOrder().Select(c => _view.Catalog.Contigs[c].Canonical));

    /// <summary>Interprets spellings, in their order; a spelling that cannot be interpreted becomes a fault, and one that is beyond <see cref="MostUnsaidBases"/> too.</summary>
    private Question[] Interpret(IReadOnlyList<string> texts, CancellationToken stop)
    {
        var questions = new Question[texts.Count];
        var digests = new Dictionary<int, string>();
        var unsaid = Allowance is null ? long.MaxValue : MostUnsaidBases;
        for (var i = 0; i < questions.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                var query = VariantQuery.Parse(texts[i], Context.Within(unsaid));
                if (query.Variant is { } variant) unsaid -= Math.Max(0, variant.Ref.Length + variant.Alt.Length - texts[i].Length);
                questions[i] = new Question { Text = texts[i], Variant = query.Variant, Symbolic = query.Symbolic, TrimmedOnly = query.TrimmedOnly };
                if (query.VrsDigest is { } digest) digests.Add(i, digest);
            }
            catch (InputException bad)
            {
                questions[i] = new Question { Text = texts[i], Fault = bad };
            }
        }
        var damage = FindVrs(digests.Values, stop);
        foreach (var (i, digest) in digests)
        {
            if (_vrs.TryGetValue(digest, out var found)) questions[i] = questions[i] with { Variant = found, Fault = found is null ? UnknownVrs() : null };
            else questions[i] = questions[i] with { Damage = damage, Fault = damage is null ? UnknownVrs() : null };
        }
        return questions;
    }

    private InputException UnknownVrs() => new("variant-vrs", Reference() is null
        ? "a VRS identifier can only be compared with those of stored variants, and they need the reference sequence, which this store has none of"
        : "no stored variant has this VRS identifier, and what it stands for cannot be read from it", InputPlace.None);

    /// <summary>Computes the identifiers of stored variants, contig by contig, until every digest asked for is found.</summary>
    /// <returns>What is damaged, where something was not found that could stand there; that is not kept, so the next question looks again.</returns>
    private UnavailableRange? FindVrs(IEnumerable<string> digests, CancellationToken stop)
    {
        var wanted = digests.Where(d => !_vrs.ContainsKey(d)).ToHashSet(StringComparer.Ordinal);
        if (wanted.Count == 0 || Reference() is not { } reference) return null;
        ChargeSearch();
        var everyone = Selection.Build(_view.Catalog, _scope, Snapshot, SampleChoice.All, new CountRules(), null);
        var around = new DamagedRanges(_view, symbolic: false);
        foreach (var contig in _view.ContigsInOrder())
        {
            if (wanted.Count == 0) break;
            var name = _view.Catalog.Contigs[contig].Canonical;
            if (!reference.Has(name)) continue;
            var accession = _facts.RefgetAccessions.GetValueOrDefault(name) ?? reference.RefgetAccession(name);
            around.Ask(contig, -1, int.MaxValue);
            var scan = ContigScan.Listing(_view, contig, everyone, new CountRules(), (false, new Care(around, RowNeeds.Listed)));
            foreach (var row in scan.List(-1, int.MaxValue))
            {
                stop.ThrowIfCancellationRequested();
                if (!scan.CanAnswer(row)) continue;
                var variant = Variant.FromNormalized(name, row.Start, System.Text.Encoding.ASCII.GetString(row.Ref), System.Text.Encoding.ASCII.GetString(row.Alt));
                var digest = Vrs.AlleleDigest(accession, JustifiedAllele.Of(variant, reference));
                if (!wanted.Remove(digest)) continue;
                _vrs[digest] = variant;
                if (wanted.Count == 0) break;
            }
        }
        if (wanted.Count > 0 && around.InOrder() is [var first, ..]) return first;
        foreach (var digest in wanted) _vrs[digest] = null;
        return null;
    }

    /// <summary>A scan of the symbolic alleles of a contig; their index is made once a session.</summary>
    private SymbolicScan Symbolic(int contig, Selection selection, CountRules rules)
    {
        var sources = ContigScan.OpenSources(_view, contig, selection);
        if (!_symbolic.TryGetValue(contig, out var index)) _symbolic.Add(contig, index = SymbolicIndex.Build(_view, contig, sources));
        return new SymbolicScan(_view, contig, selection, rules, (index, sources, null));
    }

    /// <summary>The same for a listing that goes on around damage: its index may lack rows, so it is no other question's.</summary>
    private SymbolicScan Symbolic(int contig, Selection selection, CountRules rules, Care care)
    {
        var sources = ContigScan.OpenSources(_view, contig, selection, care: care);
        return new SymbolicScan(_view, contig, selection, rules, (SymbolicIndex.Build(_view, contig, sources, care), sources, care.Around));
    }
}
