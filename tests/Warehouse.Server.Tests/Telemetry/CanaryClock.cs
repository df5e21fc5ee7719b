using System.Diagnostics;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// A clock whose reading fails when it is told to, in whatever layer of a call reads it, with data of persons in what is thrown. It is read by nearly all of
/// them, so the n-th reading of a call is a fault in another place for each n. It runs faster than time where it is moved.
/// </summary>
internal sealed class CanaryClock : TimeProvider
{
    // Where a call is answered. What runs beside calls does not fail: nobody would be told, or the process would end.
    private static readonly string[] Layers = ["Warehouse.Server.Calls.", "Warehouse.Server.Services.", "Warehouse.Server.Identity.", "Warehouse.Server.Release.", "Warehouse.Server.Uploads.", "Warehouse.Engine.", "Warehouse.Clinic."];
    private static readonly string[] Beside = ["Warehouse.Server.Notify.GlassPager", "Warehouse.Server.Host.AlertRounds", "Warehouse.Server.Host.WarehouseServer", "Warehouse.Server.Telemetry.LineLog", "Warehouse.Server.Notify.Outbox"];

    private readonly Lock _gate = new();
    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);
    private TimeSpan _ahead;
    private Func<Exception>? _failure;
    private int _left;

    /// <summary>Types in which a reading failed.</summary>
    public IReadOnlyCollection<string> Failed
    {
        get
        {
            lock (_gate) return [.. _failed];
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        MayFail();
        return base.GetUtcNow() + _ahead;
    }

    public override long GetTimestamp()
    {
        MayFail();
        return base.GetTimestamp() + (long)(_ahead.TotalSeconds * TimestampFrequency);
    }

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan by) => _ahead += by;

    /// <summary>The reading behind so many others fails.</summary>
    public void FailAfter(int readings, Func<Exception> failure)
    {
        lock (_gate) (_left, _failure) = (readings, failure);
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

    private void MayFail()
    {
        if (Volatile.Read(ref _failure) is null) return;
        var types = new StackTrace(2).GetFrames().Select(f => f.GetMethod()?.DeclaringType?.FullName ?? "").ToList();
        // What a timer throws nobody catches: it would end the process.
        if (types.Contains("System.Threading.TimerQueueTimer")) return;
        if (types.Exists(t => Beside.Any(b => t.StartsWith(b, StringComparison.Ordinal))) || types.Find(t => Layers.Any(l => t.StartsWith(l, StringComparison.Ordinal))) is not { } layer) return;
        Func<Exception> failure;
        lock (_gate)
        {
            if (_failure is not { } armed || _left-- > 0) return;
            (failure, _failure) = (armed, null);
            _failed.Add(layer.Split('+')[0]);
        }
        throw failure();
    }
}
