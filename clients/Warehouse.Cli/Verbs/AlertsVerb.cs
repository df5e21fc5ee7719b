using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>alerts</c>: what waits for whoever runs the command, what he does about it, and the run that raises and delivers.</summary>
internal sealed class AlertsVerb : AlertVerb
{
    private readonly Argument<string> _id = new("ALERT") { Description = "Id of the alert." };
    private readonly Argument<string[]> _ids = new("ALERT") { Arity = ArgumentArity.OneOrMore, Description = "Ids of alerts; - reads them from standard input, one per line." };
    private readonly Option<bool> _everybody = new("--everybody") { Description = "Those of all recipients, without what they are about, with their times; nothing counts as shown." };
    private readonly Option<bool> _closed = new("--closed") { Description = "Also those that are closed." };
    private readonly Option<string> _reason = new("--reason") { HelpName = "TEXT", Required = true, Description = "Why." };
    private readonly Option<string> _to = new("--to") { HelpName = "PRINCIPAL", Required = true, Description = "Who takes it over; he must be allowed to see the patient." };
    private readonly Option<int> _hours = new("--hours") { HelpName = "N", Required = true, Description = "For how long: a critical one for 24 at most, another for 720." };
    private readonly Option<string?> _communications = new("--fhir-communications") { HelpName = "DIR", Description = "Write messages as FHIR Communication files into this folder." };
    private readonly Option<string?> _tasks = new("--fhir-tasks") { HelpName = "DIR", Description = "Write messages as FHIR Task files into this folder." };
    private readonly Option<string?> _webhook = new("--webhook") { HelpName = "URL", Description = "Post messages to this address, signed." };
    private readonly Option<string?> _secret = new("--webhook-secret") { HelpName = "FILE", Description = "The secret that signs them: the bytes of this file, at least 32." };
    private readonly Option<int?> _critical = new("--critical-hours") { HelpName = "N", Description = "Hours until a critical alert that nobody acknowledges goes to the next deputy." };
    private readonly Option<int?> _major = new("--major-hours") { HelpName = "N", Description = "The same of a major one." };
    private readonly Option<int?> _minor = new("--minor-hours") { HelpName = "N", Description = "The same of a minor one." };
    private readonly Option<int?> _messages = new("--messages-an-hour") { HelpName = "N", Description = "Messages an hour to one recipient by one way; what is more goes as one." };
    private readonly Option<string[]> _directors = new("--director") { HelpName = "PRINCIPAL", AllowMultipleArgumentsPerToken = true, Description = "Who hears when no deputy is left, and of the self-test." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("list", "List the alerts that wait for you; they count as shown to you then."), [_everybody, _closed], (parsed, sources) =>
        {
            if (parsed.GetValue(_everybody)) return AlertReports.OfCourse(Book(sources).Alerts.Where(a => parsed.GetValue(_closed) || a.State == AlertState.Open));
            using var desk = Desk(sources);
            return AlertReports.OfInbox(desk.Inbox(parsed.GetValue(_closed)));
        });
        Changes(command, context, ("show", "Show one of your alerts; it counts as shown to you then."), [_id], (parsed, sources) =>
        {
            using var desk = Desk(sources);
            return AlertReports.OfInbox([desk.Show(parsed.GetRequiredValue(_id))]);
        });
        Changes(command, context, ("ack", "Acknowledge alerts that were shown to you: you take care."), [_ids, _reason], (parsed, sources) =>
        {
            using var desk = Desk(sources);
            string[] ids = parsed.GetRequiredValue(_ids) is ["-"] ? [.. Lines.Names("-", context)] : parsed.GetRequiredValue(_ids);
            desk.Acknowledge(ids, parsed.GetRequiredValue(_reason));
            return AlertReports.OfCourse(ids.Select(id => desk.Book.Find(id)!));
        });
        Acts(command, context, ("delegate", "Hand an alert to somebody who may see the patient."), [_to], (parsed, desk, id, reason) => desk.Delegate(id, parsed.GetRequiredValue(_to), reason));
        Acts(command, context, ("snooze", "Put an alert off: it does not go further meanwhile."), [_hours], (parsed, desk, id, reason) => desk.Snooze(id, desk.Book.NowUtc.AddHours(parsed.GetRequiredValue(_hours)), reason));
        Acts(command, context, ("escalate", "Send an alert to the next deputy now."), [], (parsed, desk, id, reason) => desk.Escalate(id, reason));
        Changes(command, context, ("run", "Raise, route, escalate and deliver all that is due, and test itself once a day; run it every few minutes. Exit code 4 when somebody must look."), [_communications, _tasks, _webhook, _secret], RunAll);
        Changes(command, context, ("settings", "Show when alerts go further and who the directors are, or change it."), [_critical, _major, _minor, _messages, _directors], Settings);
    }

    private void Acts(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Action<ParseResult, AlertDesk, string, string> act) => Changes(command, context, named, [_id, .. symbols, _reason], (parsed, sources) =>
    {
        using var desk = Desk(sources);
        var id = parsed.GetRequiredValue(_id);
        act(parsed, desk, id, parsed.GetRequiredValue(_reason));
        return AlertReports.OfCourse([desk.Book.Find(id)!]);
    });

    private static AlertDesk Desk(AlertSources sources) => new(sources, TimeProvider.System, Who, Who);

    private Report RunAll(ParseResult parsed, AlertSources sources)
    {
        var ways = new List<IAlertWay>();
        if (parsed.GetValue(_communications) is { } communications) ways.Add(new FhirFolderWay(communications));
        if (parsed.GetValue(_tasks) is { } tasks) ways.Add(new FhirFolderWay(tasks, asTask: true));
        using var webhook = Webhook(parsed);
        if (webhook is not null) ways.Add(webhook);
        return AlertReports.Of(new AlertRun(sources, TimeProvider.System, Who, ways).Run());
    }

    private WebhookWay? Webhook(ParseResult parsed)
    {
        var (address, secret) = (parsed.GetValue(_webhook), parsed.GetValue(_secret));
        if ((address is null) != (secret is null)) throw new InputException("alert-webhook", "--webhook and --webhook-secret go together", InputPlace.None);
        if (address is null) return null;
        if (!File.Exists(secret)) throw new InputException("no-file", "no such file", new InputPlace(secret!, 0, 0, ""));
        try
        {
            return new WebhookWay(new Uri(address, UriKind.Absolute), File.ReadAllBytes(secret));
        }
        catch (Exception e) when (e is ArgumentException or UriFormatException)
        {
            throw new InputException("alert-webhook", $"the address is https, or http on this machine, and the secret has {WebhookWay.MinSecretBytes} bytes or more", InputPlace.None);
        }
    }

    private Report Settings(ParseResult parsed, AlertSources sources)
    {
        var now = Book(sources).Settings;
        var next = now with
        {
            CriticalHours = Hours(parsed.GetValue(_critical)) ?? now.CriticalHours, MajorHours = Hours(parsed.GetValue(_major)) ?? now.MajorHours, MinorHours = Hours(parsed.GetValue(_minor)) ?? now.MinorHours,
            MessagesAnHour = Hours(parsed.GetValue(_messages)) ?? now.MessagesAnHour, Directors = parsed.GetResult(_directors) is null ? now.Directors : parsed.GetValue(_directors) ?? [],
        };
        foreach (var id in next.Directors) Warehouse.Engine.Access.Subject.Parse(id);
        if (next != now) Append(sources, new SettingsSet(next));
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        return Report.OfFacts(("critical hours", Text(next.CriticalHours)), ("major hours", Text(next.MajorHours)), ("minor hours", Text(next.MinorHours)), ("messages an hour", Text(next.MessagesAnHour)), ("directors", string.Join(' ', next.Directors)));
    }

    private static int? Hours(int? given) => given is null or >= 1 and <= 10_000 ? given : throw new InputException("alert-settings", "a number from 1 to 10,000 is needed", InputPlace.None);
}
