using System.Text.Json;
using System.Text.Json.Serialization;

namespace Warehouse.Client.Login;

/// <summary>A login at one server: where it was made, and what it gave.</summary>
public sealed record StoredLogin
{
    /// <summary>How it was made, and is made again.</summary>
    public required DeviceLoginOptions Login { get; init; }

    /// <summary>What it gave.</summary>
    public required AccessToken Token { get; init; }

    /// <summary>Certificates of the authorities that the server's certificate is of, PEM; null = those of the system.</summary>
    public string? Authorities { get; init; }

    /// <summary>File of the certificate and key that the token is bound to; null = to none.</summary>
    public string? CertificateFile { get; init; }
}

/// <summary>
/// The logins of a person, by server, in a file of mode 0600. Tokens and keys lie in it and nowhere else. A file that others can read or write is
/// refused, not used: what is in it may be known to them. A failure leaves the old file or the new one. Several processes may use the file: who
/// changes it holds <see cref="LockAsync"/>.
/// </summary>
/// <param name="path">The file; folders above it are made, mode 0700.</param>
public sealed class LoginFile(string path)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite, OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const int MaxBytes = 1 << 20, LockTries = 100, WouldBlock = 11; // EWOULDBLOCK
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);

    /// <summary>The file of this user: WAREHOUSE_LOGINS, else <c>warehouse/logins.json</c> in XDG_CONFIG_HOME, else in <c>~/.config</c>; null when the user has no home.</summary>
    public static string? DefaultPath
    {
        get
        {
            if (Environment.GetEnvironmentVariable("WAREHOUSE_LOGINS") is { Length: > 0 } named) return named;
            var folder = Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            return folder.Length == 0 ? null : Path.Combine(folder, "warehouse", "logins.json");
        }
    }

    /// <summary>Where it lies.</summary>
    public string FullPath { get; } = Path.GetFullPath(path);

    /// <summary>The login at a server; null when there is none.</summary>
    /// <exception cref="WarehouseException">The file is open to others, or not understood.</exception>
    public StoredLogin? Find(Uri server) => Read().GetValueOrDefault(KeyOf(server))?.ToLogin();

    /// <summary>Whether anything is kept.</summary>
    public bool Exists => File.Exists(FullPath) || new FileInfo(FullPath).LinkTarget is not null;

    /// <summary>The same as <see cref="Find"/>; null too when the file cannot be used.</summary>
    public StoredLogin? TryFind(Uri server) => ReadOrNothing() is { } all && all.TryGetValue(KeyOf(server), out var entry) ? entry.ToLogin() : null;

    /// <summary>Keeps a login in place of the one before. A file that is open to others is replaced, with all that was in it.</summary>
    public void Keep(Uri server, StoredLogin login)
    {
        ArgumentNullException.ThrowIfNull(login);
        var all = ReadOrNothing() ?? [];
        all[KeyOf(server)] = LoginEntry.Of(login);
        Write(all);
    }

    /// <summary>Forgets the login at a server; all of them, where the file is open to others or not understood.</summary>
    public void Forget(Uri server)
    {
        if (ReadOrNothing() is not { } all) File.Delete(FullPath);
        else if (all.Remove(KeyOf(server))) Write(all);
    }

    /// <summary>Keeps other processes from changing the file until the result is disposed.</summary>
    /// <exception cref="IOException">Another process holds it for ten seconds, or the folder cannot be written.</exception>
    public async Task<IDisposable> LockAsync(CancellationToken cancellationToken = default)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        var folder = Path.GetDirectoryName(FullPath)!;
        Directory.CreateDirectory(folder, Private | UnixFileMode.UserExecute);
        if ((File.GetUnixFileMode(folder) & OthersMayWrite) != 0) throw WarehouseException.Usage("logins-open", $"others may write into {folder}, where logins are kept: its mode must be 0700");
        for (var left = LockTries; ; left--)
        {
            try
            {
                return new FileStream(FullPath + ".lock", new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = Private });
            }
            catch (IOException held) when (held.HResult == WouldBlock && left > 0)
            {
                await Task.Delay(LockPause, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private Dictionary<string, LoginEntry> Read()
    {
        var file = new FileInfo(FullPath);
        if (!file.Exists && file.LinkTarget is null) return [];
        if (file.LinkTarget is not null || (file.UnixFileMode & ~Private) != 0)
            throw WarehouseException.Usage("logins-open", $"{FullPath} is open to others, who may know the logins in it: log in again, which replaces it (its mode must be 0600)");
        try
        {
            if (file.Length > MaxBytes) throw new JsonException();
            if (file.Length == 0) return []; // one that is about to be written for the first time
            return JsonSerializer.Deserialize(File.ReadAllBytes(FullPath), LoginJson.Default.DictionaryStringLoginEntry) ?? [];
        }
        catch (JsonException e)
        {
            throw WarehouseException.Usage("logins-file", $"{FullPath} is not understood: remove it, and log in again", e);
        }
    }

    /// <summary>What the file has; null when it cannot be used.</summary>
    private Dictionary<string, LoginEntry>? ReadOrNothing()
    {
        try
        {
            return Read();
        }
        catch (WarehouseException)
        {
            return null;
        }
    }

    private void Write(Dictionary<string, LoginEntry> all)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        var fresh = $"{FullPath}.{Guid.NewGuid():N}";
        try
        {
            using (var file = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
                JsonSerializer.Serialize(file, all, LoginJson.Default.DictionaryStringLoginEntry);
            // Over whatever is there: what others could read is gone then. Nothing is lost with a login, so nothing is synced.
            File.Replace(fresh, EnsureThere(), null);
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    private string EnsureThere()
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        if (new FileInfo(FullPath).LinkTarget is not null) File.Delete(FullPath);
        if (!File.Exists(FullPath)) new FileStream(FullPath, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = Private }).Dispose();
        return FullPath;
    }

    private static string KeyOf(Uri server) => server.GetLeftPart(UriPartial.Authority);
}

/// <summary>A login as the file has it.</summary>
internal sealed record LoginEntry(string Issuer, string Client, string Audience, string Scope, bool NeedsProof, string Token, DateTimeOffset Until, string? Refresh, string? Key, string? Authorities, string? CertificateFile = null, string? Certificate = null)
{
    public static LoginEntry Of(StoredLogin login) => new(
        login.Login.Issuer.OriginalString, login.Login.Client, login.Login.Audience, login.Login.Scope, login.Login.NeedsProof, login.Token.Token, login.Token.Until, login.Token.Refresh, login.Token.Key, login.Authorities, login.CertificateFile, login.Login.Certificate);

    public StoredLogin ToLogin() => Uri.TryCreate(Issuer, UriKind.Absolute, out var issuer) && Client is not null && Audience is not null && Token is not null
        ? new() { Login = new() { Issuer = issuer, Client = Client, Audience = Audience, Scope = Scope ?? "", NeedsProof = NeedsProof, Certificate = Certificate }, Token = new(Token, Until) { Refresh = Refresh, Key = Key }, Authorities = Authorities, CertificateFile = CertificateFile }
        : throw WarehouseException.Usage("logins-file", "the file of logins is not understood: remove it, and log in again");
}

/// <summary>The code that reads and writes the file; without reflection, so that a trimmed program has it.</summary>
[JsonSerializable(typeof(Dictionary<string, LoginEntry>))]
internal sealed partial class LoginJson : JsonSerializerContext;
