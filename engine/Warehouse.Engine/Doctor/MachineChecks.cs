using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace Warehouse.Engine.Doctor;

/// <summary>Checks of the machine: runtime, processor, system libraries, space.</summary>
internal static class MachineChecks
{
    /// <summary>System libraries in use, and the Debian packages that bring them.</summary>
    public static readonly (string Library, string Package)[] Libraries =
    [
        ("libz.so.1", "zlib1g"), ("libzstd.so.1", "libzstd1"), ("libsodium.so.23", "libsodium23"), ("libsqlite3.so.0", "libsqlite3-0"),
    ];

    private const int RuntimeMajor = 10;
    private const long ScarceBytes = 1L << 30, TooFewBytes = 1L << 26;

    public static IEnumerable<DoctorRow> Run()
    {
        yield return new DoctorRow("system", OperatingSystem.IsLinux() ? DoctorState.Ok : DoctorState.Missing,
            OperatingSystem.IsLinux() ? $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}" : "run it on Linux: the store relies on its file system calls");
        var isRecent = Environment.Version.Major >= RuntimeMajor;
        yield return new DoctorRow(".NET", isRecent ? DoctorState.Ok : DoctorState.Missing,
            isRecent ? Environment.Version.ToString() : FormattableString.Invariant($"{Environment.Version} is too old: install .NET {RuntimeMajor}"));
        yield return Vectors();
        foreach (var (library, package) in Libraries) yield return Library(library, package);
        yield return new DoctorRow("encryption", AesGcm.IsSupported ? DoctorState.Ok : DoctorState.Missing,
            AesGcm.IsSupported ? "AES-GCM" : "AES-GCM is not there: sudo apt-get install libssl3");
    }

    /// <summary>Whether a library can be loaded.</summary>
    public static DoctorRow Library(string library, string package)
    {
        if (!NativeLibrary.TryLoad(library, out var handle)) return new DoctorRow(library, DoctorState.Missing, $"not found: sudo apt-get install {package}");
        NativeLibrary.Free(handle);
        return new DoctorRow(library, DoctorState.Ok, "found");
    }

    /// <summary>Space on the disk of a folder.</summary>
    public static DoctorRow Space(string folder)
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        var text = string.Create(CultureInfo.InvariantCulture, $"{free / (double)(1L << 30):f1} GiB free");
        return free < TooFewBytes ? new DoctorRow("disk space", DoctorState.Missing, text + ": make room, or nothing can be written")
            : free < ScarceBytes ? new DoctorRow("disk space", DoctorState.Note, text + ": make room before the next ingest")
            : new DoctorRow("disk space", DoctorState.Ok, text);
    }

    private static DoctorRow Vectors()
    {
        if (Vector512.IsHardwareAccelerated) return new DoctorRow("vector unit", DoctorState.Ok, "512 bits: the widest path is used");
        if (Vector256.IsHardwareAccelerated) return new DoctorRow("vector unit", DoctorState.Ok, "256 bits; 512 bits (AVX-512) are not there, or switched off");
        return new DoctorRow("vector unit", DoctorState.Note, Vector128.IsHardwareAccelerated
            ? "128 bits: counting is slower than with AVX2; check that the virtual machine passes it on"
            : "none: counting is slow; check that the virtual machine passes AVX2 on, and DOTNET_EnableHWIntrinsic");
    }
}
