using System.Text;

namespace Warehouse.Engine.Variants;

/// <summary>What a spelling is read against: the assembly, the reference if there is one, and the contigs that exist. Immutable; any thread.</summary>
public sealed class VariantContext
{
    /// <summary>Longest allele that is taken apart base by base; longer events are symbolic.</summary>
    public const int MaxAlleleBases = 1_000_000;

    private const int MaxNearNames = 3;
    private readonly SortedSet<string> _contigs = new(ContigOrder.Instance);
    private readonly bool _onlyOldMitochondrion;
    private readonly int _unsaidBases = MaxAlleleBases;

    /// <summary>Makes one.</summary>
    /// <param name="assembly">The store's assembly.</param>
    /// <param name="reference">Its reference, or null.</param>
    /// <param name="storedContigs">Canonical contigs of the store; with those of assembly and reference they are all that exist. When none of the three names any, every contig is taken.</param>
    public VariantContext(Assembly assembly, ReferenceGenome? reference, IEnumerable<string>? storedContigs = null)
    {
        Assembly = assembly;
        Reference = reference;
        _contigs.UnionWith(assembly.Contigs);
        if (reference is not null) _contigs.UnionWith(reference.Contigs.Select(c => c.Canonical));
        if (storedContigs is null) return;
        var stored = storedContigs.ToHashSet(StringComparer.Ordinal);
        _contigs.UnionWith(stored);
        _onlyOldMitochondrion = stored.Contains(Assembly.OldMitochondrion) && !stored.Contains("MT");
    }

    private VariantContext(VariantContext other, int unsaidBases) =>
        (Assembly, Reference, _contigs, _onlyOldMitochondrion, _unsaidBases) = (other.Assembly, other.Reference, other._contigs, other._onlyOldMitochondrion, Math.Min(unsaidBases, MaxAlleleBases));

    /// <summary>The same, in which a spelling may leave so many bases unsaid: what was asked beside it has used up the rest.</summary>
    internal VariantContext Within(long unsaidBases) => unsaidBases >= MaxAlleleBases ? this : new(this, (int)unsaidBases);

    /// <summary>The store's assembly.</summary>
    public Assembly Assembly { get; }

    /// <summary>The reference sequence, or null.</summary>
    public ReferenceGenome? Reference { get; }

    /// <summary>The canonical contig of a spelling.</summary>
    /// <exception cref="InputException">No such contig; the message names near ones.</exception>
    internal string Contig(string written)
    {
        if (written.Length == 0) throw Bad("variant-contig", "the contig is missing");
        var canonical = Assembly.CanonicalContig(written);
        if (written.AsSpan().Trim().Length < written.Length || char.IsWhiteSpace(canonical[0]) || written.AsSpan().ContainsAny("<>[]") || written.Any(char.IsControl))
            throw Bad("variant-contig", $"{Quote(written)} is no contig: a name has no brackets, no control characters, and no white space at its ends");
        // Where the store's only mitochondrion is the chrM of UCSC hg19, chrM means that one.
        if (canonical == "MT" && _onlyOldMitochondrion && !written.StartsWith("NC_", StringComparison.OrdinalIgnoreCase)) return Assembly.OldMitochondrion;
        if (_contigs.Count == 0 || _contigs.Contains(canonical)) return canonical;
        var near = _contigs.Select(c => (Name: c, Edits: Edits(c, canonical))).Where(c => c.Edits <= Math.Max(1, canonical.Length / 3))
            .OrderBy(c => c.Edits).Take(MaxNearNames).Select(c => c.Name).ToArray();
        throw Bad("variant-contig", $"there is no contig {Quote(written)} in {Assembly.Name}{(near.Length > 0 ? $"; near names: {string.Join(", ", near)}" : "")}");
    }

    /// <summary>Checks that [start, end) lies inside the contig, as far as its length is known.</summary>
    internal void RequireInside(string contig, long start, long end)
    {
        if (start < 0) throw Bad("variant-position", "positions start at 1");
        if (end < start) throw Bad("variant-position", FormattableString.Invariant($"the end {end} lies before the start {start + 1}"));
        var length = Reference?.Length(contig) ?? Assembly.Length(contig) ?? int.MaxValue;
        if (end > length) throw Bad("variant-position", FormattableString.Invariant($"position {end} lies beyond the end of contig {contig} ({length} bases)"));
    }

    /// <summary>Reference bases that a spelling leaves unsaid.</summary>
    /// <exception cref="InputException">There is no reference, or they are too many.</exception>
    internal string ReferenceBases(string contig, int start, int end)
    {
        if (Reference is null || !Reference.Has(contig))
            throw Bad("variant-reference", $"this spelling leaves bases of contig {contig} unsaid and the store has no reference sequence for it: write it as contig-POS-REF-ALT with the base before the change");
        RequireInside(contig, start, end);
        if (end - start > MaxAlleleBases)
            throw Bad("variant-length", FormattableString.Invariant($"{end - start} bases are too many for an allele that is spelled (at most {MaxAlleleBases}): ask for contig:POS-END <DEL>"));
        if (end - start > _unsaidBases) throw Bad("variant-length", "what is asked at once leaves too many bases unsaid: ask for less at once");
        var bases = Reference.Bases(contig, start, end).ToArray();
        for (var i = 0; i < bases.Length; i++) bases[i] = ReferenceGenome.Reduce(bases[i]);
        return Encoding.ASCII.GetString(bases);
    }

    /// <summary>The variant that replaces <paramref name="deleted"/> at a 0-based start by <paramref name="inserted"/>; either may be empty.</summary>
    internal Variant FromEdit(string contig, int start, string deleted, string inserted)
    {
        RequireInside(contig, start, (long)start + deleted.Length);
        var normalizer = new Normalizer(Reference);
        if (deleted.Length > 0) normalizer.RequireRef(contig, start, Encoding.UTF8.GetBytes(deleted));
        if (deleted.Length == 0 && inserted.Length == 0) throw Bad("variant-same", "nothing is deleted and nothing inserted: this is no change");
        if (deleted.Length > 0 && inserted.Length > 0) return normalizer.Normalize(contig, start, deleted, inserted);
        if (start > 0)
        {
            var before = ReferenceBases(contig, start - 1, start);
            return normalizer.Normalize(contig, start - 1, before + deleted, before + inserted);
        }
        var after = ReferenceBases(contig, deleted.Length, deleted.Length + 1);
        return normalizer.Normalize(contig, 0, deleted + after, inserted + after);
    }

    internal static InputException Bad(string code, string text) => new(code, text, InputPlace.None);

    internal static string Quote(string text) => InputException.Quote(Encoding.UTF8.GetBytes(text));

    /// <summary>Insertions, deletions and replacements between two short names.</summary>
    private static int Edits(string a, string b)
    {
        const int MaxNameCharacters = 40;
        if (a.Length > MaxNameCharacters || b.Length > MaxNameCharacters) return int.MaxValue;
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[b.Length];
    }
}
