using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>Notes for a program of the operator's on this machine: one file each, <c>ID.json</c>, whole and durable when it has its name. Whoever takes it removes it.</summary>
internal sealed class FileDrop(string folder) : INoteSender
{
    public string Name => "drop";

    public Task SendAsync(Note note, CancellationToken stop)
    {
        PrivateFolder.WriteFile(Path.Combine(folder, note.Id + ".json"), note.ToJson());
        return Task.CompletedTask;
    }
}
