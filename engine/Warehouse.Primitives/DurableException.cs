using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>
/// A file operation failed. Carries the operation and the error number of the system, never a path: a path may name a person.
/// </summary>
public sealed class DurableException : IOException
{
    /// <summary>No such file or folder.</summary>
    public const int Missing = 2;

    /// <summary>Input or output error of the device.</summary>
    public const int DeviceError = 5;

    /// <summary>The name is taken.</summary>
    public const int Exists = 17;

    /// <summary>No space left on the device.</summary>
    public const int NoSpace = 28;

    /// <summary>Makes the error of one failed call.</summary>
    /// <param name="operation">Name of the system call.</param>
    /// <param name="errno">Error number; 0 when a read met the end of the file.</param>
    public DurableException(string operation, int errno)
        : base(errno == 0 ? $"{operation}: the file ends too early" : $"{operation}: {Marshal.GetPInvokeErrorMessage(errno)} ({errno})")
    {
        Operation = operation;
        Errno = errno;
    }

    /// <summary>Name of the system call that failed.</summary>
    public string Operation { get; }

    /// <summary>Error number of the system; 0 when a read met the end of the file.</summary>
    public int Errno { get; }
}
