using System.Text;
using Microsoft.Extensions.Logging;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Tests;

/// <summary>The log of a server in this process: its lines, and each as an event to wait for. Any thread.</summary>
internal sealed class TestLog : IDisposable
{
    private readonly Sink _sink = new();

    public TestLog() => Lines = new(_sink, LogLevel.Debug, new Scrubber(), TimeProvider.System);

    public LineLog Lines { get; }

    /// <summary>All lines so far.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            Lines.Flush(Timeout.InfiniteTimeSpan);
            lock (_sink.Written) return [.. _sink.Written];
        }
    }

    /// <summary>The first line with all the parts, whether it is there already or comes.</summary>
    public Task<string> WaitAsync(params string[] parts) => _sink.WaitAsync(line => parts.All(p => line.Contains(p, StringComparison.Ordinal)));

    public void Dispose() => Lines.Dispose();

    private sealed class Sink : MemoryStream
    {
        private readonly List<(Func<string, bool> Is, TaskCompletionSource<string> Came)> _waiting = [];

        public List<string> Written { get; } = [];

        public Task<string> WaitAsync(Func<string, bool> wanted)
        {
            lock (Written)
            {
                if (Written.Find(wanted.Invoke) is { } there) return Task.FromResult(there);
                var came = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add((wanted, came));
                return came.Task;
            }
        }

        /// <summary>The log writes whole lines.</summary>
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var line = Encoding.UTF8.GetString(buffer).TrimEnd('\n');
            lock (Written)
            {
                Written.Add(line);
                foreach (var waits in _waiting.FindAll(w => w.Is(line))) waits.Came.TrySetResult(line);
                _waiting.RemoveAll(w => w.Came.Task.IsCompleted);
            }
        }
    }
}
