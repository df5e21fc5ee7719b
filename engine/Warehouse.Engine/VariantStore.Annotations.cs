using Warehouse.Engine.Annotations;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

public sealed partial class VariantStore
{
    /// <summary>
    /// Loads a release of a source in one commit, or nothing of it. The same file by the same mapping again changes nothing. A release older than
    /// one that is there is kept beside it and does not become the newest.
    /// </summary>
    /// <param name="request">What to load.</param>
    /// <param name="progress">Gets bytes read.</param>
    /// <param name="stop">Cancels; the store is then as it was.</param>
    /// <exception cref="InputException">The file is not understood, is cut off, is of another build, or the source has another release of this day; nothing was committed.</exception>
    public AnnotationReceipt LoadAnnotations(AnnotationRequest request, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        AnnotationRequest.RequireSource(request.Source);
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        var releases = ReleasesNow();
        using var reference = OpenReference();
        var (read, unmapped) = new AnnotationLoad(request, Assembly, reference).Run(commit, progress, stop);
        var ofSource = releases.Where(r => r.Source == read.Source).ToList();
        if (ofSource.Find(r => r.UntilVersion == 0 && r.SourceSha256 == read.SourceSha256 && r.ContentSha256 == read.ContentSha256 && r.Date == read.Date) is { } same)
            return new AnnotationReceipt(same, false, same == NewestOf(releases, same.Source, Version), Version, unmapped);
        if (ofSource.Find(r => r.UntilVersion == 0 && r.Date == read.Date) is { } taken)
            throw new InputException("release-date-taken", $"the store has {taken}, of another file or mapping: drop it first, or say the day on which this one was released", InputPlace.None);
        if (ofSource.Find(r => r.UntilVersion == 0 && r.SourceSha256 == read.SourceSha256 && (r.MappingSha256 == read.MappingSha256 || r.ContentSha256 == read.ContentSha256)) is { } replayed)
            throw new InputException("release-replayed", $"the store has this very file as {replayed}: one file is one release", InputPlace.None);
        var release = read with { Number = ofSource.Count + 1, FromVersion = commit.Version };
        AnnotationRelease[] all = [.. releases, release];
        commit.SetPart(AnnotationCatalog.Part, AnnotationCatalog.Encode(all));
        Publish(commit, Catalog());
        return new AnnotationReceipt(release, true, release == NewestOf(all, release.Source, Version), Version, unmapped);
    }

    /// <summary>All releases, retired ones too, in the order of loading.</summary>
    /// <exception cref="DamagedStoreException">The list cannot be read.</exception>
    public IReadOnlyList<AnnotationRelease> AnnotationReleases()
    {
        _folder.Refresh();
        return ReleasesNow();
    }

    /// <summary>
    /// Retires a release: from this commit on no question is answered from it. Snapshots of before still show it; its bytes go when a compaction
    /// purges those.
    /// </summary>
    /// <param name="choice">The release, as <see cref="OpenAnnotations"/> takes it; a source with several releases needs one named.</param>
    /// <exception cref="InputException">There is no such release in force, or several are.</exception>
    public AnnotationRelease RetireAnnotations(string choice)
    {
        using var commit = _folder.BeginCommit();
        _folder.Refresh();
        var releases = ReleasesNow();
        var (source, which) = AnnotationChoice.Split(choice);
        if (which.Length == 0 && releases.Count(r => r.Source == source && r.UntilVersion == 0) > 1)
            throw new InputException("annotation-release", $"{source} has several releases: name one, as {source}@DAY or {source}@NUMBER", InputPlace.None);
        var release = AnnotationChoice.Find(releases, choice, Version);
        var retired = release with { UntilVersion = commit.Version };
        commit.SetPart(AnnotationCatalog.Part, AnnotationCatalog.Encode([.. releases.Select(r => r == release ? retired : r)]));
        Publish(commit, Catalog());
        return retired;
    }

    /// <summary>Opens a release for reading.</summary>
    /// <param name="choice"><c>clinvar</c>, the newest of that source; <c>clinvar@2024-01-07</c>, the one of that day, or <c>clinvar@3</c>, by number.</param>
    /// <param name="snapshot">The manifest version that must show it; null = the newest.</param>
    /// <exception cref="InputException">There is no such release.</exception>
    /// <exception cref="DamagedStoreException">It cannot be read.</exception>
    public AnnotationReader OpenAnnotations(string choice, long? snapshot = null)
    {
        var held = HoldNewest();
        try
        {
            var release = AnnotationChoice.Find(ReleasesNow(), choice, snapshot ?? Version);
            return new AnnotationReader(release, OpenFile(release, held.Manifest), held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Opens releases to be joined to alleles.</summary>
    /// <param name="choices">Each a release, as <see cref="OpenAnnotations"/> takes it, and perhaps a dot and one field of it: <c>clinvar.CLNSIG</c>.</param>
    /// <param name="snapshot">The manifest version that must show them; null = the newest.</param>
    /// <exception cref="InputException">There is no such release or field.</exception>
    /// <exception cref="DamagedStoreException">One cannot be read.</exception>
    public AnnotationSet JoinAnnotations(IReadOnlyList<string> choices, long? snapshot = null)
    {
        ArgumentNullException.ThrowIfNull(choices);
        _folder.Refresh();
        var version = snapshot ?? Version;
        var (open, chosen) = (new Dictionary<string, AnnotationReader>(StringComparer.Ordinal), new List<(AnnotationReader, string?)>());
        try
        {
            foreach (var choice in choices)
            {
                var dot = choice.IndexOf('.', StringComparison.Ordinal);
                var (name, field) = dot < 0 ? (choice, null) : (choice[..dot], choice[(dot + 1)..]);
                var release = AnnotationChoice.Find(ReleasesNow(), name, version);
                var key = FormattableString.Invariant($"{release.Source}@{release.Number}");
                if (!open.TryGetValue(key, out var reader)) open.Add(key, reader = OpenAnnotations(key, version));
                if (field is not null && reader.FieldOf(field) < 0)
                    throw new InputException("annotation-field", $"{release} has no field {InputException.Quote(System.Text.Encoding.UTF8.GetBytes(field))}; it has: {string.Join(", ", reader.Fields.Select(f => f.Name))}", InputPlace.None);
                chosen.Add((reader, field));
            }
            return new AnnotationSet(chosen, Assembly, version);
        }
        catch
        {
            foreach (var reader in open.Values) reader.Dispose();
            throw;
        }
    }

    /// <summary>Opens the newest release of every source by which alleles can be found by gene or HGVS; null when there is none.</summary>
    /// <param name="snapshot">The manifest version that must show them; null = the newest.</param>
    /// <exception cref="DamagedStoreException">One cannot be read.</exception>
    public AnnotationSet? SearchAnnotations(long? snapshot = null)
    {
        _folder.Refresh();
        var (releases, version) = (ReleasesNow(), snapshot ?? Version);
        string[] sources = [.. releases.Where(r => r.InForce(version)).Select(r => r.Source).Distinct(StringComparer.Ordinal)
            .Where(s => NewestOf(releases, s, version)!.Fields.Any(f => f.Terms != AnnotationTerms.None))];
        return sources.Length == 0 ? null : JoinAnnotations(sources, version);
    }

    /// <summary>Decodes every release that the catalog says is there, as <see cref="VerifySegments"/> does segments.</summary>
    private IEnumerable<VerifyFinding> VerifyAnnotations(HashSet<string> named, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        IReadOnlyList<AnnotationRelease> releases = [];
        if (Try(() => releases = ReleasesNow()) is { } unreadable)
        {
            yield return new VerifyFinding(FindingKind.Damaged, AnnotationCatalog.Part, unreadable);
            yield break;
        }
        releases = [.. releases.Where(r => !r.IsPurged)];
        for (var i = 0; i < releases.Count; i++)
        {
            var file = AnnotationCatalog.Part;
            void Check()
            {
                file = FileOf(releases[i], _folder.Current).Name;
                if (named.Contains(file)) return;
                using var reader = new AnnotationReader(releases[i], OpenFile(releases[i], _folder.Current), null);
                reader.Check(stop);
            }
            if (Try(Check) is { } problem) yield return new VerifyFinding(FindingKind.Damaged, file, problem);
            progress?.Report(new WorkProgress("decode", i + 1, releases.Count, "releases"));
        }
    }

    /// <summary>Leaves the files of releases out that no snapshot from a version on shows; null when there is none.</summary>
    private byte[]? PurgeAnnotations(Commit commit, long purged)
    {
        var releases = ReleasesNow();
        if (!releases.Any(IsGone)) return null;
        bool IsGone(AnnotationRelease release) => !release.IsPurged && release.UntilVersion != 0 && release.UntilVersion <= purged;
        foreach (var content in releases.Where(IsGone).Select(r => r.ContentSha256).Distinct(StringComparer.Ordinal))
        {
            // The same content may have been loaded again: as many files of it stay as releases need one.
            var needed = releases.Count(r => r.ContentSha256 == content && !r.IsPurged && !IsGone(r));
            foreach (var file in FilesOf(content, _folder.Current).Skip(needed)) commit.Remove(file.Id);
        }
        return AnnotationCatalog.Encode([.. releases.Select(r => IsGone(r) ? r with { IsPurged = true } : r)]);
    }

    private static IEnumerable<FileEntry> FilesOf(string contentSha256, Manifest manifest) => manifest.Files.Where(f => f.Kind == AnnotationFile.FileKind && f.ContentSha256.ToString() == contentSha256);

    private static FileEntry FileOf(AnnotationRelease release, Manifest manifest)
    {
        foreach (var file in FilesOf(release.ContentSha256, manifest)) return file;
        throw new DamagedStoreException(AnnotationCatalog.Part, $"the version has no file for {release}");
    }

    private static AnnotationRelease? NewestOf(IReadOnlyList<AnnotationRelease> releases, string source, long version) =>
        releases.Where(r => r.Source == source && r.InForce(version)).MaxBy(r => (r.Date, r.Number));

    private IReadOnlyList<AnnotationRelease> ReleasesNow()
    {
        try
        {
            return AnnotationCatalog.Decode(ReadPart(AnnotationCatalog.Part));
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException(AnnotationCatalog.Part, bad.Message, bad);
        }
    }

    private AnnotationFile OpenFile(AnnotationRelease release, Manifest manifest)
    {
        var file = FileOf(release, manifest);
        try
        {
            return AnnotationFile.Open(_folder.OpenFile(file));
        }
        catch (InvalidDataException bad)
        {
            throw new DamagedStoreException(file.Name, bad.Message, bad);
        }
    }
}
