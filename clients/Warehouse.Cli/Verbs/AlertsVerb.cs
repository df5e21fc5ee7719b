using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Remote;
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
    private readonly Option<string[]> _directors = new("--director") { HelpName = "PRINCIPAL", AllowMultipleArgumentsPerToken = true, Description = "Who hears when no deputy is left, and of the self-test; a caller or role:ROLE." };

    private readonly Option<int?> _count = new("--count") { HelpName = "N", Description = "Stop after so many alerts." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("list", "List the alerts that wait for you; they count as shown to you then."), [_everybody, _closed], (parsed, alerts) => parsed.GetValue(_everybody) ? alerts.Course(parsed.GetValue(_closed)) : alerts.Inbox(parsed.GetValue(_closed)));
        Changes(command, context, ("show", "Show one of your alerts; it counts as shown to you then."), [_id], (parsed, alerts) => alerts.Show(parsed.GetRequiredValue(_id)));
        DeclareFollow(command, context);
        Changes(command, context, ("ack", "Acknowledge alerts that were shown to you: you take care."), [_ids, _reason], (parsed, alerts) => alerts.Acknowledge(Ids(parsed, context), parsed.GetRequiredValue(_reason)));
        Changes(command, context, ("delegate", "Hand an alert to somebody who may see the patient."), [_id, _to, _reason], (parsed, alerts) => alerts.Delegate(parsed.GetRequiredValue(_id), parsed.GetRequiredValue(_to), parsed.GetRequiredValue(_reason)));
        Changes(command, context, ("snooze", "Put an alert off: it does not go further meanwhile."), [_id, _hours, _reason], (parsed, alerts) => alerts.Snooze(parsed.GetRequiredValue(_id), parsed.GetRequiredValue(_hours), parsed.GetRequiredValue(_reason)));
        Changes(command, context, ("escalate", "Send an alert to the next deputy now."), [_id, _reason], (parsed, alerts) => alerts.Escalate(parsed.GetRequiredValue(_id), parsed.GetRequiredValue(_reason)));
        Changes(command, context, ("run", "Raise, route, escalate and deliver all that is due, and test itself once a day; run it every few minutes. Exit code 4 when somebody must look. A server does it by itself, by its own ways."), [_communications, _tasks, _webhook, _secret], (parsed, alerts) =>
            alerts.Run(new RunWays(parsed.GetValue(_communications), parsed.GetValue(_tasks), parsed.GetValue(_webhook), parsed.GetValue(_secret))));
        Shows(command, context, ("status", "Where alerts stand, and what somebody must look at: then the exit code is 4."), [], (_, alerts) => alerts.Status());
        Changes(command, context, ("settings", "Show when alerts go further and who the directors are, or change it."), [_critical, _major, _minor, _messages, _directors], Settings);
    }

    /// <summary>Alerts as they come have no end, so they are no report.</summary>
    private void DeclareFollow(Command command, CliContext context)
    {
        var follow = new Command("follow", "Print the alerts of a server that wait for you, then each new one as it comes, as TSV.");
        Store.AddReadingTo(follow, AsksServer, isAlone: true);
        follow.Options.Add(_count);
        follow.SetAction(parsed =>
        {
            var address = Store.Read(parsed, context);
            return (int)(address.Server is null ? throw new InputException("alerts-follow", "alerts follow asks a server: name one by --server URL", InputPlace.None) : ((RemoteEngine)context.Engine).FollowAlerts(parsed.GetValue(_count), context));
        });
        command.Subcommands.Add(follow);
    }

    private string[] Ids(ParseResult parsed, CliContext context) => parsed.GetRequiredValue(_ids) is ["-"] ? [.. Lines.Names("-", context)] : parsed.GetRequiredValue(_ids);

    private Report Settings(ParseResult parsed, IAlerts alerts)
    {
        var now = alerts.Settings;
        var next = Next(parsed, now);
        if (next != now) alerts.Change(next);
        return OfSettings(next);
    }

    private AlertSettings Next(ParseResult parsed, AlertSettings now) => WatchIntake.Checked(now with
    {
        CriticalHours = parsed.GetValue(_critical) ?? now.CriticalHours, MajorHours = parsed.GetValue(_major) ?? now.MajorHours, MinorHours = parsed.GetValue(_minor) ?? now.MinorHours,
        MessagesAnHour = parsed.GetValue(_messages) ?? now.MessagesAnHour, Directors = parsed.GetResult(_directors) is null ? now.Directors : parsed.GetValue(_directors) ?? [],
    });

    private static Report OfSettings(AlertSettings settings)
    {
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        return Report.OfFacts(("critical hours", Text(settings.CriticalHours)), ("major hours", Text(settings.MajorHours)), ("minor hours", Text(settings.MinorHours)), ("messages an hour", Text(settings.MessagesAnHour)), ("directors", string.Join(' ', settings.Directors)));
    }
}
