using System.Globalization;

namespace Warehouse.Engine.Variants;

/// <summary>What inheritance says about a contig: how many copies a person is expected to have depends on it.</summary>
public enum ContigClass
{
    /// <summary>Two copies: 1 to 22 and everything that is not one of the others.</summary>
    Autosome,

    /// <summary>The X chromosome.</summary>
    X,

    /// <summary>The Y chromosome.</summary>
    Y,

    /// <summary>The mitochondrion.</summary>
    MT,
}

/// <summary>
/// A reference assembly by name, with the one canonical spelling of its contigs: 1 to 22, X, Y, MT; anything else as written without
/// a leading <c>chr</c>. GRCh37 and GRCh38 also know lengths, accessions and pseudo-autosomal regions. Immutable; any thread.
/// </summary>
public sealed record Assembly
{
    /// <summary>Canonical name of the 16571 bases that UCSC hg19 calls chrM: a mitochondrion, but not the MT of any assembly here.</summary>
    public const string OldMitochondrion = "NC_001807";

    private readonly HumanGenome? _human;

    private Assembly(string name, HumanGenome? human)
    {
        Name = name;
        _human = human;
    }

    /// <summary>GRCh37 (hg19, b37, hs37d5).</summary>
    public static Assembly GRCh37 { get; } = new("GRCh37", HumanGenome.Build37);

    /// <summary>GRCh38 (hg38).</summary>
    public static Assembly GRCh38 { get; } = new("GRCh38", HumanGenome.Build38);

    /// <summary>Canonical name.</summary>
    public string Name { get; }

    /// <summary>True for GRCh37 and GRCh38: pseudo-autosomal regions, lengths and accessions are known.</summary>
    public bool IsHuman => _human is not null;

    /// <summary>The canonical contigs that the assembly itself knows, in order; empty when it is not human.</summary>
    public IReadOnlyList<string> Contigs => IsHuman ? HumanGenome.Contigs : [];

    /// <summary>The assembly of a name or alias (any case); an unknown name is kept as it is.</summary>
    /// <exception cref="InputException">The name is empty.</exception>
    public static Assembly Parse(string name)
    {
        var text = name.Trim();
        return text.ToUpperInvariant() switch
        {
            "" => throw new InputException("assembly-name", "the assembly needs a name, such as GRCh37 or GRCh38", InputPlace.None),
            "GRCH37" or "HG19" or "B37" or "HS37D5" => GRCh37,
            "GRCH38" or "HG38" => GRCh38,
            _ => new Assembly(text, null),
        };
    }

    /// <summary>Class of a canonical contig.</summary>
    public static ContigClass ClassOf(string canonical) => canonical switch
    {
        "X" => ContigClass.X,
        "Y" => ContigClass.Y,
        "MT" or OldMitochondrion => ContigClass.MT,
        _ => ContigClass.Autosome,
    };

    /// <summary>The canonical spelling of a contig: without <c>chr</c>, M as MT, RefSeq accessions of this assembly by their name.</summary>
    /// <exception cref="InputException">A RefSeq accession without version, or of another assembly than this (<c>contig-assembly</c>).</exception>
    public string CanonicalContig(string written)
    {
        if (_human is not null && written.StartsWith("NC_", StringComparison.OrdinalIgnoreCase)) return FromAccession(written);
        // Not chrchr1: what this gives must mean the same contig when it is asked for, and chr1 is 1.
        var name = written.Length > 3 && HasChr(written) && !HasChr(written.AsSpan(3)) ? written[3..] : written;
        return name switch
        {
            "x" => "X",
            "y" => "Y",
            "M" or "m" or "mt" or "Mt" => "MT",
            _ => name,
        };
    }

    /// <summary>Length in bases of a canonical contig, or null when the assembly does not know it.</summary>
    public int? Length(string canonical) =>
        _human is not null && HumanGenome.IndexOf(canonical) is >= 0 and var index ? _human.Lengths[index] : null;

    /// <summary>Versioned RefSeq accession of a canonical contig, or null.</summary>
    public string? Accession(string canonical)
    {
        if (_human is null || HumanGenome.IndexOf(canonical) is not (>= 0 and var index)) return null;
        return canonical == "MT" ? HumanGenome.MitochondrionAccession
            : string.Create(CultureInfo.InvariantCulture, $"NC_{index + 1:D6}.{_human.Versions[index]}");
    }

    /// <summary>True when a 0-based position lies in a pseudo-autosomal region; always false when the assembly is not human.</summary>
    public bool IsPar(string canonical, int start)
    {
        var regions = _human is null ? [] : canonical switch { "X" => _human.ParX, "Y" => _human.ParY, _ => [] };
        foreach (var (from, end) in regions)
            if (from <= start && start < end) return true;
        return false;
    }

    /// <summary>
    /// Says why a contig of this length cannot be the one of this assembly, or null. Only a length known to belong elsewhere counts
    /// (the other human assembly, or the 16571 bases that UCSC hg19 calls chrM): a cut-down reference contradicts nothing.
    /// </summary>
    /// <param name="canonical">Canonical contig.</param>
    /// <param name="lengthBases">Length that a header or a reference states; 0 when it states none.</param>
    public string? LengthContradiction(string canonical, int lengthBases)
    {
        if (_human is null || HumanGenome.IndexOf(canonical) is not (>= 0 and var index)) return null;
        if (canonical == "MT" && lengthBases == HumanGenome.OldMitochondrionBases)
            return $"a mitochondrion of {HumanGenome.OldMitochondrionBases} bases is NC_001807 (chrM of UCSC hg19), not the MT of {Name} (NC_012920, 16569 bases)";
        if (lengthBases != _human.Lengths[index] && lengthBases == _human.Other.Lengths[index])
            return $"contig {canonical} of {lengthBases} bases belongs to {_human.Other.Name}, not {Name}";
        return null;
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    private static bool HasChr(ReadOnlySpan<char> name) => name.StartsWith("chr", StringComparison.OrdinalIgnoreCase);

    private string FromAccession(string written)
    {
        var accession = written.ToUpperInvariant();
        if (accession == HumanGenome.MitochondrionAccession) return "MT";
        var dot = accession.IndexOf('.', StringComparison.Ordinal);
        var root = dot < 0 ? accession : accession[..dot];
        if (root == "NC_001807")
            throw WrongAssembly($"{root} is the mitochondrion that UCSC hg19 calls chrM; the MT of {Name} is {HumanGenome.MitochondrionAccession}");
        if (root.Length != 9 || !int.TryParse(root.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 24)
            return written;
        var name = HumanGenome.Contigs[number - 1];
        var mine = Accession(name);
        if (accession == mine) return name;
        if (dot < 0) throw WrongAssembly($"{root} needs its version, which names the assembly: in {Name} contig {name} is {mine}");
        var other = string.Create(CultureInfo.InvariantCulture, $"{root}.{_human!.Other.Versions[number - 1]}");
        throw WrongAssembly(accession == other
            ? $"{accession} is contig {name} of {_human.Other.Name}, but this store holds {Name}, where it is {mine}"
            : $"{InputException.Quote(System.Text.Encoding.UTF8.GetBytes(accession))} is no accession of {Name}, where contig {name} is {mine}");
    }

    private static InputException WrongAssembly(string text) => new("contig-assembly", text, InputPlace.None);
}
