using Grpc.Core;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Calls;

/// <summary>
/// Looks at a call that runs, as often as <see cref="Authenticated.CheckEvery"/> says, whether it may go on (C5, F65), whatever it does meanwhile: a call that waits for
/// its client, which sends nothing or takes nothing, notices nothing by itself. One that may not has a moment to end in order, since it knows
/// <see cref="Refusal"/> before its next reply; then it is ended. Disposed of before the call is: what it looks at is the call's. Any thread.
/// </summary>
internal sealed class CallWatch : IAsyncDisposable
{
    /// <summary>Time in which a call that may not go on can end in order: a reply that is half written ends by a reset, and its client learns nothing.</summary>
    public static readonly TimeSpan OrderlyWithin = TimeSpan.FromSeconds(1);

    private readonly ServerCallContext _context;
    private readonly Func<RpcException?> _look;
    private readonly TimeSpan _grace;
    private readonly ITimer _timer;
    private volatile RpcException? _refusal;

    /// <param name="context">The call.</param>
    /// <param name="look">Why it may not go on; null = it may. Throws nothing.</param>
    /// <param name="grace">Time until it is ended when it may not; zero for one that never asks for <see cref="Refusal"/>.</param>
    /// <param name="clock">Tells the time.</param>
    public CallWatch(ServerCallContext context, Func<RpcException?> look, TimeSpan grace, TimeProvider clock)
    {
        (_context, _look, _grace) = (context, look, grace);
        _timer = clock.CreateTimer(static watch => ((CallWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(Authenticated.CheckEvery, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why the call may not go on; null while it may.</summary>
    public RpcException? Refusal => _refusal;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Look()
    {
        var isNew = _refusal is null;
        var refusal = _refusal ??= _look();
        if (refusal is null) _timer.Change(Authenticated.CheckEvery, Timeout.InfiniteTimeSpan);
        else if (isNew && _grace > TimeSpan.Zero) _timer.Change(_grace, Timeout.InfiniteTimeSpan);
        else _context.End(refusal);
    }
}
