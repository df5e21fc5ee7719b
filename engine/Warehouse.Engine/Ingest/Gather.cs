using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// Reads the small files of a command into memory, several at once, so that many files of one sample become one segment without one of
/// their own in between. What is gathered does not depend on the threads. Memory: four times the bytes of a wave as stored, at most, and
/// the distinct sites of its files. One thread calls.
/// </summary>
internal sealed class Gather(IngestRequest request, Assembly assembly, ReferenceGenome? reference)
{
    /// <summary>Files of a command from which on they are gathered; fewer become segments of their own, which is cheaper.</summary>
    public const int LeastFiles = 64;

    /// <summary>Bytes as stored of the files that are in memory together.</summary>
    private const long MaxWaveBytes = 208 << 20;

    /// <summary>A larger file is read on its own.</summary>
    private const long MaxFileBytes = 64 << 20;

    private const int MaxWaveFiles = 1024;

    /// <summary>Cuts the files of the command into waves, by their lengths alone.</summary>
    public IEnumerable<(int First, int Count)> Waves()
    {
        var (first, bytes) = (0, 0L);
        for (var i = 0; i < request.Files.Count; i++)
        {
            var length = LengthOf(i);
            if (i > first && (bytes + length > MaxWaveBytes || i - first == MaxWaveFiles))
            {
                yield return (first, i - first);
                (first, bytes) = (i, 0);
            }
            bytes += length;
        }
        if (first < request.Files.Count) yield return (first, request.Files.Count - first);
    }

    /// <summary>Reads a wave. An entry is null when its file has to be read on its own.</summary>
    /// <param name="wave">First file and number of files.</param>
    /// <param name="read">Is told the bytes of each file that was read, one call at a time.</param>
    /// <param name="stop">Cancels.</param>
    public GatheredFile?[] Read((int First, int Count) wave, Action<long> read, CancellationToken stop)
    {
        var files = new GatheredFile?[wave.Count];
        if (request.Files.Count < LeastFiles || request.Lint) return files;
        var next = -1;
        var gate = new Lock();
        void Work()
        {
            var reader = new GatherReader(request, assembly, reference);
            for (var i = Interlocked.Increment(ref next); i < files.Length; i = Interlocked.Increment(ref next))
            {
                var length = LengthOf(wave.First + i);
                if (length is 0 or > MaxFileBytes) continue;
                files[i] = reader.Read(request.Files[wave.First + i], stop);
                lock (gate) read(length);
            }
        }
        var others = Enumerable.Range(1, Math.Clamp(request.Threads, 1, wave.Count) - 1).Select(_ => Task.Run(Work, CancellationToken.None)).ToArray();
        try
        {
            Work();
        }
        finally
        {
            Interlocked.Exchange(ref next, files.Length); // after an exception the others end with the file at hand
            Task.WaitAll(others, CancellationToken.None);
        }
        return files;
    }

    private long LengthOf(int file) => request.Files[file] is var path && path != "-" ? LengthOf(path) : 0;

    /// <summary>Length of a regular file as stored, through links; 0 for anything else, and for what cannot be looked at: who reads it says why.</summary>
    public static long LengthOf(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists) return 0;
        try
        {
            if (info.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target) info = target;
            return info.Exists ? info.Length : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
