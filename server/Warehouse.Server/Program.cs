using Warehouse.Server.Identity;

namespace Warehouse.Server;

/// <summary>The process of <c>warehouse serve</c>.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["certificate", .. var words]) return CertificateCommand.Run(words, Console.Out, Console.Error, TimeProvider.System);
        Console.Error.WriteLine($"warehouse-server: {arguments.Length} arguments; not there yet");
        return 2;
    }
}
