using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Xunit;

namespace Warehouse.Units.Clinic;

/// <summary>The life cycle of assessments against a small model, written from its description and not from the code.</summary>
public sealed class LifeCycleTests
{
    private static readonly string[] Variants = ["1-100-A-C", "2-200-G-T"];
    private static readonly string[] Conditions = ["MONDO:0000001", "MONDO:0000002"];

    private static readonly AccessActor[] People =
    [
        SimDesk.Owner, SimDesk.Analyst, SimDesk.Second, SimDesk.Reviewer, SimDesk.WithoutFactor(SimDesk.Actor("hasty", Role.Reviewer)), SimDesk.Director, SimDesk.Clinician,
        SimDesk.Actor("steward", Role.DataSteward, Role.LabDirector), SimDesk.Actor("nobody"),
    ];

    private static readonly AccessActor[] Able = [SimDesk.Analyst, SimDesk.Reviewer, SimDesk.Director];

    [Fact]
    public void Random_work_has_the_outcomes_of_the_model_and_a_desk_that_reads_all_anew_agrees()
    {
        var seed = Environment.TickCount;
        var chance = new Random(seed);
        using var sim = new SimDesk();
        var model = new Model();
        var outcomes = new Dictionary<string, int>();
        for (var step = 0; step < 2500; step++)
        {
            // Half of the time somebody who may, so that much is done; the other half anybody.
            var verb = chance.Next(7);
            var actor = chance.Next(2) == 0 ? People[chance.Next(People.Length)] : verb is 4 or 5 or 6 ? Able[chance.Next(1, 3)] : Able[chance.Next(3)];
            var (id, version) = Choose(model, chance);
            var place = (Variants[chance.Next(2)], Conditions[chance.Next(2)]);
            long? supersedes = chance.Next(2) == 0 ? model.Signed(place)?.Id : chance.Next(4) == 0 ? id : null;
            var content = SimDesk.Content(place.Item1, place.Item2, text: $"{step}");
            var expected = model.Do(verb, actor, (id, version), (place, supersedes));
            var found = Try(() => verb switch
            {
                0 => sim.Desk.Begin(actor, content, supersedes),
                1 => sim.Desk.Edit(actor, id, version, content),
                2 or 3 => sim.Desk.Submit(actor, id, version),
                4 => sim.Desk.Return(actor, id, version, "not yet"),
                5 => sim.Desk.Sign(actor, id, version, SignatureMeaning.Approved, "yes"),
                _ => sim.Desk.Retire(actor, id, version, "no more"),
            }, out var made);
            Assert.True(expected == found, $"seed {seed}, step {step}: {actor.Id} does {verb} to {id} at {version}: {found}, the model says {expected}");
            outcomes[found] = outcomes.GetValueOrDefault(found) + 1;
            if (made is not null && expected == "ok") model.Note(made.Id);
        }
        foreach (var outcome in (string[])["ok", "role", "blind-role", "second-factor", "second-person", "assess-unknown", "assess-conflict", "assess-state", "assess-exists", "assess-supersedes", "assess-place"])
            Assert.True(outcomes.ContainsKey(outcome), $"seed {seed}: never {outcome}");
        foreach (var desk in (AssessmentDesk[])[sim.Desk, new AssessmentDesk(sim.Store)])
        {
            var all = desk.List(SimDesk.Director).OrderBy(a => a.Id).Select(a => (a.Id, a.Version, a.State, a.SupersededBy, IsSigned: a.Signature is not null)).ToList();
            Assert.Equal(model.All.OrderBy(m => m.Id).Select(m => (m.Id, m.Version, m.State, m.SupersededBy, m.WasSigned)), all);
            foreach (var one in all) Assert.Equal(Enumerable.Range(1, one.Version), desk.History(SimDesk.Director, one.Id).Select(h => h.Version));
        }
    }

    private static (long Id, int Version) Choose(Model model, Random chance)
    {
        if (model.All.Count == 0 || chance.Next(30) == 0) return (1_000_000, 1);
        // The newest are those that something can be done to.
        var one = model.All[^(1 + chance.Next(Math.Min(5, model.All.Count)))];
        return (one.Id, chance.Next(6) == 0 ? one.Version + 1 - 2 * chance.Next(2) : one.Version);
    }

    private static string Try(Func<Assessment> act, out Assessment? made)
    {
        made = null;
        try
        {
            made = act();
            return "ok";
        }
        catch (InputException e)
        {
            return e.Code;
        }
        catch (AccessRefusedException e)
        {
            return e.Rule;
        }
    }

    private sealed class Item
    {
        internal long Id;
        internal int Version = 1;
        internal AssessmentState State;
        internal (string, string) Place;
        internal long? Supersedes, SupersededBy;
        internal bool WasSigned;
        internal HashSet<string> Authors = [];
    }

    private sealed class Model
    {
        private Item? _begun;

        internal List<Item> All { get; } = [];

        internal Item? Signed((string, string) place) => All.Find(i => i.Place == place && i.State == AssessmentState.Signed);

        internal void Note(long id)
        {
            if (_begun is { } begun) begun.Id = id;
            _begun = null;
        }

        internal string Do(int verb, AccessActor actor, (long Id, int Version) which, ((string, string) Place, long? Supersedes) asked)
        {
            _begun = null;
            var item = All.Find(i => i.Id == which.Id);
            var isSigning = verb is 4 or 5 || (verb == 6 && item?.State == AssessmentState.Signed);
            if (actor.Caller is { } caller)
            {
                if (caller.Roles.Contains(Role.DataSteward)) return "blind-role";
                if (!caller.Roles.Any(r => r is Role.Reviewer or Role.LabDirector || (!isSigning && r == Role.Analyst))) return "role";
                if (!caller.HasSecondFactor && isSigning && verb != 4) return "second-factor";
            }
            if (verb == 0) return Begin(actor, asked.Place, asked.Supersedes);
            if (item is null) return "assess-unknown";
            if (item.Version != which.Version) return "assess-conflict";
            var needed = verb switch { 1 or 2 or 3 => item.State == AssessmentState.Draft, 4 or 5 => item.State == AssessmentState.InReview, _ => item.State is not (AssessmentState.Superseded or AssessmentState.Retired) };
            if (!needed) return "assess-state";
            if (verb == 1 && item.Place != asked.Place) return "assess-place";
            if (verb == 5 && item.Authors.Contains(actor.Id) && actor.Caller is not null) return "second-person";
            if (verb == 5 && Signed(item.Place)?.Id != item.Supersedes) return "assess-supersedes";
            Change(item, verb, actor);
            return "ok";
        }

        private string Begin(AccessActor actor, (string, string) place, long? supersedes)
        {
            if (All.Exists(i => i.Place == place && i.State is AssessmentState.Draft or AssessmentState.InReview)) return "assess-exists";
            if (Signed(place)?.Id != supersedes) return "assess-supersedes";
            All.Add(_begun = new Item { Place = place, Supersedes = supersedes, Authors = [actor.Id] });
            return "ok";
        }

        private void Change(Item item, int verb, AccessActor actor)
        {
            item.Version++;
            switch (verb)
            {
                case 1: item.Authors.Add(actor.Id); break;
                case 2 or 3: item.State = AssessmentState.InReview; break;
                case 4: item.State = AssessmentState.Draft; break;
                case 5:
                    item.State = AssessmentState.Signed;
                    item.WasSigned = true;
                    if (All.Find(i => i.Id == item.Supersedes) is { } old) (old.State, old.SupersededBy, old.Version) = (AssessmentState.Superseded, item.Id, old.Version + 1);
                    break;
                default: item.State = AssessmentState.Retired; break;
            }
        }
    }
}
