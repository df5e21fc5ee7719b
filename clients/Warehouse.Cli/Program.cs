using System.Runtime.InteropServices;
using Warehouse.Cli;

// Process entry: signals become one cancellation token, everything else is CommandLine.
using var stop = new CancellationTokenSource();
void Cancel(PosixSignalContext signal)
{
    // The first signal asks, the second one kills: work that does not listen must not hold the terminal.
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
return (int)CommandLine.Run(args, CliContext.OfProcess(stop.Token));
