using System.Text;
using Google.Protobuf;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>Requests about annotations and assessments. Of these each store of a pair has the same (<see cref="PairHouse.Furnish"/>): what is compared is that who carries what shows in none.</summary>
internal sealed partial class PairCalls
{
    /// <summary>What answers are annotated with: pairs without annotations are refused alike, so few of them ask.</summary>
    private string[] Joined => IsAnnotated(seed) && _dice.Next(2) == 0 ? ["panel"] : [];

    /// <summary>Whether a pair has annotations.</summary>
    public static bool IsAnnotated(int seed) => seed % 8 == 0;

    private string Spelling => questions.Spellings[_dice.Next(questions.Spellings.Count)];

    private IEnumerable<IMessage[]> Annotations(string method)
    {
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "List": return [[new V1.ListAnnotationsRequest { Asking = Asking }]];
            case "Describe": return [[new V1.DescribeAnnotationsRequest { Asking = Asking, Annotate = { _dice.Next(4) == 0 ? "panel.NOPE" : "panel" } }]];
            case "Lookup": return [[new V1.LookupAnnotationsRequest { Asking = Asking, Annotate = { "panel" }, Variants = { "1-1010-A-G", "1-1030-A-G", "X-1-A-C" } }], [new V1.LookupAnnotationsRequest { Asking = Asking, Annotate = { "panel" }, Variants = { questions.Spellings.Take(2) } }]];
            case "Search": return [[new V1.SearchAnnotationsRequest { Asking = Asking, Queries = { "left", "right", "NOGENE", "c.5A>G" } }]];
            case "Retire": return [[new V1.RetireAnnotationsRequest { Asking = Asking, Release = "panel" }]];
            default: throw Unlisted(method);
        }
    }

    private IEnumerable<IMessage[]> Assessments(string method)
    {
        var number = who.House.Numbers;
        V1.AssessmentChangeRequest Of(int which, int version, string reason = "") => new() { Asking = Asking, Id = number[which], Version = version, Reason = reason };
        V1.AssessmentContent Said(string variant) => new() { Variant = variant, Condition = "MONDO:0000002", Tier = V1.Tier.Benign, Criteria = { new V1.CriterionUse { Code = "BA1", Strength = V1.Strength.StandAlone, Evidence = "AC 9" } } };
        switch (method[(method.LastIndexOf('/') + 1)..])
        {
            case "List": return [[new V1.ListAssessmentsRequest { Asking = Asking, Others = true }], [new V1.ListAssessmentsRequest { Asking = At(V1.Detail.Record, questions.Snapshots[1]), Variant = Spelling }]];
            case "Show": return [[new V1.ShowAssessmentRequest { Asking = Asking, Id = number[_dice.Next(4)], History = true }], [new V1.ShowAssessmentRequest { Asking = Asking, Id = number[3] }], [new V1.ShowAssessmentRequest { Asking = Asking, Id = 99 }]];
            case "Draft":
                var edit = new V1.DraftAssessmentRequest { Asking = Asking, Content = Said("1-1010-A-G"), Edit = number[0], Version = 1 };
                edit.Content.Condition = "MONDO:0000001";
                return [[new V1.DraftAssessmentRequest { Asking = Asking, Content = Said(Spelling) }], [new V1.DraftAssessmentRequest { Asking = Asking, Content = Said("1-1010-A-G") }], [edit], [edit]];
            case "Submit": return [[Of(0, 2)], [Of(0, 1)]];
            case "Sign": return [[new V1.SignAssessmentRequest { Asking = Asking, Id = number[1], Version = 2, Reason = "read" }]];
            case "Return": return [[Of(2, 2, "again")]];
            case "Retire": return [[Of(3, 3, "no more")], [Of(2, 2, "no more")]];
            case "Settings": return [[new V1.AssessmentSettingsRequest { Asking = Asking }]];
            case "ChangeSettings": return [[new V1.ChangeAssessmentSettingsRequest { Asking = Asking, Settings = new V1.AssessmentSettings { LeastAlleles = 4 } }]];
            case "Suggest": return [[new V1.SuggestRequest { Asking = Asking, Variant = Spelling }], [new V1.SuggestRequest { Asking = At(V1.Detail.Aggregate), Variant = Spelling }], [new V1.SuggestRequest { Asking = Asking, Variant = "1-1010-A-G" }]];
            case "Discordance": return [[new V1.DiscordanceRequest { Asking = Asking }], [new V1.DiscordanceRequest { Asking = Asking, With = { new V1.ClassStatement { Variant = "1-1013-A-G", Source = "ClinVar", Tier = V1.Tier.Pathogenic }, new V1.ClassStatement { Variant = Spelling, Source = "ClinVar", Tier = V1.Tier.Benign } } }]];
            case "Import":
                var line = """{"schema":"warehouse.assessment/1","laboratory":"other","id":1,"version":1,"state":"draft","assembly":"ASSEMBLY","points":0,"implied":"uncertain","content":{"variant":"1-1010-A-G","condition":"MONDO:0000001","class":"uncertain"}}""";
                return [[new V1.ImportAssessmentsRequest { Asking = Asking, Lines = { ByteString.CopyFrom(line.Replace("ASSEMBLY", pairs.First.Store.Assembly.Name, StringComparison.Ordinal), Encoding.UTF8) } }], [new V1.ImportAssessmentsRequest { Asking = Asking, Lines = { ByteString.CopyFromUtf8("{}") } }]];
            case "Export": return [[new V1.ExportAssessmentsRequest { Asking = Asking, All = true, Form = (V1.AssessmentExportForm)_dice.Next(3) }]];
            default: throw Unlisted(method);
        }
    }
}
