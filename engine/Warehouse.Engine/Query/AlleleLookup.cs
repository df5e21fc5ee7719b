namespace Warehouse.Engine.Query;

/// <summary>
/// Looks single base alleles up, in any order and many times: what <see cref="Session.Seen"/> says of state and figures, without its texts.
/// Blocks that were touched stay decoded, up to a bound, so that most answers take well under a microsecond. Made by
/// <see cref="Session.PrepareLookup(SampleChoice)"/>, whose snapshot and scope it keeps: nothing outside them changes an answer. Of the session's
/// thread; valid until the session is disposed of. Dispose it to report the number of questions to the session's sink.
/// </summary>
public sealed class AlleleLookup : IDisposable
{
    /// <summary>Bytes of decoded blocks that a look-up keeps: 256 MiB, about 6 million sites.</summary>
    internal const long DefaultMaxBytes = 256L << 20;

    private readonly Session _session;
    private readonly Selection _figures;
    private readonly Selection _everyone;
    private readonly LookupMemory _memory;
    private readonly Dictionary<string, ContigAnswers> _contigs = new(StringComparer.Ordinal);
    private string? _lastName;
    private ContigAnswers? _last;
    private long _asked;

    internal AlleleLookup(Session session, Selection figures, Selection everyone, LookupMemory memory)
    {
        (_session, _figures, _everyone, _memory) = (session, figures, everyone, memory);
    }

    /// <summary>Whether an allele was seen, by every visible sample of the choice, and its figures over the counting ones.</summary>
    /// <param name="contig">Contig in any spelling; one that the store has no data of is not assessed, but by assumption.</param>
    /// <param name="start">0-based start of the normalised allele.</param>
    /// <param name="reference">REF, normalised: upper-case ASCII bases.</param>
    /// <param name="alternate">ALT likewise. An allele that is not normalised is another allele than the one it means.</param>
    /// <param name="figures">AC, AN and the rest as COUNTS.md has them; AN and the unassessed are told for an allele without a carrier too.</param>
    /// <exception cref="InputException">The contig is an accession of another assembly.</exception>
    /// <exception cref="InvalidDataException">The store is damaged there.</exception>
    public SeenState Find(string contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, out CountFigures figures)
    {
        _asked++;
        var answers = ReferenceEquals(contig, _lastName) ? _last! : Contig(contig);
        if (answers.TryFind(start, reference, alternate, out var state, out figures)) return state;
        (state, figures) = answers.General.Ask(start, reference.ToArray(), alternate.ToArray());
        return state;
    }

    /// <summary>Samples that are asked whether they have an allele.</summary>
    internal int AskedSamples => _everyone.SlotCount;

    /// <summary>Samples that the figures are over.</summary>
    internal int SampleCount => _figures.SlotCount;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_asked > 0) _session.Report("lookup", _asked);
        _asked = 0;
    }

    private ContigAnswers Contig(string name)
    {
        if (!_contigs.TryGetValue(name, out var answers)) _contigs[name] = answers = Canonical(_session.CanonicalOf(name));
        (_lastName, _last) = (name, answers);
        return answers;
    }

    /// <summary>The answers of a contig by its canonical name.</summary>
    internal ContigAnswers Canonical(string canonical)
    {
        if (_contigs.TryGetValue(canonical, out var known)) return known;
        _session.Touch(canonical);
        return _contigs[canonical] = new ContigAnswers(_session.View, canonical, (_figures, _everyone), _memory);
    }
}

/// <summary>The two ways to answer for single alleles of a contig: a quick one that may decline, and the general one. One thread.</summary>
internal sealed class ContigAnswers
{
    private readonly ContigLookup _counted;
    private readonly ContigLookup? _all;

    public ContigAnswers(StoreView view, string canonical, (Selection Figures, Selection Everyone) of, LookupMemory memory)
    {
        var index = view.Catalog.ContigIndex(canonical);
        _counted = new ContigLookup(view, index, of.Figures, memory);
        _all = of.Everyone.SlotCount == of.Figures.SlotCount ? null : new ContigLookup(view, index, of.Everyone, memory);
        General = new AlleleAnswers(view, canonical, of.Figures, of.Everyone);
    }

    /// <summary>Answers everything.</summary>
    public AlleleAnswers General { get; }

    /// <summary>Answers most questions; false = <see cref="General"/> must.</summary>
    public bool TryFind(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, out SeenState state, out CountFigures figures)
    {
        state = SeenState.NotAssessable;
        if (!_counted.TryCount(start, reference, alternate, out figures)) return false;
        if (_all is null) state = SeenContig.StateOf(figures);
        else if (_all.TryCount(start, reference, alternate, out var all)) state = SeenContig.StateOf(all);
        else return false;
        return true;
    }
}
