using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

/// <summary>
/// Brings what can be proved of a damaged store into a new one. The newest version is taken whose catalog is whole; of its segments what is whole,
/// chunk by chunk. I3: the catalog goes on naming what is lost of them, so that an answer that needs it is not assessable, and never lower. Samples that a
/// version, lost otherwise, says to be withdrawn stay so. Lost without harm to a count, and so left out: identity sketches, header lines of loaded files, cohorts, the list of annotation releases, and the policy,
/// which is never taken from an older version than the newest.
/// </summary>
internal sealed class StoreSalvage(SalvageSource source, List<SalvageFinding> findings, IProgress<WorkProgress>? progress, CancellationToken stop)
{
    private const string CohortsPart = "cohorts", LineagePrefix = "lineage/", SketchPrefix = "sketches/", Missing = "is missing";

    private readonly HashSet<string> _withdrawn = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, FileEntry> _parts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _written = new(StringComparer.Ordinal);
    private StoreCatalog _catalog = StoreCatalog.Empty;
    private readonly HashSet<FileId> _unfound = [];
    private List<FileEntry> _files = [];
    private int _tried;

    /// <summary>The version taken; 0 when none can be.</summary>
    public long Version { get; private set; }

    /// <summary>Damaged files of it, with what is lost of their content; null = all.</summary>
    public Dictionary<string, IReadOnlyList<(long Start, long End)>?> LostOf { get; } = new(StringComparer.Ordinal);

    /// <summary>When it was published, the earlier versions before it; where a manifest is lost, the time of the one before stands.</summary>
    public IReadOnlyList<DateTimeOffset> PublishedUtc
    {
        get
        {
            var times = new DateTimeOffset[Version];
            var known = Enumerable.Range(1, times.Length).Select(v => source.PublishedUtc(v)).First(t => t is not null)!.Value;
            for (var i = 0; i < times.Length; i++) times[i] = known = source.PublishedUtc(i + 1) is { } time && time > known ? time : known;
            return times;
        }
    }

    /// <summary>Chooses the version; false when no catalog is whole.</summary>
    public bool Choose()
    {
        foreach (var version in source.Candidates)
        {
            stop.ThrowIfCancellationRequested();
            var marked = findings.Count;
            // The empty store that every history begins with is no salvage of a later one.
            if (TryVersion(version) && (_catalog.Samples.Count > 0 || version == source.Newest))
            {
                Version = version;
                KeepWithdrawn();
                return true;
            }
            // Of the versions tried after the first, what is gone may have been collected as garbage long ago: that is no news.
            if (_tried++ > 0)
            {
                var news = findings.Skip(marked).Where(f => !f.Problem.EndsWith(Missing, StringComparison.Ordinal)).ToList();
                findings.RemoveRange(marked, findings.Count - marked);
                findings.AddRange(news);
            }
        }
        return false;
    }

    /// <summary>Writes the new store.</summary>
    public void Write(SalvageTarget target)
    {
        var (total, done) = (_files.Concat(_parts.Values).Sum(f => f.LengthBytes), 0L);
        void Copied(long bytes) => progress?.Report(new WorkProgress("copying", done += bytes, total, "bytes"));
        foreach (var file in _files)
        {
            stop.ThrowIfCancellationRequested();
            var (problem, lost) = target.Take(source, file, Copied, stop);
            if (problem.Length == 0) continue;
            if (lost is not { Count: 0 }) LostOf[file.Id.ToString()] = lost;
            findings.Add(new SalvageFinding(SalvageKind.File, file.Name, null, null, _unfound.Contains(file.Id) ? "stands for a segment whose list is damaged and that is not found whole; no file has this name" : problem));
        }
        foreach (var part in _parts.Values)
            if (target.Take(source, part, Copied, stop) is { Lost: not { Count: 0 }, Problem: var problem }) throw new DamagedStoreException(part.Name, problem);
        var parts = new SortedDictionary<string, FileEntry>(_parts, StringComparer.Ordinal);
        foreach (var (name, content) in _written) parts[name] = target.Write(SealedFormat.PartKind, content);
        target.Publish(PublishedUtc, parts, _files, stop);
    }

    /// <summary>Least key id above those of the files taken.</summary>
    public uint FirstKeyId => _files.Concat(_parts.Values).Select(f => f.KeyId).DefaultIfEmpty().Max() + 1;

    private bool TryVersion(long version)
    {
        _parts.Clear();
        _written.Clear();
        var (root, lists) = source.LoadRoot(version);
        var broken = false;
        foreach (var (name, entry) in root.Parts)
        {
            stop.ThrowIfCancellationRequested();
            // What was revoked since would hold again by an older policy; without any, nobody but the owner sees anything.
            if (name == PolicyCodec.Part && version != source.Newest) continue;
            if (source.TryRead(entry, out var problem) is not null)
            {
                _parts.Add(name, entry);
                continue;
            }
            findings.Add(new SalvageFinding(SalvageKind.File, entry.Name, null, null, $"part {name} of snapshot {version}: {problem}"));
            broken |= !IsExpendable(name);
        }
        if (broken || !TryDecode(root))
        {
            NoteWithdrawn(root);
            return false;
        }
        _files = Files(lists);
        return true;
    }

    private static bool IsExpendable(string part) => part is CohortsPart or PolicyCodec.Part or AnnotationCatalog.Part || part.StartsWith(LineagePrefix, StringComparison.Ordinal) || part.StartsWith(SketchPrefix, StringComparison.Ordinal) || part.StartsWith(BatchSenders.Prefix, StringComparison.Ordinal);

    /// <summary>Decodes the whole catalog; pages of header lines that are lost are read as empty, and written so.</summary>
    private bool TryDecode(Manifest root)
    {
        try
        {
            var lost = root.Parts.Keys.Where(p => !_parts.ContainsKey(p)).ToList();
            _catalog = CatalogCodec.Decode(name => _written.TryGetValue(name, out var own) ? own : _parts.TryGetValue(name, out var entry) ? source.TryRead(entry, out _) : null, page => page());
            foreach (var name in lost.Where(p => p.StartsWith(LineagePrefix, StringComparison.Ordinal))) _written.Add(name, CatalogPages.EmptyLineage(name, _catalog.Batches.Count));
            _catalog.ReadAll();
            foreach (var name in lost) findings.Add(new SalvageFinding(SalvageKind.Lost, name, null, null, name == CohortsPart ? "no cohort is named in the new store" : name == PolicyCodec.Part ? "nobody but its owner is granted anything in the new store" : name == AnnotationCatalog.Part ? "no release of annotations is in the new store: load them again" :
                name.StartsWith(BatchSenders.Prefix, StringComparison.Ordinal) ? "who sent batches over the network is not known for some: they add nothing to what they sent" :
                name.StartsWith(LineagePrefix, StringComparison.Ordinal) ? "header lines of loaded files are not in the new store" : "the same person in a new file is not recognised for the samples of this part"));
            return true;
        }
        catch (Exception bad) when (bad is InvalidDataException or ArgumentException or OverflowException)
        {
            findings.Add(new SalvageFinding(SalvageKind.File, ManifestFormat.NameOf(root.Version), null, null, "its catalog cannot be read: " + bad.Message));
            return false;
        }
    }

    /// <summary>Remembers whom a version that cannot be taken calls withdrawn, as far as its pages are whole.</summary>
    private void NoteWithdrawn(Manifest root)
    {
        try
        {
            var samples = CatalogCodec.Decode(name => name.StartsWith("samples", StringComparison.Ordinal) && _parts.TryGetValue(name, out var entry) ? source.TryRead(entry, out _) : null, page => page()).Samples;
            for (var first = 0; first < samples.Count; first += Paged<SampleEntry>.PageEntries)
                try
                {
                    for (var i = first; i < Math.Min(first + Paged<SampleEntry>.PageEntries, samples.Count); i++)
                        if (samples[i].WithdrawnVersion != 0) _withdrawn.Add(samples[i].Name);
                }
                catch (InvalidDataException)
                {
                    // A page that is lost says nothing of its samples; the finding of its file says that it is lost.
                }
        }
        catch (Exception bad) when (bad is InvalidDataException or OverflowException)
        {
            // The same for all of them.
        }
    }

    /// <summary>Withdraws in the version taken whom a later one, lost but for that, calls withdrawn.</summary>
    private void KeepWithdrawn()
    {
        int[] again = [.. Enumerable.Range(0, _catalog.Samples.Count).Where(s => _catalog.Samples[s].WithdrawnVersion == 0 && _withdrawn.Contains(_catalog.Samples[s].Name))];
        if (again.Length == 0) return;
        var samples = _catalog.Samples.ToArray();
        foreach (var sample in again) samples[sample] = samples[sample] with { WithdrawnVersion = Version };
        var changed = _catalog with { Samples = samples };
        void Set(string name, byte[] content)
        {
            _parts.Remove(name);
            _written[name] = content;
        }
        Set("samples", CatalogCodec.Encode(changed, "samples"));
        foreach (var (name, content) in CatalogCodec.Pages(changed, _catalog))
            if (content is not null) Set(name, content);
        foreach (var (name, content) in SketchPart.Without(name => _parts.TryGetValue(name, out var entry) ? source.TryRead(entry, out _) : null, again).ToList()) Set(name, content);
        _catalog = changed;
        findings.Add(new SalvageFinding(SalvageKind.Note, "withdrawn samples", null, again.Length, "a later snapshot, lost but for that, withdrew them; they are withdrawn in the new store"));
    }

    /// <summary>The data files of the catalog, from the lists that are whole; others by the digests that the catalog gives them. One that is nowhere stays named, and missing.</summary>
    private List<FileEntry> Files(FileEntry[] lists)
    {
        var files = new List<FileEntry>();
        foreach (var list in lists)
        {
            if (source.TryReadList(list, out var problem) is { } entries) files.AddRange(entries);
            else findings.Add(new SalvageFinding(SalvageKind.File, list.Name, null, null, "list of segments: " + problem));
        }
        var known = files.Select(f => f.ContentSha256).ToHashSet();
        var unnamed = _catalog.Segments.Select(s => Digest.Read(Convert.FromHexString(s.File))).Where(d => !known.Contains(d)).ToHashSet();
        if (unnamed.Count == 0) return files;
        var found = source.Find(unnamed, stop);
        files.AddRange(found.Values);
        foreach (var digest in unnamed.Where(d => !found.ContainsKey(d)))
        {
            files.Add(new FileEntry(FileId.New(), SegmentWriter.FileKind, 0, SealedFormat.SealedLength(0), 0, digest));
            _unfound.Add(files[^1].Id);
        }
        return files;
    }
}
