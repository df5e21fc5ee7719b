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

    /// <summary>No memory for the kernel's own part of the call.</summary>
    public const int NoMemory = 12;

    /// <summary>Permission denied.</summary>
    public const int Denied = 13;

    /// <summary>The name is taken.</summary>
    public const int Exists = 17;

    /// <summary>Too many files are open on the machine.</summary>
    public const int TooManyFilesOfMachine = 23;

    /// <summary>Too many files are open in this process.</summary>
    public const int TooManyFiles = 24;

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

    /// <summary>True when this process lacks a right or a resource: then the failure says nothing about the file.</summary>
    public bool IsOfProcess => Errno is NoMemory or Denied or TooManyFilesOfMachine or TooManyFiles;

    /// <summary>Name of the system call that failed.</summary>
    public string Operation { get; }

    /// <summary>Error number of the system; 0 when a read met the end of the file.</summary>
    public int Errno { get; }
}
