using System.Globalization;
using System.Text;
using System.Text.Json;
using Warehouse.Engine;
using Warehouse.Engine.Vcf;

namespace Warehouse.Clinic.Assessments;

/// <summary>
/// An assessment as laboratories exchange it: a line of JSON, in one canonical form, so that what is read and written again is the same bytes. Schema 1:
/// <c>{"schema":"warehouse.assessment/1","laboratory":…,"id":…,"version":…,"state":…,"assembly":…,"points":…,"implied":…,"content":{…},
/// "signed":{"by":…,"time":…,"meaning":…,"reason":…}}</c>, without <c>signed</c> where nobody has. A line of another schema is refused. Immutable.
/// </summary>
public sealed record OtherAssessment
{
    /// <summary>Name of the schema.</summary>
    public const string Schema = "warehouse.assessment/1";

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    /// <summary>Which laboratory says so.</summary>
    public required string Laboratory { get; init; }

    /// <summary>Its number there.</summary>
    public required long Id { get; init; }

    /// <summary>Its version there.</summary>
    public required int Version { get; init; }

    /// <summary>Where it stands there.</summary>
    public required AssessmentState State { get; init; }

    /// <summary>Assembly of the allele.</summary>
    public required string Assembly { get; init; }

    /// <summary>What it says.</summary>
    public required AssessmentContent Content { get; init; }

    /// <summary>Who signed; null = nobody.</summary>
    public string? SignedBy { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset SignedUtc { get; init; }

    /// <summary>What that meant.</summary>
    public SignatureMeaning Meaning { get; init; }

    /// <summary>Why it was signed.</summary>
    public string SignedReason { get; init; } = "";

    /// <summary>An own assessment as others get it.</summary>
    public static OtherAssessment Of(Assessment own, string laboratory, string assembly) => new()
    {
        Laboratory = laboratory, Id = own.Id, Version = own.Version, State = own.State, Assembly = assembly, Content = own.Content,
        SignedBy = own.Signature?.By, SignedUtc = own.Signature?.TimeUtc ?? default, Meaning = own.Signature?.Meaning ?? default, SignedReason = own.Signature?.Reason ?? "",
    };

    /// <summary>The line, without its end.</summary>
    public byte[] ToLine() => AssessmentJson.Encode(Write);

    /// <summary>Reads a line.</summary>
    /// <exception cref="InputException">It is none of this schema, or its points are not those of its criteria.</exception>
    public static OtherAssessment Parse(ReadOnlyMemory<byte> line)
    {
        using var document = AssessmentJson.Parse(line);
        var read = Read(document.RootElement);
        if (read.Content.Allele.Ref == read.Content.Allele.Alt) throw AssessmentJson.Bad("ALT is REF");
        return VcfText.IsContigName(Encoding.UTF8.GetBytes(read.Content.Allele.Contig)) ? read : throw AssessmentJson.Bad("its contig has a name that no VCF can hold");
    }

    internal static OtherAssessment Read(JsonElement from)
    {
        var members = new JsonMembers(from);
        if (members.Text("schema") != Schema) throw new InputException("assess-schema", $"only {Schema} is understood", InputPlace.None);
        var content = AssessmentJson.Read(members.Object("content"));
        if (members.Number("points") != content.Points || members.Text("implied") != Words.Of(content.Implied)) throw AssessmentJson.Bad("points or implied class are not those of its criteria");
        var read = new OtherAssessment
        {
            Laboratory = members.Text("laboratory"), Id = members.Number("id"), Version = members.Whole("version"), State = Words.Parse<AssessmentState>(members.Text("state")),
            Assembly = members.Text("assembly"), Content = content,
        };
        if (read.Laboratory.Length is 0 or > 100 || read.Laboratory.Any(char.IsControl) || read.Id < 1 || read.Version < 1 || read.Assembly.Length is 0 or > 100) throw AssessmentJson.Bad("laboratory, id, version or assembly cannot be");
        if (members.OptionalObject("signed") is { } signed)
        {
            var signature = new JsonMembers(signed);
            read = read with { SignedBy = signature.Text("by"), SignedUtc = Time(signature.Text("time")), Meaning = Words.Parse<SignatureMeaning>(signature.Text("meaning")), SignedReason = signature.Text("reason") };
            signature.End();
        }
        if (read.State is AssessmentState.Signed or AssessmentState.Superseded && read.SignedBy is null) throw AssessmentJson.Bad("it is signed by nobody");
        members.End();
        return read;
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("schema", Schema);
        json.WriteString("laboratory", Laboratory);
        json.WriteNumber("id", Id);
        json.WriteNumber("version", Version);
        json.WriteString("state", Words.Of(State));
        json.WriteString("assembly", Assembly);
        json.WriteNumber("points", Content.Points);
        json.WriteString("implied", Words.Of(Content.Implied));
        json.WritePropertyName("content");
        AssessmentJson.Write(json, Content);
        if (SignedBy is { } by)
        {
            json.WriteStartObject("signed");
            json.WriteString("by", by);
            json.WriteString("time", SignedUtc.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));
            json.WriteString("meaning", Words.Of(Meaning));
            json.WriteString("reason", SignedReason);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
        ? time : throw AssessmentJson.Bad("a time is not written as 2027-01-31T08:00:00.0000000Z");
}
