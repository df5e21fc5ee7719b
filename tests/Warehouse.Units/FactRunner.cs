using System.Reflection;
using Xunit;

namespace Warehouse.Units;

/// <summary>
/// The entry point of this assembly: runs the facts of the classes named, one after the other, and prints their names; the first that fails
/// ends the process. For tests of what a setting of the runtime changes; it starts in a tenth of the time of a test host.
/// </summary>
internal static class FactRunner
{
    public static int Main(string[] classes)
    {
        foreach (var type in classes.Select(name => typeof(FactRunner).Assembly.GetType(name, throwOnError: true)!))
        {
            foreach (var fact in type.GetMethods().Where(method => method.GetCustomAttribute<FactAttribute>() is not null && method.GetParameters().Length == 0))
            {
                fact.Invoke(Activator.CreateInstance(type), null);
                Console.WriteLine(fact.Name);
            }
        }
        return 0;
    }
}
