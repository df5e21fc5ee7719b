namespace Warehouse.Cli.Output;

/// <summary>
/// The destination of <c>-o</c>. A regular file is written beside its final name and renamed when complete: under the final name there is the
/// old file or the whole new one, never a half. Pipes and devices are written directly. Disposed without <see cref="Complete"/>, the
/// unfinished file is deleted.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly string _finalPath;
    private readonly string? _unfinishedPath;

    private OutputFile(string finalPath, string? unfinishedPath, Stream stream)
    {
        (_finalPath, _unfinishedPath, Stream) = (finalPath, unfinishedPath, stream);
    }

    /// <summary>Where to write.</summary>
    public Stream Stream { get; }

    /// <summary>Opens a destination.</summary>
    public static OutputFile Open(string path)
    {
        // A link stays a link: what it points to is replaced.
        var named = new FileInfo(path);
        var target = named.LinkTarget is null ? named.FullName : named.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        if (Special(target) is { } special) return new OutputFile(target, null, special);
        if (Directory.Exists(target)) throw new IOException($"{path}: is a folder");

        var unfinished = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.unfinished");
        return new OutputFile(target, unfinished, new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
    }

    /// <summary>Puts the file under its final name.</summary>
    public void Complete()
    {
        Stream.Dispose();
        if (_unfinishedPath is not null) new FileInfo(_unfinishedPath).MoveTo(_finalPath, overwrite: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stream.Dispose();
        if (_unfinishedPath is not null) File.Delete(_unfinishedPath); // nothing there when complete
    }

    private static FileStream? Special(string path)
    {
        if (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal)) return Existing(path);
        if (!File.Exists(path) || new FileInfo(path).Length > 0) return null;
        var stream = Existing(path); // empty, or a named pipe
        if (!stream.CanSeek) return stream;
        stream.Dispose();
        return null;
    }

    private static FileStream Existing(string path) => new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
}
