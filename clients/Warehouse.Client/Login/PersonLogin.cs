namespace Warehouse.Client.Login;

/// <summary>
/// Gives the token of a login that is kept in a file, and asks the provider for a new one when it ends: for <see cref="ConnectOptions.Token"/>.
/// Any thread; other processes may do the same with the same file, and only one of them asks.
/// </summary>
/// <param name="file">Where the login is kept.</param>
/// <param name="server">Of which server.</param>
/// <param name="http">Reaches the provider.</param>
/// <param name="clock">Tells the time.</param>
public sealed class PersonLogin(LoginFile file, Uri server, HttpClient http, TimeProvider clock) : IDisposable
{
    // A token is not shown in its last seconds: it would end on its way.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _gate = new(1);
    private volatile AccessToken? _held;

    /// <summary>A token that holds.</summary>
    /// <exception cref="LoginException">There is no login, or it is over: <c>no_login</c>, <c>over</c>, or the provider's code.</exception>
    /// <exception cref="HttpRequestException">The provider is not reached.</exception>
    public async ValueTask<AccessToken> TokenAsync(CancellationToken cancellationToken)
    {
        if (_held is { } held && Holds(held)) return held;
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_held is { } by && Holds(by)) return by;
            var login = file.Find(server) ?? throw new LoginException("no_login");
            if (!Holds(login.Token)) login = await RenewAsync(cancellationToken).ConfigureAwait(false);
            _held = login.Token;
            return login.Token;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private async Task<StoredLogin> RenewAsync(CancellationToken cancellationToken)
    {
        using var locked = await file.LockAsync(cancellationToken).ConfigureAwait(false);
        // A token by which new ones are got is good for once at many providers: whoever held the lock before may have used it.
        var login = file.Find(server) ?? throw new LoginException("no_login");
        if (Holds(login.Token)) return login;
        if (login.Token.Refresh is null) throw new LoginException("over");
        var renewed = login with { Token = await new DeviceLogin(http, login.Login with { Clock = clock }).RefreshAsync(login.Token, cancellationToken).ConfigureAwait(false) };
        file.Keep(server, renewed);
        return renewed;
    }

    private bool Holds(AccessToken token) => token.Until - clock.GetUtcNow() > Margin;
}
