using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Cli.Verbs;

/// <summary>
/// <c>access</c> and its sub-verbs: who may see what of a store that is served. Whoever runs them on its folder is the store's owner, and is named; at a server each does what he
/// may, in his own name.
/// </summary>
internal sealed class AccessVerb : GroupVerb
{
    private const string ByVariant = "by-variant";

    private readonly Argument<string> _subject = new("SUBJECT") { Description = "role:ROLE, group:NAME, attribute:NAME=VALUE, or a principal: oidc:ISSUER|SUBJECT, cert:SHA256, local:ACCOUNT." };
    private readonly Argument<string> _role = new("ROLE") { Description = "lab-director, reviewer, analyst, researcher, clinician, data-steward, auditor, operator or spoke." };
    private readonly Argument<string> _name = new("NAME") { Description = "The project's name." };
    private readonly Argument<int> _entry = new("ENTRY") { Description = "Number of the entry, as access list shows it." };
    private readonly Argument<int[]> _entries = new("ENTRY") { Arity = ArgumentArity.OneOrMore, Description = "Numbers of grants, as access review shows them." };
    private readonly Option<bool> _all = new("--all-samples") { Description = "Every sample, those loaded later too." };
    private readonly Option<string?> _cohort = new("--cohort") { HelpName = "NAME", Description = "The members of this cohort, as it is whenever somebody asks." };
    private readonly Option<string?> _file = new("--samples-file") { HelpName = "FILE", Description = "These samples: one name per line, - is standard input." };
    private readonly Option<string> _patient = new("--samples-file") { HelpName = "FILE", Required = true, Description = "Samples of one person, all of whose samples are opened: one name per line, - is standard input." };
    private readonly Option<string[]> _details = Many("--detail", "LEVEL", "exists, aggregate, record or linkage; each is granted for itself.", required: true);
    private readonly Option<string[]> _purposes = Many("--purpose", "PURPOSE", "treatment, operations or research.", required: true);
    private readonly Option<string?> _from = new("--from") { HelpName = "TIME", Description = "First moment (2027-01-31, or 2027-01-31T08:00:00Z); now where not said." };
    private readonly Option<string?> _until = new("--until") { HelpName = "TIME", Description = "First moment that it is over; as late as the settings allow where not said." };
    private readonly Option<int?> _minutes = new("--minutes") { HelpName = "N", Description = "For how long; as long as the settings allow where not said." };
    private readonly Option<string> _reason = new("--reason") { HelpName = "TEXT", DefaultValueFactory = _ => "", Description = "Why; holds no name of a patient or sample." };
    private readonly Option<string> _needed = new("--reason") { HelpName = "TEXT", Required = true, Description = "Why; holds no name of a patient or sample." };
    private readonly Option<string?> _for = new("--for") { HelpName = "PRINCIPAL", Description = "For whom; the account that runs the command where not said. At a server it is whoever asks." };
    private readonly Option<string[]> _members = Many("--member", "SUBJECT", "Who may ask on its behalf.", required: true);
    private readonly Option<string> _use = new("--use") { HelpName = "general|biomedical|disease|ancestry", Required = true, Description = "Kind of research that it is registered for." };
    private readonly Option<string[]> _diseases = Many("--disease", "MONDO[/MONDO…]", "A disease that it studies, then terms of which it is a kind.");
    private readonly Option<string[]> _modifiers = Many("--modifier", "DUO", "A condition of consent that it is bound to keep: DUO:0000018, DUO:0000022=VALUE.");
    private readonly Option<string?> _group = new("--collusion-group") { HelpName = "NAME", Description = "Projects of one group share their budgets; its own where not said." };
    private readonly Option<bool> _past = new("--all") { Description = "Also what is revoked, replaced or over." };
    private readonly Option<int?> _reviewed = new("--reviewed") { HelpName = "ENTRY", Description = "Put into the policy that you have looked into this break-glass." };
    private readonly Option<string[]> _roles = Many("--role", "ROLE", "A role that the identity provider states of it.");
    private readonly Option<string[]> _groups = Many("--group", "NAME", "A group that the identity provider states of it.");
    private readonly Option<string[]> _attributes = Many("--attribute", "NAME=VALUE", "An attribute that the identity provider states of it.");
    private readonly Option<bool> _factor = new("--second-factor") { Description = "It has shown a second factor." };
    private readonly Argument<string> _self = new("SUBJECT") { Arity = ArgumentArity.ZeroOrOne, Description = "A principal; whoever asks the server where not said." };
    private readonly Option<string> _purpose = new("--purpose") { HelpName = "PURPOSE", Required = true, Description = "treatment, operations or research." };
    private readonly Option<string> _detail = new("--detail") { HelpName = "LEVEL", Required = true, Description = "exists, aggregate, record or linkage." };
    private readonly Option<string?> _project = new("--project") { HelpName = "NAME", Description = "Project on whose behalf it asks." };
    private readonly Option<long?> _snapshot = new("--snapshot") { HelpName = "VERSION", Description = "Version of the store that it answers from; the newest where not said." };
    private readonly Option<int?> _k = new("--k") { HelpName = "N", Description = "Least number of samples shown below the level record; at least 11." };
    private readonly Option<int?> _minCohort = new("--min-cohort") { HelpName = "N", Description = "Least size of a cohort at the level aggregate." };
    private readonly Option<int?> _grantDays = new("--grant-days") { HelpName = "N", Description = "Longest life of a grant." };
    private readonly Option<int?> _elevationMinutes = new("--elevation-minutes") { HelpName = "N", Description = "Longest life of an elevation; at most 480." };
    private readonly Option<int?> _glassMinutes = new("--break-glass-minutes") { HelpName = "N", Description = "Longest life of a break-glass; at most 60." };
    private readonly Option<string?> _charge = new("--charge") { HelpName = "by-variant|by-information", Description = "How projects are charged: per variant, a tenth of the cohort (the default), or by what an answer tells about a carrier." };

    /// <inheritdoc/>
    protected override bool MayAskServer => true;

    /// <inheritdoc/>
    protected override bool IsQuestion => false;

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        _charge.AcceptOnlyFromAmong("by-information", ByVariant);
        Opens(command, context, ("grant", "Let somebody see samples; waits for approval."), [_subject, _all, _cohort, _file, _details, _purposes, _from, _until, _reason],
            parsed => Request(parsed, context, Subject.Parse(parsed.GetRequiredValue(_subject))), (_, access, request) => access.Grant(request));
        Changes(command, context, ("approve", "Approve what somebody else granted, assigned, registered, set or asked for."), [_entry], (parsed, access) => access.Approve(parsed.GetRequiredValue(_entry)));
        Changes(command, context, ("revoke", "Revoke a grant, a role, a project or a request, at once."), [_entry], (parsed, access) => access.Revoke(parsed.GetRequiredValue(_entry)));
        Changes(command, context, ("attest", "Confirm that grants are still needed: one that nobody attests for 90 days is suspended."), [_entries], (parsed, access) => access.Attest(parsed.GetRequiredValue(_entries)));
        Changes(command, context, ("assign", "Give a role to a principal or a group; waits for approval."), [_subject, _role], (parsed, access) => access.Assign(Subject.Parse(parsed.GetRequiredValue(_subject)), Subject.RoleOf(parsed.GetRequiredValue(_role))));
        Changes(command, context, ("unassign", "Take a role from a principal or a group, at once."), [_subject, _role], (parsed, access) => access.Unassign(Subject.Parse(parsed.GetRequiredValue(_subject)), Subject.RoleOf(parsed.GetRequiredValue(_role))));
        Changes(command, context, ("project", "Register a research project, or register it anew; waits for approval."), [_name, _members, _use, _diseases, _modifiers, _group], (parsed, access) => access.Register(Project(parsed)));
        Opens(command, context, ("elevate", "Ask for more for some hours; waits for approval by another principal."), [_for, _all, _cohort, _file, _details, _purposes, _minutes, _needed],
            parsed => Request(parsed, context, For(parsed)) with { Reason = parsed.GetRequiredValue(_needed) }, (parsed, access, request) => access.Elevate(request, parsed.GetValue(_minutes)));
        Changes(command, context, ("epoch", "Open a release epoch: figures below the level record are from its snapshot from then on. Refused where a cohort changed by fewer than k people since an earlier one."), [_snapshot],
            (parsed, access) => access.OpenEpoch(parsed.GetValue(_snapshot)));
        BreakGlass(command, context);
        Settings(command, context);
        Shows(command, context, ("list", "List what is granted, assigned, registered and set, and by whom; at a server what you may read of it."), [_past], (parsed, access) => AccessReports.Of(access.Entries(parsed.GetValue(_past))));
        Review(command, context);
        Shows(command, context, ("explain", "Say why somebody is refused, or how answers are bounded, without telling what is hidden; at a server yourself, where no SUBJECT is named."), [AsksServer ? _self : _subject, _roles, _groups, _attributes, _factor, _purpose, _detail, _project],
            (parsed, access) => AccessReports.Of(access.Explain(Question(parsed))));
    }

    private void BreakGlass(Command command, CliContext context) => Sub(command, context, ("break-glass", "Open one patient's samples in an emergency, at once, for an hour at most; another principal reviews it within 72 hours."), [_for, _patient, _minutes, _needed], (parsed, address) =>
    {
        RequireSelf(parsed, address);
        var request = new BreakGlassRequest
        {
            Subject = For(parsed), Samples = [.. Lines.Names(parsed.GetRequiredValue(_patient), context)], Reason = parsed.GetRequiredValue(_needed),
            Lasts = parsed.GetValue(_minutes) is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
        };
        context.BeginChange(address, parsed, request.Samples);
        return context.Engine.ChangeAccess(address, access => access.BreakGlass(request));
    });

    private void Settings(Command command, CliContext context) => Sub(command, context, ("settings", "Show the bounds in force, or change some; a change waits for approval."), [_k, _minCohort, _grantDays, _elevationMinutes, _glassMinutes, _charge], (parsed, address) =>
    {
        var request = new SettingsRequest
        {
            K = parsed.GetValue(_k), MinCohort = parsed.GetValue(_minCohort), MaxGrantDays = parsed.GetValue(_grantDays), MaxElevationMinutes = parsed.GetValue(_elevationMinutes), MaxBreakGlassMinutes = parsed.GetValue(_glassMinutes),
            ChargesByVariant = parsed.GetValue(_charge) is { } charge ? charge == ByVariant : null,
        };
        if (request == new SettingsRequest())
        {
            context.Begin(address, parsed);
            return context.Engine.Access(address, access => AccessReports.Of(access.Settings));
        }
        context.BeginChange(address, parsed);
        return context.Engine.ChangeAccess(address, access => access.Set(request));
    });

    private void Review(Command command, CliContext context) => Sub(command, context, ("review", "List grants with their last attestation, requests, elevations, roles, and every break-glass that nobody has looked into."), [_reviewed], (parsed, address) =>
    {
        if (parsed.GetValue(_reviewed) is { } id)
        {
            context.BeginChange(address, parsed);
            return context.Engine.ChangeAccess(address, access => access.ReviewBreakGlass(id));
        }
        context.Begin(address, parsed);
        return context.Engine.Access(address, access => AccessReports.Of(access.Review()));
    });

    private void Shows(Command command, CliContext context, (string Name, string Summary) sub, Symbol[] symbols, Func<ParseResult, IAccess, Report> show) => Sub(command, context, sub, symbols, (parsed, address) =>
    {
        context.Begin(address, parsed);
        return context.Engine.Access(address, access => show(parsed, access));
    });

    private void Changes(Command command, CliContext context, (string Name, string Summary) sub, Symbol[] symbols, Func<ParseResult, IAccess, PolicyChange> change) => Sub(command, context, sub, symbols, (parsed, address) =>
    {
        RequireSelf(parsed, address);
        context.BeginChange(address, parsed);
        return context.Engine.ChangeAccess(address, access => change(parsed, access));
    });

    /// <summary>The same of what opens samples: those that it names are in the audit log before it does.</summary>
    private void Opens(Command command, CliContext context, (string Name, string Summary) sub, Symbol[] symbols, Func<ParseResult, GrantRequest> read, Func<ParseResult, IAccess, GrantRequest, PolicyChange> change) => Sub(command, context, sub, symbols, (parsed, address) =>
    {
        RequireSelf(parsed, address);
        var request = read(parsed);
        context.BeginChange(address, parsed, request.Samples);
        return context.Engine.ChangeAccess(address, access => change(parsed, access, request));
    });

    private GrantRequest Request(ParseResult parsed, CliContext context, Subject subject) => new()
    {
        Subject = subject, AllSamples = parsed.GetValue(_all), Cohort = parsed.GetValue(_cohort), Samples = parsed.GetValue(_file) is { } file ? [.. Lines.Names(file, context)] : null,
        Details = [.. parsed.GetRequiredValue(_details).Select(Word<Detail>)], Purposes = [.. parsed.GetRequiredValue(_purposes).Select(Word<Purpose>)],
        FromUtc = Time(parsed.GetValue(_from)), UntilUtc = Time(parsed.GetValue(_until)), Reason = parsed.GetValue(_reason) ?? "",
    };

    private Subject For(ParseResult parsed) => Subject.Parse(parsed.GetValue(_for) ?? Engine.Owner.Id);

    private void RequireSelf(ParseResult parsed, StoreAddress address)
    {
        if (address.Server is not null && parsed.GetValue(_for) is not null) throw new InputException("access-for", "--for is for a store that lies here: at a server everybody asks for himself", InputPlace.None);
    }

    private ProjectRequest Project(ParseResult parsed) => new()
    {
        Name = parsed.GetRequiredValue(_name), Members = [.. parsed.GetRequiredValue(_members).Select(Subject.Parse)], CollusionGroup = parsed.GetValue(_group),
        Use = new RegisteredUse
        {
            Kind = Word<ResearchKind>(parsed.GetRequiredValue(_use)), Modifiers = parsed.GetValue(_modifiers) ?? [],
            Diseases = [.. (parsed.GetValue(_diseases) ?? []).Select(d => d.Split('/')).Select(d => new Disease(d[0], d[1..]))],
        },
    };

    private ExplainedQuestion Question(ParseResult parsed)
    {
        string? id = AsksServer ? parsed.GetValue(_self) : parsed.GetRequiredValue(_subject);
        if (id is null && ((Option[])[_roles, _groups, _attributes, _factor]).FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } stated)
            throw new InputException("access-subject", $"{stated.Name} goes with a SUBJECT: of whoever asks, the server knows it", InputPlace.None);
        var subject = id is null ? null : new Caller
        {
            Id = id, Roles = (parsed.GetValue(_roles) ?? []).Select(Subject.RoleOf).ToHashSet(), Groups = new HashSet<string>(parsed.GetValue(_groups) ?? [], StringComparer.Ordinal),
            Attributes = (parsed.GetValue(_attributes) ?? []).Select(a => Subject.Parse("attribute:" + a)).DistinctBy(a => a.Name).ToDictionary(a => a.Name, a => a.Value, StringComparer.Ordinal), HasSecondFactor = parsed.GetValue(_factor),
        };
        return new ExplainedQuestion(subject, Word<Purpose>(parsed.GetRequiredValue(_purpose)), Word<Detail>(parsed.GetRequiredValue(_detail)), parsed.GetValue(_project));
    }

    private static Option<string[]> Many(string name, string helpName, string description, bool required = false) =>
        new(name) { HelpName = helpName, Required = required, Description = description, AllowMultipleArgumentsPerToken = true, Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore };

    private static T Word<T>(string word) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
            if (value.ToString().ToLowerInvariant() == word) return value;
        throw new InputException("access-word", $"expected one of {string.Join(", ", Enum.GetValues<T>()).ToLowerInvariant()}", InputPlace.None);
    }

    private static DateTimeOffset? Time(string? text)
    {
        if (text is null) return null;
        return DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new InputException("access-time", "a time is a day as 2027-01-31 or a moment as 2027-01-31T08:00:00Z, in UTC", InputPlace.None);
    }
}
