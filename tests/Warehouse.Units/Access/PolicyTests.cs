using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Engine.Storage;
using Xunit;
using static Warehouse.Units.Access.PolicyStore;

namespace Warehouse.Units.Access;

/// <summary>The policy of a store, end to end: who changes it, what a session then sees, and when that begins and ends.</summary>
public sealed class PolicyTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Nothing_is_visible_before_it_is_granted_and_approved_and_each_level_and_purpose_is_granted_for_itself()
    {
        using var store = new PolicyStore();
        var ann = Person("ann");
        Assert.Equal("not-granted", store.Sees(ann));
        var id = store.Store.Grant(Steward, For("ann"));
        Assert.Equal("not-granted", store.Sees(ann));
        store.Store.Approve(Director, id);
        Assert.Equal("12345", store.Sees(ann)); // S6 was withdrawn
        foreach (var other in (Detail[])[Detail.Exists, Detail.Aggregate, Detail.Linkage]) Assert.Equal("not-granted", store.Sees(ann, detail: other));
        Assert.Equal("not-granted", store.Sees(ann, Purpose.Treatment));
        Assert.Equal("not-granted", store.Sees(Person("ben")));
        store.Store.Revoke(OtherSteward, id);
        Assert.Equal("not-granted", store.Sees(ann));
    }

    [Fact]
    public void A_refused_caller_does_not_learn_whether_a_snapshot_exists()
    {
        using var store = new PolicyStore();
        Assert.Equal("not-granted", store.Sees(Person("ben"), snapshot: 1));
        Assert.Equal("not-granted", store.Sees(Person("ben"), snapshot: 999));
    }

    [Fact]
    public void Cohorts_are_granted_as_they_are_now_whatever_snapshot_is_asked()
    {
        using var store = new PolicyStore();
        store.Store.SetCohort("heart", ["S1", "S3"], null);
        var id = store.Grant(For("ann") with { AllSamples = false, Cohort = "heart" });
        store.Grant(For("ben") with { AllSamples = false, Samples = ["S4"] });
        Assert.Equal(("13", "4"), (store.Sees(Person("ann")), store.Sees(Person("ben"))));
        store.Store.SetCohort("heart", ["S3", "S5"], null);
        Assert.Equal(("35", "35"), (store.Sees(Person("ann")), store.Sees(Person("ann"), snapshot: 2)));
        var before = store.Store.Version;
        store.Store.Revoke(Director, id);
        Assert.Equal(("not-granted", "not-granted"), (store.Sees(Person("ann")), store.Sees(Person("ann"), snapshot: before)));
        Assert.Equal("unknown-cohort", RuleOf(() => store.Store.Grant(Steward, For("ann") with { AllSamples = false, Cohort = "nobody" })));
        Assert.Equal("unknown-sample", RuleOf(() => store.Store.Grant(Steward, For("ann") with { AllSamples = false, Samples = ["S6"] })));
    }

    /// <summary>F68: what comes new is in no grant but one of all samples.</summary>
    [Fact]
    public void A_new_sample_and_a_new_cohort_are_seen_by_nobody_to_whom_they_are_not_granted()
    {
        using var store = new PolicyStore();
        store.Store.SetCohort("heart", ["S1"], null);
        store.Grant(For("ann") with { AllSamples = false, Cohort = "heart" });
        store.Grant(For("ben") with { AllSamples = false, Samples = ["S4"] });
        store.Grant(For("cid"));
        store.Load("S7");
        store.Store.SetCohort("new", ["S2", "S7"], null);
        Assert.Equal(("1", "4", "123457"), (store.Sees(Person("ann")), store.Sees(Person("ben")), store.Sees(Person("cid"))));
    }

    [Fact]
    public void Scopes_that_see_other_samples_or_answer_at_other_levels_have_other_digests()
    {
        using var store = new PolicyStore();
        store.Grant(For("ann") with { Details = [Detail.Record, Detail.Aggregate] });
        store.Grant(For("ben") with { AllSamples = false, Samples = ["S4"] });
        store.Grant(For("cid"));
        string Digest(string name, Detail detail = Detail.Record)
        {
            using var session = store.Ask(Person(name), detail: detail);
            _ = session.Frequencies(new FrequencyRequest()).Count();
            Assert.Equal((detail, store.Store.Policy().Version), (session.Detail, session.PolicyVersion));
            return session.AnsweredFrom!.ScopeDigest;
        }
        Assert.Equal(3, new HashSet<string> { Digest("ann"), Digest("ann", Detail.Aggregate), Digest("ben") }.Count);
        Assert.Equal(Digest("ann"), Digest("cid"));
    }

    [Fact]
    public void Grants_hold_from_their_first_second_to_the_last_before_their_end()
    {
        using var store = new PolicyStore();
        var (from, until) = (store.Clock.Now.AddDays(2), store.Clock.Now.AddDays(30));
        store.Grant(For("ann") with { FromUtc = from, UntilUtc = until });
        Steps(store, Person("ann"), Purpose.Operations, (from - Second, "not-granted"), (from, "12345"), (until - Second, "12345"), (until, "not-granted"));
    }

    [Fact]
    public void A_grant_that_nobody_attested_for_90_days_is_suspended_and_an_attestation_brings_it_back()
    {
        using var store = new PolicyStore();
        var id = store.Store.Grant(Steward, For("ann"));
        store.Clock.Now += TimeSpan.FromDays(3);
        store.Store.Approve(Director, id);
        var lapse = store.Clock.Now.AddDays(90);
        Steps(store, Person("ann"), Purpose.Operations, (lapse - Second, "12345"), (lapse, "not-granted"), (lapse.AddDays(1), "not-granted"));
        Assert.Equal(EntryState.Suspended, store.Store.Policy().StateOf(store.Store.Policy().Entries[id - 1], store.Store.NowUtc));
        store.Store.Attest(OtherSteward, [id]);
        Assert.Equal("12345", store.Sees(Person("ann")));
        lapse = store.Clock.Now.AddDays(90);
        Steps(store, Person("ann"), Purpose.Operations, (lapse - Second, "12345"), (lapse, "not-granted"));
    }

    [Fact]
    public void An_elevation_needs_another_principal_and_ends_by_itself_after_8_hours_at_most()
    {
        using var store = new PolicyStore();
        var ann = AccessActor.Of(Person("ann"));
        var end = store.Clock.Now.AddHours(8);
        Assert.Equal("grant-lifetime", RuleOf(() => store.Store.Elevate(ann, For("ann") with { UntilUtc = end + Second })));
        Assert.Equal("second-person", RuleOf(() => store.Store.Elevate(ann, For("ben"))));
        Assert.Equal("second-factor", RuleOf(() => store.Store.Elevate(AccessActor.Of(Person("ann", secondFactor: false)), For("ann"))));
        Assert.Equal("blind-role", RuleOf(() => store.Store.Elevate(Steward, For("steward"))));
        Assert.Equal("grant-reason", RuleOf(() => store.Store.Elevate(ann, For("ann") with { Reason = "" })));
        foreach (var nobody in (GrantRequest[])[For("ann") with { AllSamples = false, Cohort = "nobody" }, For("ann") with { AllSamples = false, Samples = ["S6", "nobody"] }])
        {
            // Who asks does not learn who is there (I4); who approves does.
            var none = store.Store.Elevate(ann, nobody);
            Assert.Equal("grant-target", RuleOf(() => store.Store.Approve(Director, none)));
        }
        Assert.Equal("unknown-cohort", RuleOf(() => store.Store.Elevate(ann, For("ann") with { AllSamples = false, Cohort = "no name" })));
        Assert.Equal("unknown-sample", RuleOf(() => store.Store.Elevate(Owner, For("ann") with { AllSamples = false, Samples = ["nobody"] })));
        var id = store.Store.Elevate(ann, For("ann"));
        Assert.Equal("not-granted", store.Sees(Person("ann")));
        Assert.Equal("role", RuleOf(() => store.Store.Approve(ann, id)));
        store.Clock.Now += TimeSpan.FromHours(2);
        store.Store.Approve(Director, id);
        Steps(store, Person("ann"), Purpose.Operations, (store.Clock.Now, "12345"), (end - Second, "12345"), (end, "not-granted"));

        var director = AccessActor.Of(Person("director"));
        Assert.Equal("second-person", RuleOf(() => store.Store.Approve(director, store.Store.Elevate(director, For("director")))));
        var late = store.Store.Elevate(ann, For("ann"));
        store.Clock.Now += TimeSpan.FromHours(8);
        Assert.Equal("not-awaiting", RuleOf(() => store.Store.Approve(Director, late)));
    }

    [Fact]
    public void Broken_glass_opens_one_patient_for_an_hour_to_whoever_shows_a_second_factor_and_waits_for_review()
    {
        using var store = new PolicyStore();
        store.Store.Approve(Director, store.Store.Assign(Steward, Of("cli"), Role.Clinician));
        var (clinician, request) = (AccessActor.Of(Person("cli")), new BreakGlassRequest { Samples = ["S1"], Reason = "found unconscious" });
        Assert.Equal("second-factor", RuleOf(() => store.Store.BreakGlass(AccessActor.Of(Person("cli", secondFactor: false)), request)));
        Assert.Equal("role", RuleOf(() => store.Store.BreakGlass(AccessActor.Of(Person("ann")), request)));
        Assert.Equal("one-patient", RuleOf(() => store.Store.BreakGlass(clinician, request with { Samples = ["S1", "S3"] })));
        Assert.Equal("grant-reason", RuleOf(() => store.Store.BreakGlass(clinician, request with { Reason = " " })));
        Assert.Equal("grant-lifetime", RuleOf(() => store.Store.BreakGlass(clinician, request with { Lasts = TimeSpan.FromMinutes(60) + Second })));
        var id = store.Store.BreakGlass(clinician, request);
        var end = store.Clock.Now.AddMinutes(60);
        Assert.Equal("12", store.Sees(Person("cli"), Purpose.Treatment)); // both samples of the person
        Assert.Equal("not-granted", store.Sees(Person("cli", secondFactor: false), Purpose.Treatment));
        Assert.Equal("not-granted", store.Sees(Person("cli")));
        Steps(store, Person("cli"), Purpose.Treatment, (end - Second, "12"), (end, "not-granted"));

        Assert.Equal([id], store.Store.Policy().Unreviewed.Select(g => g.Id));
        Assert.Equal("role", RuleOf(() => store.Store.ReviewBreakGlass(clinician, id)));
        store.Store.ReviewBreakGlass(Auditor, id);
        Assert.Empty(store.Store.Policy().Unreviewed);
        Assert.Equal("not-in-force", RuleOf(() => store.Store.ReviewBreakGlass(Director, id)));
    }

    /// <summary>F87: whoever left a break-glass without its review cannot break the glass again; others can.</summary>
    [Fact]
    public void A_review_that_is_overdue_blocks_further_use_by_the_same_person()
    {
        using var store = new PolicyStore();
        foreach (var name in (string[])["cli", "doc"]) store.Store.Approve(Director, store.Store.Assign(Steward, Of(name), Role.Clinician));
        var (clinician, other, request) = (AccessActor.Of(Person("cli")), AccessActor.Of(Person("doc")), new BreakGlassRequest { Samples = ["S1"], Reason = "found unconscious" });
        var id = store.Store.BreakGlass(clinician, request);
        store.Store.ReviewBreakGlass(Auditor, store.Store.BreakGlass(other, request));
        store.Clock.Now = store.Store.Policy().Grants.Single(g => g.Id == id).Made.Utc + PolicySettings.ReviewWithin - Second;
        store.Store.BreakGlass(clinician, request);
        store.Clock.Now += Second;
        Assert.Equal("review-overdue", RuleOf(() => store.Store.BreakGlass(clinician, request)));
        Assert.Equal("review-overdue", RuleOf(() => store.Store.BreakGlass(AccessActor.Owner("somebody"), request with { Subject = Of("cli") })));
        store.Store.BreakGlass(other, request);
        store.Store.ReviewBreakGlass(Auditor, id);
        store.Store.BreakGlass(clinician, request);
    }

    [Fact]
    public void Operators_stewards_and_auditors_see_nothing_whatever_is_granted_to_them()
    {
        using var store = new PolicyStore();
        store.Grant(For("ann"));
        store.Grant(For("auditor"));
        Assert.Equal("blind-role", store.Sees(Person("auditor")));
        foreach (var role in (Role[])[Role.DataSteward, Role.Auditor, Role.Operator])
        {
            Assert.Equal("blind-role", store.Sees(Person("ann") with { Roles = new HashSet<Role> { role, Role.Analyst } }));
            var id = store.Store.Assign(Steward, Of("ann"), role);
            Assert.Equal("12345", store.Sees(Person("ann")));
            store.Store.Approve(Director, id);
            Assert.Equal("blind-role", store.Sees(Person("ann")));
            Assert.Equal("second-person", RuleOf(() => store.Store.Revoke(AccessActor.Of(Person("ann")), id)));
            store.Store.Unassign(Director, Of("ann"), role);
            Assert.Equal("12345", store.Sees(Person("ann")));
        }
    }

    [Fact]
    public void Research_is_on_behalf_of_a_project_of_which_one_is_a_member_and_sees_whose_consent_permits_it()
    {
        using var store = new PolicyStore();
        store.Grant(For("ann") with { Purposes = [Purpose.Research] });
        store.Grant(For("ben") with { Purposes = [Purpose.Research, Purpose.Treatment] });
        Assert.Equal("project", store.Sees(Person("ann"), Purpose.Research));
        Assert.Equal("project", store.Sees(Person("ann"), Purpose.Research, project: "hearts"));
        var request = new ProjectRequest { Name = "hearts", Members = [Of("ann")], Use = new RegisteredUse { Kind = ResearchKind.Biomedical } };
        var id = store.Store.Register(Steward, request);
        Assert.Equal("project", store.Sees(Person("ann"), Purpose.Research, project: "hearts"));
        store.Store.Approve(Director, id);
        Assert.Equal("123", store.Sees(Person("ann"), Purpose.Research, project: "hearts"));
        Assert.Equal("project", store.Sees(Person("ben"), Purpose.Research, project: "hearts"));
        Assert.Equal("12345", store.Sees(Person("ben"), Purpose.Treatment));
        Assert.Equal("project", store.Sees(Person("ben"), Purpose.Treatment, project: "hearts"));
        // The next one takes its place when it is approved; when it is revoked, the old one does not come back.
        var next = store.Store.Register(Steward, request with { Use = new RegisteredUse { Kind = ResearchKind.Ancestry } });
        Assert.Equal("123", store.Sees(Person("ann"), Purpose.Research, project: "hearts"));
        store.Store.Approve(Director, next);
        Assert.Equal("124", store.Sees(Person("ann"), Purpose.Research, project: "hearts"));
        store.Store.Revoke(Director, next);
        Assert.Equal("project", store.Sees(Person("ann"), Purpose.Research, project: "hearts"));
        Assert.Equal("project-use", RuleOf(() => store.Store.Register(Steward, request with { Use = new RegisteredUse { Kind = ResearchKind.Disease } })));
        Assert.Equal("project-use", RuleOf(() => store.Store.Register(Steward, request with { Use = new RegisteredUse { Kind = ResearchKind.General, Modifiers = ["DUO:0000025=2026-01-01"] } })));
    }

    [Fact]
    public void Every_change_needs_its_role_a_second_factor_and_where_it_approves_another_person()
    {
        using var store = new PolicyStore();
        var id = store.Store.Grant(Steward, For("ann"));
        (string Change, Action<AccessActor> Do, string Allowed)[] table =
        [
            ("grant", a => store.Store.Grant(a, For("x")), "steward"),
            ("assign", a => store.Store.Assign(a, Of("x"), Role.Analyst), "steward"),
            ("register", a => store.Store.Register(a, new ProjectRequest { Name = "p", Members = [Of("x")], Use = new RegisteredUse { Kind = ResearchKind.General } }), "steward"),
            ("set", a => store.Store.Set(a, new SettingsRequest { K = 12 }), "steward"),
            ("epoch", a => store.Store.OpenEpoch(a, store.Store.Version), "steward"),
            ("approve", a => store.Store.Approve(a, store.Store.Grant(OtherSteward, For("x"))), "steward director"),
            ("revoke", a => store.Store.Revoke(a, store.Store.Grant(OtherSteward, For("x"))), "steward director"),
            ("attest", a => store.Store.Attest(a, [store.Grant(For("x"))]), "steward director"),
        ];
        foreach (var (change, act, allowed) in table)
            foreach (var name in (string[])["steward", "director", "auditor", "nobody"])
            {
                var expected = allowed.Split(' ').Contains(name) ? "done" : "role";
                Assert.Equal((change, name, expected), (change, name, RuleOf(() => act(AccessActor.Of(Person(name))))));
                Assert.Equal((change, name, expected == "done" ? "second-factor" : "role"), (change, name, RuleOf(() => act(AccessActor.Of(Person(name, secondFactor: false))))));
            }
        Assert.Equal("second-person", RuleOf(() => store.Store.Approve(Steward, id)));
        Assert.Equal("second-person", RuleOf(() => store.Store.Approve(Director, store.Store.Grant(Steward, For("director")))));
        Assert.Equal("second-person", RuleOf(() => store.Store.Attest(Director, [store.GrantByStewards(For("director"))])));
        Assert.Equal("unknown-entry", RuleOf(() => store.Store.Approve(Director, 10_000)));
    }

    [Fact]
    public void The_owner_approves_his_own_only_while_nobody_else_could_and_the_entry_says_so()
    {
        using var store = new PolicyStore();
        var first = store.Store.Policy().Entries[0];
        Assert.True(first.IsBootstrap && first.Made.By == "local:root" && first.Approved!.Value.By == "local:root");
        Assert.All(store.Store.Policy().Entries.Skip(1), e => Assert.False(e.IsBootstrap));
        Assert.Equal("second-person", RuleOf(() => store.Store.Approve(Owner, store.Store.Grant(Owner, For("ann")))));
        Assert.Equal("done", RuleOf(() => store.Store.Approve(Owner, store.Store.Grant(Steward, For("ann")))));
    }

    [Fact]
    public void Settings_are_approved_and_bounded_and_never_come_back()
    {
        using var store = new PolicyStore();
        Assert.Equal((11, 100), (store.Store.Policy().Settings.K, store.Store.Policy().Settings.MinCohort));
        foreach (var bad in (SettingsRequest[])[new() { K = 10 }, new() { MinCohort = 10 }, new() { K = 200 }, new() { MaxElevationMinutes = 481 }, new() { MaxBreakGlassMinutes = 61 }, new() { MaxGrantDays = 0 }])
            Assert.StartsWith("settings-", RuleOf(() => store.Store.Set(Steward, bad)));
        var id = store.Store.Set(Steward, new SettingsRequest { K = 20, MaxGrantDays = 10 });
        Assert.Equal(11, store.Store.Policy().Settings.K);
        store.Store.Approve(Director, id);
        Assert.Equal(20, store.Store.Policy().Settings.K);
        Assert.Equal("settings-revoke", RuleOf(() => store.Store.Revoke(Director, id)));
        Assert.Equal("grant-lifetime", RuleOf(() => store.Store.Grant(Steward, For("ann") with { UntilUtc = store.Clock.Now.AddDays(10) + Second })));
        store.Store.Approve(Director, store.Store.Grant(Steward, For("ann")));
        Assert.Equal("12345", store.Sees(Person("ann")));
    }

    [Fact]
    public void A_clock_that_is_set_back_revives_nothing_that_was_over_at_the_last_commit()
    {
        using var store = new PolicyStore();
        var until = store.Clock.Now.AddDays(5);
        store.Grant(For("ann") with { UntilUtc = until });
        store.Clock.Now = until;
        store.Store.SetCohort("any", ["S1"], null); // a commit: the store has seen this moment
        store.Clock.Now = until.AddDays(-4);
        Assert.Equal("not-granted", store.Sees(Person("ann")));
    }

    [Fact]
    public void A_running_session_is_no_longer_granted_when_its_grant_is_revoked_or_over_or_its_cohort_loses_a_member()
    {
        using var store = new PolicyStore();
        store.Store.SetCohort("heart", ["S1", "S3"], null);
        var id = store.Grant(For("ann") with { AllSamples = false, Cohort = "heart", UntilUtc = store.Clock.Now.AddDays(1) });
        using var session = store.Ask(Person("ann"));
        Assert.Equal(store.Clock.Now.AddDays(1), session.ValidUntilUtc);
        store.Store.SetCohort("heart", ["S1", "S3", "S4"], null);
        Assert.True(store.Store.StillGrants(session));
        store.Store.SetCohort("heart", ["S3", "S4"], null);
        Assert.False(store.Store.StillGrants(session));
        store.Store.SetCohort("heart", ["S1", "S3"], null);
        store.Clock.Now = session.ValidUntilUtc - Second;
        Assert.True(store.Store.StillGrants(session));
        store.Clock.Now = session.ValidUntilUtc;
        Assert.False(store.Store.StillGrants(session));
        store.Clock.Now -= Second;
        store.Store.Revoke(Director, id);
        Assert.False(store.Store.StillGrants(session));
        using var owner = store.Store.OpenSession();
        Assert.True(store.Store.StillGrants(owner));
    }

    [Fact]
    public void History_and_epochs_are_there_when_the_store_is_opened_again_and_other_commits_carry_them_over()
    {
        using var store = new PolicyStore();
        var id = store.Grant(For("ann"));
        store.Store.Attest(Steward, [id]);
        var epoch = store.Store.OpenEpoch(Steward, store.Store.Version);
        Assert.Equal("epoch-snapshot", RuleOf(() => store.Store.OpenEpoch(Steward, 1)));
        store.Store.Revoke(Director, id);
        store.Store.SetCohort("any", ["S1"], null);
        var expected = PolicyCodec.Encode(store.Store.Policy());
        using var again = store.Reopen();
        Assert.Equal(expected, PolicyCodec.Encode(again.Policy()));
        var grant = Assert.IsType<Grant>(again.Policy().Entries[id - 1]);
        Assert.Equal((Steward.Id, Director.Id, Director.Id, Steward.Id, 1), (grant.Made.By, grant.Approved!.Value.By, grant.Ended!.Value.By, grant.Attested.Single().By, epoch));
        Assert.Equal(again.Version - 1, again.Policy().Version);
    }

    /// <summary>Whose data figures of few are goes by the policy's k for the owner too; and where nobody can read that, by the least.</summary>
    [Fact]
    public void Few_are_as_many_as_the_policy_says_for_the_owner_too()
    {
        using var store = new PolicyStore();
        foreach (var number in Enumerable.Range(7, 10)) store.Load($"S{number}");
        Assert.Equal(0, Shown(store.Store)); // 15 samples
        var set = store.Store.Set(Steward, new SettingsRequest { K = 20, MinCohort = 20 });
        Assert.Equal(0, Shown(store.Store));
        store.Store.Approve(Director, set);
        Assert.Equal(15, Shown(store.Store));
        store.Grant(For("ann"));
        store.Damage();
        using var again = store.Reopen();
        Assert.Equal(0, Shown(again));
        Assert.Throws<DamagedStoreException>(() => again.OpenSession(new SessionOptions { Caller = Person("ann") }));

        static int Shown(VariantStore of)
        {
            var shown = new HashSet<string>();
            using var session = of.OpenSession(new SessionOptions { Shown = s => shown.Add(s) });
            Assert.Equal(15, session.Frequencies(new FrequencyRequest { Rules = new CountRules { PerSample = true }, Variants = ["1-100-A-G"] }).First().Figures.NSamples);
            return shown.Count;
        }
    }

    /// <summary>What a caller sees at moments in order.</summary>
    private static void Steps(PolicyStore store, Caller caller, Purpose purpose, params (DateTimeOffset Now, string Sees)[] steps)
    {
        foreach (var (now, sees) in steps)
        {
            store.Clock.Now = now;
            Assert.Equal((now, sees), (now, store.Sees(caller, purpose)));
        }
    }
}
