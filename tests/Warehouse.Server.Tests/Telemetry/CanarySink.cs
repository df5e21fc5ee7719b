using System.Diagnostics;
using System.Diagnostics.Tracing;
using System.Text;
using Grpc.Core;
using Warehouse.Server.Tests.Host;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>A place where data of persons must not come out: how it is read, and how a leak is planted in it to see that it is.</summary>
/// <param name="Name">For reports.</param>
/// <param name="TakesText">A leak is planted as letters and digits: the place takes no other bytes.</param>
/// <param name="Read">All that is there: place and bytes.</param>
/// <param name="Plant">Puts bytes there; Dispose takes them away, where that can be.</param>
internal sealed record CanarySink(string Name, bool TakesText, Func<IEnumerable<(string Place, byte[] Bytes)>> Read, Func<byte[], IDisposable?> Plant)
{
    /// <summary>What is read is text, in lines.</summary>
    public bool HasLines { get; init; }

    /// <summary>A stream in memory: standard error, a log, what a collector received.</summary>
    public static CanarySink Of(string name, MemoryStream stream) => new(name, false, () => [(name, stream.ToArray())], bytes =>
    {
        var length = stream.Length;
        stream.Write(bytes);
        return new Undo(() => stream.SetLength(length));
    }) { HasLines = true };

    /// <summary>Messages that were received.</summary>
    public static CanarySink Of(string name, Func<IEnumerable<(string Path, byte[] Body)>> received)
    {
        byte[]? planted = null;
        return new(name, false, () => planted is null ? received() : received().Append(("planted", planted)), bytes =>
        {
            planted = bytes;
            return new Undo(() => planted = null);
        });
    }

    /// <summary>Text that is asked for: a page, standard error of a writer.</summary>
    public static CanarySink Of(string name, Func<string> read)
    {
        var planted = "";
        return new(name, true, () => [(name, Encoding.UTF8.GetBytes(read() + planted))], bytes =>
        {
            planted = Encoding.ASCII.GetString(bytes);
            return new Undo(() => planted = "");
        }) { HasLines = true };
    }

    /// <summary>Contents of all files in folders, and below.</summary>
    public static CanarySink OfFiles(string name, params string[] folders) => new(name, false,
        () => folders.Where(Directory.Exists).SelectMany(f => Directory.GetFiles(f, "*", SearchOption.AllDirectories)).Select(f => (f, ReadShared(f))), bytes =>
    {
        var path = Path.Combine(Directory.CreateDirectory(folders[0]).FullName, "planted");
        File.WriteAllBytes(path, bytes);
        return new Undo(() => File.Delete(path));
    });

    /// <summary>Names of all files and folders below folders.</summary>
    public static CanarySink OfFileNames(string name, params string[] folders) => new(name, true,
        () => folders.Where(Directory.Exists).SelectMany(f => Directory.GetFileSystemEntries(f, "*", SearchOption.AllDirectories).Select(e => (f, Encoding.UTF8.GetBytes(Path.GetRelativePath(f, e))))), bytes =>
    {
        var path = Path.Combine(Directory.CreateDirectory(folders[0]).FullName, Encoding.ASCII.GetString(bytes));
        File.WriteAllBytes(path, []);
        return new Undo(() => File.Delete(path));
    });

    /// <summary>What others see of processes: <c>cmdline</c> or <c>environ</c> of /proc.</summary>
    public static CanarySink OfProcesses(string file, Func<IEnumerable<int>> processes)
    {
        var planted = new List<int>();
        return new(file, true, () => processes().Concat(planted).Select(p => ($"/proc/{p}/{file}", ReadShown($"/proc/{p}/{file}"))), bytes =>
        {
            var text = Encoding.ASCII.GetString(bytes);
            var start = new ProcessStartInfo("sh", file == "cmdline" ? ["-c", "echo; read x", text] : ["-c", "echo; read x"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.Environment["PLANTED"] = file == "environ" ? text : "";
            var child = Process.Start(start)!;
            child.StandardOutput.Read(); // it runs, under its own command line
            planted.Add(child.Id);
            return new Undo(() =>
            {
                planted.Clear();
                child.StandardInput.Close();
                child.WaitForExit();
                child.Dispose();
            });
        });
    }

    /// <summary>What programs write to standard output, or to standard error.</summary>
    public static CanarySink OfOutput(string name, IReadOnlyList<ServerProcess> programs, bool isError)
    {
        var planted = new List<ServerProcess>();
        return new(name, true, () => programs.Concat(planted).Select(p => (name, isError ? Encoding.UTF8.GetBytes(p.Errors) : p.Output)), bytes =>
        {
            var start = new ProcessStartInfo("sh", ["-c", isError ? "cat >&2" : "cat"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            var program = ServerProcess.Start(start);
            program.SayAsync([.. bytes, (byte)'\n']).GetAwaiter().GetResult();
            program.ExitAsync().GetAwaiter().GetResult();
            planted.Add(program);
            return new Undo(() =>
            {
                planted.Clear();
                program.Dispose();
            });
        }) { HasLines = true };
    }

    /// <summary>Metadata that calls ended with.</summary>
    public static CanarySink OfTrailers(string name, List<Metadata> trailers) => new(name, true,
        () => trailers.SelectMany(t => t).Select(e => (e.Key, (byte[])[.. Encoding.UTF8.GetBytes(e.Key + "\n"), .. e.ValueBytes])), bytes =>
    {
        trailers.Add([new("planted", Encoding.ASCII.GetString(bytes))]);
        return new Undo(() => trailers.RemoveAt(trailers.Count - 1));
    }) { HasLines = true };

    /// <summary>The bytes of a file; a lock, which may be held, is empty.</summary>
    private static byte[] ReadShared(string path) => new FileInfo(path).Length == 0 ? [] : File.ReadAllBytes(path);

    /// <summary>What is shown of a process; nothing, where the system shows it to nobody.</summary>
    private static byte[] ReadShown(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What came since into the folder for temporary files; those of other tests hold no tokens.</summary>
    public static CanarySink OfTemp()
    {
        HashSet<string> before = [.. Directory.GetFileSystemEntries(Path.GetTempPath())];
        return new("temp", false, () => Directory.GetFileSystemEntries(Path.GetTempPath()).Where(e => !before.Contains(e) && !Path.GetFileName(e).StartsWith("warehouse-test-", StringComparison.Ordinal) && File.Exists(e))
            .SelectMany(e => ReadIfThere(e) is { } bytes ? [(e, bytes), ("name", Encoding.UTF8.GetBytes(e))] : Array.Empty<(string, byte[])>()), bytes =>
        {
            var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            File.WriteAllBytes(path, bytes);
            return new Undo(() => File.Delete(path));
        });
    }

    private static byte[]? ReadIfThere(string path)
    {
        try
        {
            return new FileInfo(path).Length is > 0 and < 16 << 20 ? File.ReadAllBytes(path) : null; // a pipe has no length, and would be waited for
        }
        catch (IOException)
        {
            return null; // gone again
        }
    }

    /// <summary>Events of every source of the process, from the listener's beginning.</summary>
    public static CanarySink OfEvents(EventCatcher events) => new("event sources", true, () => [("event sources", events.Bytes)], bytes =>
    {
        PlantingSource.Log.Leak(Encoding.ASCII.GetString(bytes));
        return null; // one that was heard cannot be unsaid: the catcher forgets what is planted
    }) { HasLines = true };

    private sealed class Undo(Action undo) : IDisposable
    {
        public void Dispose() => undo();
    }
}

/// <summary>Hears all events but those of the runtime about itself, which are many and hold no values of ours.</summary>
internal class EventCatcher : EventListener
{
    private const int MostBytes = 64 << 20;

    private static readonly string[] Deaf = ["System.Threading.Tasks.TplEventSource", "System.Buffers.ArrayPoolEventSource", "Microsoft-Windows-DotNETRuntime", "System.Runtime", "Private.InternalDiagnostics.System.Net.Sockets",
        "System.Diagnostics.Eventing.FrameworkEventSource", "System.Collections.Concurrent.ConcurrentCollectionsEventSource"];

    // The base's constructor calls back before the fields of this class are set.
    private static readonly Lock Gate = new();
    private MemoryStream? _heard;

    /// <summary>Further events are not kept.</summary>
    public bool IsFull
    {
        get
        {
            lock (Gate) return _heard?.Length >= MostBytes;
        }
    }

    /// <summary>All that was heard, as text.</summary>
    public byte[] Bytes
    {
        get
        {
            lock (Gate) return _heard?.ToArray() ?? [];
        }
    }

    protected virtual bool Hears(string source) => !Deaf.Contains(source);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (Hears(eventSource.Name)) EnableEvents(eventSource, EventLevel.Verbose, EventKeywords.All);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        var line = Encoding.UTF8.GetBytes($"{eventData.EventSource.Name} {eventData.EventName} {eventData.Message} {string.Join(' ', (eventData.Payload ?? []).Select(p => p is byte[] bytes ? Encoding.Latin1.GetString(bytes) : p))}\n");
        lock (Gate)
        {
            _heard ??= new();
            if (_heard.Length < MostBytes) _heard.Write(line);
        }
    }
}

/// <summary>
/// The same of a server whose client is in this process too: without what the runtime's network shows a debugger, whatever is sent, and without the requests of
/// the client. Who may turn those on in the server's process may read its memory as well.
/// </summary>
internal sealed class ServerEventCatcher : EventCatcher
{
    protected override bool Hears(string source) => base.Hears(source) && source != "System.Net.Http" && !source.StartsWith("Private.InternalDiagnostics.", StringComparison.Ordinal);
}

/// <summary>Says what it is told to: the planted leak of event sources.</summary>
[EventSource(Name = "Warehouse-Tests-Planting")]
internal sealed class PlantingSource : EventSource
{
    public static readonly PlantingSource Log = new();

    [Event(1)]
    public void Leak(string text) => WriteEvent(1, text);
}
