using System.Diagnostics;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// A failure that lies in wait for a call: the clock or a disk asks here each time that it is used, and after so many times throws what it is told to. Whoever asks
/// beside calls is let go: nobody would be told, or the process would end. One failure at a time; any thread.
/// </summary>
internal sealed class CanaryFault
{
    // Where a call is answered. What runs beside calls does not fail.
    private static readonly string[] Layers = ["Warehouse.Server.Calls.", "Warehouse.Server.Services.", "Warehouse.Server.Identity.", "Warehouse.Server.Release.", "Warehouse.Server.Uploads.", "Warehouse.Engine.", "Warehouse.Clinic."];
    private static readonly string[] Beside = ["Warehouse.Server.Notify.GlassPager", "Warehouse.Server.Host.AlertRounds", "Warehouse.Server.Host.WarehouseServer", "Warehouse.Server.Telemetry.LineLog", "Warehouse.Server.Notify.Outbox"];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _failed = new(StringComparer.Ordinal);
    private Func<Exception>? _failure;
    private Predicate<string>? _isOf;
    private int _left;

    /// <summary>What has failed: its name, the type in which it did, and how often.</summary>
    public IReadOnlyCollection<string> Failed
    {
        get
        {
            lock (_gate) return [.. _failed.Select(f => $"{f.Key} x{f.Value}")];
        }
    }

    /// <summary>Whoever asks behind so many others fails.</summary>
    /// <param name="others">How many.</param>
    /// <param name="failure">What is thrown.</param>
    /// <param name="isOf">Those who do this count; null = all.</param>
    public void After(int others, Func<Exception> failure, Predicate<string>? isOf = null)
    {
        lock (_gate) (_left, _failure, _isOf) = (others, failure, isOf);
    }

    /// <summary>Fails no more; whether it has failed.</summary>
    public bool HasFailed()
    {
        lock (_gate)
        {
            var has = _failure is null;
            _failure = null;
            return has;
        }
    }

    /// <summary>Fails, if it is time to.</summary>
    /// <param name="what">What is done.</param>
    public void Meet(string what)
    {
        if (Volatile.Read(ref _failure) is null || _isOf?.Invoke(what) == false) return;
        var types = new StackTrace(2).GetFrames().Select(f => f.GetMethod()?.DeclaringType?.FullName ?? "").ToList();
        // What a timer throws nobody catches: it would end the process.
        if (types.Contains("System.Threading.TimerQueueTimer")) return;
        if (types.Exists(t => Beside.Any(b => t.StartsWith(b, StringComparison.Ordinal))) || types.Find(t => Layers.Any(l => t.StartsWith(l, StringComparison.Ordinal))) is not { } layer) return;
        Func<Exception> failure;
        lock (_gate)
        {
            if (_failure is not { } armed || _left-- > 0) return;
            (failure, _failure) = (armed, null);
            var place = $"{what} {layer.Split('+')[0]}";
            _failed[place] = _failed.GetValueOrDefault(place) + 1;
        }
        throw failure();
    }
}
