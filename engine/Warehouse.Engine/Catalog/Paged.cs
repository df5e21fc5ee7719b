using System.Collections;

namespace Warehouse.Engine.Catalog;

/// <summary>Up to 1,024 entries of a list in a row, read when they are first asked for. Any thread: two may read them twice.</summary>
internal sealed class Page<T>(int count, Func<T[]>? load, T[]? entries = null)
{
    private T[]? _entries = entries;

    public int Count => count;

    public T[] Entries => _entries ??= load!();

    /// <summary>The entries, without keeping them where nobody has asked for them yet.</summary>
    public T[] Read() => _entries ?? load!();
}

/// <summary>
/// A list in pages of <see cref="PageEntries"/>: lists of different versions share the pages that are equal, so a commit writes the others
/// alone, and an open reads none before its entries are asked for. Immutable, any thread.
/// </summary>
internal sealed class Paged<T> : IReadOnlyList<T>
{
    /// <summary>Entries of every page but the last.</summary>
    public const int PageEntries = 1024;

    private readonly Page<T>[] _pages;

    public Paged(IEnumerable<Page<T>> pages)
    {
        _pages = [.. pages];
        Count = _pages.Sum(p => p.Count);
    }

    public static Paged<T> Empty { get; } = new([]);

    /// <summary>The entries of a list from one on, for somebody who needs each once: their pages are not kept for it.</summary>
    /// <param name="list">The list.</param>
    /// <param name="first">The first one.</param>
    /// <param name="skips">Says of what a page threw whether its entries are left out.</param>
    public static IEnumerable<T> Once(IReadOnlyList<T> list, int first, Func<Exception, bool> skips)
    {
        if (list is not Paged<T> paged)
        {
            for (var i = first; i < list.Count; i++) yield return list[i];
            yield break;
        }
        for (var page = first / PageEntries; page < paged._pages.Length; page++)
        {
            T[] entries;
            try
            {
                entries = paged._pages[page].Read();
            }
            catch (Exception e) when (skips(e))
            {
                continue;
            }
            for (var i = Math.Max(0, first - (page * PageEntries)); i < entries.Length; i++) yield return entries[i];
        }
    }

    public IReadOnlyList<Page<T>> Pages => _pages;

    public int Count { get; }

    public T this[int index] => _pages[index / PageEntries].Entries[index % PageEntries];

    /// <summary>The list in pages; those that are equal to the ones of another list are taken from there.</summary>
    public static Paged<T> Of(IReadOnlyList<T> list, Paged<T> before)
    {
        if (list is Paged<T> paged) return paged;
        var pages = new List<Page<T>>();
        for (var first = 0; first < list.Count; first += PageEntries)
        {
            T[] entries = [.. Enumerable.Range(first, Math.Min(PageEntries, list.Count - first)).Select(i => list[i])];
            var same = pages.Count < before._pages.Length && before._pages[pages.Count] is var old && old.Count == entries.Length && old.Entries.SequenceEqual(entries);
            pages.Add(same ? before._pages[pages.Count] : new Page<T>(entries.Length, null, entries));
        }
        return new Paged<T>(pages);
    }

    public IEnumerator<T> GetEnumerator()
    {
        foreach (var page in _pages)
            foreach (var entry in page.Entries) yield return entry;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A list in pages while a commit changes it: pages that are not touched stay those of the list before. One thread.</summary>
internal sealed class PagedBuilder<T> : IReadOnlyList<T>
{
    private readonly List<Page<T>> _pages;
    private readonly Dictionary<int, List<T>> _changed = [];

    public PagedBuilder(IReadOnlyList<T> before)
    {
        _pages = [.. Paged<T>.Of(before, Paged<T>.Empty).Pages];
        Count = before.Count;
    }

    public int Count { get; private set; }

    public T this[int index]
    {
        get => _changed.TryGetValue(index / Paged<T>.PageEntries, out var own) ? own[index % Paged<T>.PageEntries] : _pages[index / Paged<T>.PageEntries].Entries[index % Paged<T>.PageEntries];
        set => Own(index / Paged<T>.PageEntries)[index % Paged<T>.PageEntries] = value;
    }

    public void Add(T entry)
    {
        Own(Count / Paged<T>.PageEntries).Add(entry);
        Count++;
    }

    public Paged<T> Build() => new(Enumerable.Range(0, (Count + Paged<T>.PageEntries - 1) / Paged<T>.PageEntries)
        .Select(p => _changed.TryGetValue(p, out var own) ? new Page<T>(own.Count, null, [.. own]) : _pages[p]));

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<T> Own(int page)
    {
        if (_changed.TryGetValue(page, out var own)) return own;
        _changed.Add(page, own = page < _pages.Count ? [.. _pages[page].Entries] : []);
        return own;
    }
}
