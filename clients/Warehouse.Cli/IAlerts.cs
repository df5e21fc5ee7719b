using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;

namespace Warehouse.Cli;

/// <summary>Where a run is to deliver beside the inbox; null = not there.</summary>
/// <param name="Communications">Folder of FHIR Communication files.</param>
/// <param name="Tasks">Folder of FHIR Task files.</param>
/// <param name="Webhook">Address to post to.</param>
/// <param name="Secret">File of the secret that signs.</param>
internal sealed record RunWays(string? Communications, string? Tasks, string? Webhook, string? Secret);

/// <summary>The watches and alerts that a line is about, and the releases of ClinVar behind them: of a store that lies here, or of a server. One thread.</summary>
internal interface IAlerts
{
    /// <summary>When alerts go further, and who the directors are.</summary>
    AlertSettings Settings { get; }

    /// <summary>The table of grades.</summary>
    GradeTable Grades { get; }

    /// <summary>Alerts that wait for whoever asks, also closed ones if that is asked for; they count as shown then.</summary>
    Report Inbox(bool closed);

    /// <summary>Where the alerts of everybody stand, without what they are about.</summary>
    Report Course(bool closed);

    /// <summary>One alert; it counts as shown then.</summary>
    Report Show(string id);

    /// <summary>Acknowledges alerts that were shown.</summary>
    Report Acknowledge(IReadOnlyList<string> ids, string reason);

    /// <summary>Hands an alert to somebody else.</summary>
    Report Delegate(string id, string to, string reason);

    /// <summary>Puts an alert off.</summary>
    Report Snooze(string id, int hours, string reason);

    /// <summary>Sends an alert on.</summary>
    Report Escalate(string id, string reason);

    /// <summary>Raises, routes, escalates and delivers what is due. A server has its own ways.</summary>
    Report Run(RunWays ways);

    /// <summary>Where alerts stand, and what somebody must look at.</summary>
    Report Status();

    /// <summary>Lays settings down.</summary>
    void Change(AlertSettings settings);

    /// <summary>The watches.</summary>
    Report Watches();

    /// <summary>Keeps a watch, in place of one of its name.</summary>
    Report Keep(Watch watch);

    /// <summary>Keeps a watch no more.</summary>
    Report Remove(string watch);

    /// <summary>Who cares for whom.</summary>
    Report Care();

    /// <summary>Says who cares for persons.</summary>
    Report Import(IReadOnlyList<CareRow> rows);

    /// <summary>What a release would change, and what of it is not understood.</summary>
    ReleaseFacts Facts(string release);

    /// <summary>Lets a release hold; false = it held already.</summary>
    (ReleaseFacts Facts, bool IsNew) Accept(string release, AcceptOptions options);

    /// <summary>The releases, and which of them hold.</summary>
    Report Releases();

    /// <summary>What changed between two releases: of the class, or all.</summary>
    Report Compare(string before, string after, bool all);

    /// <summary>How many alerts a release would raise.</summary>
    Report Preview(string release);

    /// <summary>What each release that holds says of an allele.</summary>
    Report History(string allele);

    /// <summary>Puts another table of grades in its place; returns the one in force then.</summary>
    GradeTable Change(GradeTable table);
}
