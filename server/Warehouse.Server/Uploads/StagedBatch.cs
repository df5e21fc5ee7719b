using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using Microsoft.Win32.SafeHandles;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Ingest;
using Warehouse.Primitives;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;

namespace Warehouse.Server.Uploads;

/// <summary>
/// A batch that is being received: a folder with a random name, mode 0700, that has
/// <code>
/// batch            key and content of the batch (32 bytes each, <see cref="BatchMark"/>) and the Batch message without purpose, sheet and callable
///                  regions; written last, renamed into place
/// sheet, callable  as they came with it, when they did
/// 0, 1, 2, ...     the bytes of the files so far, one file each; they exist from the first byte on
/// </code>
/// What a file has is what was appended; of a machine that stopped, what was synced. Whether it is what was sent, the digest tells when it is
/// whole. A folder without <c>batch</c> is of nobody. Every member under the lock of the instance; any thread.
/// </summary>
internal sealed class StagedBatch : IDisposable
{
    private const string Descriptor = "batch";
    private const int BufferBytes = 1 << 20;

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly TimeProvider _clock;
    private readonly long[] _lengths;
    private readonly HashSet<int> _unsynced = [];
    private SafeFileHandle? _open;
    private int _openFile = -1;
    private object? _holder;
    private bool _isGone;
    private long _progressAt;

    private StagedBatch(string folder, BatchMark mark, Batch batch, TimeProvider clock)
    {
        (_folder, Mark, Batch, _clock, _progressAt) = (folder, mark, batch, clock, clock.GetTimestamp());
        AnnouncedBytes = batch.Files.Sum(f => f.Length);
        _lengths = [.. Enumerable.Range(0, batch.Files.Count).Select(i => Durable.Facts(PathOf(i))?.LengthBytes ?? 0)];
    }

    /// <summary>Key and content of the batch.</summary>
    public BatchMark Mark { get; }

    /// <summary>What the sender says of it.</summary>
    public Batch Batch { get; }

    /// <summary>Bytes of all its files, when they are whole.</summary>
    public long AnnouncedBytes { get; }

    /// <summary>Cancelled when the batch is forgotten while it is being loaded.</summary>
    public CancellationTokenSource Forgotten { get; } = new();

    /// <summary>Bytes read so far while it is being loaded; -1 when it is not.</summary>
    public long LoadedBytes { get; set; } = -1;

    /// <summary>Time since bytes came, or a load ran.</summary>
    public TimeSpan Idle
    {
        get
        {
            lock (_gate) return LoadedBytes >= 0 ? TimeSpan.Zero : _clock.GetElapsedTime(_progressAt);
        }
    }

    /// <summary>Makes the folder of a new batch, durable on return.</summary>
    public static StagedBatch Create(string parent, BatchMark mark, Batch batch, TimeProvider clock)
    {
        var folder = Path.Combine(parent, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        Durable.CreateFolder(folder);
        if (!batch.Sheet.IsEmpty) WriteNew(Path.Combine(folder, "sheet"), batch.Sheet.Span);
        if (!batch.Callable.IsEmpty) WriteNew(Path.Combine(folder, "callable"), batch.Callable.Span);
        var kept = batch.Clone();
        (kept.Asking, kept.Sheet, kept.Callable) = (null, ByteString.Empty, ByteString.Empty);
        WriteNew(Path.Combine(folder, "new"), [.. Convert.FromHexString(mark.Key), .. Convert.FromHexString(mark.Content), .. kept.ToByteArray()]);
        Durable.Replace(Path.Combine(folder, "new"), Path.Combine(folder, Descriptor));
        Durable.SyncFolder(folder);
        Durable.SyncFolder(parent);
        return new StagedBatch(folder, mark, kept, clock);
    }

    /// <summary>Finds a batch of before in its folder; null when there is none.</summary>
    public static StagedBatch? TryOpen(string folder, TimeProvider clock)
    {
        var path = Path.Combine(folder, Descriptor);
        if (Durable.Facts(path) is not { IsFolder: false, LengthBytes: >= 64 and < 1 << 24 } facts) return null;
        var bytes = new byte[facts.LengthBytes];
        using (var file = Durable.OpenRead(path)) Durable.Read(file, bytes, 0);
        try
        {
            return new StagedBatch(folder, new(Convert.ToHexStringLower(bytes.AsSpan(0, 32)), Convert.ToHexStringLower(bytes.AsSpan(32, 32))), Batch.Parser.ParseFrom(bytes.AsSpan(64)), clock);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>Makes a stream the one that sends: an earlier one of the same batch, whose client is gone without a word, sends nothing any more.</summary>
    public void Hold(object by)
    {
        lock (_gate)
        {
            RequireThere();
            if (LoadedBytes >= 0) throw Refusals.Busy("batch-loading");
            _holder = by;
        }
    }

    /// <summary>Bytes per file that were received.</summary>
    public long[] Lengths()
    {
        lock (_gate) return [.. _lengths];
    }

    /// <summary>Whether every file has all its bytes.</summary>
    public bool IsWhole
    {
        get
        {
            lock (_gate) return Batch.Files.Index().All(f => _lengths[f.Index] == f.Item.Length);
        }
    }

    /// <summary>Appends bytes to a file; durable after <see cref="Sync"/>.</summary>
    public void Append(object by, FileBytes bytes)
    {
        lock (_gate)
        {
            RequireHeld(by);
            if (bytes.File < 0 || bytes.File >= _lengths.Length) throw Refusals.BadRequest("batch-file");
            // F38: what is out of order, overlaps or leaves a gap is not understood; the status of the refusal's batch says where to go on.
            if (bytes.Offset != _lengths[bytes.File]) throw Refusals.BadRequest("batch-offset", bytes.File + 1);
            if (bytes.Data.Length > Batch.Files[bytes.File].Length - bytes.Offset) throw Refusals.BadRequest("batch-length", bytes.File + 1);
            if (bytes.Data.IsEmpty) return;
            Durable.Write(Open(bytes.File), bytes.Data.Span, bytes.Offset);
            _lengths[bytes.File] += bytes.Data.Length;
            _unsynced.Add(bytes.File);
            _progressAt = _clock.GetTimestamp();
        }
    }

    /// <summary>Makes all that was appended durable.</summary>
    public void Sync()
    {
        lock (_gate)
        {
            RequireThere();
            if (_unsynced.Count == 0) return;
            foreach (var file in _unsynced.Order()) Durable.SyncFile(Open(file));
            Durable.SyncFolder(_folder);
            _unsynced.Clear();
        }
    }

    /// <summary>Begins to load: from here on nothing is appended, and what was received is what was announced.</summary>
    public void BeginLoad(object by, CancellationToken stop)
    {
        lock (_gate)
        {
            RequireHeld(by);
            if (!IsWhole) throw Refusals.BadRequest("batch-incomplete");
            // A file without bytes has come when it was announced.
            for (var file = 0; file < _lengths.Length; file++)
                if (_lengths[file] == 0) Open(file);
            Sync();
            Close();
            LoadedBytes = 0;
            _progressAt = _clock.GetTimestamp();
        }
        try
        {
            // What was kept of the description too: it may have lain here for an hour, or over a stop.
            if (BatchUploads.ContentOf(Batch, Kept("sheet"), Kept("callable")) != Mark.Content) throw new InvalidDataException("what is kept of a batch is not what was sent");
            for (var file = 0; file < _lengths.Length; file++) Check(file, stop);
        }
        catch
        {
            EndLoad();
            throw;
        }
    }

    /// <summary>What to ask of the store for files of samples.</summary>
    public IngestRequest IngestRequest()
    {
        string? Beside(string name) => Durable.Facts(Path.Combine(_folder, name)) is null ? null : Path.Combine(_folder, name);
        var request = new IngestRequest
        {
            Files = [.. Enumerable.Range(0, _lengths.Length).Select(PathOf)], SheetPath = Beside("sheet"), CallablePath = Beside("callable"), AssumeReference = Batch.AssumeReference, Mark = Mark,
        };
        return Batch.HasBlockGq ? request with { BlockGq = Batch.BlockGq } : request;
    }

    /// <summary>What to ask of the store for a release of annotations.</summary>
    /// <exception cref="Warehouse.Engine.InputException">Its mapping is not understood.</exception>
    public AnnotationRequest ReleaseRequest() => new()
    {
        Source = Batch.Release.Source, Date = IsDay(Batch.Release.Date, out var day) ? day : throw Refusals.BadRequest("release-date"), File = PathOf(0), SkipBadRecords = Batch.Release.SkipBadRecords, Threads = Environment.ProcessorCount,
        Mapping = _lengths.Length > 1 ? AnnotationMapping.Parse(File.ReadAllText(PathOf(1)), PathOf(1)) : null,
    };

    /// <summary>Whether a text is a day, as 2024-01-07.</summary>
    public static bool IsDay(string text, out DateOnly day) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);

    /// <summary>Number of the file that a place is in, 1-based; 0 for what is none of them.</summary>
    public int NumberOf(Engine.InputPlace place) => Enumerable.Range(1, _lengths.Length).FirstOrDefault(file => place.IsIn(PathOf(file - 1)));

    /// <summary>Whether a place is in the sheet.</summary>
    public bool IsInSheet(Engine.InputPlace place) => place.IsIn(Path.Combine(_folder, "sheet"));

    /// <summary>Ends a load that did not end in the store, or did.</summary>
    public void EndLoad()
    {
        lock (_gate) (LoadedBytes, _progressAt) = (-1, _clock.GetTimestamp());
    }

    /// <summary>Removes everything of it. A load that runs is told to stop, and removes nothing that it still reads.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            if (_isGone) return;
            (_isGone, _holder) = (true, null);
            Close();
            Forgotten.Cancel();
            Remove(_folder);
        }
    }

    /// <summary>Removes a folder of uploads; what cannot be removed now is removed at the next start.</summary>
    public static void Remove(string folder)
    {
        try
        {
            // The name first: a folder without it is of nobody.
            if (Durable.Facts(Path.Combine(folder, Descriptor)) is not null) Durable.Delete(Path.Combine(folder, Descriptor));
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing is lost by it but space.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate) Close();
        Forgotten.Dispose();
    }

    /// <summary>Compares a whole file with what was announced; one that differs is received anew.</summary>
    private void Check(int file, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var bytes = Durable.OpenRead(PathOf(file)))
        {
            var buffer = new byte[BufferBytes];
            for (long at = 0, left = _lengths[file]; left > 0;)
            {
                stop.ThrowIfCancellationRequested();
                var count = (int)Math.Min(left, buffer.Length);
                Durable.Read(bytes, buffer.AsSpan(0, count), at);
                hash.AppendData(buffer, 0, count);
                (at, left) = (at + count, left - count);
            }
        }
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) == Batch.Files[file].Sha256) return;
        lock (_gate)
        {
            Durable.Delete(PathOf(file));
            _lengths[file] = 0;
        }
        throw Refusals.BadRequest("batch-digest", file + 1);
    }

    private byte[] Kept(string name) => Durable.Facts(Path.Combine(_folder, name)) is null ? [] : File.ReadAllBytes(Path.Combine(_folder, name));

    private static void WriteNew(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = Durable.Create(path);
        Durable.Write(file, bytes, 0);
        Durable.SyncFile(file);
    }

    private string PathOf(int file) => Path.Combine(_folder, file.ToString(CultureInfo.InvariantCulture));

    /// <summary>The file, open for writing; one at a time, since they come one after the other.</summary>
    private SafeFileHandle Open(int file)
    {
        if (_openFile == file) return _open!;
        Close();
        _open = Durable.Facts(PathOf(file)) is null ? Durable.Create(PathOf(file)) : Durable.OpenWrite(PathOf(file));
        _openFile = file;
        return _open;
    }

    private void Close()
    {
        _open?.Dispose();
        (_open, _openFile) = (null, -1);
    }

    private void RequireHeld(object by)
    {
        RequireThere();
        if (!ReferenceEquals(_holder, by) || LoadedBytes >= 0) throw Refusals.Busy("batch-held");
    }

    private void RequireThere()
    {
        if (_isGone) throw Refusals.Busy("batch-forgotten");
    }
}
