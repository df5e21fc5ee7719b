using System.Text.Json;

namespace Warehouse.Client.Login;

/// <summary>
/// Access tokens that a person has, in a file of mode 0600, by issuer, client and audience. What has ended, or ends within a minute, is not given and not kept.
/// A file that others can read is not used. A failure leaves the old file or the new one.
/// </summary>
/// <param name="path">The file; folders above it are made, mode 0700.</param>
/// <param name="clock">Tells the time.</param>
public sealed class TokenCache(string path, TimeProvider clock)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxBytes = 1 << 20;

    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <summary>A token that holds for a minute more; null when there is none.</summary>
    public AccessToken? Find(DeviceLoginOptions login)
    {
        ArgumentNullException.ThrowIfNull(login);
        return Read().GetValueOrDefault(KeyOf(login)) is { } token && Holds(token) ? token : null;
    }

    /// <summary>Keeps a token in place of the one before.</summary>
    public void Keep(DeviceLoginOptions login, AccessToken token)
    {
        ArgumentNullException.ThrowIfNull(login);
        var all = Read();
        all[KeyOf(login)] = token;
        Write(all);
    }

    /// <summary>Forgets a token: one that a server has refused, or all of a person who logs out.</summary>
    public void Forget(DeviceLoginOptions login)
    {
        ArgumentNullException.ThrowIfNull(login);
        var all = Read();
        if (all.Remove(KeyOf(login))) Write(all);
    }

    private Dictionary<string, AccessToken> Read()
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length > MaxBytes || (file.UnixFileMode & ~Private) != 0 || file.LinkTarget is not null) return [];
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, AccessToken>>(File.ReadAllBytes(path)) ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private void Write(Dictionary<string, AccessToken> all)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder, Private | UnixFileMode.UserExecute);
        var fresh = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        try
        {
            using (var file = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
                JsonSerializer.Serialize(file, all.Where(t => Holds(t.Value)).ToDictionary());
            // Over whatever is there: what others could read is gone then. Nothing is lost with a token, so nothing is synced.
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
        if (!File.Exists(path)) new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = Private }).Dispose();
        return path;
    }

    private bool Holds(AccessToken token) => token.Until - clock.GetUtcNow() > Margin;

    private static string KeyOf(DeviceLoginOptions login) => $"{login.Issuer.OriginalString} {login.Client} {login.Audience}";
}
