using System.Text.Json.Nodes;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Xunit;

namespace Warehouse.Tests.Clinic;

/// <summary>The messages that are written as FHIR R4 against a validator that others wrote.</summary>
public sealed class FhirFileTests
{
    private static readonly string Interop = Path.Combine(TestData.ProjectRoot, "tests", "interop");

    [NodeFact("fhir")]
    public void Every_kind_of_message_is_a_valid_resource()
    {
        using var folder = new TempFolder();
        var sent = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        var files = new List<string>();
        foreach (var asTask in new[] { false, true })
        {
            var way = new FhirFolderWay(folder[asTask ? "tasks" : "communications"], asTask);
            foreach (var grade in Enum.GetValues<Grade>()) way.Send(new AlertMessage($"{(int)grade}123456789abcdef0123", "oidc:https://idp|ann", grade, 1, sent));
            way.Send(new AlertMessage("many", "local:žluťoučký \"kůň\"", Grade.Major, 40, sent));
            way.Send(new AlertMessage("test", "local:lab", Grade.Minor, 1, sent) { IsSelfTest = true });
            files.AddRange(Directory.GetFiles(folder[asTask ? "tasks" : "communications"], "*.json"));
        }
        Assert.Equal(2 * (Enum.GetValues<Grade>().Length + 2), files.Count);
        var (exit, output, error) = Peer.RunIn(Interop, "node", ["fhir.mjs", .. files]);
        Assert.True(exit == 0 && output.Length == 0, output + error);
    }

    /// <summary>It would see: a code of no value set, a member that is no member, one that must be there, a list that is none, a time that is none.</summary>
    [NodeTheory("fhir")]
    [InlineData("status", "\"sent\"", "not found in value set")]
    [InlineData("priority", "\"high\"", "not found in value set")]
    [InlineData("colour", "\"red\"", "Unexpected property")]
    [InlineData("status", null, "Missing property")]
    [InlineData("recipient", "{}", "not an array")]
    [InlineData("sent", "\"yesterday\"", "Invalid dateTime")]
    public void The_validator_sees_what_is_wrong(string member, string? value, string says)
    {
        using var folder = new TempFolder();
        new FhirFolderWay(folder["messages"]).Send(new AlertMessage("0123456789abcdef0123", "local:lab", Grade.Critical, 1, DateTimeOffset.UnixEpoch));
        var file = Assert.Single(Directory.GetFiles(folder["messages"]));
        var resource = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        resource.Remove(member);
        if (value is not null) resource.Add(member, JsonNode.Parse(value));
        File.WriteAllText(file, resource.ToJsonString());
        var (exit, output, _) = Peer.RunIn(Interop, "node", "fhir.mjs", file);
        Assert.Equal(1, exit);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }
}
