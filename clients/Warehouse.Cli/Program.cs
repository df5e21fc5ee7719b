using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Warehouse.Cli;
using Warehouse.Primitives;

// Before anything needs a further part of the runtime: each is a file to open, and one that cannot be opened ends the process.
if (ProcessLimits.OpenFiles() is < ProcessLimits.LeastOpenFiles and var allowed)
{
    using var error = new FileStream(new SafeFileHandle(2, ownsHandle: false), FileAccess.Write, bufferSize: 0);
    error.Write(System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"warehouse: only {allowed} files may be open at once, and {ProcessLimits.LeastOpenFiles} are needed: raise the limit (ulimit -n)\n")));
    return (int)ExitCode.CouldNot;
}
return Run(args);

// Process entry: signals become one cancellation token, everything else is CommandLine.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Run(string[] arguments)
{
    using var stop = new CancellationTokenSource();
    void Cancel(PosixSignalContext signal)
    {
        // The first signal asks, the second one kills: work that does not listen must not hold the terminal.
        signal.Cancel = !stop.IsCancellationRequested;
        stop.Cancel();
    }

    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
    return (int)CommandLine.Run(arguments, CliContext.OfProcess(stop.Token));
}
