using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>What <see cref="BriefLookup"/> says of one query.</summary>
/// <param name="State">Which of the three.</param>
/// <param name="Figures">The figures of COUNTS.md; of no meaning unless the query was understood and nothing is damaged.</param>
public readonly record struct BriefAnswer(SeenState State, CountFigures Figures)
{
    /// <summary>Whether the query could be interpreted.</summary>
    public bool IsUnderstood { get; init; }

    /// <summary>What is damaged in the part of the store that the answer needs; null when nothing is.</summary>
    public string? Damage { get; init; }
}

/// <summary>
/// Answers many spellings with states and figures alone, as <see cref="Session.Seen"/> does: plain <c>CHROM-POS-REF-ALT</c> by
/// <see cref="AlleleLookup"/>, every other, and all that it declines to read, by <see cref="Session.Seen"/> itself. Of the session's thread;
/// valid until the session is disposed of.
/// </summary>
public sealed class BriefLookup
{
    /// <summary>Longest allele read the quick way.</summary>
    private const int MaxBases = 50;

    /// <summary>Decoded blocks that are kept, about 1.5 million sites.</summary>
    private const long MaxBytes = 64 << 20;

    /// <summary>Spellings of contigs that are remembered: callers may make up any number.</summary>
    private const int MostContigs = 4096;

    private readonly Session _session;
    private readonly SampleChoice _samples;
    private readonly AlleleLookup _lookup;
    private readonly Normalizer _normalizer;
    private readonly Dictionary<string, Known?> _contigs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Known?>.AlternateLookup<ReadOnlySpan<char>> _named;
    private readonly List<int> _others = [];

    internal BriefLookup(Session session, SampleChoice samples)
    {
        (_session, _samples) = (session, samples);
        _lookup = session.PrepareLookup(samples, new LookupMemory(MaxBytes, inOrder: false));
        _normalizer = new Normalizer(session.Reference());
        _named = _contigs.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    private sealed record Known(string Canonical, int LengthBases, ContigAnswers Answers);

    /// <summary>Answers queries, each at its index.</summary>
    /// <param name="queries">Spellings.</param>
    /// <param name="answers">As many.</param>
    /// <param name="stop">Cancels.</param>
    public void Answer(IReadOnlyList<string> queries, Span<BriefAnswer> answers, CancellationToken stop = default)
    {
        // How many of them take the longer way depends on samples that a caller may not see.
        _session.ChargeLookUps(queries.Count, _lookup.AskedSamples);
        _others.Clear();
        for (var i = 0; i < queries.Count; i++)
        {
            if ((i & 1023) == 0) stop.ThrowIfCancellationRequested();
            if (!TryAnswer(queries[i], ref answers[i])) _others.Add(i);
        }
        if (_others.Count == 0) return;
        var at = 0;
        foreach (var answer in _session.SeenPaid(_others.Select(i => queries[i]), _samples, isPaid: true, stop))
            answers[_others[at++]] = new BriefAnswer(answer.State, answer.Figures) { IsUnderstood = answer.Contig is not null, Damage = answer.Damage };
        foreach (var known in _contigs.Values)
            if (known is not null) _session.Touch(known.Canonical); // what was asked between has begun a question of its own
    }

    private bool TryAnswer(string query, ref BriefAnswer answer)
    {
        Span<byte> bases = stackalloc byte[2 * MaxBases];
        if (!TryRead(query, bases, out var contig, out var start, out var referenceBases, out var alternateBases)) return false;
        var reference = bases[..referenceBases];
        var alternate = bases.Slice(MaxBases, alternateBases);
        if (start < 0 || start + referenceBases > contig.LengthBases || _normalizer.CheckRef(contig.Canonical, start, reference) == RefMatch.Mismatch) return false;
        if (referenceBases == 1 && alternateBases == 1) return TryFind(contig.Answers, start, reference, alternate, ref answer);
        var normal = _normalizer.Normalize(contig.Canonical, start, reference, alternate);
        return TryFind(contig.Answers, normal.Start, normal.Ref, normal.Alt, ref answer);
    }

    private static bool TryFind(ContigAnswers answers, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref BriefAnswer answer)
    {
        try
        {
            if (!answers.TryFind(start, reference, alternate, out var state, out var figures)) return false;
            answer = new BriefAnswer(state, figures) { IsUnderstood = true };
            return true;
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            return false; // the general way tells whether the answer needs what is damaged
        }
    }

    /// <summary>Reads <c>CONTIG-POS-REF-ALT</c> of plain upper-case bases that differ; false for all else.</summary>
    private bool TryRead(ReadOnlySpan<char> text, Span<byte> bases, [NotNullWhen(true)] out Known? contig, out int start, out int reference, out int alternate)
    {
        (contig, start, reference, alternate) = (null, 0, 0, 0);
        var dash = text.IndexOf('-');
        if (dash <= 0) return false;
        var name = text[..dash];
        text = text[(dash + 1)..];
        if ((dash = text.IndexOf('-')) <= 0 || !char.IsAsciiDigit(text[0]) || !int.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var position)) return false;
        text = text[(dash + 1)..];
        if ((dash = text.IndexOf('-')) <= 0) return false;
        if (!TryBases(text[..dash], bases[..MaxBases]) || !TryBases(text[(dash + 1)..], bases[MaxBases..])) return false;
        (start, reference, alternate) = (position - 1, dash, text.Length - dash - 1);
        if (text[..dash].SequenceEqual(text[(dash + 1)..])) return false;
        if (!_named.TryGetValue(name, out contig) && _contigs.Count < MostContigs) _named[name] = contig = Open(name.ToString());
        return contig is not null;
    }

    private static bool TryBases(ReadOnlySpan<char> text, Span<byte> bases)
    {
        if (text.IsEmpty || text.Length > bases.Length) return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('A' or 'C' or 'G' or 'T')) return false;
            bases[i] = (byte)text[i];
        }
        return true;
    }

    /// <summary>A contig by a spelling; null when every question about it goes the general way.</summary>
    private Known? Open(string name)
    {
        try
        {
            var (canonical, length) = _session.ContigOf(name);
            return new Known(canonical, length, _lookup.Canonical(canonical));
        }
        catch (Exception met) when (met is InputException || Damage.TextOf(met) is not null)
        {
            return null;
        }
    }
}
