using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Release;

/// <summary>
/// One entry of the ledger. First a byte with its kind and the name of the project (length, UTF-8); integers are LEB128 unless a size is given:
/// <code>
/// 1 admit    number of sets; of each its number and, when that is new, its members: 0 and a bitmap (8 bytes per 64 samples), or 1, count and gaps
/// 2 charge   number of sets, their numbers; number of variants, and of each
///            16 bytes hash; masks over these sets: newly answered, of these shown; of each newly answered its units and, where it is shown, one, hom, missing, AC, AN
/// 3 refusal  day, number of refusals of that day, 1 when the project is locked now
/// 4 unlock   by whom, note, day
/// 5 presence number of the set, k, units of each; number of variants, and of each 16 bytes hash, 1 when k people or more carry it
/// </code>
/// </summary>
internal abstract record LedgerRecord(string Project)
{
    internal const int MaxTextBytes = 512, MaxSets = 64, MaxVariants = 1 << 16;

    /// <summary>Writes it; it is not applied yet.</summary>
    internal byte[] Encode(LedgerState state)
    {
        var to = new ByteWriter();
        to.Byte(Kind);
        to.Text(Project);
        Write(to, state);
        return to.ToArray();
    }

    internal abstract void Apply(LedgerState state);

    /// <summary>Reads one.</summary>
    /// <exception cref="InvalidDataException">It is not what <see cref="Encode"/> writes.</exception>
    internal static LedgerRecord Decode(ReadOnlySpan<byte> bytes, LedgerState state)
    {
        var from = new ByteReader(bytes);
        var kind = from.Byte();
        var project = from.Text();
        LedgerRecord read = kind switch
        {
            1 => AdmitRecord.Read(project, ref from, state),
            2 => ChargeRecord.Read(project, ref from, state),
            3 => new RefusalRecord(project, from.Count(), from.Count(), from.Bool()),
            4 => new UnlockRecord(project, from.Text(), from.Text(), from.Count()),
            5 => PresenceRecord.Read(project, ref from, state),
            _ => throw new InvalidDataException("a stored record is of no known kind"),
        };
        from.End();
        return read;
    }

    private protected abstract byte Kind { get; }

    private protected abstract void Write(ByteWriter to, LedgerState state);
}

/// <summary>Sets were admitted by the guard of a project; new ones get the next numbers.</summary>
internal sealed record AdmitRecord(string Project, IReadOnlyList<CohortSet> Sets) : LedgerRecord(Project)
{
    private protected override byte Kind => 1;

    internal override void Apply(LedgerState state)
    {
        foreach (var set in Sets) state.Add(set);
        state.ProjectOf(Project).Guard.TryAdmit(Sets, k: 1);
    }

    internal static AdmitRecord Read(string project, ref ByteReader from, LedgerState state)
    {
        var (sets, next) = (new CohortSet[from.Count(MaxSets)], state.SetCount);
        for (var i = 0; i < sets.Length; i++)
        {
            var number = from.Count(next);
            sets[i] = number < state.SetCount ? state.SetOf(number) : number < next ? throw new InvalidDataException("a stored set comes twice") : ReadSet(ref from, state.Samples);
            if (number == next) next++;
        }
        return new AdmitRecord(project, sets);
    }

    private protected override void Write(ByteWriter to, LedgerState state)
    {
        to.Var(Sets.Count);
        var next = state.SetCount;
        foreach (var set in Sets)
        {
            var number = state.NumberOf(set);
            to.Var(number < 0 ? next++ : number);
            if (number < 0) WriteSet(to, set);
        }
    }

    private static void WriteSet(ByteWriter to, CohortSet set)
    {
        var isList = set.People < set.Samples / 16;
        to.Bool(isList);
        if (!isList)
        {
            foreach (var word in set.Words) to.Int64((long)word);
            return;
        }
        to.Var(set.People);
        var before = -1;
        for (var sample = 0; sample < set.Samples; sample++)
        {
            if (!set.Has(sample)) continue;
            to.Var(sample - before - 1);
            before = sample;
        }
    }

    private static CohortSet ReadSet(ref ByteReader from, int samples)
    {
        var words = new ulong[CohortSet.WordsOf(samples)];
        if (!from.Bool())
        {
            for (var i = 0; i < words.Length; i++) words[i] = (ulong)from.Int64();
        }
        else
        {
            var sample = -1;
            for (var left = from.Count(samples); left > 0; left--)
            {
                sample = ByteReader.Sum(sample + 1, from.Count(samples));
                if (sample >= samples) throw new InvalidDataException("a stored set names samples that are not there");
                words[sample / 64] |= 1UL << (sample % 64);
            }
        }
        try
        {
            return new CohortSet(samples, words);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException("a stored set names samples that are not there", e);
        }
    }
}

/// <summary>The part of a charge that speaks of one variant.</summary>
/// <param name="Variant">The variant.</param>
/// <param name="Sets">Newly answered sets, in the order of the call's.</param>
internal sealed record ChargedVariant(VariantHash Variant, IReadOnlyList<AnsweredSet> Sets);

/// <summary>Sets of variants were answered; what was shown of each.</summary>
internal sealed record ChargeRecord(string Project, IReadOnlyList<int> Sets, IReadOnlyList<ChargedVariant> Variants) : LedgerRecord(Project)
{
    private protected override byte Kind => 2;

    internal override void Apply(LedgerState state)
    {
        foreach (var charged in Variants) Apply(charged, state.ProjectOf(Project), state.Shared);
    }

    internal static void Apply(ChargedVariant charged, ProjectState project, Budget shared)
    {
        foreach (var answered in charged.Sets)
        {
            project.Budget.Charge(answered.Set, charged.Variant, answered.Units);
            shared.Charge(answered.Set, charged.Variant, answered.Units);
        }
        project.Add(charged.Variant, [.. charged.Sets]);
    }

    internal static ChargeRecord Read(string project, ref ByteReader from, LedgerState state)
    {
        var sets = new int[from.Count(MaxSets)];
        for (var i = 0; i < sets.Length; i++) sets[i] = from.Count() is var set && set < state.SetCount ? set : throw new InvalidDataException("a stored charge is for a set that was not admitted");
        var variants = new ChargedVariant[from.Count(MaxVariants)];
        for (var v = 0; v < variants.Length; v++)
        {
            var hash = VariantHash.Read(from.Raw(VariantHash.SizeBytes));
            var (taken, shown) = (from.Var(), from.Var());
            var answered = new List<AnsweredSet>();
            for (var i = 0; i < sets.Length; i++)
            {
                if ((taken >> i & 1) == 0) continue;
                var isShown = (shown >> i & 1) != 0;
                answered.Add(new AnsweredSet(sets[i], isShown, from.Count(), isShown ? ReadCells(ref from, state.SetOf(sets[i]).People) : default));
            }
            variants[v] = new ChargedVariant(hash, answered);
        }
        return new ChargeRecord(project, sets, variants);
    }

    private protected override void Write(ByteWriter to, LedgerState state)
    {
        to.Var(Sets.Count);
        foreach (var set in Sets) to.Var(set);
        to.Var(Variants.Count);
        foreach (var charged in Variants)
        {
            charged.Variant.Write(to.Take(VariantHash.SizeBytes));
            var (taken, shown) = (0UL, 0UL);
            foreach (var answered in charged.Sets)
            {
                taken |= 1UL << Place(answered.Set);
                if (answered.IsExact) shown |= 1UL << Place(answered.Set);
            }
            to.Var(taken);
            to.Var(shown);
            foreach (var answered in charged.Sets)
            {
                to.Var(answered.Units);
                if (answered.IsExact) WriteCells(to, answered.Cells);
            }
        }
    }

    private int Place(int set)
    {
        for (var i = 0; i < Sets.Count; i++)
            if (Sets[i] == set) return i;
        throw new InvalidOperationException("a charge for a set that is not one of the call");
    }

    private static void WriteCells(ByteWriter to, in BaseCells cells)
    {
        to.Var(cells.One);
        to.Var(cells.Hom);
        to.Var(cells.Missing);
        to.Var((ulong)cells.Ac);
        to.Var((ulong)cells.An);
    }

    private static BaseCells ReadCells(ref ByteReader from, int people)
    {
        try
        {
            return BaseCells.Of(people, from.Count(), from.Count(), from.Count(), ((long)from.Var(), (long)from.Var()));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException("stored figures contradict each other", e);
        }
    }
}

/// <summary>A call was refused.</summary>
internal sealed record RefusalRecord(string Project, int Day, int Refusals, bool IsLocked) : LedgerRecord(Project)
{
    private protected override byte Kind => 3;

    internal override void Apply(LedgerState state) => state.ProjectOf(Project).Record = (Day, Refusals, IsLocked);

    private protected override void Write(ByteWriter to, LedgerState state)
    {
        to.Var(Day);
        to.Var(Refusals);
        to.Bool(IsLocked);
    }
}

/// <summary>Somebody reviewed a locked project.</summary>
internal sealed record UnlockRecord(string Project, string By, string Note, int Day) : LedgerRecord(Project)
{
    private protected override byte Kind => 4;

    internal override void Apply(LedgerState state) => state.ProjectOf(Project).Record = default;

    private protected override void Write(ByteWriter to, LedgerState state)
    {
        to.Text(By);
        to.Text(Note);
        to.Var(Day);
    }
}
