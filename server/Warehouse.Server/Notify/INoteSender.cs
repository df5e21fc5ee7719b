namespace Warehouse.Server.Notify;

/// <summary>A way out for notes. Any thread.</summary>
internal interface INoteSender
{
    /// <summary>Its name in the outbox: of a fixed set, never changed.</summary>
    string Name { get; }

    /// <summary>Hands a note over; it was taken when this returns. Whatever it throws, the outbox tries again later, so a receiver may get a note twice.</summary>
    Task SendAsync(Note note, CancellationToken stop);
}
