using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// Reads every byte of a store and its key folder and names what is damaged, missing or surplus (I3, I7). It believes nothing that
/// was read before and changes nothing. Works on a store too damaged to open. While a writer is at work its unfinished files show
/// as surplus; what he publishes after the beginning is not looked at. Order: key folder, identity, manifests, then the files of the newest version.
/// </summary>
public static class StoreVerifier
{
    private const string KeyPrefix = "keys/";

    private const int Attempts = 100;

    /// <summary>Verifies; the work is done while the findings are enumerated, and none means that all is as written.</summary>
    public static IEnumerable<VerifyFinding> Verify(IStorage storage, IStorage keys, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var (problem, folder, names, newestHeld) = Begin(storage, keys);
        if (folder is null)
        {
            yield return Finding(problem!, KeyPrefix + Acknowledgement.Name, KeyPrefix);
            yield break; // without keys nothing else can be read
        }
        using var opened = folder;
        using var held = newestHeld;
        foreach (var finding in KeyFindings(keys, folder).Concat(IdentityFindings(storage, folder)).Concat(RootFindings(storage))) yield return finding;

        List<VerifyFinding> found = [];
        if (problem is not null) found.Add(Finding(problem, ManifestFormat.Folder));
        var newest = problem is null ? CheckManifests(storage, folder, names, found) : null;
        foreach (var finding in found) yield return finding;
        if (newest is null) yield break;
        foreach (var finding in FileFindings(storage, folder, newest, progress, stop)) yield return finding;
    }

    /// <summary>
    /// The keys and the manifests of one moment, and a lease of the newest, so that no collection takes its files away: keys of a moment before would look like those of a
    /// folder that was rolled back. A problem without keys is one of the keys, another one of the list of manifests.
    /// </summary>
    private static (IOException? Problem, KeyFolder? Folder, IReadOnlyList<string> Names, IStorageLock? Held) Begin(IStorage storage, IStorage keys)
    {
        for (var attempt = 1; ; attempt++)
        {
            KeyFolder? folder = null;
            if (Try(() => folder = KeyFolder.Open(keys)) is { } closed) return (closed, null, [], null);
            IReadOnlyList<string> names = [];
            if (Try(() => names = storage.List(ManifestFormat.Folder)) is { } unlisted) return (unlisted, folder, [], null);
            IStorageLock? held = null;
            var newest = names.Max(n => (long?)ManifestFormat.VersionOf(n)) ?? 0;
            // Where there is none to be held, or it cannot be, reading it tells why.
            if (newest > 0) _ = Try(() => held = storage.Lock(ManifestFormat.NameOf(newest), exclusive: false));
            var isOfNow = false;
            _ = Try(() =>
            {
                var (now, master) = Acknowledgement.Read(keys);
                master.Dispose();
                isOfNow = now == folder!.Promised;
            });
            if (isOfNow || attempt == Attempts) return (null, folder, names, held);
            held?.Dispose();
            folder!.Dispose();
        }
    }

    private static IEnumerable<VerifyFinding> KeyFindings(IStorage keys, KeyFolder folder)
    {
        if (folder.TornBytes > 0) yield return new VerifyFinding(FindingKind.Surplus, KeyPrefix + KeyTable.NameOf(folder.Promised.TableGeneration), "ends in bytes of an unfinished commit; the next commit cuts them off");
        foreach (var name in folder.Surplus()) yield return new VerifyFinding(FindingKind.Surplus, KeyPrefix + name, "nothing names it");
        if (LockProblem(keys) is { } problem) yield return problem with { File = KeyPrefix + problem.File };
    }

    private static IEnumerable<VerifyFinding> IdentityFindings(IStorage storage, KeyFolder folder)
    {
        var problem = Try(() =>
        {
            var (_, sha256) = StoreIdentity.Read(storage);
            if (sha256 != folder.Promised.IdentitySha256) throw new DamagedStoreException(StoreIdentity.Name, "is not what was written, or the key folder belongs to another store");
        });
        if (problem is not null) yield return Finding(problem, StoreIdentity.Name);
    }

    private static IEnumerable<VerifyFinding> RootFindings(IStorage storage)
    {
        if (LockProblem(storage) is { } problem) yield return problem;
        foreach (var name in storage.List("").Where(n => n is not (StoreIdentity.Name or WriterLease.Name or ManifestFormat.Folder or SealedFormat.FileFolder or SealedFormat.EventFolder)))
            yield return new VerifyFinding(FindingKind.Surplus, name, "nothing names it");
    }

    private static VerifyFinding? LockProblem(IStorage storage) => storage.Facts(WriterLease.Name) switch
    {
        null => new VerifyFinding(FindingKind.Missing, WriterLease.Name, "is missing"),
        { LengthBytes: > 0 } => new VerifyFinding(FindingKind.Damaged, WriterLease.Name, "must be empty"),
        _ => null,
    };

    /// <summary>Checks every root, the chain of their digests, and its last link; returns the newest version, or null when it cannot be read.</summary>
    private static Manifest? CheckManifests(IStorage storage, KeyFolder folder, IReadOnlyList<string> names, List<VerifyFinding> found)
    {
        foreach (var name in names.Where(n => ManifestFormat.VersionOf(n) == 0)) found.Add(new VerifyFinding(FindingKind.Surplus, $"{ManifestFormat.Folder}/{name}", "nothing names it"));
        var promised = folder.Promised;
        var newest = Math.Max(promised.ManifestVersion, names.Max(n => (long?)ManifestFormat.VersionOf(n)) ?? 0);
        Digest? previous = default(Digest);
        for (var version = 1L; version <= newest; version++)
        {
            var name = ManifestFormat.NameOf(version);
            Manifest? root = null;
            var problem = Try(() => root = ManifestFormat.LoadRoot(storage, folder, version).Root);
            if (problem is not null) found.Add(Finding(problem, name));
            else if (previous is { } expected && root!.PreviousSha256 != expected) found.Add(new VerifyFinding(FindingKind.Damaged, name, "does not follow the version before it"));
            else if (version == promised.ManifestVersion && root!.Sha256 != promised.ManifestSha256) found.Add(new VerifyFinding(FindingKind.Damaged, name, "is not the version that was acknowledged"));
            previous = root?.Sha256;
        }
        if (newest > promised.ManifestVersion + 1) found.Add(new VerifyFinding(FindingKind.Damaged, KeyPrefix + Acknowledgement.Name, "is older than the store: the key folder was rolled back"));
        Manifest? whole = null;
        var unread = Try(() => whole = ManifestFormat.Load(storage, folder, newest));
        if (unread is not null && !found.Any(f => f.File == ManifestFormat.NameOf(newest))) found.Add(Finding(unread, ManifestFormat.NameOf(newest)));
        return whole;
    }

    private static IEnumerable<VerifyFinding> FileFindings(IStorage storage, KeyFolder folder, Manifest newest, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var total = newest.Named.Sum(f => f.LengthBytes);
        var done = 0L;
        foreach (var entry in newest.Named)
        {
            stop.ThrowIfCancellationRequested();
            var problem = Try(() =>
            {
                using var reader = SealedReader.Open(storage, entry, folder);
                if (reader.ReadAll(stop) != entry.ContentSha256) throw new DamagedStoreException(entry.Name, "its content is not the one in the manifest");
            });
            if (problem is not null) yield return Finding(problem, entry.Name);
            done += entry.LengthBytes;
            progress?.Report(new WorkProgress("verify", done, total, "bytes"));
        }
        var named = newest.Named.Select(f => f.Id.ToString()).ToHashSet();
        IReadOnlyList<string> names = [];
        if (Try(() => names = storage.List(SealedFormat.FileFolder)) is { } unreadable) yield return Finding(unreadable, SealedFormat.FileFolder);
        foreach (var name in names.Where(n => !named.Contains(n)))
            yield return new VerifyFinding(FindingKind.Surplus, $"{SealedFormat.FileFolder}/{name}", "the newest version does not name it");
    }

    private static IOException? Try(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (IOException e) when (e is not DurableException { IsOfProcess: true })
        {
            return e;
        }
    }

    private static VerifyFinding Finding(IOException problem, string file, string prefix = "")
    {
        var cause = problem as DamagedStoreException;
        var isMissing = cause?.IsMissing ?? problem is DurableException { Errno: DurableException.Missing };
        return new VerifyFinding(isMissing ? FindingKind.Missing : FindingKind.Damaged, cause is null ? file : prefix + cause.File, cause?.Problem ?? problem.Message);
    }
}
