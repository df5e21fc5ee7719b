using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Warehouse.Tests;

namespace Warehouse.Server.Tests.Host;

/// <summary>The program as an administrator starts it, on any free port; what it writes is kept. Ended with the instance, whatever it does.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _errors = [];
    private readonly List<(string Part, TaskCompletionSource<string> Came)> _waiting = [];
    private readonly Task _output;
    private readonly Task _reading;
    private readonly MemoryStream _written = new();

    private ServerProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.BaseStream.CopyToAsync(_written);
        _reading = Task.Run(ReadAsync);
    }

    public int Port { get; private set; }

    public int OperatorPort { get; private set; }

    /// <summary>Its id.</summary>
    public int Id => _process.Id;

    /// <summary>The most memory that it has had so far.</summary>
    public long MostBytes => long.Parse(File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', '\t', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;

    /// <summary>All of standard output, once it has ended.</summary>
    public byte[] Output => _written.ToArray();

    /// <summary>All lines of standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors) return string.Concat(_errors.Select(l => l + "\n"));
        }
    }

    public static ProcessStartInfo Command(params string[] words) => new(Path.Combine(TestData.ProjectRoot, "artifacts/bin/Warehouse.Server/release/warehouse-server"), words) { RedirectStandardOutput = true, RedirectStandardError = true };

    public static async Task<ServerProcess> StartAsync(string store, Action<ProcessStartInfo>? change = null)
    {
        var start = Command(store, "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0");
        change?.Invoke(start);
        var server = Start(start);
        var started = JsonDocument.Parse(await server.WaitForAsync("\"event\":\"Started\"")).RootElement;
        (server.Port, server.OperatorPort) = (started.GetProperty("port").GetInt32(), started.GetProperty("operatorPort").GetInt32());
        return server;
    }

    /// <summary>The first line of standard error that has a part.</summary>
    public Task<string> WaitForAsync(string part)
    {
        lock (_errors)
        {
            if (_errors.Find(l => l.Contains(part, StringComparison.Ordinal)) is { } there) return Task.FromResult(there);
            var came = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((part, came));
            return came.Task.WaitAsync(TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>Any program, whose output is kept as the server's is.</summary>
    public static ServerProcess Start(ProcessStartInfo start) => new(Process.Start(start)!);

    public void Terminate() => Signal("TERM");

    /// <summary>Sends it a signal, by its name.</summary>
    public void Signal(string name) => Peer.Output("kill", "-" + name, _process.Id.ToString(CultureInfo.InvariantCulture));

    /// <summary>Kills it, whatever it does.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Says something to a program whose input is not that of the tests, and nothing behind it.</summary>
    public async Task SayAsync(byte[] bytes)
    {
        await _process.StandardInput.BaseStream.WriteAsync(bytes);
        _process.StandardInput.Close();
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync();
        await Task.WhenAll(_output, _reading);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errors)
            {
                _errors.Add(line);
                foreach (var (_, came) in _waiting.FindAll(w => line.Contains(w.Part, StringComparison.Ordinal))) came.TrySetResult(line);
            }
        }
    }
}
