using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Uploads;

/// <summary>
/// Batches on their way into the store, in a private folder of the server's state. Keeps I1 and I2 for uploads: a batch is in the store, whole and
/// with its mark, or not at all; whoever asks again learns which. A failure leaves what was received, to go on from; an hour without progress
/// removes it. Names of batches are of their senders: what another calls the same is another batch. Any thread.
/// </summary>
internal sealed class BatchUploads : IDisposable
{
    /// <summary>Time without progress after which a batch is forgotten.</summary>
    public static readonly TimeSpan ForgetAfter = TimeSpan.FromHours(1);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    /// <summary>Batches that are being received: of one sender, and of all.</summary>
    private const int MostOfOne = 16, MostOfAll = 256;

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly StoreHost _host;
    private readonly StoreWriter _writer;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, (StagedBatch Batch, string Sender)> _batches = new(StringComparer.Ordinal);
    private readonly ITimer _timer;

    private BatchUploads(string folder, StoreHost host, StoreWriter writer, TimeProvider clock)
    {
        (_folder, _host, _writer, _clock) = (folder, host, writer, clock);
        foreach (var path in Directory.EnumerateDirectories(folder))
        {
            if (StagedBatch.TryOpen(path, clock) is not { } batch) StagedBatch.Remove(path);
            else if (!_batches.TryAdd(batch.Mark.Key, (batch, ""))) batch.Forget();
        }
        _timer = clock.CreateTimer(static uploads => ((BatchUploads)uploads!).ForgetIdle(), this, LookEvery, LookEvery);
    }

    /// <summary>Hears each step of a load before it is taken; for tests that stop there.</summary>
    internal Action<string>? AtStep { get; set; }

    /// <summary>Uses the folder <c>uploads</c> of the server's state.</summary>
    /// <exception cref="InputException">Others can enter it.</exception>
    public static BatchUploads Open(string statePath, StoreHost host, StoreWriter writer, TimeProvider clock) =>
        new(PrivateFolder.Open(Path.Combine(statePath, "uploads")).Path, host, writer, clock);

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
                if (_batches.Remove(mark.Key, out var left)) left.Batch.Forget();
                return stored.Mark == mark ? null : throw Refusals.Exists("batch-differs");
            }
            if (_batches.TryGetValue(mark.Key, out var known))
            {
                // F37: the same id names the same bytes for ever.
                if (known.Batch.Mark != mark) throw Refusals.Exists("batch-differs");
                _batches[mark.Key] = (known.Batch, sender);
            }
            else
            {
                if (_batches.Count >= MostOfAll || _batches.Values.Count(b => b.Sender == sender) >= MostOfOne) throw Refusals.Exhausted("batches");
                _batches[mark.Key] = known = (StagedBatch.Create(_folder, mark, batch, _clock), sender);
            }
            known.Batch.Hold(by);
            return known.Batch;
        }
    }

    /// <summary>What is known of a batch.</summary>
    public BatchStatus Status(string sender, string id)
    {
        var (status, key) = (new BatchStatus { Id = id, State = BatchState.Unknown }, KeyOf(sender, id));
        ForgetIdle();
        StagedBatch? staged;
        lock (_gate) staged = _batches.GetValueOrDefault(key).Batch;
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
    /// <exception cref="InputException">A file is not understood: the batch is forgotten, since its bytes will not change.</exception>
    public void Load(StagedBatch batch, object by, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, batch.Forgotten.Token);
        AtStep?.Invoke("check");
        IngestRequest request;
        try
        {
            request = batch.BeginLoad(by, either.Token);
        }
        catch (InvalidDataException)
        {
            Remove(batch); // it cannot be mended by sending more: it is sent anew
            throw;
        }
        try
        {
            AtStep?.Invoke("load");
            _writer.Write(store =>
            {
                // Between a load whose end nobody heard and this one lies nothing but the mark.
                if (store.FindBatch(batch.Mark.Key) is { } known) return known.Mark == batch.Mark ? known.Version : throw Refusals.Exists("batch-differs");
                return store.Ingest(request with { OnlyOwnFindings = !batch.SeesAll }, new Progress(batch), either.Token).Version;
            }, Timeout.InfiniteTimeSpan, either.Token);
        }
        catch (InputException)
        {
            Remove(batch);
            throw;
        }
        finally
        {
            batch.EndLoad();
        }
        AtStep?.Invoke("loaded");
        Remove(batch);
        AtStep?.Invoke("removed");
    }

    /// <summary>Forgets a batch that is not in the store, and what came of it.</summary>
    public void Cancel(string sender, string id)
    {
        StagedBatch? staged;
        lock (_gate) staged = _batches.GetValueOrDefault(KeyOf(sender, id)).Batch;
        if (staged is not null) Remove(staged);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            foreach (var (batch, _) in _batches.Values) batch.Dispose();
            _batches.Clear();
        }
    }

    private static string KeyOf(string sender, string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sender + "\0" + id)));

    private MarkedBatch? Stored(string key) => _host.Ask(store => store.FindBatch(key));

    private void Remove(StagedBatch batch)
    {
        lock (_gate) _batches.Remove(batch.Mark.Key);
        batch.Forget();
    }

    private void ForgetIdle()
    {
        List<StagedBatch> idle;
        lock (_gate) idle = [.. _batches.Values.Select(b => b.Batch).Where(b => b.Idle >= ForgetAfter)];
        foreach (var batch in idle) Remove(batch);
    }

    private static void RequireSound(Batch batch)
    {
        const int MostFiles = 4096, MostIdCharacters = 64;
        const long MostBytes = 1L << 40;
        if (batch.Id.Length is 0 or > MostIdCharacters || !batch.Id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')) throw Refusals.BadRequest("batch-id");
        if (batch.Files.Count is 0 or > MostFiles || batch.Files.Any(f => f.Length is <= 0 or > MostBytes) || batch.Files.Sum(f => f.Length) > MostBytes) throw Refusals.BadRequest("batch-files");
        if (batch.Files.Any(f => f.Sha256.Length != 64 || !f.Sha256.All(char.IsAsciiHexDigitLower))) throw Refusals.BadRequest("batch-digest");
        if (batch.HasBlockGq && batch.BlockGq is < 0 or > 1000) throw Refusals.BadRequest("block-gq");
    }

    private sealed class Progress(StagedBatch batch) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => batch.LoadedBytes = Math.Max(0, value.Done);
    }
}
