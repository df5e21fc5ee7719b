using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// Judges places and alleles of a source file against the store's assembly and reference. A REF that differs does not refuse the file at
/// once: the next 1,000 alleles tell whether a record or the whole build is wrong. One thread.
/// </summary>
/// <param name="normalizer">Normalises as samples are normalised.</param>
/// <param name="assembly">The store's.</param>
/// <param name="file">Name for errors.</param>
/// <param name="skipBad">Leave out what differs, while it is less than one in a thousand.</param>
internal sealed class AnnotationIntake(Normalizer normalizer, Assembly assembly, string file, bool skipBad)
{
    private const int EvidenceRecords = 1000;
    private const int WrongBuildOneIn = 1000;
    private readonly Dictionary<string, string> _canonical = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _leftOut = new(StringComparer.Ordinal);
    private long _checked, _different, _checkedAtFirst;
    private InputPlace _first;
    private string _text = "";

    public Normalizer Normalizer => normalizer;

    public IReadOnlyList<(string Reason, long Count)> LeftOut => [.. _leftOut.Select(l => (l.Key, l.Value))];

    /// <summary>Counts what is not stored.</summary>
    public void LeaveOut(string reason, long count = 1) => _leftOut[reason] = _leftOut.GetValueOrDefault(reason) + count;

    /// <summary>The canonical contig of a name.</summary>
    /// <exception cref="InputException">It, or its length, belongs to another assembly.</exception>
    public string Canonical(string name, int lengthBases, InputPlace place)
    {
        if (_canonical.TryGetValue(name, out var known)) return known;
        try
        {
            var canonical = assembly.CanonicalContig(name);
            if (canonical == "MT" && lengthBases == HumanGenome.OldMitochondrionBases) canonical = Assembly.OldMitochondrion;
            else if (lengthBases > 0 && assembly.LengthContradiction(canonical, lengthBases) is { } why) throw new InputException("wrong-assembly", why, place);
            if (lengthBases > 0 && normalizer.Reference?.Length(canonical) is { } length && length != lengthBases)
                throw new InputException("wrong-assembly", FormattableString.Invariant($"contig {canonical} has {lengthBases} bases in the file and {length} in the store's reference"), place);
            _canonical.Add(name, canonical);
            return canonical;
        }
        catch (InputException wrong) when (wrong.Place.IsNone)
        {
            throw new InputException("wrong-assembly", wrong.Expected, place);
        }
    }

    /// <summary>Refuses a file that says of itself that it is of another assembly.</summary>
    /// <param name="said">A name of an assembly, or a text that holds one.</param>
    /// <param name="field">Where it says so.</param>
    public void RequireAssembly(string said, string field)
    {
        if (!assembly.IsHuman) return;
        foreach (var other in (ReadOnlySpan<(string Name, Assembly Assembly)>)[("GRCh37", Assembly.GRCh37), ("GRCh38", Assembly.GRCh38), ("hg19", Assembly.GRCh37), ("hg38", Assembly.GRCh38), ("hs37d5", Assembly.GRCh37)])
            if (said.Contains(other.Name, StringComparison.OrdinalIgnoreCase) && other.Assembly != assembly)
                throw new InputException("wrong-assembly", $"the file says that it is of {other.Name}; the store holds {assembly.Name}", new InputPlace(file, 0, 0, field));
    }

    /// <summary>Whether an allele may be stored: REF is that of the reference, or the reference does not tell.</summary>
    /// <exception cref="InputException">Enough was seen to tell what is wrong.</exception>
    public bool Accepts(string contig, int start, ReadOnlySpan<byte> reference, (long Line, long Offset) at)
    {
        var match = normalizer.CheckRef(contig, start, reference);
        if (match == RefMatch.Unknown)
        {
            // Without a reference the length of a contig is all that tells builds apart.
            if (assembly.Length(contig) is { } length && start + (long)reference.Length > length)
                throw new InputException("wrong-build", FormattableString.Invariant($"the allele ends at {start + (long)reference.Length}, and contig {contig} of {assembly.Name} has {length} bases: the file is of another build"), new InputPlace(file, at.Line, at.Offset, "POS"));
            return _different == 0 || skipBad;
        }
        _checked++;
        if (match == RefMatch.Match)
        {
            if (_different > 0 && !skipBad && _checked - _checkedAtFirst >= EvidenceRecords) Throw();
            return _different == 0 || skipBad;
        }
        LeaveOut("REF differs from the reference");
        if (_different++ == 0)
        {
            _first = new InputPlace(file, at.Line, at.Offset, "REF");
            _checkedAtFirst = _checked;
            _text = FormattableString.Invariant($"{InputException.Quote(reference)} at {contig}:{start + 1L} is not what the reference has there, {Found(contig, start, reference.Length)}");
        }
        return false;
    }

    /// <summary>Whether an interval lies inside its contig as far as that is known.</summary>
    /// <exception cref="InputException">It reaches beyond.</exception>
    public void RequireInside(string contig, int end, InputPlace place)
    {
        if ((normalizer.Reference?.Length(contig) ?? assembly.Length(contig)) is { } length && end > length)
            throw new InputException("wrong-build", FormattableString.Invariant($"the interval ends at {end}, and contig {contig} has {length} bases: the file is of another build"), place);
    }

    /// <summary>Ends the file: throws what the differences mean.</summary>
    public void Complete()
    {
        if (_different > 0 && (!skipBad || _different * WrongBuildOneIn > _checked)) Throw();
    }

    private string Found(string contig, int start, int length)
    {
        var known = normalizer.Reference!.Length(contig) ?? 0;
        return start >= 0 && start + (long)length <= known ? InputException.Quote(normalizer.Reference.Bases(contig, start, start + length)) : FormattableString.Invariant($"whose contig ends at {known}");
    }

    private void Throw()
    {
        var share = FormattableString.Invariant($"{_different} of {_checked} REF alleles ({100.0 * _different / _checked:0.###} %) differ from the store's reference");
        if (_different > 1 && _different * WrongBuildOneIn > _checked) throw new InputException("wrong-build", $"{share}: the file is of another build, or not written against this reference. First: {_text}", _first);
        throw new InputException("ref-mismatch", $"{_text} ({share})", _first);
    }
}
