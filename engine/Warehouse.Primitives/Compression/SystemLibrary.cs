using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>A library of the system is not installed; the message names the Debian package that brings it.</summary>
public sealed class SystemLibraryMissingException : DllNotFoundException
{
    internal SystemLibraryMissingException(string library, string package)
        : base($"{library} was not found: install the Debian package {package}")
    {
    }
}

/// <summary>The presence of system libraries.</summary>
internal static class SystemLibrary
{
    /// <summary>Loads the library for good, or says which package is missing. Later imports of the same name find it loaded.</summary>
    /// <exception cref="SystemLibraryMissingException">It is not installed.</exception>
    public static void Require(string library, string package)
    {
        if (!NativeLibrary.TryLoad(library, typeof(SystemLibrary).Assembly, null, out _)) throw new SystemLibraryMissingException(library, package);
    }
}
