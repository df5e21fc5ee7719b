namespace Grpc.Core;

/// <summary>How a client makes one call.</summary>
public readonly struct CallOptions
{
    /// <summary>All that can be said; null and default leave it unsaid.</summary>
    public CallOptions(Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default, WriteOptions? writeOptions = null, CallCredentials? credentials = null)
    {
        Headers = headers;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        WriteOptions = writeOptions;
        Credentials = credentials;
    }

    /// <summary>Metadata that go before the request.</summary>
    public Metadata? Headers { get; private init; }

    /// <summary>When the call is given up, in UTC.</summary>
    public DateTime? Deadline { get; private init; }

    /// <summary>Gives the call up.</summary>
    public CancellationToken CancellationToken { get; private init; }

    /// <summary>How requests are written.</summary>
    public WriteOptions? WriteOptions { get; private init; }

    /// <summary>Adds what shows who calls.</summary>
    public CallCredentials? Credentials { get; private init; }

    /// <summary>The same with other metadata.</summary>
    public CallOptions WithHeaders(Metadata headers) => this with { Headers = headers };

    /// <summary>The same with another deadline.</summary>
    public CallOptions WithDeadline(DateTime deadline) => this with { Deadline = deadline };

    /// <summary>The same with another token.</summary>
    public CallOptions WithCancellationToken(CancellationToken cancellationToken) => this with { CancellationToken = cancellationToken };

    /// <summary>The same with other write options.</summary>
    public CallOptions WithWriteOptions(WriteOptions writeOptions) => this with { WriteOptions = writeOptions };

    /// <summary>The same with other credentials.</summary>
    public CallOptions WithCredentials(CallCredentials credentials) => this with { Credentials = credentials };
}

/// <summary>Which call asks for credentials.</summary>
public sealed class AuthInterceptorContext(string serviceUrl, string methodName, CancellationToken cancellationToken = default)
{
    /// <summary>Address of the service: scheme, host, port and service name.</summary>
    public string ServiceUrl { get; } = serviceUrl;

    /// <summary>Name of the method.</summary>
    public string MethodName { get; } = methodName;

    /// <summary>Says that the call was given up.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Adds credentials to the metadata of a call that is about to start.</summary>
public delegate Task AsyncAuthInterceptor(AuthInterceptorContext context, Metadata metadata);

/// <summary>What shows who calls, call by call; it never travels in clear text.</summary>
public sealed class CallCredentials
{
    private readonly AsyncAuthInterceptor[] _interceptors;

    private CallCredentials(AsyncAuthInterceptor[] interceptors) => _interceptors = interceptors;

    /// <summary>Asks a function before each call.</summary>
    public static CallCredentials FromInterceptor(AsyncAuthInterceptor interceptor) => new([interceptor ?? throw new ArgumentNullException(nameof(interceptor))]);

    /// <summary>Asks several, in order.</summary>
    public static CallCredentials Compose(params CallCredentials[] credentials) => new([.. credentials.SelectMany(c => c._interceptors)]);

    /// <summary>Adds all of it to a call's metadata.</summary>
    internal async Task AddToAsync(AuthInterceptorContext context, Metadata metadata)
    {
        foreach (var interceptor in _interceptors) await interceptor(context, metadata).ConfigureAwait(false);
    }
}
