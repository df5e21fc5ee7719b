using Warehouse.Clinic.ClinVar;

namespace Warehouse.Clinic.Alerts;

/// <summary>What leaves the house: that something waits for somebody, under an id that means nothing. No person, no allele (I6).</summary>
/// <param name="Id">Of the alert; of a message over several, of itself.</param>
/// <param name="Recipient">Who it is for.</param>
/// <param name="Grade">The highest grade in it.</param>
/// <param name="Alerts">Over how many alerts.</param>
/// <param name="SentUtc">When.</param>
public sealed record AlertMessage(string Id, string Recipient, Grade Grade, int Alerts, DateTimeOffset SentUtc)
{
    /// <summary>True for the daily self-test.</summary>
    public bool IsSelfTest { get; init; }
}

/// <summary>A way out for messages. Sending twice is allowed, since a stop may come between the sending and its record; messages of one id are one.</summary>
public interface IAlertWay
{
    /// <summary>Its name in the log.</summary>
    string Name { get; }

    /// <summary>Sends; returns when it is taken on.</summary>
    /// <exception cref="IOException">It was not; it is tried again later.</exception>
    void Send(AlertMessage message);
}
