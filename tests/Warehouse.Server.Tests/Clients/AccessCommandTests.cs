using Warehouse.Cli;
using Warehouse.Engine.Access;
using Xunit;
using static Warehouse.Server.Tests.Clients.ServedCommands;

namespace Warehouse.Server.Tests.Clients;

/// <summary><c>access</c> and <c>audit</c> with a server in the place of the store: each does what he may in his own name, without the store's folder or its keys; whoever may see everything is printed the same bytes.</summary>
public sealed class AccessCommandTests
{
    private const string Anna = "oidc:https://id.example|anna", Ben = "oidc:https://id.example|ben";

    [Fact]
    public async Task A_policy_is_changed_by_several_people_at_a_server_as_by_the_owner_of_a_store()
    {
        await using var served = await ServedStore.StartAsync(samples: 24, variants: 100);
        await using var other = await ServedStore.StartAsync(samples: 24, variants: 100);
        foreach (var one in (ServedStore[])[served, other])
        {
            await one.Server.Rounds.DisposeAsync(); // no version but those that are made here
            one.Owner((store, _) => store.SetCohort("few", ["S000001", "S000002"], null));
        }
        var (steward, director, clinician) = (Person(served, "steward", Role.DataSteward), Person(served, "director", Role.LabDirector), Person(served, "clinician", Role.Clinician));
        var (auditor, analyst) = (Person(served, "auditor", Role.Auditor), Person(served, "analyst", Role.Analyst));
        File.WriteAllText(served["names"], "S000003\nS000004\n");
        File.WriteAllText(served["one"], "S000005\n");
        var wrong = new List<string>();
        void Change((string Pem, string Id) who, string verb, params string[] rest)
        {
            // At a server it is for whoever asks; the owner names him.
            string[] whom = verb is "elevate" or "break-glass" ? ["--for", who.Id] : [];
            var (local, remote) = (Local(other, "access " + verb, [.. rest, .. whom]), Remote(served, who.Pem, "access " + verb, rest));
            if (local.Exit != remote.Exit || local.Output != remote.Output) wrong.Add($"{verb} {string.Join(' ', rest)}: {local.Exit} {remote.Exit}\n{local.Output}{local.Error}\n{remote.Output}{remote.Error}");
        }
        Change(steward, "grant", "role:analyst", "--all-samples", "--detail", "record", "--purpose", "treatment", "--reason", "cases");
        Change(director, "approve", "1");
        Change(steward, "grant", "group:ward", "--samples-file", served["names"], "--detail", "exists", "aggregate", "--purpose", "operations", "treatment", "--from", "2126-01-31", "--until", "2126-03-31T08:00:00Z");
        Change(director, "approve", "2");
        Change(steward, "project", "hearts", "--member", "role:researcher", Anna, "--use", "disease", "--disease", "MONDO:0005267/MONDO:0000001", "--modifier", "DUO:0000018", "--collusion-group", "chests");
        Change(director, "approve", "3");
        Change(steward, "settings", "--k", "20", "--break-glass-minutes", "45", "--charge", "by-information");
        Change(director, "approve", "4");
        Change(director, "attest", "1");
        Change(clinician, "elevate", "--cohort", "few", "--detail", "record", "--purpose", "operations", "--minutes", "60", "--reason", "a second look");
        Change(director, "approve", "5");
        Change(clinician, "break-glass", "--samples-file", served["one"], "--minutes", "10", "--reason", "unconscious");
        Change(steward, "epoch");
        Change(steward, "epoch", "--snapshot", "2");
        Change(steward, "assign", Anna, "data-steward");
        Change(director, "approve", "7");
        Change(director, "unassign", Anna, "data-steward");
        Change(steward, "grant", "cert:nobody", "--cohort", "few", "--detail", "record", "--purpose", "treatment");
        Change(director, "approve", "99");
        Change(director, "revoke", "8");
        Change(steward, "grant", Ben, "--cohort", "none of this name", "--detail", "record", "--purpose", "treatment");
        Change(steward, "grant", "nobody", "--all-samples", "--detail", "record", "--purpose", "treatment");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        // Who reads is told the same, whatever was changed.
        foreach (var format in Formats)
            foreach (var (verb, rest) in ((string, string[])[])
            [
                ("list", []), ("list", ["--all"]), ("review", []), ("settings", []), ("explain", [Ben, "--group", "ward", "--role", "analyst", "--attribute", "site=a", "--second-factor", "--purpose", "treatment", "--detail", "record"]),
                ("explain", [Ben, "--purpose", "research", "--detail", "aggregate", "--project", "hearts"]),
            ]) Compare(served, verb == "review" || format == "tsv" ? auditor.Pem : director.Pem, "access " + verb, [.. rest, "--format", format], wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Contains("\treview-break-glass\t", Remote(served, auditor.Pem, "access review").Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, Remote(served, auditor.Pem, "access review", "--reviewed", "6").Exit);
        Assert.DoesNotContain("\treview-break-glass\t", Remote(served, auditor.Pem, "access review").Output, StringComparison.Ordinal);

        ToldOrRefused(served, steward.Pem, clinician.Pem, analyst.Pem);
    }

    /// <summary>Everybody is told why, of himself; of others, and what is not for him, he is not.</summary>
    private static void ToldOrRefused(ServedStore served, string steward, string clinician, string analyst)
    {
        Assert.Contains("answer\tfor\texact", Remote(served, analyst, "access explain", "--purpose", "treatment", "--detail", "record").Output, StringComparison.Ordinal);
        Assert.Contains("answer\tagainst\trefused (not-granted)", Remote(served, analyst, "access explain", "--purpose", "operations", "--detail", "record").Output, StringComparison.Ordinal);
        Assert.Equal(["1", "4"], Remote(served, analyst, "access list", "--format", "tsv").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..].Select(l => l.Split('\t')[0]));
        Refused(Remote(served, analyst, "access explain", Ben, "--purpose", "treatment", "--detail", "record"), ExitCode.CouldNot, "your roles do not allow this");
        Refused(Remote(served, analyst, "access explain", "--group", "ward", "--purpose", "treatment", "--detail", "record"), ExitCode.BadInput, "--group goes with a SUBJECT");
        Refused(Remote(served, analyst, "access review"), ExitCode.CouldNot, "not-granted");
        Refused(Remote(served, analyst, "access grant", Ben, "--all-samples", "--detail", "record", "--purpose", "treatment"), ExitCode.CouldNot, "not-granted");
        Refused(Remote(served, steward, "access break-glass", "--samples-file", served["one"], "--reason", "x"), ExitCode.CouldNot, "not-granted");
        Refused(Remote(served, clinician, "access break-glass", "--samples-file", served["one"], "--reason", "x", "--for", Ben), ExitCode.BadInput, "--for is for a store that lies here");
        Assert.Equal(ExitCode.Done, Remote(served, steward, "access grant", Ben, "--all-samples", "--detail", "record", "--purpose", "treatment").Exit);
        Refused(Remote(served, steward, "access approve", "9"), ExitCode.CouldNot, "another principal");
        Refused(Remote(served, Person(served, "plain", false, Role.DataSteward).Pem, "access approve", "9"), ExitCode.CouldNot, "this needs a second factor");
        Refused(Run("access", "list", served.StorePath, "--credentials", "x"), ExitCode.BadInput, "--credentials goes with --server");
    }

    [Fact]
    public async Task An_auditor_reads_the_log_of_a_server_alone()
    {
        await using var served = await ServedStore.StartAsync(samples: 24, variants: 100);
        await served.Server.Rounds.DisposeAsync();
        var (steward, director, auditor) = (Person(served, "steward", Role.DataSteward), Person(served, "director", Role.LabDirector), Person(served, "auditor", Role.Auditor));
        var reader = Credentials(served, "reader", Role.Analyst);
        served.Owner((store, _) => store.SetCohort("mine", ["S000001", "S000002"], null));
        var allele = Local(served, "freq").Output.Split('\n')[1].Split('\t') is var c ? $"{c[0]}-{c[1]}-{c[2]}-{c[3]}" : "";
        Assert.Equal(ExitCode.Done, Remote(served, reader, "carriers", allele).Exit);
        var sample = Remote(served, reader, "cohort show", "mine").Output.Split('\n')[1].Trim();
        Assert.Equal(ExitCode.Done, Remote(served, steward.Pem, "access grant", Ben, "--cohort", "mine", "--detail", "record", "--purpose", "treatment").Exit);
        Assert.Equal(ExitCode.Done, Remote(served, director.Pem, "access approve", "2").Exit);
        Assert.Equal(ExitCode.Done, Remote(served, director.Pem, "access attest", "2").Exit);
        Assert.Equal(ExitCode.Done, Remote(served, director.Pem, "access list").Exit);
        Assert.Equal(ExitCode.Done, Remote(served, steward.Pem, "access settings", "--k", "15").Exit);
        Assert.Equal(ExitCode.CouldNot, Remote(served, reader, "access approve", "3").Exit);

        var wrong = new List<string>();
        foreach (var format in Formats)
            foreach (var (verb, rest) in ((string, string[])[])
            [
                ("search", ["--sample", sample]), ("search", ["--verb", "warehouse.v1.Variants/Carriers"]), ("search", ["--who", director.Id]), ("search", ["--who", director.Id, "--verb", "warehouse.v1.Access/Approve"]), ("prove", ["0"]), ("prove", ["3"]), ("review", []),
            ]) Compare(served, auditor.Pem, "audit " + verb, [.. rest, "--format", format], wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(ExitCode.NothingMatched, Remote(served, auditor.Pem, "audit search", "--sample", "nobody of this name").Exit);
        Assert.Equal(ExitCode.NothingMatched, Local(served, "audit search", "--sample", "nobody of this name").Exit);

        // What was changed through the server is to be looked at, and what was only looked at is not.
        var review = Remote(served, auditor.Pem, "audit review", "--format", "tsv").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..].Select(l => l.Split('\t')).Select(r => (Verb: r[5], Reason: r[^1])).ToList();
        foreach (var method in (string[])["Grant", "Approve", "Attest", "ChangeSettings"]) Assert.Contains(("warehouse.v1.Access/" + method, "access"), review);
        Assert.Contains(("warehouse.v1.Access/Approve", "did not end well"), review);
        // Whatever the hour is: what was shown at night is told too, and is no change.
        Assert.DoesNotContain(review.Where(r => !r.Reason.StartsWith("outside working hours", StringComparison.Ordinal)), r => r.Verb is "warehouse.v1.Access/List" or "warehouse.v1.Variants/Carriers" or "warehouse.v1.Audit/Search");

        // A checkpoint that was kept, entries as they are, and a proof between the two.
        Assert.Equal(ExitCode.Done, Remote(served, auditor.Pem, "audit checkpoint", "-o", served["witness"]).Exit);
        Assert.Equal(ExitCode.Done, Remote(served, auditor.Pem, "audit export", "-o", served["remote.jsonl"], "--checkpoint", served["witness2"]).Exit);
        Assert.Equal(ExitCode.Done, Local(served, "audit export", "-o", served["local.jsonl"]).Exit);
        Assert.StartsWith(File.ReadAllText(served["remote.jsonl"]), File.ReadAllText(served["local.jsonl"]), StringComparison.Ordinal);
        Assert.True(File.ReadAllLines(served["remote.jsonl"]).Length > 20);
        Assert.Equal(ExitCode.Done, Local(served, "audit verify", "--witness", served["witness"]).Exit);
        Assert.Contains("\nconsistency\t", Remote(served, auditor.Pem, "audit prove", "0", "--since", served["witness"]).Output, StringComparison.Ordinal);
        Compare(served, auditor.Pem, "audit prove", ["1", "--since", served["witness"], "--format", "tsv"], wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Refused(Remote(served, auditor.Pem, "audit prove", "99999"), ExitCode.BadInput, "audit-entry");
        Refused(Remote(served, auditor.Pem, "audit verify"), ExitCode.BadInput, "audit checkpoint");
        Refused(Remote(served, reader, "audit search"), ExitCode.CouldNot, "not-granted");
        Refused(Remote(served, director.Pem, "audit search"), ExitCode.CouldNot, "not-granted");

        // Signed off in his name, and what came before is no more to be looked at.
        Assert.Equal(ExitCode.Done, Remote(served, auditor.Pem, "audit review", "--sign-off", "looked through").Exit);
        Assert.DoesNotContain("Access/Grant", Remote(served, auditor.Pem, "audit review").Output, StringComparison.Ordinal);
        Assert.Contains($"\treview\t", Remote(served, auditor.Pem, "audit search", "--who", auditor.Id, "--verb", "audit review", "--format", "tsv").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proof_shows_what_it_is_of_and_nothing_else()
    {
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 40);
        for (var i = 0; i < 9; i++) Local(served, "info");
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        var older = System.Text.Encoding.UTF8.GetString(audit.Reader().LatestCheckpoint()!);
        Local(served, "info");
        var (reader, key) = (audit.Reader(), audit.Keys.VerifierKey);
        var (proof, line) = (reader.ProveEntry(5), reader.Entries(5).First().Line.ToArray());
        var path = reader.ProveSince(System.Text.Encoding.UTF8.GetBytes(older), proof).Path;
        Assert.True(proof.Shows(key, 5, line));
        Assert.True(proof.Continues(key, older, path));
        Assert.False(proof.Shows(key, 4, line));
        Assert.False(proof.Shows(key, 5, [.. line[..^1], (byte)'x']));
        Assert.False((proof with { Path = [.. proof.Path.Skip(1)] }).Shows(key, 5, line));
        Assert.False((proof with { Path = [.. proof.Path.Skip(1), "no hash"] }).Shows(key, 5, line));
        Assert.False((proof with { Size = proof.Size - 1 }).Shows(key, 5, line));
        Assert.False((proof with { Checkpoint = proof.Checkpoint.Replace($"\n{proof.Size}\n", $"\n{proof.Size + 1}\n", StringComparison.Ordinal) }).Shows(key, 5, line));
        Assert.False(proof.Shows("nobody+00000000+AAAA", 5, line));
        Assert.False(proof.Continues(key, older, [.. path.Skip(1)]));
        Assert.False(proof.Continues(key, older.Replace("\n" + older.Split('\n')[1] + "\n", "\n1\n", StringComparison.Ordinal), path));
    }

    private static (string Pem, string Id) Person(ServedStore served, string name, params Role[] roles) => Person(served, name, true, roles);

    private static (string Pem, string Id) Person(ServedStore served, string name, bool hasSecondFactor, params Role[] roles)
    {
        var (pem, issued) = served.Server.Identity.Issue(name, 1, roles: roles, hasSecondFactor: hasSecondFactor);
        File.WriteAllText(served[name + ".pem"], pem);
        return (served[name + ".pem"], issued.Id);
    }

    private static void Refused((ExitCode Exit, string Output, byte[] Bytes, string Error) run, ExitCode code, string says)
    {
        Assert.True(run.Exit == code, $"{run.Exit}: {run.Output}{run.Error}");
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }
}
