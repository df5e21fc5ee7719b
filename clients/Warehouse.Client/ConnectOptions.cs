using Warehouse.Client.Login;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

/// <summary>How a server is reached, and what every question says unless it says otherwise. Immutable.</summary>
public sealed record ConnectOptions
{
    /// <summary>Address: <c>https://host:port</c>; <c>http</c> on a loopback address, where no token is shown.</summary>
    public required Uri Server { get; init; }

    /// <summary>Who asks, and whom to trust; null = no client certificate, and the authorities of the system.</summary>
    public Credentials? Credentials { get; init; }

    /// <summary>
    /// Gives the access token of a person (<see cref="Login.PersonLogin"/>), asked before each call, so it keeps what it has until that ends; null = none.
    /// A <see cref="Login.LoginException"/> ends the call as UNAUTHENTICATED. Any thread.
    /// </summary>
    public Func<CancellationToken, ValueTask<AccessToken>>? Token { get; init; }

    /// <summary>What a question says unless it says otherwise.</summary>
    public AskOptions Ask { get; init; } = new();

    /// <summary>Time for an answer in one message, attempts and pauses included.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a question is asked, at the most, while the server cannot be reached or says that it cannot answer now; 1 = never again.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>Measures deadlines and pauses.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Address from <c>WAREHOUSE_SERVER</c>, credentials from <c>WAREHOUSE_CREDENTIALS</c>, as the server prints them when it starts.</summary>
    /// <exception cref="WarehouseException">The first is not set, or the second is not understood.</exception>
    public static ConnectOptions FromEnvironment() => new()
    {
        Server = AddressOf(Environment.GetEnvironmentVariable("WAREHOUSE_SERVER")),
        Credentials = Environment.GetEnvironmentVariable("WAREHOUSE_CREDENTIALS") is { Length: > 0 } path ? Credentials.Read(path) : null,
    };

    /// <summary>An address as typed.</summary>
    /// <exception cref="WarehouseException">It is none.</exception>
    public static Uri AddressOf(string? typed) => Uri.TryCreate(typed, UriKind.Absolute, out var address) && address is { Scheme: "https", AbsolutePath: "/", UserInfo: "", Query: "", Fragment: "" }
        ? address : throw WarehouseException.Usage("server-address", "an address of a server is https://HOST:PORT");
}

/// <summary>What a question says beside what it asks. Immutable.</summary>
public sealed record AskOptions
{
    /// <summary>Purpose of use; the policy may grant for some only.</summary>
    public Purpose Purpose { get; init; } = Purpose.Operations;

    /// <summary>Level of detail; unspecified = the one that shows most among those granted.</summary>
    public Detail Detail { get; init; }

    /// <summary>Registered project on whose behalf a researcher asks; empty = none.</summary>
    public string Project { get; init; } = "";

    /// <summary>Snapshot whose data is asked for; null = the newest. At the level record only.</summary>
    public long? Snapshot { get; init; }

    /// <summary>Only samples of this cohort; not together with <see cref="Samples"/>.</summary>
    public string? Cohort { get; init; }

    /// <summary>Only these samples, by name; at the level record only.</summary>
    public IReadOnlyList<string>? Samples { get; init; }

    /// <summary>Releases of annotations, and fields of these, that are joined to each allele of an answer: clinvar, clinvar@2024-01-07, clinvar.CLNSIG.</summary>
    public IReadOnlyList<string> Annotate { get; init; } = [];

    /// <summary>
    /// What lacks a damaged part of the store is an answer too, whose end names that part. Otherwise it ends with an exception: fewer rows would
    /// read as fewer variants.
    /// </summary>
    public bool AcceptsIncomplete { get; init; }

    /// <summary>Time for the whole answer; null = that of <see cref="ConnectOptions.Deadline"/> for an answer in one message, none for a stream.</summary>
    public TimeSpan? Deadline { get; init; }

    internal Asking ToWire()
    {
        var asking = new Asking { Purpose = Purpose, Detail = Detail, Project = Project };
        if (Snapshot is { } snapshot) asking.Snapshot = snapshot;
        return asking;
    }

    internal Samples? SamplesToWire()
    {
        if (Cohort is null && Samples is null) return null;
        var samples = new Samples { Cohort = Cohort ?? "" };
        if (Samples is { } names) samples.Names.AddRange(names);
        return samples;
    }
}
