using Warehouse.Clinic.Alerts;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Notify;

/// <summary>The ways out for messages about alerts that a configuration names.</summary>
internal static class AlertWays
{
    /// <summary>Opens them; none is what there is without a configuration: then there is the inbox.</summary>
    public static IReadOnlyList<IAlertWay> Of(ServerConfiguration configuration, TimeProvider clock)
    {
        var (alerts, ways) = (configuration.Alerts, new List<IAlertWay>());
        if (alerts.Webhook is { } webhook) ways.Add(new WebhookWay(WebhookSender.Open(webhook, configuration)));
        if (alerts.Mail is not null) ways.Add(new AlertMail(alerts, configuration, clock));
        if (alerts.FhirTasks is { } tasks) ways.Add(new FhirFolderWay(configuration.Resolve(tasks), asTask: true));
        if (alerts.FhirCommunications is { } communications) ways.Add(new FhirFolderWay(configuration.Resolve(communications)));
        return ways;
    }
}
