using Warehouse.Engine.Catalog;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine;

/// <summary>
/// The catalog between memory and the parts of a manifest. I12: in memory a segment is named by the random id of its file, in the part by
/// the digest of its content, so that the same files, options and version give parts of the same content in every store.
/// </summary>
internal static class CatalogParts
{
    /// <summary>Gives a commit the parts of a catalog: the lists in pages, of which those that the version before has are left as they are.</summary>
    public static void Write(Commit commit, StoreCatalog catalog, StoreCatalog before)
    {
        var named = catalog with { Segments = [.. catalog.Segments.Select(s => s with { File = FileId.TryParse(s.File, out var id) && commit.TryFindFile(id, out var file)
            ? file.ContentSha256.ToString() : throw new ArgumentException("the catalog names a segment that the commit lacks", nameof(catalog)) })] };
        foreach (var part in CatalogCodec.Parts) commit.SetPart(part, CatalogCodec.Encode(named, part));
        foreach (var (name, content) in CatalogCodec.Pages(catalog, before))
        {
            if (content is null) commit.RemovePart(name);
            else commit.SetPart(name, content);
        }
    }

    /// <summary>Reads the catalog of a version; its pages when they are first used, while the version is held.</summary>
    /// <exception cref="DamagedStoreException">A part is not what was written, or names a segment that the version lacks; of a page, at its first use.</exception>
    public static StoreCatalog Read(StoreFolder folder, Manifest manifest) => Checked(() =>
    {
        var named = CatalogCodec.Decode(part => folder.TryReadPart(manifest, part), page => Checked(page));
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in manifest.Files)
            if (file.Kind == SegmentWriter.FileKind) files.Add(file.ContentSha256.ToString(), file.Id.ToString());
        return named with { Segments = [.. named.Segments.Select(s => s with { File = files.TryGetValue(s.File, out var id)
            ? id : throw new InvalidDataException("the catalog names a segment that the version lacks") })] };
    });

    private static T Checked<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception bad) when (bad is InvalidDataException or ArgumentException or OverflowException)
        {
            throw new DamagedStoreException("catalog", bad.Message, bad);
        }
    }
}
