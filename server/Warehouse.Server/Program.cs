#pragma warning disable RS0030 // the terminal of who starts it: what the first start prints, and why there was none
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Warehouse.Engine;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Warehouse.Server.Configuration;
using Warehouse.Server.Host;
using Warehouse.Server.Identity;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server;

/// <summary>The process of <c>warehouse serve</c>. Exit codes are those of the command line.</summary>
internal static class Program
{
    private const int Done = 0, BadInput = 2, DamagedStore = 3, CouldNot = 5;

    private static async Task<int> Main(string[] arguments)
    {
        if (KeepMemory() is { } refusal) return Say(refusal, CouldNot);
        if (arguments is ["certificate", .. var words]) return CertificateCommand.Run(words, Console.Out, Console.Error, TimeProvider.System);
        using var stopping = new CancellationTokenSource();
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var lines = new LineLog(Console.OpenStandardError(), LogLevel.Information, new Scrubber(), TimeProvider.System);
        var log = lines.Server;
        LastResort.Install(lines);
        try
        {
            var isCheck = arguments.Contains("--check");
            var options = Read([.. arguments.Where(a => a != "--check")]);
            await using var server = await WarehouseServer.StartAsync(options, lines, stopping.Token).ConfigureAwait(false);
            var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"https://{(server.EndPoint.Address.Equals(IPAddress.Any) || server.EndPoint.Address.Equals(IPAddress.IPv6Any) ? "localhost" : new IPEndPoint(server.EndPoint.Address, 0).ToString()[..^2])}:{server.Port}"));
            foreach (var line in server.Identity.ConnectLines(address)) await Console.Out.WriteLineAsync(line).ConfigureAwait(false);
            await Console.Out.FlushAsync().ConfigureAwait(false);
            if (isCheck) return Done;
            log.Started(server.Port, server.OperatorPort);
            await Task.Delay(Timeout.Infinite, stopping.Token).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
            return Done;
        }
        catch (InputException bad)
        {
            return Say(lines.Scrubber.Clean(bad.Message), BadInput);
        }
        catch (DamagedStoreException bad)
        {
            return Say(lines.Scrubber.Clean(bad.Message), DamagedStore);
        }
        catch (IOException bad)
        {
            return Say(lines.Scrubber.Clean(bad.Message), CouldNot);
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopping.Cancel();
        }
    }

    /// <summary>
    /// Keys and data of persons, which this process has in its memory, are written to no file: not by the runtime for whoever asks it by its diagnostic port, which is open
    /// unless the environment closes it before the runtime starts, so where nobody has said either way the program starts once more; and not by the system.
    /// </summary>
    /// <returns>Why that cannot be had; null = it is so.</returns>
    private static string? KeepMemory()
    {
        if (Environment.GetEnvironmentVariable(ProcessLimits.DiagnosticsVariable) is null)
        {
            var (program, words) = (Environment.ProcessPath ?? "", Environment.GetCommandLineArgs());
            var error = ProcessImage.Replace(program, Path.GetFileName(program) == "dotnet" ? words : words[1..], (ProcessLimits.DiagnosticsVariable, "0"));
            return string.Create(CultureInfo.InvariantCulture, $"the program could not start without the diagnostic port of its runtime: error {error}");
        }
        return ProcessLimits.ForbidDumps() ? null : "the system does not keep the memory of this process out of core files";
    }

    private static ServeOptions Read(string[] arguments)
    {
        string? store = null, keys = null, audit = Environment.GetEnvironmentVariable("WAREHOUSE_AUDIT"), state = null, listen = null, pages = null, configuration = null;
        for (var at = 0; at < arguments.Length; at++)
        {
            switch (arguments[at])
            {
                case "--keys": keys = Next(arguments, ref at); break;
                case "--audit": audit = Next(arguments, ref at); break;
                case "--state": state = Next(arguments, ref at); break;
                case "--config": configuration = Next(arguments, ref at); break;
                case "--listen": listen = Next(arguments, ref at); break;
                case "--operator": pages = Next(arguments, ref at); break;
                case ['-', ..] unknown: throw new InputException("arguments", $"{unknown} is no option of serve", InputPlace.None);
                default: store = store is null ? arguments[at] : throw new InputException("arguments", "one store is served", InputPlace.None); break;
            }
        }
        if (store is null) throw new InputException("arguments", "name the store that is to be served", InputPlace.None);
        var options = new ServeOptions { StorePath = store, KeysPath = keys, AuditPath = audit, StatePath = state };
        if (configuration is not null) options = options with { Configuration = ServerConfiguration.Read(configuration) };
        if (pages is not null) options = options with { OperatorEndPoint = EndPointOf("operator", pages) };
        if (options.OperatorEndPoint is { } shown && !IPAddress.IsLoopback(shown.Address)) throw new InputException("operator", "the operator's pages are in clear text: --operator takes a loopback address", InputPlace.None);
        return listen is null ? options : options with { EndPoint = EndPointOf("listen", listen) };
    }

    private static IPEndPoint EndPointOf(string option, string text) => IPEndPoint.TryParse(text, out var endPoint) ? endPoint : throw new InputException(option, $"--{option} takes ADDRESS:PORT", InputPlace.None);

    private static string Next(string[] arguments, ref int at) => ++at < arguments.Length ? arguments[at] : throw new InputException("arguments", $"{arguments[at - 1]} needs a value", InputPlace.None);

    private static int Say(string text, int code)
    {
        Console.Error.WriteLine("warehouse: " + text);
        return code;
    }
}
