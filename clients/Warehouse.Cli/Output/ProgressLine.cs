using System.Globalization;
using Warehouse.Engine;

namespace Warehouse.Cli.Output;

/// <summary>One line on a terminal, rewritten in place: stage, share, rate and time left. Thread-safe. Erased by Dispose.</summary>
internal sealed class ProgressLine(TextWriter terminal, TimeProvider time) : IProgress<WorkProgress>, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly Lock _lock = new();
    private string? _stage;
    private long _stageStart;
    private long _lastShown;
    private bool _shown;

    /// <inheritdoc/>
    public void Report(WorkProgress value)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (value.Stage != _stage) (_stage, _stageStart, _lastShown) = (value.Stage, now, now);
            if (time.GetElapsedTime(_lastShown, now) < Interval) return;
            _lastShown = now;
            _shown = true;
            terminal.Write("\r\e[K" + Describe(value, time.GetElapsedTime(_stageStart, now)));
            terminal.Flush();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_shown) terminal.Write("\r\e[K");
    }

    /// <summary>The text for a state of work that has taken <paramref name="elapsed"/> so far.</summary>
    internal static string Describe(WorkProgress value, TimeSpan elapsed)
    {
        var rate = value.Done / Math.Max(elapsed.TotalSeconds, 1e-3);
        var text = $"{SafeText.Escape(value.Stage)}  {Short(value.Done)}{(value.Total > 0 ? $" of {Short(value.Total)}" : "")} {value.Unit}  {Short(rate)}/s";
        if (value.Total <= 0 || value.Done <= 0) return text;
        var left = TimeSpan.FromSeconds(Math.Min((value.Total - value.Done) / rate, TimeSpan.FromDays(99).TotalSeconds));
        return $"{100 * value.Done / value.Total,3} %  {text}  {(left.TotalHours >= 1 ? $"{(int)left.TotalHours} h {left.Minutes:00} min" : $"{(int)left.TotalMinutes}:{left.Seconds:00}")} left";
    }

    private static string Short(double count)
    {
        var (scaled, unit) = count switch { >= 1e9 => (count / 1e9, " G"), >= 1e6 => (count / 1e6, " M"), >= 1e4 => (count / 1e3, " k"), _ => (count, "") };
        return scaled.ToString(unit.Length > 0 ? "0.0" : "0", CultureInfo.InvariantCulture) + unit;
    }
}
