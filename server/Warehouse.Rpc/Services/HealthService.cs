using Grpc.Core;
using Grpc.Health.V1;
using State = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Warehouse.Rpc.Services;

/// <summary>
/// Tells whether the server, or one of its services, takes calls. A watcher learns the state that holds, not every one that held in between.
/// Safe for many threads.
/// </summary>
public sealed class HealthService : Health.HealthBase
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, State> _states = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Called before each answer, to bring the states up to date; null = nothing is.</summary>
    public Action? Asked { get; set; }

    /// <summary>Sets the state of a service; the empty name means the server as a whole.</summary>
    public void Set(string service, State state)
    {
        ArgumentNullException.ThrowIfNull(service);
        lock (_gate)
        {
            _states[service] = state;
            Signal();
        }
    }

    /// <summary>Sets the state of all services that are known: before the server stops.</summary>
    public void SetAll(State state)
    {
        lock (_gate)
        {
            foreach (var service in _states.Keys.ToList()) _states[service] = state;
            Signal();
        }
    }

    /// <inheritdoc/>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        Asked?.Invoke();
        var state = Read(request.Service).State ?? throw new RpcException(new Status(StatusCode.NotFound, "unknown service"));
        return Task.FromResult(new HealthCheckResponse { Status = state });
    }

    /// <inheritdoc/>
    public override Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context)
    {
        Asked?.Invoke();
        var response = new HealthListResponse();
        lock (_gate)
        {
            foreach (var (service, state) in _states) response.Statuses.Add(service, new HealthCheckResponse { Status = state });
        }
        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        Asked?.Invoke();
        State? told = null;
        while (true)
        {
            var (known, changed) = Read(request.Service);
            var state = known ?? State.ServiceUnknown;
            if (state != told) await responseStream.WriteAsync(new HealthCheckResponse { Status = state }).ConfigureAwait(false);
            told = state;
            await changed.WaitAsync(context.CancellationToken).ConfigureAwait(false);
        }
    }

    private (State? State, Task Changed) Read(string service)
    {
        lock (_gate)
        {
            return (_states.TryGetValue(service, out var state) ? state : null, _changed.Task);
        }
    }

    private void Signal()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
