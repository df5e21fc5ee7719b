using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Variants;

namespace Warehouse.Clinic.ClinVar;

/// <summary>A walk over a release, allele by allele: the rows of one allele, which follow each other, are one step. Of distinct values there are few, so each is understood once. One thread.</summary>
internal sealed class ClinVarRows : IDisposable
{
    private const int MostKnown = 100_000;

    /// <summary>Bits of a code in a key of three; a block has fewer texts, else they are looked up as texts alone.</summary>
    private const int CodeBits = 21;

    private const int Genes = 1;

    private static readonly ClinVarAxis[] Axes = Enum.GetValues<ClinVarAxis>();

    private readonly AnnotationReader _reader;
    private readonly IEnumerator<AnnotationBlock> _blocks;
    private readonly int[] _all;
    private readonly AnnotationColumn?[] _columns;
    private readonly Dictionary<(ClinVarAxis, string, string, string), Classification> _known = [];
    private readonly Dictionary<long, Classification>[] _knownOfBlock = [[], [], []];
    private AnnotationBlock? _block;
    private string _contig = "";
    private int _first, _count;

    /// <summary>Takes a reader over.</summary>
    /// <exception cref="InputException">It is not of ClinVar.</exception>
    internal ClinVarRows(AnnotationReader reader)
    {
        (_reader, _blocks) = (reader, reader.Blocks().GetEnumerator());
        _all =
        [
            FieldOfId(reader), First(reader, "GENEINFO", "GENE", "symbol"), First(reader, "CLNDN", "CLNDBN", "all_traits"),
            First(reader, "CLNSIG", "clinical_significance"), First(reader, "CLNREVSTAT", "review_status"), First(reader, "CLNSIGCONF"),
            First(reader, "ONC"), First(reader, "ONCREVSTAT"), First(reader, "ONCCONF"), First(reader, "SCI"), First(reader, "SCIREVSTAT"), First(reader, "SCICONF"),
        ];
        _columns = new AnnotationColumn?[_all.Length];
        if (_all[3] < 0) throw new InputException("clinvar-fields", "the release has no field CLNSIG or clinical_significance: load it with a mapping that names one", InputPlace.None);
    }

    /// <summary>The field that has the ids of records; -1 when there is none.</summary>
    internal static int FieldOfId(AnnotationReader reader) => First(reader, "ID", "measureset_id");

    /// <summary>The places, among the columns, that a change can show in: whatever either of two releases has, but genes, since another gene alone is no change.</summary>
    internal static int[] Compared(ClinVarRows one, ClinVarRows other) => [.. Enumerable.Range(0, one._all.Length).Where(i => i != Genes && (one._all[i] >= 0 || other._all[i] >= 0))];

    /// <summary>Whether there is no allele any more.</summary>
    internal bool IsOver => _block is null;

    /// <summary>Whether the allele has one row.</summary>
    internal bool IsSingle => _count == 1;

    /// <summary>Number of blocks that were entered: another one, other columns.</summary>
    internal int Entered { get; private set; }

    /// <summary>Its first row.</summary>
    internal int Row => _first;

    /// <summary>Whether any row of the allele has something that no table has.</summary>
    internal bool IsUnrecognised
    {
        get
        {
            for (var row = _first; row < _first + _count; row++)
                foreach (var axis in Axes)
                    if (Of(axis, row).Unrecognised.Count > 0) return true;
            return false;
        }
    }

    /// <summary>Goes to the next allele. All rows of a start are in one block, so those of an allele are.</summary>
    internal void Next()
    {
        _first += _count;
        while (_block is null || _first == _block.Count)
        {
            _block?.Release();
            _block = null;
            if (!_blocks.MoveNext()) return;
            Enter(_blocks.Current);
            _first = 0;
        }
        for (_count = 1; _first + _count < _block.Count && _block.HasAlleleOf(_first + _count, _block, _first); _count++)
        {
        }
    }

    /// <summary>Goes to an allele, in whatever order; a walk is over then.</summary>
    /// <returns>False when the release does not have it.</returns>
    internal bool Find(Variant allele)
    {
        if (_reader.Find(allele.Contig, allele.Start, Encoding.ASCII.GetBytes(allele.Ref), Encoding.ASCII.GetBytes(allele.Alt)) is not { } hit) return false;
        if (!ReferenceEquals(hit.Block, _block)) Enter(hit.Block);
        (_first, _count) = (hit.First, hit.Count);
        return true;
    }

    /// <summary>The order of two alleles.</summary>
    internal int CompareTo(ClinVarRows other)
    {
        var isSameContig = _contig == other._contig;
        if (isSameContig && _block!.HasAlleleOf(_first, other._block!, other._first)) return 0;
        var order = isSameContig ? 0 : ContigOrder.Instance.Compare(_contig, other._contig);
        if (order == 0) order = _block!.Starts[_first].CompareTo(other._block!.Starts[other._first]);
        if (order == 0) order = _block!.RefOf(_first).SequenceCompareTo(other._block!.RefOf(other._first));
        return order != 0 ? order : _block!.AltOf(_first).SequenceCompareTo(other._block!.AltOf(other._first));
    }

    /// <summary>A column of the block, by its place among those that are read; read when it is first asked for. Null when the release does not have it.</summary>
    internal AnnotationColumn? Column(int place) => _all[place] < 0 ? null : _columns[place] ??= _block!.Column(_all[place]);

    /// <summary>The entry of the allele: its rows together.</summary>
    internal ClinVarAllele Read()
    {
        var entry = Read(_first);
        for (var i = 1; i < _count; i++) entry = entry.And(Read(_first + i));
        return entry;
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _reader.Dispose();
    }

    private static int First(AnnotationReader reader, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (reader.FieldOf(name) is >= 0 and var at && reader.Fields[at].Type == AnnotationType.Text) return at;
        return -1;
    }

    private void Enter(AnnotationBlock block)
    {
        (_block, _contig) = (block, block.Contig);
        Entered++;
        Array.Clear(_columns);
        foreach (var known in _knownOfBlock) known.Clear();
    }

    private ClinVarAllele Read(int row) => new()
    {
        Allele = _block!.VariantOf(row), Ids = Text(0, row) is { Length: > 0 } id ? [id] : [], Genes = Text(Genes, row), Conditions = Text(2, row), Line = _block.Lines[row],
        Germline = Of(ClinVarAxis.Germline, row), Oncogenicity = Of(ClinVarAxis.Oncogenicity, row), SomaticImpact = Of(ClinVarAxis.SomaticImpact, row),
    };

    /// <summary>The classification of an axis: value, review and conflict stand side by side.</summary>
    private Classification Of(ClinVarAxis axis, int row)
    {
        var field = 3 + (3 * (int)axis);
        var (value, review, conflict) = (Code(field, row), Code(field + 1, row), Code(field + 2, row));
        if ((value | review | conflict) == 0) return Classification.None;
        if ((value | review | conflict) >> CodeBits != 0) return Of(axis, field, row);
        var key = ((((long)value << CodeBits) | (uint)review) << CodeBits) | (uint)conflict;
        if (!_knownOfBlock[(int)axis].TryGetValue(key, out var known)) _knownOfBlock[(int)axis].Add(key, known = Of(axis, field, row));
        return known;
    }

    private Classification Of(ClinVarAxis axis, int field, int row)
    {
        var (value, review, conflict) = (Text(field, row), Text(field + 1, row), Text(field + 2, row));
        if (!_known.TryGetValue((axis, value, review, conflict), out var known))
        {
            if (_known.Count >= MostKnown) _known.Clear();
            _known.Add((axis, value, review, conflict), known = Classification.Parse(axis, value, review, conflict));
        }
        return known;
    }

    private int Code(int place, int row) => Column(place) is { } column ? column.Codes[row] : 0;

    private string Text(int place, int row) => Column(place) is { } column ? column.StringOf(column.Codes[row]) ?? "" : "";
}
