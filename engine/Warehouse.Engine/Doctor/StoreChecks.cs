using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Doctor;

/// <summary>Checks of one store, from its folders to its newest version. Reads names, lengths and small parts only; <c>verify</c> reads every byte. Changes nothing.</summary>
internal sealed class StoreChecks(string storePath, string keysPath, TimeProvider clock)
{
    /// <summary>Small segments from which on compaction is advised.</summary>
    private const int ManySegments = 16;

    private static readonly TimeSpan EndIsNear = TimeSpan.FromDays(30);

    private readonly List<DoctorRow> _rows = [];

    public IReadOnlyList<DoctorRow> Run()
    {
        var (isStore, isKeys) = (Exists("store folder", storePath, "check the path, or make a store with warehouse init"), Exists("key folder", keysPath, "name it with --keys or WAREHOUSE_KEYS; without its keys a store cannot be read"));
        if (isStore) _rows.Add(MachineChecks.Space(storePath));
        if (!isStore || !isKeys) return _rows;
        CheckPlace();
        CheckAdministrator();
        var (storage, keys) = (DiskStorage.Open(storePath), DiskStorage.Open(keysPath));
        CheckModes("key folder", keys, ["", .. keys.List("")]);
        CheckModes("store folder", storage, ["", .. storage.List("")]);
        try
        {
            using var folder = StoreFolder.Open(storage, keys, clock);
            Add("newest version", DoctorState.Ok, $"snapshot {Text(folder.Current.Version)} is whole and is the one acknowledged");
            CheckWriter(storage, keys);
            CheckReference(folder.Identity);
            CheckFiles(storage, folder.Current);
            CheckCatalog(folder);
        }
        catch (DamagedStoreException bad)
        {
            Add("newest version", DoctorState.Damaged, $"{bad.File}: {bad.Problem}. Bring store and key folder back from one backup; warehouse verify names everything that is damaged, and mends it from a copy; where there is none, warehouse salvage brings what is whole into a new store");
        }
        catch (IOException bad)
        {
            Add("newest version", DoctorState.Missing, $"cannot be opened: {bad.Message}");
        }
        return _rows;
    }

    private void Add(string check, DoctorState state, string text) => _rows.Add(new DoctorRow(check, state, text));

    private bool Exists(string check, string path, string mend)
    {
        if (Directory.Exists(path)) return true;
        Add(check, DoctorState.Missing, $"does not exist: {mend}");
        return false;
    }

    private void CheckPlace()
    {
        var (store, keys) = (Real(storePath), Real(keysPath));
        var isInside = keys == store || keys.StartsWith(store + "/", StringComparison.Ordinal);
        Add("place of the keys", isInside ? DoctorState.Missing : DoctorState.Ok, isInside ? "the key folder lies in the store: whoever copies the store has the keys. Move it elsewhere and name it with --keys" : "outside the store");
    }

    /// <summary>The certificate by which a server of the store is administered ends by itself, and nobody administers it then.</summary>
    private void CheckAdministrator()
    {
        var state = Path.TrimEndingDirectorySeparator(storePath) + ".server";
        var file = Path.Combine(state, "administrator.pem");
        if (!File.Exists(file)) return;
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
            var left = certificate.NotAfter.ToUniversalTime() - clock.GetUtcNow().UtcDateTime;
            var mend = $"warehouse certificate renew --state {state}";
            if (left <= TimeSpan.Zero) Add("administrator", DoctorState.Missing, $"the certificate of the server's administrator has ended: {mend}");
            else if (left <= EndIsNear) Add("administrator", DoctorState.Note, $"the certificate of the server's administrator ends in {Text((int)left.TotalDays)} days: {mend}");
            else Add("administrator", DoctorState.Ok, $"the certificate of the server's administrator ends in {Text((int)left.TotalDays)} days");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            Add("administrator", DoctorState.Missing, "the certificate of the server's administrator cannot be read");
        }
    }

    private static string Real(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return Directory.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }

    private void CheckModes(string check, DiskStorage storage, IEnumerable<string> names)
    {
        var open = names.Count(n => storage.Facts(n) is { IsPrivate: false });
        Add(check, open > 0 ? DoctorState.Missing : DoctorState.Ok, open > 0 ? $"{Text(open)} names in it are open to others: chmod -R go-rwx on the folder" : "for its owner only");
    }

    /// <summary>The system ends the lease of a writer that died, so one that is held has a living holder. A writer that starts in this very moment is told that the store is busy.</summary>
    private void CheckWriter(DiskStorage storage, DiskStorage keys)
    {
        try
        {
            WriterLease.Take(storage, keys).Dispose();
            Add("writer", DoctorState.Ok, "none at work");
        }
        catch (StoreBusyException)
        {
            Add("writer", DoctorState.Note, "another process is writing now");
        }
    }

    private void CheckReference(StoreIdentity identity)
    {
        if (identity.ReferenceDigests.IsEmpty)
        {
            Add("reference", DoctorState.Note, "none: alleles are trimmed only, and indels in repeats may not be found under another spelling");
            return;
        }
        try
        {
            ReferenceRecord.Open(identity.ReferenceDigests.Span, Assembly.Parse(identity.Assembly), Environment.GetEnvironmentVariable("WAREHOUSE_REFERENCE")).Dispose();
            Add("reference", DoctorState.Ok, "there, with the contigs and lengths of init");
        }
        catch (InputException bad)
        {
            Add("reference", DoctorState.Missing, bad.Expected);
        }
        catch (IOException)
        {
            Add("reference", DoctorState.Missing, "cannot be read; name another place of it in WAREHOUSE_REFERENCE");
        }
    }

    private void CheckFiles(DiskStorage storage, Manifest newest)
    {
        var named = newest.Named.ToDictionary(f => f.Id.ToString(), f => f.LengthBytes, StringComparer.Ordinal);
        var (seen, wrong, unfinished, surplus, surplusBytes) = (0, 0, 0, 0, 0L);
        foreach (var name in storage.List(SealedFormat.FileFolder))
        {
            if (storage.Facts($"{SealedFormat.FileFolder}/{name}") is not { } facts) continue;
            if (named.TryGetValue(name, out var length))
            {
                seen++;
                if (length != facts.LengthBytes) wrong++;
                continue;
            }
            if (name.EndsWith(SealedFormat.Unfinished, StringComparison.Ordinal)) unfinished++;
            else surplus++;
            surplusBytes += facts.LengthBytes;
        }
        if (seen < named.Count || wrong > 0) Add("files", DoctorState.Damaged, $"{Text(named.Count - seen)} missing, {Text(wrong)} of a wrong length: warehouse verify names them; bring them back from a backup");
        else Add("files", DoctorState.Ok, $"{Text(seen)}, {Text(named.Values.Sum())} bytes");
        if (unfinished + surplus > 0) Add("files nobody names", DoctorState.Note, $"{Text(surplus)} left by older versions, {Text(unfinished)} unfinished, {Text(surplusBytes)} bytes: warehouse compact removes them");
        else Add("files nobody names", DoctorState.Ok, "none");
    }

    private void CheckCatalog(StoreFolder folder)
    {
        var catalog = CatalogParts.Read(folder, folder.Current);
        var small = catalog.Segments.Count(s => s.Ordinals.Length < CallColumns.MaxSamples);
        if (small >= ManySegments) Add("segments", DoctorState.Note, $"{Text(small)} of {Text(catalog.Segments.Count)} are small: warehouse compact merges them, and questions become faster");
        else Add("segments", DoctorState.Ok, Text(catalog.Segments.Count));
        var withdrawn = catalog.Segments.SelectMany(s => s.Ordinals).Select(o => catalog.Ordinals[o].Sample).Where(s => catalog.Samples[s].WithdrawnVersion != 0).Distinct().Count();
        if (withdrawn > 0) Add("withdrawn samples", DoctorState.Note, $"the data of {Text(withdrawn)} is still on the disk, in no answer: warehouse compact removes it");
        else Add("withdrawn samples", DoctorState.Ok, "nothing of them is left");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
