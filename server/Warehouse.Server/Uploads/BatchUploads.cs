using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Ingest;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Uploads;

/// <summary>What <see cref="BatchUploads"/> goes by.</summary>
internal sealed record UploadOptions
{
    /// <summary>How much may be received at a time.</summary>
    public UploadConfiguration Limits { get; init; } = new();

    /// <summary>Bytes that are free on the disk of a folder.</summary>
    public Func<string, long> FreeBytes { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Hears what became of batches.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>Tells the time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>
/// Batches on their way into the store, in a private folder of the server's state. Keeps I1 and I2 for uploads: a batch is in the store, whole and
/// with its mark, or not at all; whoever asks again learns which. A failure leaves what was received, to go on from; an hour without progress
/// removes it. Names of batches are of their senders: what another calls the same is another batch. A release of annotations needs no mark: loaded
/// again it changes nothing, and the store says so. Any thread.
/// </summary>
internal sealed class BatchUploads : IDisposable
{
    /// <summary>Time without progress after which a batch is forgotten.</summary>
    public static readonly TimeSpan ForgetAfter = TimeSpan.FromHours(1);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    /// <summary>Batches that are being received: of one sender, and of all.</summary>
    private const int MostOfOne = 16, MostOfAll = 256;

    private const long Gibibyte = 1L << 30;

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly StoreHost _host;
    private readonly StoreWriter _writer;
    private readonly TimeProvider _clock;
    private readonly UploadOptions _options;
    private readonly Dictionary<string, StagedBatch> _batches = new(StringComparer.Ordinal);
    private readonly ITimer _timer;

    private BatchUploads(string folder, StoreHost host, StoreWriter writer, UploadOptions options)
    {
        (_folder, _host, _writer, _options, _clock) = (folder, host, writer, options, options.Clock);
        var clock = options.Clock;
        foreach (var path in Directory.EnumerateDirectories(folder))
        {
            if (StagedBatch.TryOpen(path, clock) is not { } batch) StagedBatch.Remove(path);
            else if (!_batches.TryAdd(batch.Mark.Key, batch)) batch.Forget();
        }
        _timer = clock.CreateTimer(static uploads => ((BatchUploads)uploads!).ForgetIdle(), this, LookEvery, LookEvery);
    }

    /// <summary>Bytes that all batches announce which are being received.</summary>
    public long AnnouncedBytes
    {
        get
        {
            lock (_gate) return _batches.Values.Sum(b => b.AnnouncedBytes);
        }
    }

    /// <summary>Hears each step of a load before it is taken; for tests that stop there.</summary>
    internal Action<string>? AtStep { get; set; }

    /// <summary>Uses the folder <c>uploads</c> of the server's state.</summary>
    /// <exception cref="InputException">Others can enter it.</exception>
    public static BatchUploads Open(string statePath, StoreHost host, StoreWriter writer, UploadOptions options) =>
        new(PrivateFolder.Open(Path.Combine(statePath, "uploads")).Path, host, writer, options);

    /// <summary>Key and content of a batch. The key is of its sender and its id; the content of all that decides what is loaded.</summary>
    public static BatchMark MarkOf(string sender, Batch batch) => new(KeyOf(sender, batch.Id), ContentOf(batch, batch.Sheet.Span, batch.Callable.Span));

    /// <summary>Digest of all that decides what is loaded.</summary>
    /// <param name="batch">The batch; its sheet and its callable regions may have been taken out.</param>
    /// <param name="sheet">The sheet; empty for none.</param>
    /// <param name="callable">The callable regions; empty for none.</param>
    public static string ContentOf(Batch batch, ReadOnlySpan<byte> sheet, ReadOnlySpan<byte> callable)
    {
        using var content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Number(long number)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            content.AppendData(bytes);
        }
        Number(batch.Files.Count);
        foreach (var file in batch.Files)
        {
            Number(file.Length);
            content.AppendData(Convert.FromHexString(file.Sha256));
        }
        content.AppendData(SHA256.HashData(sheet));
        content.AppendData(SHA256.HashData(callable));
        Number(batch.AssumeReference ? 1 : 0);
        Number(batch.HasBlockGq ? batch.BlockGq : -1);
        if (batch.Release is { } release)
        {
            // Behind all that a batch has: marks of batches that are in stores stay what they were.
            content.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(release.Source)));
            content.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(release.Date)));
            Number(release.SkipBadRecords ? 1 : 0);
        }
        return Convert.ToHexStringLower(content.GetHashAndReset());
    }

    /// <summary>Begins or goes on with a batch. Null when the store has it already: <see cref="Status"/> has the receipt.</summary>
    /// <param name="sender">Who sends.</param>
    /// <param name="batch">What.</param>
    /// <param name="by">The stream that sends, as <see cref="StagedBatch.Hold"/> has it.</param>
    public StagedBatch? Begin(string sender, Batch batch, object by)
    {
        RequireSound(batch);
        var mark = MarkOf(sender, batch);
        ForgetIdle();
        lock (_gate)
        {
            if (Stored(mark.Key) is { } stored)
            {
                // What a stop between the commit and here has left.
                if (_batches.Remove(mark.Key, out var left)) left.Forget();
                return stored.Mark == mark ? null : throw Refusals.Exists("batch-differs");
            }
            if (_batches.TryGetValue(mark.Key, out var known))
            {
                // F37: the same id names the same bytes for ever.
                if (known.Mark != mark) throw Refusals.Exists("batch-differs");
            }
            else
            {
                RequireRoom(sender, batch.Files.Sum(f => f.Length));
                _batches[mark.Key] = known = StagedBatch.Create(_folder, mark, batch, _clock);
            }
            known.Hold(by);
            return known;
        }
    }

    /// <summary>What a batch announces is its sender's and taken from the disk from then on, whether it comes or not.</summary>
    private void RequireRoom(string sender, long bytes)
    {
        // A batch of before the process began has no sender's name; its key says whether it is his.
        var own = _batches.Values.Where(b => b.Mark.Key == KeyOf(sender, b.Batch.Id)).ToList();
        if (_batches.Count >= MostOfAll || own.Count >= MostOfOne) throw Refusals.Exhausted("batches");
        if (own.Sum(b => b.AnnouncedBytes) + bytes > _options.Limits.GibibytesOfOne * Gibibyte || _batches.Values.Sum(b => b.AnnouncedBytes) + bytes > _options.Limits.GibibytesOfAll * Gibibyte) throw Refusals.Exhausted("batch-bytes");
        var toCome = _batches.Values.Sum(b => b.AnnouncedBytes - b.Lengths().Sum());
        if (toCome + bytes > _options.FreeBytes(_folder) - (_options.Limits.KeepFreeGibibytes * Gibibyte)) throw Refusals.Exhausted("batch-space");
    }

    /// <summary>What is known of a batch.</summary>
    public BatchStatus Status(string sender, string id)
    {
        var (status, key) = (new BatchStatus { Id = id, State = BatchState.Unknown }, KeyOf(sender, id));
        ForgetIdle();
        StagedBatch? staged;
        lock (_gate) staged = _batches.GetValueOrDefault(key);
        // In this order: between the commit of a batch and the removal of what was received both are there, and at no time neither.
        if (Stored(key) is { } stored)
        {
            (status.State, status.Receipt) = (BatchState.Committed, new Receipt { Version = stored.Version });
            foreach (var (name, value) in stored.Facts) status.Receipt.Facts.Add(new ReceiptFact { Name = name, Value = value });
        }
        else if (staged is not null)
        {
            status.State = staged.LoadedBytes >= 0 ? BatchState.Loading : BatchState.Receiving;
            status.Received.AddRange(staged.Lengths());
            status.BytesRead = Math.Max(0, staged.LoadedBytes);
        }
        return status;
    }

    /// <summary>Loads a whole batch; in the store when this returns. After any failure it is not, or its mark says that it is.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="by">The stream that sends.</param>
    /// <param name="sender">Who has it loaded, and what for: what he sees bounds what it may change.</param>
    /// <param name="stop">Cancels.</param>
    /// <returns>What became of a release; null of files of samples, whose receipt <see cref="Status"/> has.</returns>
    /// <exception cref="InputException">A file is not understood, or more than the sender may change: the batch is forgotten, since its bytes will not change.</exception>
    public AnnotationReceipt? Load(StagedBatch batch, object by, SessionOptions sender, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, batch.Forgotten.Token);
        AtStep?.Invoke("check");
        var began = _clock.GetTimestamp();
        AnnotationReceipt? loaded;
        try
        {
            batch.BeginLoad(by, either.Token);
        }
        catch (InvalidDataException)
        {
            Remove(batch); // it cannot be mended by sending more: it is sent anew
            throw;
        }
        try
        {
            AtStep?.Invoke("load");
            loaded = _writer.Write(store => Load(store, batch, sender, either.Token), Timeout.InfiniteTimeSpan, either.Token);
        }
        catch (InputException bad)
        {
            _options.Log.BatchRefused(Incident.Of(bad));
            AtStep?.Invoke("refused");
            Remove(batch);
            throw;
        }
        finally
        {
            batch.EndLoad();
        }
        _options.Log.BatchLoaded(batch.Batch.Files.Count, batch.AnnouncedBytes, _clock.GetElapsedTime(began));
        AtStep?.Invoke("loaded");
        Remove(batch);
        AtStep?.Invoke("removed");
        return loaded;
    }

    private static AnnotationReceipt? Load(VariantStore store, StagedBatch batch, SessionOptions sender, CancellationToken stop)
    {
        if (batch.Batch.Release is not null) return store.LoadAnnotations(batch.ReleaseRequest(), new Progress(batch), stop);
        // Between a load whose end nobody heard and this one lies nothing but the mark.
        if (store.FindBatch(batch.Mark.Key) is not { } known) store.IngestFrom(sender, batch.IngestRequest(), new Progress(batch), stop);
        else if (known.Mark != batch.Mark) throw Refusals.Exists("batch-differs");
        return null;
    }

    /// <summary>Forgets a batch that is not in the store, and what came of it.</summary>
    public void Cancel(string sender, string id)
    {
        StagedBatch? staged;
        lock (_gate) staged = _batches.GetValueOrDefault(KeyOf(sender, id));
        if (staged is not null) Remove(staged);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            foreach (var batch in _batches.Values) batch.Dispose();
            _batches.Clear();
        }
    }

    private static string KeyOf(string sender, string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sender + "\0" + id)));

    private MarkedBatch? Stored(string key) => _host.Ask(store => store.FindBatch(key));

    private void Remove(StagedBatch batch)
    {
        lock (_gate)
        {
            // Under its key another one may lie by now, which was begun when this one had been forgotten.
            if (_batches.TryGetValue(batch.Mark.Key, out var there) && ReferenceEquals(there, batch)) _batches.Remove(batch.Mark.Key);
        }
        batch.Forget();
    }

    private void ForgetIdle()
    {
        List<StagedBatch> idle;
        lock (_gate)
        {
            // Found and taken out at once, so that nobody goes on with one that is about to go.
            idle = [.. _batches.Values.Where(b => b.Idle >= ForgetAfter)];
            foreach (var batch in idle) _batches.Remove(batch.Mark.Key);
        }
        foreach (var batch in idle) batch.Forget();
    }

    private static void RequireSound(Batch batch)
    {
        const int MostFiles = 4096, MostIdCharacters = 64;
        const long MostBytes = 1L << 40;
        if (batch.Id.Length is 0 or > MostIdCharacters || !batch.Id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')) throw Refusals.BadRequest("batch-id");
        // A release that is empty is refused in the parser's own words.
        if (batch.Files.Count is 0 or > MostFiles || batch.Files.Any(f => f.Length > MostBytes || f.Length < (batch.Release is null ? 1 : 0)) || batch.Files.Sum(f => f.Length) > MostBytes) throw Refusals.BadRequest("batch-files");
        if (batch.Files.Any(f => f.Sha256.Length != 64 || !f.Sha256.All(char.IsAsciiHexDigitLower))) throw Refusals.BadRequest("batch-digest");
        if (batch.HasBlockGq && batch.BlockGq is < 0 or > 1000) throw Refusals.BadRequest("block-gq");
        if (batch.Release is { } release) RequireSound(batch, release);
    }

    private static void RequireSound(Batch batch, ReleaseFile release)
    {
        if (!AnnotationRequest.IsSource(release.Source)) throw Refusals.BadRequest("annotation-source");
        if (!StagedBatch.IsDay(release.Date, out _)) throw Refusals.BadRequest("release-date");
        if (batch.Files.Count > 2 || !batch.Sheet.IsEmpty || !batch.Callable.IsEmpty || batch.AssumeReference || batch.HasBlockGq) throw Refusals.BadRequest("batch-release");
        if (batch.Files.Count == 2 && batch.Files[1].Length > AnnotationMapping.MaxBytes) throw Refusals.BadRequest("mapping-length");
    }

    private sealed class Progress(StagedBatch batch) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => batch.LoadedBytes = Math.Max(0, value.Done);
    }
}
