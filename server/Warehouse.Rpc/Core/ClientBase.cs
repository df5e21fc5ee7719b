namespace Grpc.Core;

/// <summary>A server that can be called.</summary>
public abstract class ChannelBase(string target)
{
    /// <summary>Where it is.</summary>
    public string Target { get; } = target ?? throw new ArgumentNullException(nameof(target));

    /// <summary>Makes calls over this channel.</summary>
    public abstract CallInvoker CreateCallInvoker();

    /// <summary>Closes the connections; calls that run end with an error.</summary>
    public Task ShutdownAsync() => ShutdownAsyncCore();

    /// <summary>Does the closing.</summary>
    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}

/// <summary>Makes calls of the four kinds. The host is null: a channel has one server.</summary>
public abstract class CallInvoker
{
    /// <summary>One request, one reply; blocks the thread.</summary>
    public abstract TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        where TRequest : class where TResponse : class;

    /// <summary>One request, one reply.</summary>
    public abstract AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        where TRequest : class where TResponse : class;

    /// <summary>One request, many replies.</summary>
    public abstract AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        where TRequest : class where TResponse : class;

    /// <summary>Many requests, one reply.</summary>
    public abstract AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        where TRequest : class where TResponse : class;

    /// <summary>Many requests, many replies.</summary>
    public abstract AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        where TRequest : class where TResponse : class;
}

/// <summary>What all generated clients share.</summary>
public abstract class ClientBase
{
    private readonly ClientBaseConfiguration? _configuration;

    /// <summary>A client that cannot call, for test doubles.</summary>
    protected ClientBase()
    {
    }

    /// <summary>Over a channel.</summary>
    protected ClientBase(ChannelBase channel) : this(channel.CreateCallInvoker())
    {
    }

    /// <summary>Over an invoker.</summary>
    protected ClientBase(CallInvoker callInvoker) : this(new ClientBaseConfiguration(callInvoker))
    {
    }

    /// <summary>As another client is.</summary>
    protected ClientBase(ClientBaseConfiguration configuration) => _configuration = configuration;

    /// <summary>Makes the calls.</summary>
    protected CallInvoker CallInvoker => Configuration.Invoker;

    internal ClientBaseConfiguration Configuration => _configuration ?? throw new InvalidOperationException("this client was made without a channel, as test doubles are: it cannot call");

    /// <summary>What a client needs to call.</summary>
    protected internal class ClientBaseConfiguration
    {
        internal ClientBaseConfiguration(CallInvoker invoker) => Invoker = invoker ?? throw new ArgumentNullException(nameof(invoker));

        internal CallInvoker Invoker { get; }
    }
}

/// <summary>The base of a generated client.</summary>
public abstract class ClientBase<T> : ClientBase where T : ClientBase<T>
{
    /// <summary>A client that cannot call, for test doubles.</summary>
    protected ClientBase()
    {
    }

    /// <summary>Over a channel.</summary>
    protected ClientBase(ChannelBase channel) : base(channel)
    {
    }

    /// <summary>Over an invoker.</summary>
    protected ClientBase(CallInvoker callInvoker) : base(callInvoker)
    {
    }

    /// <summary>As another client is.</summary>
    protected ClientBase(ClientBaseConfiguration configuration) : base(configuration)
    {
    }

    /// <summary>Makes a client as stated.</summary>
    protected abstract T NewInstance(ClientBaseConfiguration configuration);
}
