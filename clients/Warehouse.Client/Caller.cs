using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Grpc.Core;

namespace Warehouse.Client;

/// <summary>
/// Makes calls. A question that reads is asked again while the server cannot be reached, and only while no byte of its answer was handed out:
/// asking changes nothing, so twice is as good as once. A call that changes something is made once. Any thread.
/// </summary>
internal sealed class Caller(ConnectOptions options)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100), LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Asks a question with one reply.</summary>
    public async Task<T> AskAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> start, AskOptions ask, CancellationToken stop)
    {
        var how = How(ask.Deadline ?? options.Deadline, stop);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var call = start(how);
                return await call.ResponseAsync.ConfigureAwait(false);
            }
            catch (RpcException failure)
            {
                await PauseOrThrowAsync(failure, attempt, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Changes something: asked once, whatever happens.</summary>
    public async Task<T> ChangeAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> start, AskOptions ask, CancellationToken stop)
    {
        try
        {
            using var call = start(How(ask.Deadline ?? options.Deadline, stop));
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException failure)
        {
            stop.ThrowIfCancellationRequested();
            throw WarehouseException.Of(failure);
        }
    }

    /// <summary>Does what may be done twice, and goes on where it ended: again while the server cannot be reached or still has what was cut off.</summary>
    /// <param name="act">Does it; says how far it came, for each step forward is a first attempt.</param>
    /// <param name="held">Rule of the refusal while the server still has it.</param>
    /// <param name="stop">Gives it up.</param>
    public async Task<T> RepeatAsync<T>(Func<Action, Task<T>> act, string held, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await act(() => attempt = 0).ConfigureAwait(false);
            }
            catch (RpcException failure)
            {
                attempt = Math.Max(attempt, 1);
                await PauseOrThrowAsync(failure, attempt, stop, held).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Asks a question with many replies.</summary>
    public async IAsyncEnumerable<T> ReadAsync<T>(Func<CallOptions, AsyncServerStreamingCall<T>> start, AskOptions ask, [EnumeratorCancellation] CancellationToken stop)
    {
        var how = How(ask.Deadline, stop);
        var (call, isThere) = await OpenAsync(start, how, stop).ConfigureAwait(false);
        using (call)
            for (; isThere; isThere = await NextAsync(call.ResponseStream, stop).ConfigureAwait(false)) yield return call.ResponseStream.Current;
    }

    /// <summary>The next message; failures as ours.</summary>
    public static async Task<bool> NextAsync<T>(IAsyncStreamReader<T> stream, CancellationToken stop)
    {
        try
        {
            return await stream.MoveNext(stop).ConfigureAwait(false);
        }
        catch (RpcException failure)
        {
            stop.ThrowIfCancellationRequested();
            throw WarehouseException.Of(failure);
        }
    }

    /// <summary>How a call is made.</summary>
    public CallOptions How(TimeSpan? deadline, CancellationToken stop) =>
        new(deadline: deadline is { } time ? options.Clock.GetUtcNow().UtcDateTime + time : null, cancellationToken: stop);

    private async Task<(AsyncServerStreamingCall<T> Call, bool IsThere)> OpenAsync<T>(Func<CallOptions, AsyncServerStreamingCall<T>> start, CallOptions how, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            var call = start(how);
            try
            {
                return (call, await call.ResponseStream.MoveNext(stop).ConfigureAwait(false));
            }
            catch (RpcException failure)
            {
                call.Dispose();
                await PauseOrThrowAsync(failure, attempt, stop).ConfigureAwait(false);
            }
            catch
            {
                call.Dispose();
                throw;
            }
        }
    }

    /// <summary>Whether the connection was not made since one side does not trust the other: that does not pass.</summary>
    private static bool IsDistrusted(RpcException failure)
    {
        for (var at = failure.Status.DebugException; at is not null; at = at.InnerException)
            if (at is AuthenticationException) return true;
        return false;
    }

    private async Task PauseOrThrowAsync(RpcException failure, int attempt, CancellationToken stop, string? held = null)
    {
        stop.ThrowIfCancellationRequested();
        var isPassing = failure.StatusCode == StatusCode.Unavailable || (held is not null && WarehouseException.Of(failure).Rule == held);
        if (!isPassing || attempt >= options.Attempts || IsDistrusted(failure)) throw WarehouseException.Of(failure);
        // Half of the pause at random, so that clients of a server that comes back do not come at once.
        var pause = TimeSpan.FromTicks(Math.Min(FirstPause.Ticks << Math.Min(attempt - 1, 8), LongestPause.Ticks)) * (0.5 + (0.5 * Random.Shared.NextDouble()));
        await Task.Delay(pause, options.Clock, stop).ConfigureAwait(false);
    }
}
