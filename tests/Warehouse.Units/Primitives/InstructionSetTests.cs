using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class InstructionSetTests
{
    /// <summary>Settings of the runtime that, at "0", switch off instruction sets: each also what those before it do.</summary>
    internal static readonly string[] Settings = ["DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic"];

    [Fact]
    public void A_setting_of_the_runtime_switches_off_what_it_names()
    {
        Assert.False(Avx512BW.IsSupported && Settings.Any(IsOff));
        Assert.False(Avx2.IsSupported && Settings[1..].Any(IsOff));
        Assert.False(Vector128.IsHardwareAccelerated && IsOff(Settings[2]));
    }

    private static bool IsOff(string setting) => Environment.GetEnvironmentVariable(setting) == "0";
}
