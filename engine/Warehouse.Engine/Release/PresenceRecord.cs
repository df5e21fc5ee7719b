using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Release;

/// <summary>A project was told of variants whether k people of a set or more carry them, and paid for each what it had not paid before.</summary>
internal sealed record PresenceRecord(string Project, int Set, int K, int Units, IReadOnlyList<(VariantHash Variant, bool IsReached)> Variants) : LedgerRecord(Project)
{
    private protected override byte Kind => 5;

    internal override void Apply(LedgerState state)
    {
        foreach (var (variant, isReached) in Variants) Apply((variant, new ToldPresence(Set, K, isReached)), Units, state.ProjectOf(Project), state.Shared);
    }

    internal static void Apply((VariantHash Variant, ToldPresence Told) one, int units, ProjectState project, Budget shared)
    {
        project.Budget.Charge(one.Told.Set, one.Variant, units);
        shared.Charge(one.Told.Set, one.Variant, units);
        project.Add(one.Variant, one.Told);
    }

    internal static PresenceRecord Read(string project, ref ByteReader from, LedgerState state)
    {
        var (set, k, units) = (from.Count(), from.Count(), from.Count());
        if (set >= state.SetCount) throw new InvalidDataException("a stored charge is for a set that was not admitted");
        var variants = new (VariantHash, bool)[from.Count(MaxVariants)];
        for (var v = 0; v < variants.Length; v++) variants[v] = (VariantHash.Read(from.Raw(VariantHash.SizeBytes)), from.Bool());
        return new PresenceRecord(project, set, k, units, variants);
    }

    private protected override void Write(ByteWriter to, LedgerState state)
    {
        to.Var(Set);
        to.Var(K);
        to.Var(Units);
        to.Var(Variants.Count);
        foreach (var (variant, isReached) in Variants)
        {
            variant.Write(to.Take(VariantHash.SizeBytes));
            to.Bool(isReached);
        }
    }
}
