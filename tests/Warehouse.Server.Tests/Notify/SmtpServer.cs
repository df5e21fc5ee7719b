using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Notify;

/// <summary>A test with Debian's aiosmtpd: skipped where it is not installed, unless peers are required.</summary>
public sealed class SmtpFactAttribute : FactAttribute
{
    public SmtpFactAttribute() => Skip = WhyNot;

    internal static string? WhyNot => !TestData.Required && !Directory.Exists("/usr/lib/python3/dist-packages/aiosmtpd") ? "aiosmtpd is not installed" : null;
}

/// <summary>The same of a test with cases.</summary>
public sealed class SmtpTheoryAttribute : TheoryAttribute
{
    public SmtpTheoryAttribute() => Skip = SmtpFactAttribute.WhyNot;
}

/// <summary>The mail relay of tests/interop/smtp.py, as long as this lives.</summary>
internal sealed class SmtpServer : IDisposable
{
    public const string Account = "warehouse", Password = "a password of a test";

    private readonly TempFolder _folder = new();
    private readonly string _mode;
    private Process _process;

    private SmtpServer(string mode, string name, DateTimeOffset made)
    {
        _mode = mode;
        using var authority = CertificateFactory.NewAuthority("hospital", made, TimeSpan.FromDays(1000));
        using var other = CertificateFactory.NewAuthority("other", made, TimeSpan.FromDays(1000));
        using var certificate = CertificateFactory.NewServer(authority, [name], made, TimeSpan.FromDays(5));
        File.WriteAllText(_folder["authority.pem"], authority.ExportCertificatePem());
        File.WriteAllText(_folder["other.pem"], other.ExportCertificatePem());
        File.WriteAllText(_folder["server.pem"], certificate.ExportCertificatePem());
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(_folder["server.key"], key.ExportPkcs8PrivateKeyPem());
        PrivateFolder.WriteFile(_folder["password"], System.Text.Encoding.ASCII.GetBytes(Password + "\n"));
        PrivateFolder.WriteFile(_folder["wrong"], "not the password"u8);
        _process = Start(0);
    }

    public int Port { get; private set; }

    /// <summary>How to reach it.</summary>
    public MailConfiguration Configuration => new()
    {
        Host = "127.0.0.1", Port = Port, IsClear = _mode == "clear", IsTlsFirst = _mode == "tls" ? true : null, Authorities = _mode == "clear" ? null : _folder["authority.pem"],
        Account = _mode == "clear" ? null : Account, PasswordFile = _mode == "clear" ? null : _folder["password"], From = "warehouse@example.org", To = ["one@example.org", "two@example.org"],
    };

    /// <summary>An authority of which its certificate is not.</summary>
    public string OtherAuthority => _folder["other.pem"];

    /// <summary>A password that is not the account's.</summary>
    public string WrongPassword => _folder["wrong"];

    /// <summary>Starts one that speaks "clear", "starttls" or "tls", with a certificate of a hospital's authority.</summary>
    /// <param name="mode">How it speaks.</param>
    /// <param name="name">Whom the certificate names.</param>
    /// <param name="made">When the certificate was made: it holds for five days.</param>
    public static SmtpServer Open(string mode, string name = "127.0.0.1", DateTimeOffset? made = null) => new(mode, name, made ?? DateTimeOffset.UtcNow);

    /// <summary>The next mail that it has taken.</summary>
    public async Task<JsonElement> TakenAsync() => JsonDocument.Parse(await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the relay ended")).RootElement;

    /// <summary>All mails that it has taken and that were not asked for. It ends.</summary>
    public IReadOnlyList<JsonElement> Stop()
    {
        _process.StandardInput.Close();
        var rest = _process.StandardOutput.ReadToEnd();
        _process.WaitForExit();
        return [.. rest.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    /// <summary>Starts it again, at the same port.</summary>
    public void Again()
    {
        _process.Dispose();
        _process = Start(Port);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private Process Start(int port)
    {
        // Debian's own python3, whatever comes first on PATH.
        var start = new ProcessStartInfo("/usr/bin/python3")
        {
            ArgumentList = { Path.Combine(TestData.ProjectRoot, "tests", "interop", "smtp.py"), _mode, FormattableString.Invariant($"{port}"), _folder["server.pem"], _folder["server.key"], Account, Password },
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        Port = process.StandardOutput.ReadLine() is ['r', 'e', 'a', 'd', 'y', ' ', .. var listens] ? int.Parse(listens, System.Globalization.CultureInfo.InvariantCulture) : throw new InvalidOperationException(error.Result);
        return process;
    }
}
