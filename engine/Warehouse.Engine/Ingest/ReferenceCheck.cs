using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// Compares REF with the reference, record by record. The first difference does not stop the file at once: the next
/// <see cref="EvidenceRecords"/> records tell whether the record or the build is wrong. One thread.
/// </summary>
internal sealed class ReferenceCheck(Normalizer normalizer, string file, bool skipBad)
{
    /// <summary>Records looked at after the first difference.</summary>
    public const int EvidenceRecords = 1000;

    /// <summary>One difference in so many records is a wrong build.</summary>
    public const int WrongBuildOneIn = 1000;

    private long _checked;
    private long _different;
    private long _checkedAtFirst;
    private InputPlace _first;
    private string _text = "";

    /// <summary>Records skipped because REF differs.</summary>
    public long Skipped => _different;

    /// <summary>Place of the first difference.</summary>
    public InputPlace First => _first;

    /// <summary>True when the record may be stored.</summary>
    public bool Accepts(string contig, VcfRecord record, ReadOnlySpan<byte> referenceUpper)
    {
        if (record.Start < 0 || normalizer.CheckRef(contig, record.Start, referenceUpper) is var match && match == RefMatch.Unknown) return _different == 0 || skipBad;
        _checked++;
        if (match == RefMatch.Match)
        {
            if (_different > 0 && !skipBad && _checked - _checkedAtFirst >= EvidenceRecords) Throw();
            return true;
        }
        if (_different++ == 0)
        {
            _first = new InputPlace(file, record.Line, record.OffsetBytes, "REF");
            _checkedAtFirst = _checked;
            _text = $"{InputException.Quote(referenceUpper)} differs from the reference at {contig}:{record.Start + 1}";
        }
        return false;
    }

    /// <summary>Ends the file: throws what the differences mean.</summary>
    public void Complete()
    {
        if (_different == 0) return;
        if (!skipBad || _different * WrongBuildOneIn > _checked) Throw();
    }

    private void Throw()
    {
        if (_different > 1 && _different * WrongBuildOneIn > _checked)
            throw new InputException("wrong-build", FormattableString.Invariant($"{_different} of {_checked} REF alleles differ from the store's reference: the file is of another build. First: {_text}"), _first);
        throw new InputException("ref-mismatch", _text, _first);
    }
}
