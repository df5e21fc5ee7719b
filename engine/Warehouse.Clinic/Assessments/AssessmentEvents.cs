using System.Text.Json;
using Warehouse.Engine.Events;
using Warehouse.Engine.Storage;

namespace Warehouse.Clinic.Assessments;

/// <summary>
/// Events of the log that are about assessments. Payloads are JSON, schema 1 each; <c>version</c> is that of the assessment before the event:
/// <code>
/// assess/draft     {"id":…,"version":…,"content":{…}}, or where one is begun {"supersedes":…,"content":{…}}
/// assess/submit    {"id":…,"version":…}
/// assess/return    {"id":…,"version":…,"reason":…}
/// assess/sign      {"id":…,"version":…,"meaning":…,"reason":…,"content_sha256":…,"alone":…}
/// assess/retire    {"id":…,"version":…,"reason":…}
/// assess/settings  {"laboratory":…,"ba1":…,"bs1":…,"pm2":…,"least_alleles":…}
/// assess/import    {"statement":{…}}, as in a line of an exchange file
/// </code>
/// An event of another schema is of a later program: it is refused, never passed over.
/// </summary>
internal abstract record AssessmentEvent
{
    internal const string Prefix = "assess/";

    /// <summary>Subject of settings.</summary>
    internal const string SettingsSubject = "settings";

    private const int Schema = 1;

    /// <summary>Finds what the log says of an allele, or of an assessment, without reading all of it.</summary>
    internal static EventIndexRule Index { get; } = new("assess", 1, logged => Decode(logged)?.Subjects(logged.Number) ?? []);

    /// <summary>Subject of an allele.</summary>
    internal static string SubjectOf(AssessedAllele allele) => "allele " + allele;

    /// <summary>Subject of an assessment.</summary>
    internal static string SubjectOf(long id) => FormattableString.Invariant($"assessment {id}");

    /// <summary>What an event says; null when it is not about assessments.</summary>
    /// <exception cref="Warehouse.Engine.InputException">It cannot be understood.</exception>
    /// <exception cref="StoreRefusedException">It is of a later program.</exception>
    internal static AssessmentEvent? Decode(LoggedEvent logged)
    {
        if (!logged.Kind.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        if (logged.Schema != Schema) throw Later();
        using var document = AssessmentJson.Parse(logged.Payload);
        var members = new JsonMembers(document.RootElement);
        AssessmentEvent read = logged.Kind switch
        {
            Kinds.Draft => new Drafted(members.OptionalNumber("id"), members.OptionalWhole("version") ?? 0, members.OptionalNumber("supersedes"), AssessmentJson.Read(members.Object("content"))),
            Kinds.Submit => new Submitted(members.Number("id"), members.Whole("version")),
            Kinds.Return => new Returned(members.Number("id"), members.Whole("version"), members.Text("reason")),
            Kinds.Sign => new Signed(members.Number("id"), members.Whole("version"), Words.Parse<SignatureMeaning>(members.Text("meaning")), members.Text("reason"), members.Text("content_sha256")) { IsAlone = members.Flag("alone") },
            Kinds.Retire => new Given(members.Number("id"), members.Whole("version"), members.Text("reason")),
            Kinds.Settings => new SettingsChanged(AssessmentSettings.Read(ref members)),
            Kinds.Import => new Imported(OtherAssessment.Read(members.Object("statement"))),
            _ => throw Later(),
        };
        members.End();
        return read;
    }

    private static StoreRefusedException Later() => new("the event log has assessments of a later program");

    internal NewEvent Encode() => new(Kind, Schema, AssessmentJson.Encode(json =>
    {
        json.WriteStartObject();
        Write(json);
        json.WriteEndObject();
    }));

    /// <summary>By what the index finds it.</summary>
    /// <param name="number">Number of the event.</param>
    internal abstract IEnumerable<string> Subjects(long number);

    /// <summary>The assessment that it is about; null = it begins one, or is about none.</summary>
    internal virtual long? About => null;

    private protected abstract string Kind { get; }

    private protected abstract void Write(Utf8JsonWriter json);

    private static void Place(Utf8JsonWriter json, long id, int version)
    {
        json.WriteNumber("id", id);
        json.WriteNumber("version", version);
    }

    private static class Kinds
    {
        internal const string Draft = Prefix + "draft", Submit = Prefix + "submit", Return = Prefix + "return", Sign = Prefix + "sign", Retire = Prefix + "retire", Settings = Prefix + "settings", Import = Prefix + "import";
    }

    /// <summary>Content was written; without an id an assessment begins, whose id is the number of this event.</summary>
    internal sealed record Drafted(long? Id, int Version, long? Supersedes, AssessmentContent Content) : AssessmentEvent
    {
        internal override long? About => Id;

        internal override IEnumerable<string> Subjects(long number) => Id is { } id ? [SubjectOf(id)] : [SubjectOf(number), SubjectOf(Content.Allele)];

        private protected override string Kind => Kinds.Draft;

        private protected override void Write(Utf8JsonWriter json)
        {
            if (Id is { } id) Place(json, id, Version);
            if (Supersedes is { } old) json.WriteNumber("supersedes", old);
            json.WritePropertyName("content");
            AssessmentJson.Write(json, Content);
        }
    }

    /// <summary>It is ready to be signed.</summary>
    internal sealed record Submitted(long Id, int Version) : AssessmentEvent
    {
        internal override long? About => Id;

        internal override IEnumerable<string> Subjects(long number) => [SubjectOf(Id)];

        private protected override string Kind => Kinds.Submit;

        private protected override void Write(Utf8JsonWriter json) => Place(json, Id, Version);
    }

    /// <summary>It is to be worked on.</summary>
    internal sealed record Returned(long Id, int Version, string Reason) : AssessmentEvent
    {
        internal override long? About => Id;

        internal override IEnumerable<string> Subjects(long number) => [SubjectOf(Id)];

        private protected override string Kind => Kinds.Return;

        private protected override void Write(Utf8JsonWriter json)
        {
            Place(json, Id, Version);
            json.WriteString("reason", Reason);
        }
    }

    /// <summary>It was signed; what it supersedes is superseded by the same event.</summary>
    internal sealed record Signed(long Id, int Version, SignatureMeaning Meaning, string Reason, string ContentSha256) : AssessmentEvent
    {
        /// <summary>Its author signed it, since nobody else could.</summary>
        internal bool IsAlone { get; init; }

        internal override long? About => Id;

        internal override IEnumerable<string> Subjects(long number) => [SubjectOf(Id)];

        private protected override string Kind => Kinds.Sign;

        private protected override void Write(Utf8JsonWriter json)
        {
            Place(json, Id, Version);
            json.WriteString("meaning", Words.Of(Meaning));
            json.WriteString("reason", Reason);
            json.WriteString("content_sha256", ContentSha256);
            if (IsAlone) json.WriteBoolean("alone", true);
        }
    }

    /// <summary>It was retired.</summary>
    internal sealed record Given(long Id, int Version, string Reason) : AssessmentEvent
    {
        internal override long? About => Id;

        internal override IEnumerable<string> Subjects(long number) => [SubjectOf(Id)];

        private protected override string Kind => Kinds.Retire;

        private protected override void Write(Utf8JsonWriter json)
        {
            Place(json, Id, Version);
            json.WriteString("reason", Reason);
        }
    }

    /// <summary>The laboratory's settings are these from now on.</summary>
    internal sealed record SettingsChanged(AssessmentSettings Settings) : AssessmentEvent
    {
        internal override IEnumerable<string> Subjects(long number) => [SettingsSubject];

        private protected override string Kind => Kinds.Settings;

        private protected override void Write(Utf8JsonWriter json) => Settings.Write(json);
    }

    /// <summary>Another laboratory says this.</summary>
    internal sealed record Imported(OtherAssessment Statement) : AssessmentEvent
    {
        internal override IEnumerable<string> Subjects(long number) => [];

        private protected override string Kind => Kinds.Import;

        private protected override void Write(Utf8JsonWriter json)
        {
            json.WritePropertyName("statement");
            Statement.Write(json);
        }
    }
}
