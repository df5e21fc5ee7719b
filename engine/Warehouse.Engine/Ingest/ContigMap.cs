using Warehouse.Engine.Catalog;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>The store's contigs while a command adds to them; checks that a file's contigs belong to the store's assembly. One thread.</summary>
internal sealed class ContigMap
{
    private readonly List<ContigEntry> _entries;
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly Assembly _assembly;
    private readonly ReferenceGenome? _reference;

    public ContigMap(IReadOnlyList<ContigEntry> entries, Assembly assembly, ReferenceGenome? reference)
    {
        (_entries, _assembly, _reference) = ([.. entries], assembly, reference);
        for (var i = 0; i < _entries.Count; i++) _index.Add(_entries[i].Canonical, i);
    }

    public IReadOnlyList<ContigEntry> Entries => _entries;

    /// <summary>The store's ordinal of a contig as a file writes it; new ones are added.</summary>
    /// <exception cref="InputException">The contig or its length belongs to another assembly.</exception>
    public int Of(VcfContig contig, string file)
    {
        var place = new InputPlace(file, 0, 0, "contig");
        string canonical;
        try
        {
            canonical = CanonicalOf(_assembly, contig);
        }
        catch (InputException wrong)
        {
            throw new InputException("wrong-assembly", wrong.Expected, place);
        }
        Check(canonical, contig.LengthBases, place);
        return Add(canonical, contig.Name, contig.LengthBases);
    }

    /// <summary>The canonical name of a contig as a file writes it. The chrM of UCSC hg19 is another sequence than MT and is kept apart from it.</summary>
    /// <exception cref="InputException">The name belongs to another assembly.</exception>
    public static string CanonicalOf(Assembly assembly, VcfContig contig)
    {
        var canonical = assembly.CanonicalContig(contig.Name);
        return canonical == "MT" && contig.LengthBases == HumanGenome.OldMitochondrionBases ? Assembly.OldMitochondrion : canonical;
    }

    /// <summary>The same for a name without a header.</summary>
    public int Of(string name, string file) => Of(new VcfContig(name, 0, "", false), file);

    /// <summary>Ordinal of a canonical contig that the store has.</summary>
    public int Known(string canonical) => _index[canonical];

    private int Add(string canonical, string name, int lengthBases)
    {
        if (_index.TryGetValue(canonical, out var index)) return index;
        _index.Add(canonical, index = _entries.Count);
        _entries.Add(new ContigEntry(canonical, _reference?.WrittenName(canonical) ?? name, _reference?.Length(canonical) ?? lengthBases));
        return index;
    }

    private void Check(string canonical, int lengthBases, InputPlace place)
    {
        if (lengthBases == 0) return;
        if (_assembly.LengthContradiction(canonical, lengthBases) is { } why) throw new InputException("wrong-assembly", why, place);
        if (_reference?.Length(canonical) is { } length && length != lengthBases)
            throw new InputException("wrong-assembly", FormattableString.Invariant($"contig {canonical} has {lengthBases} bases in the file and {length} in the store's reference"), place);
    }
}
