using System.Globalization;
using System.Text;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;

namespace Warehouse.Cli;

/// <summary>Assessments of a store that lies here, in the name of its owner. The store stays the caller's. One thread.</summary>
internal sealed class LocalAssessments(VariantStore store, Func<IReadOnlyList<string>, IReadOnlyList<AssessedAllele>> resolve) : IAssessments
{
    private readonly AssessmentDesk _desk = new(store);

    public AssessmentSettings Settings => _desk.Settings;

    public IReadOnlyList<AssessedAllele> Alleles(IReadOnlyList<string> spellings) => resolve(spellings);

    public Assessment? Get(long id) => _desk.Get(id);

    public IReadOnlyList<Assessment> History(long id) => _desk.History(Engine.Owner, id);

    public (IReadOnlyList<Assessment>, IReadOnlyList<OtherAssessment>) List(long? asOf, AssessedAllele? allele, bool others)
    {
        if (asOf > store.Version) throw new InputException("unknown-snapshot", string.Create(CultureInfo.InvariantCulture, $"there is no snapshot {asOf}; the newest is {store.Version}"), InputPlace.None);
        return (_desk.List(Engine.Owner, asOf, allele), others ? _desk.Others(Engine.Owner, asOf, allele) : []);
    }

    public Assessment Begin(AssessmentContent content, long? supersedes) => _desk.Begin(Engine.Owner, content, supersedes);

    public Assessment Edit(long id, int version, AssessmentContent content) => _desk.Edit(Engine.Owner, id, version, content);

    public Assessment Submit(long id, int version) => _desk.Submit(Engine.Owner, id, version);

    public Assessment Return(long id, int version, string reason) => _desk.Return(Engine.Owner, id, version, reason);

    public Assessment Sign(long id, int version, SignatureMeaning meaning, string reason) => _desk.Sign(Engine.Owner, id, version, meaning, reason);

    public Assessment Retire(long id, int version, string reason) => _desk.Retire(Engine.Owner, id, version, reason);

    public void Set(AssessmentSettings settings) => _desk.Set(Engine.Owner, settings);

    public ImportReceipt Import(IReadOnlyList<OtherAssessment> statements) => _desk.Import(Engine.Owner, statements);

    public IReadOnlyList<DiscordantPair> Discordance(IReadOnlyList<ClassStatement> with) =>
        DiscordantPair.Find(DiscordantPair.StatementsOf(_desk.List(Engine.Owner), _desk.Others(Engine.Owner), _desk.Settings.Laboratory).Concat(with));

    public long Export(bool isVcf, bool all, Stream output)
    {
        var own = _desk.List(Engine.Owner).Where(a => all || a.State == AssessmentState.Signed).ToList();
        var others = all ? _desk.Others(Engine.Owner) : [];
        var lines = isVcf
            ? AssessmentTables.VcfLines(own.Where(a => a.State == AssessmentState.Signed), store.Assembly.Name).Select(Encoding.ASCII.GetBytes)
            : own.Select(a => OtherAssessment.Of(a, _desk.Settings.Laboratory, store.Assembly.Name)).Concat(others).Select(o => o.ToLine());
        using var buffered = new BufferedStream(output, 1 << 16);
        foreach (var line in lines)
        {
            buffered.Write(line);
            buffered.WriteByte((byte)'\n');
        }
        return own.Count + others.Count;
    }
}
