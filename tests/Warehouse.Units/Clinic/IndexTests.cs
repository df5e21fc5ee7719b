using Warehouse.Clinic.Assessments;
using Warehouse.Engine.Events;
using Warehouse.Engine.Storage;
using Warehouse.Units.Events;
using Xunit;

namespace Warehouse.Units.Clinic;

/// <summary>The index of the event log: what it finds is what a reading of all finds, with it, behind it, without it, and when it was made by another version.</summary>
public sealed class IndexTests
{
    private const string File = "e/index-assess";

    [Fact]
    public void An_index_that_is_made_deleted_made_again_or_of_another_version_changes_no_answer()
    {
        using var sim = new SimDesk();
        var chance = new Random(11);
        for (var i = 0; i < 40; i++)
        {
            var content = SimDesk.Content($"1-{1 + chance.Next(9)}-A-C", $"MONDO:000000{chance.Next(2)}");
            var before = sim.Desk.SignedOf(SimDesk.Owner, content.Allele).FirstOrDefault(a => a.Content.ConditionId == content.ConditionId);
            sim.Signed(content, before?.Id);
            if (i == 20) sim.Desk.Set(SimDesk.Director, new AssessmentSettings { Laboratory = "x" });
            if (i == 25) sim.Store.Events.SaveIndex(AssessmentEvent.Index);
        }
        Check(sim, "an index and events behind it");
        sim.Store.Events.SaveIndex(AssessmentEvent.Index);
        Assert.Equal(0, sim.Store.Events.BehindIndex(AssessmentEvent.Index));
        Check(sim, "an index of all");
        sim.Sim.Store.Poke(File, null);
        Assert.Equal(121, sim.Store.Events.BehindIndex(AssessmentEvent.Index));
        Check(sim, "no index");
        sim.Store.Events.SaveIndex(AssessmentEvent.Index with { Version = 9, SubjectsOf = _ => ["nothing"] });
        Check(sim, "an index of another version");
        sim.Store.Events.SaveIndex(AssessmentEvent.Index);
        Check(sim, "an index that was made again");
        Assert.Empty(EventVerifier.Verify(sim.Sim.Store, sim.Sim.Keys, CancellationToken.None));
        Assert.DoesNotContain("MONDO", System.Text.Encoding.Latin1.GetString(sim.Sim.Store.Peek(File)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_index_or_one_of_another_history_is_an_error_and_can_be_deleted()
    {
        using var sim = new SimDesk();
        sim.Signed(SimDesk.Content());
        sim.Store.Events.SaveIndex(AssessmentEvent.Index);
        var whole = sim.Sim.Store.Peek(File);
        for (var bit = 0; bit < whole.Length * 8; bit += 97)
        {
            sim.Sim.Store.Poke(File, whole);
            sim.Sim.Store.Flip(File, bit);
            Assert.Throws<DamagedStoreException>(() => Indexed(sim).Get(1));
            Assert.NotEmpty(EventVerifier.Verify(sim.Sim.Store, sim.Sim.Keys, CancellationToken.None));
        }
        sim.Sim.Store.Poke(File, null);
        Assert.Equal(3, Indexed(sim).Get(1)!.Version);
        var events = SimEvents.With(3);
        using var log = events.Open();
        log.SaveIndex(new EventIndexRule("a", 1, e => [e.Kind]));
        events.Store.Poke("e/index-b", events.Store.Peek("e/index-a"));
        Assert.Throws<DamagedStoreException>(() => log.Find(new EventIndexRule("b", 1, e => [e.Kind]), ["test/number"]));
        Assert.Equal(6, log.Find(new EventIndexRule("a", 1, e => [e.Kind]), ["test/number"]).Count);
    }

    private static void Check(SimDesk sim, string what)
    {
        var (all, indexed) = (new AssessmentDesk(sim.Store) { IndexFrom = long.MaxValue }, Indexed(sim));
        foreach (var one in all.List(SimDesk.Owner))
        {
            var allele = one.Content.Allele;
            Assert.True(Text(all.List(SimDesk.Owner, null, allele)) == Text(indexed.List(SimDesk.Owner, null, allele)), what);
            Assert.True(Text(all.History(SimDesk.Owner, one.Id)) == Text(indexed.History(SimDesk.Owner, one.Id)), what);
            Assert.True(Text([all.Get(one.Id)!]) == Text([indexed.Get(one.Id)!]), what);
        }
        Assert.Null(indexed.Get(1_000_000));
        Assert.Empty(indexed.List(SimDesk.Owner, null, AssessedAllele.Parse("9-9-A-C")));
        Assert.Equal(all.Settings, indexed.Settings);
    }

    private static AssessmentDesk Indexed(SimDesk sim) => new(sim.Store) { IndexFrom = 0 };

    private static string Text(IReadOnlyList<Assessment> some) => string.Join('\n', some.Select(a => $"{a.Id} {a.Version} {a.State} {a.SupersededBy} {a.Supersedes} {a.Signature} {string.Join(',', a.Authors)} {AssessmentBook.DigestOf(a.Content)}"));
}
