using Microsoft.Win32.SafeHandles;

namespace Warehouse.Simulation.Fuzz;

/// <summary>A file whose content is put in place of the one before, input after input: it is made once, since making and removing names costs more than most parsers do.</summary>
internal sealed class ScratchFile(string path)
{
    private readonly SafeFileHandle _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Where it is.</summary>
    public string Path { get; } = path;

    /// <summary>Puts the content in.</summary>
    public void Write(ReadOnlySpan<byte> content)
    {
        RandomAccess.SetLength(_handle, content.Length);
        RandomAccess.Write(_handle, content, 0);
    }
}
