using System.Globalization;
using System.Text.Json;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine.Storage;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Messages as HL7 FHIR R4 resources in a folder from which another system takes them: a <c>Communication</c> (somebody is told) or a <c>Task</c> (somebody is
/// asked to act). One file a message and recipient, which has its name only when all of it is on the disk; the same message again is the same file.
/// </summary>
public sealed class FhirFolderWay : IAlertWay
{
    private const string Ids = "urn:warehouse:alert", Messages = "urn:warehouse:message", Callers = "urn:warehouse:caller", Unfinished = ".tmp";

    private readonly IStorage _folder;
    private readonly bool _asTask;

    /// <summary>A way into a folder.</summary>
    /// <param name="path">The folder; made when it is not there.</param>
    /// <param name="asTask">Tasks, not communications.</param>
    public FhirFolderWay(string path, bool asTask = false) : this(DiskStorage.OpenOrCreate(path), asTask)
    {
    }

    internal FhirFolderWay(IStorage folder, bool asTask) => (_folder, _asTask) = (folder, asTask);

    /// <inheritdoc/>
    public string Name => _asTask ? "fhir-task" : "fhir-communication";

    /// <inheritdoc/>
    public void Send(AlertMessage message)
    {
        var id = $"{Name}-{message.Identity}"; // tasks and communications may go to one folder
        var name = id + ".json";
        if (_folder.Facts(name) is not null) return; // of a run that was stopped before it could say so
        if (_folder.Facts(name + Unfinished) is not null) _folder.Delete(name + Unfinished);
        using (var file = _folder.Create(name + Unfinished))
        {
            file.Append(_asTask ? TaskOf(message, id) : CommunicationOf(message, id));
            file.Sync();
        }
        _folder.Replace(name + Unfinished, name);
        _folder.SyncFolder("");
    }

    private static byte[] CommunicationOf(AlertMessage message, string id) => Write(to =>
    {
        to.WriteString("resourceType", "Communication");
        Common(to, message, id);
        to.WriteString("status", "preparation");
        to.WriteStartArray("recipient");
        Reference(to, message.Recipient);
        to.WriteEndArray();
        to.WriteStartArray("payload");
        to.WriteStartObject();
        to.WriteString("contentString", Text(message));
        to.WriteEndObject();
        to.WriteEndArray();
        to.WriteString("sent", Moment(message));
    });

    private static byte[] TaskOf(AlertMessage message, string id) => Write(to =>
    {
        to.WriteString("resourceType", "Task");
        Common(to, message, id);
        to.WriteString("status", "requested");
        to.WriteString("intent", "order");
        to.WriteString("description", Text(message));
        to.WriteString("authoredOn", Moment(message));
        to.WritePropertyName("owner");
        Reference(to, message.Recipient);
    });

    private static void Common(Utf8JsonWriter to, AlertMessage message, string id)
    {
        to.WriteString("id", id);
        to.WriteStartArray("identifier");
        to.WriteStartObject();
        to.WriteString("system", Ids);
        to.WriteString("value", message.Id);
        to.WriteEndObject();
        to.WriteStartObject();
        to.WriteString("system", Messages);
        to.WriteString("value", message.Identity);
        to.WriteEndObject();
        to.WriteEndArray();
        to.WriteString("priority", message.Grade switch { Grade.Critical => "asap", Grade.Major => "urgent", _ => "routine" });
    }

    private static void Reference(Utf8JsonWriter to, string caller)
    {
        to.WriteStartObject();
        to.WriteString("type", "Practitioner");
        to.WriteStartObject("identifier");
        to.WriteString("system", Callers);
        to.WriteString("value", caller);
        to.WriteEndObject();
        to.WriteEndObject();
    }

    /// <summary>A fixed text: what it is about is shown after a login alone.</summary>
    private static string Text(AlertMessage message) => message switch
    {
        { IsSelfTest: true } => "Self-test of the alerts: nothing to do.",
        { Alerts: 1 } => $"An alert waits for you: {message.Id}",
        _ => string.Create(CultureInfo.InvariantCulture, $"{message.Alerts} alerts wait for you"),
    };

    private static string Moment(AlertMessage message) => message.SentUtc.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        using var bytes = new MemoryStream();
        using (var to = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            to.WriteStartObject();
            content(to);
            to.WriteEndObject();
        }
        return bytes.ToArray();
    }
}
