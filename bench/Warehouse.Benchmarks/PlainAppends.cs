using Warehouse.Primitives;

namespace Warehouse.Benchmarks;

/// <summary>
/// The least that a call can wait for to be durable: 200 bytes behind a file, in groups that share one write and one sync. No tree, no signature, no
/// recovery; what the audit log is held against.
/// </summary>
internal sealed class PlainAppends : IDisposable
{
    private readonly byte[] _entry = new byte[200];
    private readonly AutoResetEvent _isWanted = new(false);
    private readonly Lock _gate = new();
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _file;
    private readonly Thread _writer;
    private List<TaskCompletionSource> _waiting = [];
    private bool _isClosed;

    public PlainAppends(string path)
    {
        _file = Durable.Create(path);
        _writer = new Thread(Write) { IsBackground = true };
        _writer.Start();
    }

    /// <summary>Done when an entry is durable.</summary>
    public Task AppendAsync()
    {
        var done = new TaskCompletionSource();
        lock (_gate) _waiting.Add(done);
        _isWanted.Set();
        return done.Task;
    }

    public void Dispose()
    {
        _isClosed = true;
        _isWanted.Set();
        _writer.Join();
        _file.Dispose();
        _isWanted.Dispose();
    }

    private void Write()
    {
        for (var at = 0L; !Volatile.Read(ref _isClosed);)
        {
            List<TaskCompletionSource> batch;
            lock (_gate) (batch, _waiting) = (_waiting, []);
            if (batch.Count == 0)
            {
                _isWanted.WaitOne();
                continue;
            }
            byte[] bytes = [.. batch.SelectMany(_ => _entry)];
            Durable.Write(_file, bytes, at);
            Durable.SyncFile(_file);
            at += bytes.Length;
            var lots = Math.Min(batch.Count, Environment.ProcessorCount);
            for (var lot = 0; lot < lots; lot++)
                ThreadPool.UnsafeQueueUserWorkItem(static of =>
                {
                    for (var i = of.Lot; i < of.Batch.Count; i += of.Lots) of.Batch[i].SetResult();
                }, (Batch: batch, Lot: lot, Lots: lots), preferLocal: false);
        }
    }
}
