using Warehouse.Clinic.Assessments;

namespace Warehouse.Cli;

/// <summary>The assessments that a line is about: of a store that lies here, or of a server. One thread.</summary>
internal interface IAssessments
{
    /// <summary>The laboratory's settings in force.</summary>
    AssessmentSettings Settings { get; }

    /// <summary>The alleles that spellings mean.</summary>
    /// <exception cref="Warehouse.Engine.InputException">One cannot be interpreted.</exception>
    IReadOnlyList<AssessedAllele> Alleles(IReadOnlyList<string> spellings);

    /// <summary>An assessment as it is now; null when there is none of that number.</summary>
    Assessment? Get(long id);

    /// <summary>Every version, the first first; empty when there is none of that number.</summary>
    IReadOnlyList<Assessment> History(long id);

    /// <summary>Assessments, and what other laboratories say if that is asked for; as of a snapshot, of an allele.</summary>
    (IReadOnlyList<Assessment> Own, IReadOnlyList<OtherAssessment> Others) List(long? asOf, AssessedAllele? allele, bool others);

    /// <summary>Begins one.</summary>
    Assessment Begin(AssessmentContent content, long? supersedes);

    /// <summary>Changes a draft.</summary>
    Assessment Edit(long id, int version, AssessmentContent content);

    /// <summary>Hands a draft in.</summary>
    Assessment Submit(long id, int version);

    /// <summary>Sends one in review back.</summary>
    Assessment Return(long id, int version, string reason);

    /// <summary>Signs one in review.</summary>
    Assessment Sign(long id, int version, SignatureMeaning meaning, string reason);

    /// <summary>Takes one back, or gives it up.</summary>
    Assessment Retire(long id, int version, string reason);

    /// <summary>Lays settings down.</summary>
    void Set(AssessmentSettings settings);

    /// <summary>Takes in what other laboratories say.</summary>
    ImportReceipt Import(IReadOnlyList<OtherAssessment> statements);

    /// <summary>What is discordant among all that is signed, here and elsewhere, and some statements more.</summary>
    IReadOnlyList<DiscordantPair> Discordance(IReadOnlyList<ClassStatement> with);

    /// <summary>Writes lines of JSON, or a VCF; returns how many assessments these are of.</summary>
    long Export(bool isVcf, bool all, Stream output);
}
