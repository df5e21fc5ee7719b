namespace Warehouse.Primitives;

/// <summary>What the file system says of a file or folder.</summary>
/// <param name="LengthBytes">Length; of a folder it means nothing.</param>
/// <param name="Device">Device that holds it.</param>
/// <param name="Inode">Number on that device.</param>
/// <param name="Mode">Permission bits only.</param>
/// <param name="IsFolder">True for a folder, false for anything else.</param>
public readonly record struct FileFacts(long LengthBytes, ulong Device, ulong Inode, UnixFileMode Mode, bool IsFolder)
{
    /// <summary>Number of the account that owns it.</summary>
    public uint Owner { get; init; }

    /// <summary>True for a symbolic link.</summary>
    public bool IsLink { get; init; }

    /// <summary>True when nobody but the owner has any right.</summary>
    public bool IsPrivate => (Mode & (UnixFileMode)0x3F) == 0;
}
