#pragma warning disable RS0030 // what the first start prints, and nothing of data
namespace Warehouse.Server;

/// <summary>The process of <c>warehouse serve</c>.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        Console.Error.WriteLine($"warehouse-server: {arguments.Length} arguments; not there yet");
        return 2;
    }
}
