using System.Globalization;
using Warehouse.Engine.Access;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Query;

/// <summary>Recorded sex of a sample, as counting needs it.</summary>
internal enum Sex : byte
{
    Unknown = 0,
    XX = 1,
    XY = 2,
}

/// <summary>
/// The samples of one count, each in a slot, with what counting needs to know of them; and which of the store's ordinals belong to
/// which slot. Built from snapshot, scope, choice and rules; the order of slots is the order of samples in the store. What it finds about
/// segments is kept with it. One thread.
/// </summary>
internal sealed class Selection
{
    private readonly Dictionary<Segment, SegmentSamples> _samples = [];
    private readonly Dictionary<Segment[], int[]?> _outside = [];
    private string? _digest;

    private readonly StoreCatalog _catalog;
    private readonly Scope _scope;

    private Selection(StoreCatalog catalog, Scope scope, int slots)
    {
        var ordinals = catalog.Ordinals.Count;
        (_catalog, _scope) = (catalog, scope);
        SampleOf = new int[slots];
        SexOf = new Sex[slots];
        GroupOf = new int[slots];
        Assumed = new bool[slots];
        CallableOf = new int[slots][];
        ClassOf = new int[slots];
        SlotOfOrdinal = new int[ordinals];
        PanelOfOrdinal = new int[ordinals];
        VisibleOrdinal = new bool[ordinals];
        SlotOfOrdinal.AsSpan().Fill(-1);
    }

    public int SlotCount => SampleOf.Length;

    /// <summary>Whether nothing is hidden from who asks: the owner, or whoever is granted all there is.</summary>
    public bool HidesNothing => _scope.HidesNothing;

    /// <summary>Digest of the samples counted and their groups, for <see cref="AnswerContext"/>.</summary>
    public string Digest => _digest ??= AnswerContext.DigestOf("samples:" + string.Join('\n', Groups), Numbers().Zip(GroupOf).SelectMany(s => new[] { s.First, s.Second }));

    /// <summary>Number of each slot's sample: in the store where nothing is hidden; else among the samples that he sees, since the other numbers tell how many there are.</summary>
    private IEnumerable<int> Numbers()
    {
        if (HidesNothing) return SampleOf;
        var (ranks, seen) = (new int[_catalog.Samples.Count], 0);
        for (var sample = 0; sample < ranks.Length; sample++) ranks[sample] = _scope.Sees(sample) ? seen++ : -1;
        return SampleOf.Select(s => ranks[s]);
    }

    /// <summary>
    /// How many slots of each class have no data in any of some segments; null when a slot has data in two of them. Remembered by the array.
    /// </summary>
    public int[]? CountOutside(Segment[] segments)
    {
        if (_outside.TryGetValue(segments, out var known)) return known;
        var (inside, counts) = (new bool[SlotCount], new int[Classes.Count]);
        foreach (var index in ClassOf) counts[index]++;
        foreach (var segment in segments)
            foreach (var slot in SamplesOf(segment).SlotOf)
            {
                if (slot < 0) continue;
                if (inside[slot]) return _outside[segments] = null;
                inside[slot] = true;
                counts[ClassOf[slot]]--;
            }
        return _outside[segments] = counts;
    }

    /// <summary>The samples of a segment that are seen and counted.</summary>
    public SegmentSamples SamplesOf(Segment segment)
    {
        if (!_samples.TryGetValue(segment, out var samples)) _samples.Add(segment, samples = new SegmentSamples(segment, this));
        return samples;
    }

    /// <summary>The file that an ordinal was loaded with.</summary>
    public BatchEntry BatchOf(int ordinal) => _catalog.Batches[_catalog.Ordinals[ordinal].Batch];

    public int[] SampleOf { get; }

    public Sex[] SexOf { get; }

    public int[] GroupOf { get; }

    /// <summary>Whether any loaded part of the sample is reference by assumption where it has no record.</summary>
    public bool[] Assumed { get; }

    /// <summary>Callable regions of the sample: indices into the catalog, ascending.</summary>
    public int[][] CallableOf { get; }

    /// <summary>Index into <see cref="Classes"/> per slot.</summary>
    public int[] ClassOf { get; }

    /// <summary>All that the state of a sample depends on where it has no data of its own; the callables are equal sets, not the same list.</summary>
    public IReadOnlyList<(int Group, Sex Sex, bool Assumed, int[] Callables)> Classes { get; private set; } = [];

    /// <summary>Panel in which each ordinal was loaded, by its first ordinal: the unit of the listing rule.</summary>
    public int[] PanelOfOrdinal { get; }

    /// <summary>Slot per ordinal, or -1.</summary>
    public int[] SlotOfOrdinal { get; }

    /// <summary>Ordinals of the snapshot whose sample the scope sees, counted or not.</summary>
    public bool[] VisibleOrdinal { get; }

    /// <summary>Group names in order; one null name when there is no grouping.</summary>
    public IReadOnlyList<string?> Groups { get; private init; } = [null];

    /// <summary>Slots per group.</summary>
    public int[] GroupSizes { get; private init; } = [];

    /// <summary>Samples in a group, or in a set without groups, of fewer than so many: what is counted there is data of each of them. Costs nothing where there is none.</summary>
    public IEnumerable<int> SamplesOfFew(int fewest)
    {
        if (!Array.Exists(GroupSizes, size => size > 0 && size < fewest)) yield break;
        for (var slot = 0; slot < SlotCount; slot++)
            if (GroupSizes[GroupOf[slot]] < fewest) yield return SampleOf[slot];
    }

    /// <summary>Selects.</summary>
    /// <exception cref="InputException">An unknown cohort, sample or column.</exception>
    public static Selection Build(StoreCatalog catalog, Scope scope, long version, SampleChoice choice, CountRules rules, string? by)
    {
        var visible = new bool[catalog.Samples.Count];
        foreach (var ordinal in catalog.Ordinals)
            if (ordinal.InForce(version) && scope.Sees(ordinal.Sample)) visible[ordinal.Sample] = true;
        var sheets = catalog.SheetAt(version);
        var chosen = Choose(catalog, scope, version, choice, visible);
        if (!rules.PerSample) KeepCountingSamples(catalog, visible, sheets, chosen);
        if (by is not null && !catalog.Columns.ContainsKey(by))
            throw new InputException("unknown-column", $"no sheet has a column {by}; there are: {string.Join(", ", catalog.Columns.Keys.Order(StringComparer.Ordinal))}", InputPlace.None);
        var samples = Numbers(chosen);
        string Value(int sample, string column) => sheets.TryGetValue(sample, out var sheet) && sheet.TryGetValue(column, out var value) ? value : "";
        var names = by is null ? [] : samples.Select(s => Value(s, by)).Distinct().Order(StringComparer.Ordinal).ToList();
        var sizes = new int[by is null ? 1 : names.Count];
        var selection = new Selection(catalog, scope, samples.Length) { Groups = by is null ? [null] : [.. names.Select(n => n.Length == 0 ? "." : n)], GroupSizes = sizes };
        for (var slot = 0; slot < samples.Length; slot++)
        {
            selection.SampleOf[slot] = samples[slot];
            selection.SexOf[slot] = Value(samples[slot], "sex") switch { "XX" => Sex.XX, "XY" => Sex.XY, _ => Sex.Unknown };
            selection.GroupOf[slot] = by is null ? 0 : names.BinarySearch(Value(samples[slot], by), StringComparer.Ordinal);
            sizes[selection.GroupOf[slot]]++;
        }
        selection.LinkOrdinals(catalog, scope, version);
        return selection;
    }

    /// <summary>The error for a cohort that is not there.</summary>
    public static InputException UnknownCohort(string name) => new("unknown-cohort", $"there is no cohort {name}; `warehouse cohorts` lists them", InputPlace.None);

    private static int[] Numbers(bool[] chosen)
    {
        var (numbers, count) = (new int[chosen.Length], 0);
        for (var i = 0; i < chosen.Length; i++)
            if (chosen[i]) numbers[count++] = i;
        return numbers[..count];
    }

    private static bool[] Choose(StoreCatalog catalog, Scope scope, long version, SampleChoice choice, bool[] visible)
    {
        if (choice is { Cohort: null, Names: null }) return [.. visible];
        var chosen = new bool[visible.Length];
        if (choice.Cohort is { } name)
        {
            var cohort = catalog.Cohort(name, version) ?? throw UnknownCohort(name);
            foreach (var sample in cohort.Samples) chosen[sample] = visible[sample];
            // A cohort of which nothing may be seen is one that is not there (I4); for the owner it is one whose samples were all withdrawn.
            if (!scope.HidesNothing && !chosen.Contains(true)) throw UnknownCohort(name);
            return chosen;
        }
        // Of what is seen alone: a name that is hidden is missed as one that nobody has, by the same steps.
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < catalog.Samples.Count; i++)
            if (visible[i]) index[catalog.Samples[i].Name] = i;
        for (var line = 0; line < choice.Names!.Count; line++)
        {
            if (!index.TryGetValue(choice.Names[line], out var sample))
                throw new InputException("unknown-sample", "the store has no sample of this name", new InputPlace("samples", line + 1, 0, ""));
            chosen[sample] = true;
        }
        return chosen;
    }

    /// <summary>A person enters figures through one sample: the one marked counts = yes, else the first loaded.</summary>
    private static void KeepCountingSamples(StoreCatalog catalog, bool[] visible, Dictionary<int, IReadOnlyDictionary<string, string>> sheets, bool[] chosen)
    {
        var counting = new Dictionary<string, (int Sample, bool Marked)>(StringComparer.Ordinal);
        for (var sample = 0; sample < catalog.Samples.Count; sample++)
        {
#if PLANTED_PERSON_BEFORE_SCOPE
            if (Person(sheets, sample) is not { } person) continue;
#else
            if (!visible[sample] || Person(sheets, sample) is not { } person) continue;
#endif
            var marked = sheets[sample].TryGetValue("counts", out var counts) && counts == "yes";
            if (!counting.TryGetValue(person, out var best) || (marked && !best.Marked)) counting[person] = (sample, marked);
        }
        for (var sample = 0; sample < chosen.Length; sample++)
            if (chosen[sample] && Person(sheets, sample) is { } person && counting[person].Sample != sample) chosen[sample] = false;
    }

    private static string? Person(Dictionary<int, IReadOnlyDictionary<string, string>> sheets, int sample) =>
        sheets.TryGetValue(sample, out var sheet) && sheet.TryGetValue("person", out var person) && person.Length > 0 ? person : null;

    private void LinkOrdinals(StoreCatalog catalog, Scope scope, long version)
    {
        var slotOf = new int[catalog.Samples.Count];
        slotOf.AsSpan().Fill(-1);
        for (var slot = 0; slot < SlotCount; slot++) slotOf[SampleOf[slot]] = slot;
        var callables = new SortedSet<int>?[SlotCount];
        for (var i = 0; i < catalog.Ordinals.Count; i++)
        {
            var ordinal = catalog.Ordinals[i];
            PanelOfOrdinal[i] = CallColumns.PanelOf(i, catalog.Batches[ordinal.Batch].FirstOrdinal);
            if (!ordinal.InForce(version) || !scope.Sees(ordinal.Sample)) continue;
            VisibleOrdinal[i] = true;
            if (slotOf[ordinal.Sample] is not (>= 0 and var slot)) continue;
            SlotOfOrdinal[i] = slot;
            var batch = catalog.Batches[ordinal.Batch];
            Assumed[slot] |= batch.AssumeReference;
            if (batch.Callable >= 0) (callables[slot] ??= []).Add(batch.Callable);
        }
        for (var slot = 0; slot < SlotCount; slot++) CallableOf[slot] = callables[slot] is { } set ? [.. set] : [];
        Classify();
    }

    private void Classify()
    {
        var classes = new List<(int Group, Sex Sex, bool Assumed, int[] Callables)>();
        // A lookup, not a search: groups of one sample make as many classes as samples. Its key is text, because a dictionary of an own
        // composite key costs a short process milliseconds of compilation; samples side by side mostly share a class and need none.
        var indexes = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var slot = 0; slot < SlotCount; slot++)
        {
            var (group, sex, assumed, callables) = (GroupOf[slot], SexOf[slot], Assumed[slot], CallableOf[slot]);
            if (slot > 0 && classes[ClassOf[slot - 1]] is var before && before.Group == group && before.Sex == sex && before.Assumed == assumed && before.Callables.AsSpan().SequenceEqual(callables))
            {
                ClassOf[slot] = ClassOf[slot - 1];
                continue;
            }
            var key = string.Create(CultureInfo.InvariantCulture, $"{group} {(int)sex} {assumed} {string.Join(',', callables)}");
            if (!indexes.TryGetValue(key, out ClassOf[slot]))
            {
                indexes.Add(key, ClassOf[slot] = classes.Count);
                classes.Add((group, sex, assumed, callables));
            }
        }
        Classes = classes;
    }
}
