using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Warehouse.Protocol.V1;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

public sealed class DataClassTests
{
    private static IEnumerable<FieldDescriptor> Fields => typeof(Asking).Assembly.GetTypes().Select(t => t.GetProperty("Descriptor")).Where(p => p?.PropertyType == typeof(MessageDescriptor))
        .Select(p => (MessageDescriptor)p!.GetValue(null)!).Where(m => m.File.Package == "warehouse.v1").SelectMany(m => m.Fields.InDeclarationOrder());

    [Fact]
    public void Every_field_has_a_class_and_those_that_hold_others_have_none_of_their_own()
    {
        Assert.True(Fields.Count() > 150);
        Assert.Empty(Fields.Where(f => !DataClasses.IsContainer(f) && DataClasses.ClassOf(f) == DataClass.Unspecified).Select(f => f.FullName));
        Assert.Empty(Fields.Where(f => DataClasses.IsContainer(f) && DataClasses.ClassOf(f) != DataClass.Unspecified).Select(f => f.FullName));
        Assert.Empty(Fields.Where(f => DataClasses.ClassOf(f) is < 0 or > DataClass.Content).Select(f => f.FullName));
    }

    /// <summary>What an incautious edit may not make less protected.</summary>
    [Fact]
    public void Names_of_samples_genotypes_and_files_are_protected()
    {
        string[] phi = ["Carrier.sample", "Carrier.genotype", "Samples.names", "ShowCohortReply.samples", "SetCohortRequest.samples", "SetCohortRequest.where", "Batch.sheet", "FileBytes.data", "AuditSearchRequest.sample", "SeenRequest.queries", "SeenStreamRequest.vcf",
            "Alert.person", "Alert.samples", "Alert.allele", "Alert.change", "CareRow.person", "Watch.items", "AcknowledgeRequest.reason",
            "CriterionUse.evidence", "AssessmentContent.variant", "AssessmentContent.condition_name", "AssessmentContent.text", "AssessmentContent.difference_reason", "Signature.reason", "Assessment.reason", "ImportAssessmentsRequest.lines", "LookupAnnotationsRequest.variants", "SuggestRequest.variant"];
        Assert.All(phi, name => Assert.Equal(DataClass.Phi, DataClasses.ClassOf(Fields.Single(f => f.FullName == "warehouse.v1." + name))));
        Assert.All(Figures.Descriptor.Fields.InDeclarationOrder(), f => Assert.Equal(DataClass.Pseudonymous, DataClasses.ClassOf(f)));
        Assert.All(ReleasedFigures.Descriptor.Fields.InDeclarationOrder(), f => Assert.True(DataClasses.ClassOf(f) >= DataClass.Aggregate));
        Assert.All(Refusal.Descriptor.Fields.InDeclarationOrder(), f => Assert.Equal(DataClass.Public, DataClasses.ClassOf(f)));
    }

    [Fact]
    public void Fields_that_are_set_are_found_at_any_depth()
    {
        var answer = new SeenReply { Answers = { new SeenAnswer { Query = "1-1-A-C" }, new SeenAnswer { Figures = new() { NHet = 1 }, FirstSeen = new Timestamp { Seconds = 1 }, Overlapping = { "x" }, End = 0 } } };
        Assert.Equal([("answers[1].figures.n_het", DataClass.Pseudonymous), ("answers[1].first_seen", DataClass.Pseudonymous), ("answers[1].overlapping", DataClass.Pseudonymous)], DataClasses.FieldsOf(answer, DataClass.Phi, DataClass.Pseudonymous));
        Assert.Equal([("answers[0].query", DataClass.Aggregate), ("answers[1].end", DataClass.Aggregate)], DataClasses.FieldsOf(answer, DataClass.Aggregate));
        Assert.Empty(DataClasses.FieldsOf(new SeenReply { Answers = { new SeenAnswer { Released = new() { IsBanded = true } } } }, DataClass.Phi, DataClass.Pseudonymous));
        Assert.Equal([("sample", DataClass.Phi)], DataClasses.FieldsOf(new Carrier { Sample = "x" }, DataClass.Phi));
        Assert.Equal([("context.refget_accessions", DataClass.Public)], DataClasses.FieldsOf(new AnswerEnd { Context = new() { RefgetAccessions = { ["1"] = "x" } } }));
        Assert.Equal([("data", DataClass.Content)], DataClasses.FieldsOf(new Chunk { Data = ByteString.CopyFromUtf8("x") }));
    }

    [Fact]
    public void A_field_of_no_proto_counts_as_protected()
    {
        var wire = new Carrier { Sample = "x" }.ToByteArray(); // to a message that knows no field 1 of that type at that place
        Assert.Equal(DataClass.Phi, DataClasses.FieldsOf(AuditReviewRequest.Parser.ParseFrom([.. new AuditReviewRequest { Remark = "" }.ToByteArray(), 0x1A, .. wire.AsSpan(1)])).Single().Class);
    }
}
